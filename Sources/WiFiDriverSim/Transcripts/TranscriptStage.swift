import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

/// A simulation that carries out the events of a transcript one by one, and compares the module's output.
final class TranscriptStage {
    let simulation: Simulation
    private let contents: [String: [UInt8]]
    private let listener: ModuleListener
    private var delivery: Splitter
    private var peers: [String: VirtualPeer] = [:]

    private var module: SimulatedModule { simulation.modules[0] }

    init(_ script: Transcript.Script, delivery: TranscriptPlayer.Delivery, patience: Duration) {
        let header = script.transcript.header
        simulation = Simulation(
            firmware: Firmware.named(header.profile) ?? .standard, world: script.world, seed: header.seed,
            start: header.start)
        simulation.modules[0].module.lightSleepIsDeaf = header.isUART
        simulation.modules[0].hostBaud = UARTConfiguration().baud.value
        contents = script.contents
        self.delivery = Splitter(delivery)
        listener = ModuleListener(SimulatedLine(simulation), patience: patience)
    }

    /// Carries out an event, or waits for it.
    func play(_ event: Transcript.Event, line: Int) throws(Divergence) {
        switch event {
        case .host(let payload):
            try listener.expectNothing(at: line)
            let bytes = try bytes(of: payload, line: line)
            // At a wrong bit rate, what the receiver reads depends on how the bytes follow each other.
            let pieces = module.isMisread ? [bytes] : delivery.pieces(of: bytes)
            for piece in pieces { module.send(piece) }
        case .module(let expectation):
            try listener.expect([expectation], at: line)
        case .unordered(let items):
            try listener.expect(items, at: line)
        case .wait(let duration): listener.run(for: duration)
        case .quiet(let duration):
            try listener.expectSilence(for: duration, at: line)
        case .baud(let rate): module.hostBaud = rate
        case .reset: module.reset()
        case .pin(let number, let isHigh): module.module.setPin(number, isHigh: isHigh)
        case .power(isOn: true): module.powerOn()
        case .power(isOn: false): module.powerOff()
        case .peer(let name, let action): try play(action, of: peer(name), line: line)
        case .name(let name, .silent): simulation.network.silentNames.insert(name.lowercased())
        case .name(let name, .addresses(let addresses)):
            simulation.network.silentNames.remove(name.lowercased())
            simulation.network.names[name.lowercased()] = addresses.isEmpty ? nil : addresses
        case .world(let change):
            do throws(WorldChangeError) {
                try simulation.make(change)
            } catch {
                throw impossible(error.description, line)
            }
        }
        listener.lastEvent = simulation.now
    }

    private func bytes(of payload: Payload, line: Int) throws(Divergence) -> [UInt8] {
        do throws(PayloadError) {
            return try payload.bytes(bindings: listener.bindings, contents: contents)
        } catch {
            throw impossible(error.reason, line)
        }
    }

    private func impossible(_ reason: String, _ line: Int) -> Divergence {
        Divergence(line: line, reason: .impossible(reason), expected: "", actual: [])
    }

    /// Throws if there is output that no line has matched.
    func expectNothing(line: Int) throws(Divergence) { try listener.expectNothing(at: line) }

    /// Takes the output that no line has matched.
    func takeSaid() -> [UInt8] { listener.takeSaid() }

    // MARK: Other hosts

    private func peer(_ name: String) -> VirtualPeer {
        if let peer = peers[name] { return peer }
        let peer = simulation.makePeer()
        peers[name] = peer
        return peer
    }

    private func play(_ action: Transcript.PeerAction, of peer: VirtualPeer, line: Int) throws(Divergence) {
        switch action {
        case .listens(let transport, let endpoint, let delay, let tls):
            peer.listen(transport, at: endpoint, acceptDelay: delay, tls: tls)
        case .refuses(let transport, let endpoint): simulation.network.refuse(transport, at: endpoint)
        case .ignores(let transport, let endpoint): simulation.network.ignore(transport, at: endpoint)
        case .connects(let transport, let port, let endpoint, let tls):
            peer.connect(transport, toPort: port, from: endpoint, tls: tls)
        case .sends(let payload): peer.send(try bytes(of: payload, line: line))
        case .closes: peer.close()
        case .halfCloses: peer.halfClose()
        case .resets: peer.reset()
        case .receives(let payload):
            while true {
                switch payload.match(peer.pending, from: 0, bindings: listener.bindings) {
                case .matched(let count, let newBindings):
                    _ = peer.take(count)
                    listener.bindings = newBindings
                    return
                case .differs(let offset):
                    throw Divergence(
                        line: line, reason: .differs(at: offset), expected: payload.description, actual: peer.pending)
                case .partial:
                    try awaitPeer(line, expected: payload.description, actual: peer.pending)
                }
            }
        case .sees(let ending):
            let phase: VirtualPeer.State =
                switch ending {
                case .close: .closedByModule
                case .reset: .resetByModule
                case .refusal: .refusedByModule
                }
            while peer.phase != phase { try awaitPeer(line, expected: "the peer sees \(ending.rawValue)", actual: []) }
        }
    }

    private func awaitPeer(_ line: Int, expected: String, actual: [UInt8]) throws(Divergence) {
        listener.collect()
        guard simulation.runToNextDeadline(notAfter: listener.lastEvent + listener.patience) else {
            throw Divergence(line: line, reason: .silence(listener.patience), expected: expected, actual: actual)
        }
    }
}

/// The line of a simulation's first module.
private final class SimulatedLine: TranscriptLine {
    private let simulation: Simulation
    init(_ simulation: Simulation) { self.simulation = simulation }

    var now: Instant { simulation.now }
    func send(_ bytes: [UInt8]) { simulation.send(bytes) }
    func takeBytes() -> [UInt8] { simulation.takeBytes() }
    func wait(until end: Instant) -> Bool { simulation.runToNextDeadline(notAfter: end) }
}

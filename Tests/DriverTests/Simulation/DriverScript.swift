import CDriverWiFi
@testable import WiFiSimDriverCore
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// The steps of an application, its peers and its line. The same script always runs in the same way.
struct DriverScript: CustomStringConvertible {
    var firmware: Firmware
    var seed: UInt64
    var steps: [Step]

    enum Step: Equatable {
        case create(isStream: Bool)
        case bind(Int, port: UInt16)
        case listen(Int)
        case accept(Int)
        case connect(Int, Peer)
        case send(Int, count: Int)
        case receive(Int)
        case names(Int)
        case option(Int, isBlocking: Bool, receiveTimeout: UInt32, sendTimeout: UInt32)
        case close(Int)
        case scan
        case resolve
        case ping
        case join
        case leave
        case powerCycle
        case peerConnects(port: UInt16)
        case peerSends(count: Int)
        case peerCloses
        case accessPoint(isOn: Bool)
        case fault(LineFault, after: Int)
        case wait(milliseconds: Int)
    }

    enum Peer: CaseIterable { case echo, silent, refusing }

    var description: String {
        "profile \(firmware.name) seed \(seed)\n" + steps.map { "  \($0)\n" }.joined()
    }

    /// A script with `length` steps.
    static func random(_ seed: UInt64, length: Int, profiles: [Firmware] = Firmware.all) -> DriverScript {
        var random = SplitMix(seed: seed)
        let firmware = profiles[Int(seed % UInt64(profiles.count))]
        var script = DriverScript(firmware: firmware, seed: seed, steps: [])
        let hasFaults = Int.random(in: 0..<4, using: &random) > 0
        func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
        for _ in 0..<length {
            let socket = below(6)
            let step: Step =
                switch below(100) {
                case ..<12: .create(isStream: below(4) > 0)
                case ..<16: .bind(socket, port: UInt16(4000 + below(4)))
                case ..<19: .listen(socket)
                case ..<22: .accept(socket)
                case ..<34: .connect(socket, below(5) == 0 ? Peer.allCases[below(3)] : .echo)
                case ..<50: .send(socket, count: [0, 1, 10, 1000, 1460, 1461, 3000, 20_000][below(8)])
                case ..<64: .receive(socket)
                case ..<67: .names(socket)
                case ..<71:
                    .option(
                        socket, isBlocking: below(3) > 0, receiveTimeout: UInt32([10, 100, 2000][below(3)]),
                        sendTimeout: UInt32([0, 50, 1000][below(3)]))
                case ..<78: .close(socket)
                case 78: .scan
                case 79: .resolve
                case 80: .ping
                case 81: .join
                case 82: .leave
                case 83: .powerCycle
                case ..<86: .peerConnects(port: UInt16(4000 + below(4)))
                case ..<89: .peerSends(count: [1, 1460, 5000, 60_000][below(4)])
                case 89: .peerCloses
                case 90: .accessPoint(isOn: below(2) == 0)
                case ..<93 where hasFaults:
                    .fault(
                        LineFault.allCases[below(LineFault.allCases.count)], after: [0, 1, 5, 20, 100, 2000][below(6)])
                default: .wait(milliseconds: [0, 1, 10, 100, 1000, 5000][below(6)])
                }
            script.steps.append(step)
        }
        return script
    }
}

/// Runs a script against a model of the permitted results of each call.
struct ScriptRun {
    private(set) var failure: String?
    private(set) var callCount = 0
    private(set) var faultCount = 0

    private let stage: DriverStage
    private var peers: [VirtualPeer] = []
    /// The bytes that each stream socket has sent to the echo service and not received back.
    private var owed: [Int: [UInt8]] = [:]
    private var counter: UInt8 = 0
    /// Calls in progress, with their permitted results and their deadlines.
    private var open: [OpenCall] = []

    private struct OpenCall {
        let id: CallID
        let step: DriverScript.Step
        let allowed: Set<SocketFailure>
        let limit: Instant
    }

    /// The maximum duration of a call: each has a time-out in these scripts, and a lost conversation is searched for
    /// once.
    private static let limit = Duration.seconds(150)

    /// The number of bytes that the module has sent by the end of the steps.
    private(set) var byteCount = 0

    /// The places of the session at which a fault can happen.
    private(set) var places: [FaultPlace] = []

    /// - Parameters:
    ///   - script: the steps, after the module has been switched on and has joined its network.
    ///   - fault: counts from the first byte that the module sends, so it may happen before the module has joined.
    ///   - moduleFault: a fault of the module or its network.
    init(_ script: DriverScript, fault: (kind: LineFault, after: Int)? = nil, moduleFault: Fault? = nil) {
        stage = DriverStage(script.firmware, seed: script.seed)
        stage.line.fault = fault
        if let moduleFault { stage.set(moduleFault) }
        if stage.begin() {
            for step in script.steps where failure == nil {
                perform(step)
                collect()
                for call in open where call.limit <= stage.now { fail("\(call.step) does not end") }
            }
        } else if stage.line.faultCount == 0, moduleFault == nil {
            fail("the station does not join")
        }
        byteCount = stage.line.count
        places = stage.places
        if failure == nil { finish() }
        faultCount = stage.line.faultCount + stage.faultCount
    }

    private mutating func fail(_ reason: String) { if failure == nil { failure = reason } }

    private static let always: Set<SocketFailure> = [.unspecified, .invalidSocket, .aborted]

    private mutating func perform(_ step: DriverScript.Step) {
        let stage = self.stage
        let core = stage.core
        func number(_ socket: Int) -> Int32 { Int32(socket) }
        switch step {
        case .create(let isStream):
            stage.exchange()
            callCount += 1
            guard let index = try? core.createSocket(family: .v4, isStream: isStream), let socket = core.sockets[index]
            else { return }
            owed[index] = nil
            // So that every call ends.
            socket.receiveTimeout = 100
        case .bind(let socket, let port):
            begin(
                step, [.invalidArgument, .isConnected, .addressInUse, .noMemory],
                .bind(number(socket), to: Endpoint(.v4(.any), port)))
        case .listen(let socket):
            begin(step, [.invalidArgument, .isConnected, .notSupported, .noMemory], .listen(number(socket)))
        case .accept(let socket):
            begin(step, [.invalidArgument, .notSupported, .wouldBlock, .noMemory], .accept(number(socket)))
        case .connect(let socket, let peer):
            let target =
                switch peer {
                case .echo: DriverStage.echo
                case .silent: DriverStage.silent
                case .refusing: DriverStage.refusing
                }
            switch core.sockets[socket]?.state {
            case .idle, .bound: owed[socket] = peer == .echo ? [] : nil
            default: break
            }
            begin(
                step,
                [
                    .invalidArgument, .alreadyConnecting, .inProgress, .isConnected, .refused, .reset, .timedOut,
                    .noMemory,
                    .wouldBlock, .addressInUse,
                ], .connect(number(socket), to: target))
        case .send(let socket, let count): send(step, socket, count)
        case .receive(let socket): receive(step, socket)
        case .names(let socket):
            begin(step, [.invalidArgument, .notConnected], .localAddress(number(socket)))
            begin(step, [.invalidArgument, .notConnected], .peerAddress(number(socket)))
        case .option(let socket, let isBlocking, let receiveTimeout, let sendTimeout):
            core.sockets[socket]?.isBlocking = isBlocking
            core.sockets[socket]?.receiveTimeout = receiveTimeout
            core.sockets[socket]?.sendTimeout = sendTimeout
        case .close(let socket):
            owed[socket] = nil
            begin(step, [], .close(number(socket)))
        case .scan: begin(step, [], .scan(limit: 16))
        case .resolve:
            begin(
                step, [.hostNotFound, .timedOut, .invalidArgument, .notSupported], .resolve("gateway.wifisim", .v4))
        case .ping: begin(step, [], .ping(DriverStage.echo.address, until: stage.now + .milliseconds(1900)))
        case .join:
            let network = NetworkConfiguration(
                ssid: Array("wifisim".utf8), password: Array("password".utf8), security: .wpa2, channel: 0, wps: .none)
            begin(step, [], .activate(.station, network))
        case .leave: begin(step, [], .deactivate(.station))
        case .powerCycle:
            owed = [:]
            begin(step, [], .power(.off))
            begin(step, [], .power(.full))
        case .peerConnects(let port):
            let peer = stage.simulation.makePeer()
            peers.append(peer)
            peer.connect(
                .tcp, toPort: port, ofModule: 0,
                from: Endpoint(.v4(IPv4Address(10, 0, 2, 9)), 30_000 + UInt16(peers.count % 1000)))
        case .peerSends(let count): peers.last?.send([UInt8](repeating: 0x2B, count: count))
        case .peerCloses: peers.popLast()?.close()
        case .accessPoint(let isOn):
            stage.simulation.changeAccessPoint("wifisim") { $0.isOn = isOn }
            stage.exchange()
        case .fault(let kind, let after): if stage.line.fault == nil { stage.line.fault = (kind, after) }
        case .wait(let milliseconds):
            stage.pass(.milliseconds(milliseconds))
            for peer in peers { _ = peer.take() }
        }
    }

    private mutating func begin(
        _ step: DriverScript.Step, _ allowed: Set<SocketFailure>, _ call: DriverCall
    ) {
        callCount += 1
        let id = stage.start(call)
        open.append(
            OpenCall(id: id, step: step, allowed: allowed.union(Self.always), limit: stage.now + Self.limit))
    }

    private mutating func collect() {
        var left: [OpenCall] = []
        for call in open {
            guard let outcome = stage.outcome(of: call.id) else {
                left.append(call)
                continue
            }
            // So that every call ends.
            if case .success(.accepted(let socket, _)) = outcome { stage.core.sockets[socket]?.receiveTimeout = 100 }
            if case .failure(.socket(let code)) = outcome, !call.allowed.contains(code) {
                fail("\(call.step) gives \(code)")
            }
        }
        open = left
    }

    /// Runs one call with no other call in progress on its socket, so that the model knows the order.
    private mutating func wait(_ id: CallID, _ step: DriverScript.Step) -> CallOutcome? {
        let end = stage.now + Self.limit
        while stage.now < end {
            if let outcome = stage.outcome(of: id) { return outcome }
            stage.pass(until: end)
        }
        fail("\(step) does not end")
        return nil
    }

    private mutating func send(_ step: DriverScript.Step, _ socket: Int, _ count: Int) {
        guard let target = stage.core.sockets[socket] else { return }
        callCount += 1
        counter &+= 1
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) &+ counter }
        let deadline = target.deadline(target.sendTimeout, from: stage.now)
        let destination = target.isStream ? nil : DriverStage.echo
        let id = stage.start(.send(target, count: count, to: destination, until: deadline), bytes: bytes)
        guard let outcome = wait(id, step) else { return }
        switch outcome {
        case .success(.count(let sent)):
            if sent > count || (count > 0 && sent == 0) { fail("\(step) has sent \(sent)") }
            if target.isStream { owed[socket]? += bytes.prefix(sent) }
        case .success: fail("\(step) gives no count")
        case .failure(.socket(let code)):
            let allowed: Set<SocketFailure> = [.notConnected, .reset, .wouldBlock, .invalidArgument, .noMemory]
            if !allowed.union(Self.always).contains(code) { fail("\(step) gives \(code)") }
        case .failure(.driver): fail("\(step) gives a code of another kind")
        }
    }

    private mutating func receive(_ step: DriverScript.Step, _ socket: Int) {
        guard let target = stage.core.sockets[socket] else { return }
        callCount += 1
        let deadline = target.deadline(target.receiveTimeout, from: stage.now)
        let id = stage.start(.receive(target, until: deadline))
        guard let outcome = wait(id, step) else { return }
        switch outcome {
        case .success:
            guard let got = stage.read(socket) else { return fail("\(step) found nothing to read") }
            guard target.isStream, let expected = owed[socket], !stage.hasDamaged else { return }
            if !expected.starts(with: got) { fail("\(step) gives other bytes than were sent") }
            owed[socket] = Array(expected.dropFirst(got.count))
        case .failure(.socket(let code)):
            let allowed: Set<SocketFailure> = [.notConnected, .reset, .wouldBlock, .noMemory]
            if !allowed.union(Self.always).contains(code) { fail("\(step) gives \(code)") }
        case .failure(.driver): fail("\(step) gives a code of another kind")
        }
    }

    /// Ends everything, and checks that nothing is left.
    private mutating func finish() {
        let end = stage.now + Self.limit
        while !open.isEmpty, stage.now < end {
            stage.pass(until: end)
            collect()
        }
        if let call = open.first { return fail("\(call.step) does not end") }
        guard stage.run(.power(.off)) != nil else { return fail("the power cannot be switched off") }
        stage.pass(.seconds(60))
        let core = stage.core
        if !core.calls.isEmpty { fail("calls are left over") }
        if !core.queue.isEmpty || core.current != nil { fail("work is left over") }
        if core.links.contains(where: { $0 != nil }) { fail("links are left over") }
        if core.sockets.contains(where: { $0 != nil }) { fail("sockets are left over") }
        stage.simulation.changeAccessPoint("wifisim") { $0.isOn = true }
        stage.line.fault = nil
        stage.clearFaults()
        stage.pass(.seconds(30))
        // After that it works again.
        if !stage.begin() { fail("the station does not join any more") }
    }
}

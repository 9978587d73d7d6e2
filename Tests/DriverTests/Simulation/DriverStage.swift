@testable import WiFiSimDriverCore
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// A driver's core with a simulated module, in virtual time: no thread, no clock, and a line in memory.
final class DriverStage {
    let core: DriverCore
    let simulation: Simulation
    var line = FaultyLine()
    /// Splits arriving data into pieces.
    private var random: SplitMix
    private let splits: Bool
    /// The bytes of the Sends in progress.
    private var blocks: [CallID: [UInt8]] = [:]
    /// The virtual time.
    var now: Instant { simulation.now }

    /// The places of the session at which a fault can happen.
    private(set) var places: [FaultPlace] = []
    /// How often a fault of the module has happened.
    private(set) var faultCount = 0
    /// Whether a fault may have changed data, which no AT driver can detect.
    var hasDamaged: Bool { line.hasDamaged || faultDamages }
    private var faultDamages = false

    static let echo = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 7)
    static let silent = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 9999)
    static let refusing = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 9998)

    init(_ firmware: Firmware, seed: UInt64, splits: Bool = true) {
        simulation = Simulation(firmware: firmware, seed: seed)
        core = DriverCore(times: .init(connect: .seconds(2), reply: .seconds(5), busy: .seconds(10)))
        random = SplitMix(seed: seed)
        self.splits = splits
        simulation.network.ignore(.tcp, at: Self.silent)
        simulation.modules[0].module.tellPlaces()
        simulation.modules[0].observer = { [unowned self] in
            switch $0 {
            case .place(let place): places.append(place)
            case .fault: faultCount += 1
            case .line, .network: break
            }
        }
        core.isLineLost = false
        core.power = .off
    }

    // MARK: Calls

    func start(_ call: DriverCall, bytes: [UInt8] = []) -> CallID {
        exchange()
        let id = core.call(call, at: now)
        blocks[id] = bytes
        exchange()
        return id
    }

    func outcome(of id: CallID) -> CallOutcome? {
        let outcome = core.takeOutcome(of: id)
        if outcome != nil { blocks[id] = nil }
        return outcome
    }

    /// Runs a call until it ends, for at most `limit`.
    func run(_ call: DriverCall, bytes: [UInt8] = [], within limit: Duration = .seconds(300)) -> CallOutcome? {
        let id = start(call, bytes: bytes)
        let end = now + limit
        while true {
            if let outcome = outcome(of: id) { return outcome }
            if now >= end { return nil }
            pass(until: end)
        }
    }

    // MARK: Faults

    func set(_ fault: Fault) {
        try? simulation.make(.faults(.add(fault)))
        switch fault.effect {
        case .bytes(.delay, _), .bytes(.split, _): break
        case .bytes: faultDamages = true
        // What the module has answered with SEND OK does not all arrive.
        case .network(let fault):
            if case .partialSend = fault.effect { faultDamages = true }
        default: break
        }
    }

    /// Clears the faults of the module. One that hangs is reset, as by hand.
    func clearFaults() {
        try? simulation.make(.faults(.clear))
        if simulation.modules[0].module.isStuck { simulation.modules[0].reset() }
    }

    // MARK: Time

    /// Moves the time on until something is due, but not beyond `end`.
    func pass(until end: Instant) {
        exchange()
        let due =
            [core.nextDeadline, simulation.nextDeadline, line.silentUntil.flatMap { $0 > now ? $0 : nil }]
            .compactMap { $0 }.min() ?? end
        simulation.run(until: max(now, min(end, due)))
        exchange()
        core.advance(to: now)
        exchange()
    }

    func pass(_ time: Duration) {
        let end = now + time
        while now < end { pass(until: end) }
    }

    /// Carries bytes in both directions until the line is quiet at this instant.
    func exchange() {
        var moves = true
        while moves {
            moves = false
            let said = simulation.modules[0].takeBytes()
            if !said.isEmpty {
                moves = true
                deliver(line.pass(said, at: now))
                if line.takeReset() { simulation.modules[0].reset() }
            }
            while let output = core.output {
                moves = true
                let bytes = bytes(of: output)
                // As many bytes as a line takes at once.
                let part = splits ? Array(bytes.prefix(Int.random(in: 1...4096, using: &random))) : bytes
                if !line.isSilent(at: now) { simulation.modules[0].send(part) }
                core.wrote(part.count, at: now)
            }
            simulation.run(for: .zero)
        }
    }

    private func bytes(of output: DriverCore.Output) -> [UInt8] {
        switch output {
        case .command(let bytes), .bytes(let bytes): bytes
        case .block(let id, let range): Array(blocks[id]?[range] ?? [])
        }
    }

    private func deliver(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = splits ? Int.random(in: 1...rest.count, using: &random) : rest.count
            Array(rest.prefix(count)).withUnsafeBytes { core.receive($0, at: now) }
            rest = rest.dropFirst(count)
        }
    }

    // MARK: The usual

    /// Switches the module on and joins the network. Returns false if that fails.
    func begin() -> Bool {
        guard case .success? = run(.power(.full)) else { return false }
        let network = NetworkConfiguration(
            ssid: Array("wifisim".utf8), password: Array("password".utf8), security: .wpa2, channel: 0, wps: .none)
        guard case .success? = run(.activate(.station, network)) else { return false }
        return true
    }

    func read(_ number: Int, _ room: Int = 8192) -> [UInt8]? {
        guard let socket = core.sockets[number] else { return nil }
        var buffer = [UInt8](repeating: 0, count: room)
        let count = buffer.withUnsafeMutableBytes { core.read(socket, into: $0)?.count }
        return count.map { Array(buffer[..<$0]) }
    }
}

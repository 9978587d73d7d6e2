import WiFiDriverSim

extension Session {
    /// The result of a session.
    package struct Result {
        /// The modules that do not answer `AT` after their power was turned off and on.
        package var stuckModules: [Int] = []
        /// The number of bytes that the modules sent.
        package var outputCount = 0
        /// The settings in the flash of the modules that have written them.
        package var storedSettings: [Settings] = []
    }

    /// Runs the session in virtual time, then checks that its modules still answer.
    package func run() -> Result {
        let stage = Stage(self)
        for step in steps { stage.perform(step) }
        var result = Result()
        result.stuckModules = (0..<moduleCount).filter { !stage.isAlive($0) }
        result.outputCount = stage.outputCount
        result.storedSettings = (0..<moduleCount).compactMap(stage.storedSettings)
        return result
    }
}

/// The modules, the world around them and the peers that a session uses.
private final class Stage {
    private let simulation: Simulation
    private let peers: [VirtualPeer]
    private(set) var outputCount = 0

    init(_ session: Session) {
        var world = World.standard
        var other = AccessPoint(ssid: "open1", bssid: MACAddress(rawValue: 0x0200_0000_0001))
        other.security = .open
        other.channel = 14
        other.network.gateway = IPv4Address(192, 168, 7, 1)
        other.network.leases = IPv4Address(192, 168, 7, 2)...IPv4Address(192, 168, 7, 3)
        world.accessPoints.append(other)
        simulation = Simulation(
            firmware: session.firmware, world: world, moduleCount: session.moduleCount, seed: session.seed)
        let simulation = simulation
        peers = (0..<Generator.peerCount).map { _ in simulation.makePeer() }
        let server = IPAddress.v4(IPv4Address(10, 0, 2, 2))
        peers[0].listen(at: Endpoint(server, Generator.plainPort))
        peers[1].listen(at: Endpoint(server, Generator.tlsPort), tls: TLSPeer())
        peers[2].listen(at: Endpoint(server, Generator.refusingPort), tls: TLSPeer(refuses: true))
    }

    private func module(_ number: Int) -> SimulatedModule { simulation.modules[number % simulation.modules.count] }
    private func peer(_ number: Int) -> VirtualPeer { peers[number % peers.count] }

    func storedSettings(_ number: Int) -> Settings? { module(number).storedSettings }

    func perform(_ step: Step) {
        switch step {
        case .host(let number, let bytes): module(number).send(bytes)
        case .read(let number): outputCount += module(number).takeBytes().count
        case .reset(let number): module(number).reset()
        case .powerOff(let number): module(number).powerOff()
        case .powerOn(let number): module(number).powerOn()
        case .hangUp(let number): module(number).module.lineHungUp(at: simulation.now)
        case .baud(let number, let rate): module(number).hostBaud = rate == 0 ? nil : rate
        case .wait(let milliseconds): simulation.run(for: .milliseconds(milliseconds))
        case .world(let words):
            // A change that cannot be made changes nothing.
            guard let words = try? Words(parsing: words), let change = try? WorldChange(words) else { return }
            try? simulation.make(change)
        case .peerConnects(let number, let transport, let port, let module, let host, let from, let hasTLS):
            peer(number).connect(
                transport, toPort: port, ofModule: module % simulation.modules.count,
                from: Endpoint(.v4(IPv4Address(10, 0, 2, host)), from), tls: hasTLS ? TLSPeer() : nil)
        case .peerSends(let number, let count): peer(number).send(Self.data(count))
        case .peerCloses(let number): peer(number).close()
        case .peerHalfCloses(let number): peer(number).halfClose()
        case .peerResets(let number): peer(number).reset()
        }
        for peer in peers { _ = peer.take() }
    }

    /// Data that contains everything that has a meaning in the protocol.
    private static func data(_ count: Int) -> [UInt8] {
        let pattern =
            Array("\r\nOK\r\n+IPD,0,5:\0+++SEND OK\r\n>ERROR\r\nready\r\n0,CLOSED\r\n".utf8) + Array(0x70...0xFF)
        return (0..<count).map { pattern[$0 % pattern.count] }
    }

    /// True if a module answers after its power was turned off and on, and after leaving a passthrough that its flash
    /// starts.
    func isAlive(_ number: Int) -> Bool {
        let module = module(number)
        module.hostBaud = nil
        module.powerOff()
        module.powerOn()
        simulation.run(for: .seconds(40))
        for _ in 0..<4 {
            _ = module.takeBytes()
            simulation.run(for: .seconds(2))
            module.send("+++")
            simulation.run(for: .seconds(2))
            _ = module.takeBytes()
            module.send("\r\nAT\r\n")
            simulation.run(for: .seconds(1))
            if module.takeOutput().contains("OK") { return true }
            simulation.run(for: .seconds(60))
        }
        return false
    }
}

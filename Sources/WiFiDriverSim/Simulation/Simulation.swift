import WiFiSimModule
import WiFiSimValues

/// Modules in a world and on a network in memory, under a clock that only `run` moves. Two runs with the same input give
/// the same bytes at the same times.
///
/// ```swift
/// let simulation = Simulation(firmware: .standard)
/// simulation.send("AT\r\n")
/// #expect(simulation.takeOutput() == "AT\r\n\r\nOK\r\n")
/// ```
public final class Simulation {
    public private(set) var now = Instant.zero
    let air: Air
    package let network: VirtualNetwork
    /// The modules, one at least.
    public private(set) var modules: [SimulatedModule] = []

    /// How far its modules are when a simulation begins.
    public enum Start: Sendable {
        /// They have booted, and what they said meanwhile is read.
        case ready
        /// Power has just come; the boot banner is still to come.
        case power
    }

    /// Modules that are on.
    /// - Parameters:
    ///   - firmware: what the modules run.
    ///   - world: what surrounds them.
    ///   - moduleCount: modules, all with the same firmware.
    ///   - seed: chooses what is left to chance: the local ports of connections.
    ///   - start: how far the modules are.
    ///   - serialNumber: the first module's; it makes the factory's MAC addresses differ from another's.
    public convenience init(
        firmware: Firmware = .standard, world: World = .standard, moduleCount: Int = 1, seed: UInt64 = 0,
        start: Start = .ready, serialNumber: UInt32 = 1
    ) {
        self.init(
            firmware: firmware, world: world, moduleCount: moduleCount, seed: seed, start: start,
            serialNumber: serialNumber, settings: nil)
    }

    /// Modules whose flash holds `settings`; `nil` is as from the factory.
    init(
        firmware: Firmware = .standard, world: World = .standard, moduleCount: Int = 1, seed: UInt64 = 0,
        start: Start = .ready, serialNumber: UInt32 = 1, settings: Settings?
    ) {
        air = Air(world: world.withRoom(forStations: moduleCount))
        network = VirtualNetwork(air: air, names: world.knownNames, seed: seed)
        serveNetworks()
        if let updates = world.updates {
            network.listen(.server(.updates(updates)), .tcp, at: UpdateServer.endpoint)
            network.listen(.server(.updates(updates), tls: TLSPeer()), .tcp, at: UpdateServer.secureEndpoint)
        }
        for index in 0..<UInt32(max(1, moduleCount)) {
            let module = Module(firmware: firmware, serialNumber: serialNumber + index, settings: settings)
            let radio = air.addRadio()
            modules.append(SimulatedModule(module, simulation: self, stack: network.addStack(radio), radio: radio))
            module.powerUp(at: now)
        }
        settle()
        guard start == .ready else { return }
        run(for: firmware.bootTime)
        for module in modules { _ = module.takeBytes() }
    }

    /// What is served already; what a peer or a test has put there since stays.
    private var served: Set<Endpoint> = []

    /// Each access point's gateway has the classic servers, and what DHCP gives as name servers are some.
    private func serveNetworks() {
        for subnet in air.accessPoints.map(\.network) where subnet.hasRouter {
            for (port, server) in ClassicServer.wellKnown { serve(server, at: subnet.gateway, port) }
            for address in subnet.dns { serve(.names, at: address, DNSMessage.port) }
        }
    }

    private func serve(_ server: ClassicServer, at address: IPv4Address, _ port: UInt16) {
        let endpoint = Endpoint(.v4(address), port)
        if served.insert(endpoint).inserted { network.serve(server, at: endpoint) }
    }

    // MARK: The first module

    var module: Module { modules[0].module }
    /// The configuration of the first module's line.
    public var line: UARTConfiguration { modules[0].line }
    /// What the first module said to the log.
    public var log: [String] { modules[0].log }
    /// The last settings that the first module asked to be kept.
    var storedSettings: Settings? { modules[0].storedSettings }

    /// Bytes from the host to the first module.
    public func send(_ bytes: [UInt8]) { modules[0].send(bytes) }

    /// Text from the host to the first module.
    public func send(_ text: String) { modules[0].send(text) }

    /// Takes what the first module has sent.
    public func takeBytes() -> [UInt8] { modules[0].takeBytes() }

    /// Takes what the first module has sent, as text.
    public func takeOutput() -> String { modules[0].takeOutput() }

    // MARK: The world

    /// A host for the caller to play.
    public func makePeer() -> VirtualPeer { VirtualPeer(network: network) }

    /// Makes a change of the world.
    /// - Throws: `WorldChangeError` where it names an access point that is not there.
    public func make(_ change: WorldChange) throws(WorldChangeError) {
        try air.make(change, at: now)
        serveNetworks()
        network.advance(to: now)
        settle()
    }

    /// Changes an access point while modules use it.
    public func changeAccessPoint(_ ssid: String, _ body: (inout AccessPoint) -> Void) {
        guard let bssid = air.accessPoints.first(where: { $0.ssid == ssid })?.bssid else { return }
        air.change(bssid, at: now, body)
        settle()
    }

    // MARK: Time

    /// Lets time pass. The modules' lines take what they say only when it is taken.
    public func run(for duration: Duration) { run(until: now + duration) }

    public func run(until end: Instant) {
        while runToNextDeadline(notAfter: end) {}
    }

    /// Lets time pass until something is due, at most until `end`.
    /// - Returns: whether something was due by then; if not, it is `end` now.
    @discardableResult
    public func runToNextDeadline(notAfter end: Instant) -> Bool {
        settle()
        let next = nextDeadline
        let isDue = next.map { $0 <= end } ?? false
        now = max(now, min(next ?? end, end))
        air.advance(to: now)
        network.advance(to: now)
        for module in modules { module.module.advance(to: now) }
        settle()
        return isDue
    }

    public var nextDeadline: Instant? {
        modules.reduce(Instant?.earlier(air.nextDeadline, network.nextDeadline)) {
            .earlier($0, $1.module.nextDeadline)
        }
    }

    /// Carries effects and events to and fro until all is quiet at this moment.
    package func settle() {
        // Most of the time nothing has happened, and a simulated day asks a million times.
        guard hasNews else { return }
        while hasNews {
            for module in modules {
                while module.module.hasEffects {
                    for effect in module.module.takeEffects() { module.apply(effect) }
                }
                if module.stack.hasEvents {
                    for event in module.stack.takeEvents() {
                        module.observer?(.network(.event(event)))
                        module.module.handle(event, at: now)
                    }
                }
            }
            guard air.hasEvents else { continue }
            for (radio, event) in air.takeEvents() {
                modules.first { $0.radio == radio }?.module.handle(event, at: now)
            }
        }
    }

    private var hasNews: Bool {
        if air.hasEvents { return true }
        for module in modules where module.module.hasEffects || module.stack.hasEvents { return true }
        return false
    }
}

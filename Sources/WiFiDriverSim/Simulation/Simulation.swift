import WiFiSimModule
import WiFiSimValues

/// Modules in a world and on a network in memory, under virtual time. Two runs with the same input give the same bytes
/// at the same times.
///
/// ```swift
/// let simulation = Simulation(firmware: .standard)
/// simulation.send("AT\r\n")
/// #expect(simulation.takeOutput() == "AT\r\n\r\nOK\r\n")
/// ```
///
/// Time moves only in `run` and `runToNextDeadline`, and only forward. Between those calls, `send`, `make` and the like
/// act at `now`. A simulation opens no sockets or files, and reads no clock. Belongs to the thread that made it, as do
/// its modules and peers.
public final class Simulation {
    /// The virtual time. It starts at zero and moves only in `run` and `runToNextDeadline`.
    public private(set) var now = Instant.zero
    let air: Air
    package let network: VirtualNetwork
    /// The modules, at least one.
    public private(set) var modules: [SimulatedModule] = []

    /// The state of the modules when a simulation begins.
    public enum Start: Sendable {
        /// The modules have booted, and their boot output has been read.
        case ready
        /// The modules have just been powered up; the boot banner follows.
        case power
    }

    /// Makes a simulation with modules that are powered up.
    /// - Parameters:
    ///   - firmware: the firmware of all modules.
    ///   - world: the access points, names and their timeline.
    ///   - moduleCount: the number of modules; less than 1 counts as 1.
    ///   - seed: determines the random choices: the local ports of connections, and what faults choose at random, in
    ///     each module otherwise.
    ///   - start: the state of the modules when the initializer returns.
    ///   - serialNumber: the serial number of the first module; the others count up from it. The factory MAC addresses
    ///     are derived from it.
    public convenience init(
        firmware: Firmware = .standard, world: World = .standard, moduleCount: Int = 1, seed: UInt64 = 0,
        start: Start = .ready, serialNumber: UInt32 = 1
    ) {
        self.init(
            firmware: firmware, world: world, moduleCount: moduleCount, seed: seed, start: start,
            serialNumber: serialNumber, settings: nil)
    }

    /// Makes a simulation with modules whose flash holds `settings`; `nil` is the factory state.
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
            modules.append(
                SimulatedModule(
                    module, simulation: self, stack: network.addStack(radio), radio: radio, seed: seed &+ UInt64(index))
            )
            module.powerUp(at: now)
        }
        settle()
        guard start == .ready else { return }
        run(for: firmware.bootTime)
        for module in modules { _ = module.takeBytes() }
    }

    /// The endpoints that `serve` has filled. They are not filled again, so a server that a peer or a test has put
    /// there stays.
    private var served: Set<Endpoint> = []

    /// Puts the classic servers on each access point's gateway, and a name server at each address that DHCP gives for
    /// one.
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
    /// The UART configuration of the first module's end of the line.
    public var line: UARTConfiguration { modules[0].line }
    /// The log entries of the first module, oldest first.
    public var log: [String] { modules[0].log }
    /// The settings that the first module last wrote to its flash.
    var storedSettings: Settings? { modules[0].storedSettings }

    /// Sends bytes from the host to the first module.
    public func send(_ bytes: [UInt8]) { modules[0].send(bytes) }

    /// Sends text, as UTF-8, from the host to the first module.
    public func send(_ text: String) { modules[0].send(text) }

    /// Takes the first module's output.
    public func takeBytes() -> [UInt8] { modules[0].takeBytes() }

    /// Takes the first module's output as text.
    public func takeOutput() -> String { modules[0].takeOutput() }

    // MARK: The world

    /// Makes a network peer that the caller controls.
    public func makePeer() -> VirtualPeer { VirtualPeer(network: network) }

    /// Refuses connections to an address and port from now on: the module is told at once.
    public func refuse(_ transport: Transport = .tcp, at endpoint: Endpoint) { network.refuse(transport, at: endpoint) }

    /// Ignores connections to an address and port from now on: the module gets no answer.
    public func ignore(_ transport: Transport = .tcp, at endpoint: Endpoint) { network.ignore(transport, at: endpoint) }

    /// Applies a change to the world at the current instant.
    /// - Throws: `WorldChangeError` if the change names an access point that does not exist.
    public func make(_ change: WorldChange) throws(WorldChangeError) {
        try air.make(change, at: now)
        serveNetworks()
        network.advance(to: now)
        settle()
    }

    /// Sets one more fault, in all modules.
    ///
    /// ```swift
    /// try simulation.add(Fault("on CIPSEND the 2nd time answer ERROR"))
    /// ```
    /// - Throws: `WorldChangeError` if the fault changes the world in a way that it cannot.
    public func add(_ fault: Fault) throws(WorldChangeError) { try make(.faults(.add(fault))) }

    /// Clears all faults of all modules. What they hold back comes at once.
    public func clearFaults() {
        air.tell(.clear)
        settle()
    }

    /// Changes an access point while modules use it. Does nothing if no access point has this SSID.
    public func changeAccessPoint(_ ssid: String, _ body: (inout AccessPoint) -> Void) {
        guard let bssid = air.accessPoints.first(where: { $0.ssid == ssid })?.bssid else { return }
        air.change(bssid, at: now, body)
        settle()
    }

    // MARK: Time

    /// Moves the clock forward by `duration`, and processes what is due on the way. Output stays in the modules until
    /// it is taken.
    public func run(for duration: Duration) { run(until: now + duration) }

    /// Moves the clock forward to `end`, and processes what is due on the way. Output stays in the modules until it is
    /// taken.
    public func run(until end: Instant) {
        while runToNextDeadline(notAfter: end) {}
    }

    /// Moves the clock to the next deadline, but not past `end`, and processes what is due.
    /// - Returns: true if something was due; false if the clock is now at `end`.
    @discardableResult
    public func runToNextDeadline(notAfter end: Instant) -> Bool {
        settle()
        let next = nextDeadline
        let isDue = next.map { $0 <= end } ?? false
        now = max(now, min(next ?? end, end))
        air.advance(to: now)
        network.advance(to: now)
        for module in modules {
            module.network.advance(to: now)
            module.module.advance(to: now)
        }
        settle()
        return isDue
    }

    /// The next instant at which a module, the air or the network has something to do; `nil` if there is none.
    public var nextDeadline: Instant? {
        modules.reduce(Instant?.earlier(air.nextDeadline, network.nextDeadline)) {
            .earlier($0, .earlier($1.module.nextDeadline, $1.network.heldDeadline))
        }
    }

    /// Processes effects and events until nothing is left to do at the current instant.
    package func settle() {
        // Fast path: usually nothing has happened, and a simulated day calls this a million times.
        guard hasNews else { return }
        while hasNews {
            for module in modules {
                while module.module.hasEffects {
                    for effect in module.module.takeEffects() { module.apply(effect) }
                }
                if module.stack.hasEvents || module.network.hasEvents {
                    let isObserving = module.network.isObserving
                    for event in module.network.takeEvents(at: now) {
                        if !isObserving { module.observer?(.network(.event(event))) }
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
        for module in modules where module.module.hasEffects || module.stack.hasEvents || module.network.hasEvents {
            return true
        }
        return false
    }
}

import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// An event loop with the modules on it and the air between them.
final class ModuleLoop {
    let loop: EventLoop
    let air: Air
    /// What the modules share; its stacks are in the order of the hosts.
    let network: VirtualNetwork
    let resolver: Resolver
    private(set) var hosts: [ModuleHost] = []
    private var hostOfRadio: [Air.RadioID: ModuleHost] = [:]
    /// When each host is to be advanced.
    private var deadlines = Deadlines()
    /// Input from the lines goes through it, one line at a time.
    let buffer = LineReadBuffer()
    private var isStopped = false
    /// Told of the time as the modules are.
    private let log: Log?
    /// The air's changes that the hosts know of.
    private var changeCount = 0

    init(_ options: SimulatorOptions, log: Log? = nil) throws(SystemError) {
        self.log = log
        loop = try EventLoop()
        resolver = try Resolver(loop: loop)
        air = Air(world: options.world.withRoom(forStations: options.count))
        // Without a bit rate modules are not to wait for each other's windows.
        network = VirtualNetwork(air: air, bytesUnderWay: options.isPaced ? 0 : 128 * 1024)
    }

    func add(_ host: ModuleHost) {
        let number = hosts.count
        hosts.append(host)
        hostOfRadio[host.radio] = host
        host.deadlineChanged = { [unowned self] in deadlines.set(number, to: $0) }
        deadlines.set(number, to: host.nextDeadline)
    }

    /// Runs until `stop`, or the condition holds.
    func run(until isDone: () -> Bool = { false }) throws(SystemError) {
        while !isStopped, !isDone() {
            settle()
            let world = Instant?.earlier(air.nextDeadline, network.nextDeadline)
            try loop.wait(until: .earlier(.earlier(deadlines.next(), log?.nextDeadline), world))
            let now = loop.now
            log?.advance(to: now)
            air.advance(to: now)
            while let number = deadlines.takeDue(by: now) { hosts[number].advance(to: now) }
        }
        if isStopped { for host in hosts { host.finish() } }
    }

    /// Ends `run` after what is being handled.
    func stop() { isStopped = true }

    /// Carries what the modules tell each other, by the air and by the network, until all is quiet.
    private func settle() {
        if changeCount != air.changeCount {
            changeCount = air.changeCount
            for host in hosts { host.worldChanged() }
        }
        while true {
            let airEvents = air.takeEvents()
            for (radio, event) in airEvents { hostOfRadio[radio]?.deliver(event) }
            network.advance(to: loop.now)
            let news = network.takeNews()
            for index in news { hosts[index].settle() }
            if airEvents.isEmpty, news.isEmpty { return }
        }
    }
}

/// Room for what a line brings at once.
final class LineReadBuffer {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 1024, alignment: 16)
    deinit { bytes.deallocate() }
}

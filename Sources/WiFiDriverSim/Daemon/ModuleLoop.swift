/// An event loop with the modules on it and the air between them.
final class ModuleLoop {
    let loop: EventLoop
    let air: Air
    /// What the modules share; its stacks are in the order of the hosts.
    let network: VirtualNetwork
    let resolver: Resolver
    private(set) var hosts: [ModuleHost] = []
    private var isStopped = false
    /// The air's changes that the hosts know of.
    private var changeCount = 0

    init(world: World) throws(SystemError) {
        loop = try EventLoop()
        resolver = try Resolver(loop: loop)
        air = Air(world: world)
        network = VirtualNetwork(air: air, latency: .zero)
    }

    func add(_ host: ModuleHost) { hosts.append(host) }

    /// Runs until `stop`, or the condition holds.
    func run(until isDone: () -> Bool = { false }) throws(SystemError) {
        while !isStopped, !isDone() {
            settle()
            var deadline = Instant?.earlier(air.nextDeadline, network.nextDeadline)
            for host in hosts { deadline = .earlier(deadline, host.nextDeadline) }
            try loop.wait(until: deadline)
            let now = loop.now
            air.advance(to: now)
            for host in hosts where host.nextDeadline.map({ $0 <= now }) ?? false { host.advance(to: now) }
        }
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
            for (radio, event) in airEvents { hosts.first { $0.radio == radio }?.deliver(event) }
            network.advance(to: loop.now)
            let news = network.takeNews()
            for index in news { hosts[index].settle() }
            if airEvents.isEmpty, news.isEmpty { return }
        }
    }
}

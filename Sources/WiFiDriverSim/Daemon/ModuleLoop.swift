/// An event loop with the modules on it and the air between them.
final class ModuleLoop {
    let loop: EventLoop
    let air: Air
    let resolver: Resolver
    private(set) var hosts: [ModuleHost] = []
    private var isStopped = false

    init(world: World) throws(SystemError) {
        loop = try EventLoop()
        resolver = try Resolver(loop: loop)
        air = Air(world: world)
    }

    func add(_ host: ModuleHost) { hosts.append(host) }

    /// Runs until `stop`, or the condition holds.
    func run(until isDone: () -> Bool = { false }) throws(SystemError) {
        while !isStopped, !isDone() {
            deliverAirEvents()
            var deadline = air.nextDeadline
            for host in hosts { deadline = .earlier(deadline, host.nextDeadline) }
            try loop.wait(until: deadline)
            let now = loop.now
            air.advance(to: now)
            for host in hosts where host.nextDeadline.map({ $0 <= now }) ?? false { host.advance(to: now) }
        }
    }

    /// Ends `run` after what is being handled.
    func stop() { isStopped = true }

    private func deliverAirEvents() {
        for (radio, event) in air.takeEvents() { hosts.first { $0.radio == radio }?.deliver(event) }
    }
}

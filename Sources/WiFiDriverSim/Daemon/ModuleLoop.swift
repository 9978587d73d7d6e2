import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// An event loop with its modules and the air between them.
///
/// Belongs to the thread that runs it; only that thread may call its methods.
final class ModuleLoop {
    let loop: EventLoop
    let air: Air
    /// The network in memory that the modules share. Its stacks are in the order of `hosts`.
    let network: VirtualNetwork
    let resolver: Resolver
    private(set) var hosts: [ModuleHost] = []
    private var hostOfRadio: [Air.RadioID: ModuleHost] = [:]
    /// When each of `hosts` is to be advanced, by index.
    private var deadlines = Deadlines()
    /// The buffer for input from the lines, used for one line at a time.
    let buffer = LineReadBuffer()
    private var isStopped = false
    private let jumps: Bool
    /// Advanced together with the modules.
    private let log: Log?
    /// The air's `changeCount` when the hosts were last notified.
    private var changeCount = 0

    init(_ options: SimulatorOptions, log: Log? = nil) throws(SystemError) {
        self.log = log
        loop = try EventLoop(speed: options.speed)
        jumps = options.speed == .max
        resolver = try Resolver(loop: loop)
        var world = options.world.withRoom(forStations: options.count)
        world.faults += options.faults
        air = Air(world: world)
        // Without pacing, modules do not wait for each other's TCP windows.
        network = VirtualNetwork(air: air, bytesUnderWay: options.isPaced ? 0 : 128 * 1024)
    }

    func add(_ host: ModuleHost) {
        let number = hosts.count
        hosts.append(host)
        hostOfRadio[host.radio] = host
        host.deadlineChanged = { [unowned self] in deadlines.set(number, to: $0) }
        deadlines.set(number, to: host.nextDeadline)
    }

    /// Runs until `stop` is called or `isDone` returns true.
    func run(until isDone: () -> Bool = { false }) throws(SystemError) {
        while !isStopped, !isDone() {
            settle()
            let world = Instant?.earlier(air.nextDeadline, network.nextDeadline)
            try loop.wait(
                until: .earlier(.earlier(deadlines.next(), log?.nextDeadline), world), jumpingAfter: quietTime)
            let now = loop.now
            log?.advance(to: now)
            air.advance(to: now)
            while let number = deadlines.takeDue(by: now) { hosts[number].advance(to: now) }
        }
        if isStopped { for host in hosts { host.finish() } }
    }

    /// At the speed `max`, the real time without any event after which the loop jumps. It is short while a host waits for
    /// a command, and long enough for a host to think while all modules are idle. Nothing is skipped while the computer
    /// has something to answer or a host has something to read.
    private var quietTime: Duration? {
        guard jumps else { return nil }
        var isBusy = false
        for host in hosts {
            if host.awaitsComputer { return nil }
            if host.module.isBusy { isBusy = true }
        }
        return isBusy ? .milliseconds(1) : .milliseconds(50)
    }

    /// Ends `run` once the current events are handled.
    func stop() { isStopped = true }

    /// Carries events between the modules, over the air and the network, until nothing is left to do at the current
    /// instant.
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

/// A buffer for one read from a line.
final class LineReadBuffer {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 1024, alignment: 16)
    deinit { bytes.deallocate() }
}

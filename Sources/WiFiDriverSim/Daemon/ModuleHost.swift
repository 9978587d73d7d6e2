import Glibc
import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// Runs one module on a descriptor, the far end of its serial line, with the host's network and the shared air around it.
///
/// Belongs to the event loop's thread.
final class ModuleHost {
    let module: Module
    private let loop: EventLoop
    private let network: ModuleNetwork
    private let air: Air
    let radio: Air.RadioID
    private let line: FileDescriptor
    private let options: Options
    /// Present where the line is a pseudo-terminal, whose clients come and go.
    private let terminal: PseudoTerminal?
    /// A client has the terminal open, as far as is known: it has written since the last one hung up.
    private var hasClient = false

    /// The line had no room for output. A pty's wake-up can come before the room that it tells of (the kernel frees the
    /// buffer later, and says nothing then), so the write is also tried again by the clock, ever less often.
    private var blocked: (retryAt: Instant, delay: Duration)?
    private static let retryDelays = (first: Duration.microseconds(200), longest: Duration.milliseconds(100))

    /// The UART configuration to apply after `afterBytes` more bytes.
    private var nextLine: (configuration: UARTConfiguration, afterBytes: Int)?
    /// So much of the module's output has been traced.
    private var tracedCount = 0

    /// Present where bytes take the time that the line's bit rate gives them.
    private let pacing: Pacing?
    private var readsLine = true
    private let buffer: LineReadBuffer
    /// Told of `nextDeadline` after everything that may have changed it.
    var deadlineChanged: (Instant?) -> Void = { _ in }

    struct Options {
        /// Bytes take the time that the line's bit rate gives them.
        var isPaced = false
        /// Called with settings that are to survive.
        var store: (Settings) -> Void = { _ in }
        var log: (String) -> Void = { _ in }
        /// Called when the line's other end is gone for good.
        var lineEnded: () -> Void = {}
        /// Sees every byte, in either direction.
        var trace: ((LineDirection, UnsafeRawBufferPointer, Instant) -> Void)?
        /// Sees what passes between the module and its network.
        var observeNetwork: ((NetworkTraffic, Instant) -> Void)?
    }

    private final class Pacing {
        var toHost: LinePacer
        var toModule: LinePacer

        init(_ configuration: UARTConfiguration) {
            toHost = LinePacer(configuration)
            toModule = LinePacer(configuration)
        }
    }

    /// The module's output waits in its own queue; with so much of it, the line is not read: what it would say had no room.
    private static let outputLimit = 64 * 1024
    private static let unpacedWindow = 64 * 1024
    /// In bytes: how much is read at once. A short command can have an answer that fills the output, and the commands behind
    /// it have to wait for room.
    private static let commandsAtOnce = 512

    init(
        module: Module, line: FileDescriptor, terminal: PseudoTerminal? = nil, on modules: ModuleLoop,
        network: HostNetwork,
        options: Options
    ) throws(SystemError) {
        self.module = module
        self.line = line
        self.terminal = terminal
        loop = modules.loop
        air = modules.air
        buffer = modules.buffer
        radio = air.addRadio()
        let stack = modules.network.addStack(radio)
        let path = NetworkPath(to: network, readAhead: !options.isPaced, clock: { [loop] in loop.now }) {
            [unowned stack] in stack.latency(to: $0)
        }
        self.network = ModuleNetwork(host: path, neighbours: stack)
        self.options = options
        // The firmware's window is made for its line; without a bit rate it would only make hand-shakes.
        module.receiveWindow = options.isPaced ? module.firmware.receiveWindow : Self.unpacedWindow
        pacing = options.isPaced ? Pacing(module.uart) : nil
        self.network.onActivity = { [weak self] in self?.settle() }
        try loop.watch(line, for: .read) { [weak self] in self?.handle($0) }
        module.powerUp(at: loop.now)
        settle()
    }

    func stop() { loop.unwatch(line) }

    /// The loop ends: what counts as sent goes out now.
    func finish() { network.finish(at: loop.now) }

    var nextDeadline: Instant? {
        .earlier(.earlier(module.nextDeadline, network.nextDeadline), .earlier(paceDeadline, blocked?.retryAt))
    }

    /// Lets the module, its network and its line do what is due.
    func advance(to now: Instant) {
        network.advance(to: now)
        module.advance(to: now)
        if let due = paceDeadline, due <= now {
            lookAt = (nil, nil)
            readLine()
        }
        settle()
    }

    // MARK: From outside

    func reset() {
        module.reset(at: loop.now)
        settle()
    }

    func power(isOn: Bool) {
        if isOn { module.powerUp(at: loop.now) } else { module.powerOff(at: loop.now) }
        settle()
    }

    /// - Returns: whether there was room.
    func report(_ line: String) -> Bool {
        guard module.output.count < Self.outputLimit else { return false }
        defer { settle() }
        module.report(line, at: loop.now)
        return true
    }

    /// An access point has changed.
    func worldChanged() {
        network.worldChanged()
        settle()
    }

    /// Hands over what the air says.
    func deliver(_ event: AirEvent) {
        module.handle(event, at: loop.now)
        settle()
    }

    // MARK: The line

    /// When the pacers want another look: at the module's output, at the line's input.
    private var lookAt: (output: Instant?, input: Instant?)

    private var paceDeadline: Instant? { .earlier(lookAt.output, lookAt.input) }

    private func handle(_ readiness: EventLoop.Readiness) {
        if readiness.canRead || readiness.hasHungUp { readLine() }
        settle()
    }

    /// Reads what is there. A pty hands out its bytes by the page: in the middle of a block the rest is likely to be there
    /// too, a read is cheaper than a round through the loop, and the module takes it all at once.
    private func readLine() {
        guard readsLine, var limit = inputLimit() else { return }
        if module.isIdle { limit = min(limit, Self.commandsAtOnce) }
        lookAt.input = nil
        let awaited = pacing == nil ? module.awaitedCount : 0
        var count = 0
        var transfer: Result<FileDescriptor.Transfer, SystemError>
        repeat {
            transfer = Result { () throws(SystemError) in
                try line.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[count..<limit]))
            }
            guard case .success(.done(let more)) = transfer else { break }
            count += more
        } while count < min(awaited, limit)
        // The line's end is reported again, once the module has answered.
        if count > 0 { return deliver(count) }
        switch transfer {
        case .success(.done), .success(.wouldBlock): break
        case .success(.ended): hangUp()
        case .failure(let error):
            options.log("\(error)")
            hangUp()
        }
    }

    /// How many bytes the line's pace and the buffer allow; `nil` where they have to wait.
    private func inputLimit() -> Int? {
        guard let pacing else { return buffer.bytes.count }
        let now = loop.now
        pacing.toModule.begin(at: now)
        let limit = min(buffer.bytes.count, pacing.toModule.allowance(at: now))
        if limit > 0 { return limit }
        // Bytes wait, or would have come by now: look again when they have had their time.
        lookAt.input = pacing.toModule.nextLook(at: now)
        updateInterest()
        return nil
    }

    /// Hands over the first bytes of the buffer.
    private func deliver(_ count: Int) {
        noticeClient()
        pacing?.toModule.sent(count)
        let now = loop.now
        let received = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer.bytes)[..<count])
        traceOutput()
        options.trace?(.toModule, received, now)
        module.receive(received, at: now)
    }

    /// The first bytes show that there is a client; from now on its close can be seen.
    private func noticeClient() {
        guard let terminal, !hasClient else { return }
        hasClient = true
        terminal.releaseSlave()
    }

    /// The last client has closed the terminal: what it has not read is lost, as on a line with nobody at its end.
    private func hangUp() {
        guard let terminal else {
            loop.unwatch(line)
            return options.lineEnded()
        }
        hasClient = false
        blocked = nil
        tracedCount = 0
        changeLineIfDue(.max)
        do throws(SystemError) {
            try terminal.holdSlave()
        } catch {
            options.log("\(error)")
            loop.unwatch(line)
            return options.lineEnded()
        }
        terminal.discardOutput()
        module.lineHungUp(at: loop.now)
    }

    private func writeLine() {
        while !module.output.isEmpty {
            var limit = module.output.count
            if let pacing {
                let now = loop.now
                pacing.toHost.begin(at: now)
                limit = min(limit, pacing.toHost.allowance(at: now))
                if limit == 0 {
                    lookAt.output = pacing.toHost.nextLook(at: now)
                    return
                }
            }
            traceOutput(limit)
            let transfer = module.output.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in
                    try line.write(UnsafeRawBufferPointer(rebasing: bytes[..<limit]))
                }
            }
            switch transfer {
            case .success(.done(let count)):
                blocked = nil
                pacing?.toHost.sent(count)
                module.output.removeFirst(count)
                tracedCount = max(0, tracedCount - count)
                changeLineIfDue(count)
                module.lineDrained(at: loop.now)
            case .success(.wouldBlock): return waitForRoom()
            case .success(.ended): return hangUp()
            case .failure(let error):
                options.log("\(error)")
                return hangUp()
            }
        }
        lookAt.output = nil
    }

    private func changeLineIfDue(_ sent: Int) {
        guard let next = nextLine else { return }
        guard next.afterBytes <= sent else { return nextLine = (next.configuration, next.afterBytes - sent) }
        nextLine = nil
        pacing?.toHost.configure(next.configuration)
        pacing?.toModule.configure(next.configuration)
    }

    /// Shows the first `limit` bytes of the output before they are written, so that whoever they make act is shown to act
    /// later.
    private func traceOutput(_ limit: Int) {
        guard let trace = options.trace, tracedCount < limit else { return }
        module.output.withUnsafeBytes { trace(.toHost, .init(rebasing: $0[tracedCount..<limit]), loop.now) }
        tracedCount = limit
    }

    /// Shows all output. What is still on its way to the host was said before whatever comes next.
    func traceOutput() { traceOutput(module.output.count) }

    private func waitForRoom() {
        let now = loop.now
        if let blocked, now < blocked.retryAt { return }
        let delay = blocked.map { min($0.delay * 2, Self.retryDelays.longest) } ?? Self.retryDelays.first
        blocked = (now + delay, delay)
    }

    // MARK: Effects

    /// Carries effects and events to and fro until all is quiet, and sends what the module says.
    func settle() {
        while true {
            while module.hasEffects {
                for effect in module.takeEffects() { apply(effect) }
                for event in network.takeEvents() { handle(event) }
            }
            let events = network.takeEvents()
            for event in events { handle(event) }
            if !events.isEmpty { continue }
            if !module.output.isEmpty { writeLine() }
            if !module.hasEffects, !network.flush() { break }
        }
        updateInterest()
        deadlineChanged(nextDeadline)
    }

    private func handle(_ event: NetworkEvent) {
        options.observeNetwork?(.event(event), loop.now)
        module.handle(event, at: loop.now)
    }

    private func updateInterest() {
        readsLine = module.output.count < Self.outputLimit && module.takesInput
        let interest = EventLoop.Interest(
            reads: readsLine && lookAt.input == nil, writes: !module.output.isEmpty && lookAt.output == nil)
        try? loop.update(line, for: interest)
    }

    private func apply(_ effect: Module.Effect) {
        switch effect {
        case .network(let request):
            options.observeNetwork?(.request(request), loop.now)
            network.handle(request, at: loop.now)
        case .air(let request): air.handle(request, from: radio, at: loop.now)
        case .store(let settings): options.store(settings)
        case .setLine(let configuration):
            nextLine = (configuration, afterBytes: module.output.count)
            changeLineIfDue(0)
        case .log(let text): options.log(text)
        }
    }
}

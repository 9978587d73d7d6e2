import Glibc
import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// Runs one module on its end of a serial line, and connects it to the computer's network and the shared air.
///
/// The loop calls `advance` when `nextDeadline` has passed. Every method that can change something settles before it
/// returns, and then reports the next deadline to `deadlineChanged`.
///
/// Belongs to the event loop's thread.
final class ModuleHost {
    let module: Module
    private let loop: EventLoop
    private let network: ModuleNetwork
    /// What lies between the module and its network.
    private let faulty: FaultyNetwork
    private let air: Air
    let radio: Air.RadioID
    let line: any ModuleLine
    private let options: Options
    /// True while the host holds the module in reset by its modem lines.
    private var isHeldInReset = false
    /// False after `power(isOn: false)`.
    private var isPowered = true

    /// Set while the line has no room for output. The kernel can report room on a pty before it frees the buffer, and
    /// does not report again afterwards. The write is therefore also retried by time, with a growing delay.
    private var blocked: (retryAt: Instant, delay: Duration)?
    private static let retryDelays = (first: Duration.microseconds(200), longest: Duration.milliseconds(100))

    /// The UART configuration to apply after `afterBytes` more bytes.
    private var nextLine: (configuration: UARTConfiguration, afterBytes: Int)?
    /// The number of bytes at the front of the module's output that have been traced.
    private var tracedCount = 0

    /// Present if the line is paced: bytes take the time that the bit rate gives them.
    private let pacing: Pacing?
    private var readsLine = true
    private let buffer: LineReadBuffer
    /// Called with `nextDeadline` after everything that may have changed it.
    var deadlineChanged: (Instant?) -> Void = { _ in }

    struct Options {
        /// True if bytes take the time that the line's bit rate gives them.
        var isPaced = false
        /// Determines what the network's faults choose at random.
        var seed: UInt64 = 0
        /// Called with settings to write to the flash.
        var store: (Settings) -> Void = { _ in }
        var log: (String) -> Void = { _ in }
        /// Called when the other end of the line is closed for good.
        var lineEnded: () -> Void = {}
        /// Called with every byte on the line, in either direction.
        var trace: ((LineDirection, UnsafeRawBufferPointer, Instant) -> Void)?
        /// Called with the traffic between the module and its network.
        var observeNetwork: ((NetworkTraffic, Instant) -> Void)?
        /// Called when a fault happens.
        var observeFault: ((Fault, Instant) -> Void)?
        /// Called with each place at which a fault can happen; `nil` if nobody asks for them.
        var place: ((FaultPlace) -> Void)?
    }

    private final class Pacing {
        var toHost: LinePacer
        var toModule: LinePacer

        init(_ configuration: UARTConfiguration) {
            toHost = LinePacer(configuration)
            toModule = LinePacer(configuration)
        }
    }

    /// In bytes. While the module's output queue is this long, the line is not read, because there is no room for
    /// answers.
    private static let outputLimit = 64 * 1024
    private static let unpacedWindow = 64 * 1024
    /// In bytes: the most that one read takes while the module waits for a command. The answer to a short command can
    /// fill the output, and then the commands behind it have to wait for room.
    private static let commandsAtOnce = 512

    init(
        module: Module, line: any ModuleLine, on modules: ModuleLoop, network: HostNetwork, options: Options
    ) throws(SystemError) {
        self.module = module
        self.line = line
        loop = modules.loop
        air = modules.air
        buffer = modules.buffer
        radio = air.addRadio()
        let stack = modules.network.addStack(radio)
        let path = NetworkPath(to: network, readAhead: !options.isPaced, clock: { [loop] in loop.now }) {
            [unowned stack] in stack.latency(to: $0)
        }
        self.network = ModuleNetwork(host: path, neighbours: stack)
        faulty = FaultyNetwork(self.network, seed: options.seed) { [unowned module] in module.link(of: $0) }
        faulty.observe = { [options, loop] in options.observeNetwork?($0, loop.now) }
        faulty.fired = { [unowned module] in module.networkFaultFired($0) }
        self.options = options
        // The firmware's window is sized for the bit rate of its line. Without pacing it would only add round trips.
        module.receiveWindow = options.isPaced ? module.firmware.receiveWindow : Self.unpacedWindow
        pacing = options.isPaced ? Pacing(module.uart) : nil
        self.network.onActivity = { [weak self] in self?.settle() }
        try line.start(
            LineHandlers(
                onReady: { [weak self] in self?.handle($0) }, onSignal: { [weak self] in self?.handle($0) }))
        if options.place != nil { module.tellPlaces() }
        module.powerUp(at: loop.now)
        settle()
    }

    /// The loop ends: sends now the bytes that were answered with `SEND OK`.
    func finish() { network.finish(at: loop.now) }

    var nextDeadline: Instant? {
        .earlier(.earlier(module.nextDeadline, faulty.nextDeadline), .earlier(paceDeadline, blocked?.retryAt))
    }

    /// Processes what is due for the module, its network and its line.
    func advance(to now: Instant) {
        faulty.advance(to: now)
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
        isPowered = isOn
        if !isOn { module.powerOff(at: loop.now) } else if !isHeldInReset { module.powerUp(at: loop.now) }
        settle()
    }

    /// Makes the module send a report.
    /// - Returns: false if the output has no room for it.
    func report(_ line: String) -> Bool {
        guard module.output.count < Self.outputLimit else { return false }
        defer { settle() }
        module.report(line, at: loop.now)
        return true
    }

    /// Called when an access point has changed.
    func worldChanged() {
        network.worldChanged()
        settle()
    }

    /// Hands an event of the air to the module.
    func deliver(_ event: AirEvent) {
        module.handle(event, at: loop.now)
        settle()
    }

    // MARK: The line

    /// When the pacers allow the next bytes of the module's output and of the line's input.
    private var lookAt: (output: Instant?, input: Instant?)

    private var paceDeadline: Instant? { .earlier(lookAt.output, lookAt.input) }

    private func handle(_ readiness: EventLoop.Readiness) {
        if readiness.canRead || readiness.hasHungUp { readLine() }
        settle()
    }

    private func handle(_ signal: LineSignal) {
        switch signal {
        case .connected: blocked = nil
        case .reset(let isHeld):
            guard isHeld != isHeldInReset else { return }
            isHeldInReset = isHeld
            options.log(isHeld ? "the host holds the reset line" : "the host has let go of the reset line")
            guard isPowered else { return }
            if isHeld { module.powerOff(at: loop.now) } else { module.powerUp(at: loop.now) }
        case .purgeOutput:
            tracedCount = 0
            changeLineIfDue(.max)
            module.output.removeAll()
            module.lineDrained(at: loop.now)
        case .notice(let text): options.log(text)
        }
        settle()
    }

    /// Reads the available bytes. A pty delivers its bytes by the page. In the middle of an announced block the read
    /// repeats, because the rest is probably there, another read is cheaper than a round through the loop, and the
    /// module takes the block at once.
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
        // After an end of file: the loop reports it again, once the module has answered these bytes.
        if count > 0 {
            deliver(count)
            if line.hasPendingInput { lookAt.input = loop.now }
            return
        }
        switch transfer {
        case .success(.done), .success(.wouldBlock): break
        case .success(.ended): hangUp()
        case .failure(let error):
            options.log("\(error)")
            hangUp()
        }
    }

    /// The number of bytes to read that the line's pace and the buffer allow; `nil` if they have to wait.
    private func inputLimit() -> Int? {
        guard let pacing else { return buffer.bytes.count }
        let now = loop.now
        pacing.toModule.begin(at: now)
        let limit = min(buffer.bytes.count, pacing.toModule.allowance(at: now))
        if limit > 0 { return limit }
        // The pacer allows no byte yet: look again when it does.
        lookAt.input = pacing.toModule.nextLook(at: now)
        updateInterest()
        return nil
    }

    /// Hands the first `count` bytes of the buffer to the module.
    private func deliver(_ count: Int) {
        pacing?.toModule.sent(count)
        let now = loop.now
        let received = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer.bytes)[..<count])
        traceOutput()
        options.trace?(.toModule, received, now)
        module.receive(received, at: now)
    }

    /// The client has closed its end. The bytes it did not read are lost, as on a line with nothing connected.
    private func hangUp() {
        blocked = nil
        tracedCount = 0
        changeLineIfDue(.max)
        // Before the next client comes.
        module.lineHungUp(at: loop.now)
        do throws(SystemError) {
            guard try line.clientEnded() else { return options.lineEnded() }
        } catch {
            options.log("\(error)")
            options.lineEnded()
        }
    }

    private func writeLine() {
        while !module.output.isEmpty, line.takesOutput {
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
        do throws(SystemError) { try line.configure(next.configuration) } catch { options.log("\(error)") }
    }

    /// Traces the first `limit` bytes of the output before they are written, so that the trace shows them before
    /// anything that the host does in response.
    private func traceOutput(_ limit: Int) {
        guard let trace = options.trace, tracedCount < limit else { return }
        module.output.withUnsafeBytes { trace(.toHost, .init(rebasing: $0[tracedCount..<limit]), loop.now) }
        tracedCount = limit
    }

    /// Traces all output, including bytes that are still on their way to the host: they precede whatever comes next.
    func traceOutput() { traceOutput(module.output.count) }

    private func waitForRoom() {
        let now = loop.now
        if let blocked, now < blocked.retryAt { return }
        let delay = blocked.map { min($0.delay * 2, Self.retryDelays.longest) } ?? Self.retryDelays.first
        blocked = (now + delay, delay)
    }

    // MARK: Effects

    /// Processes effects and events until nothing is left to do at the current instant, and writes the module's output.
    func settle() {
        while true {
            while module.hasEffects {
                for effect in module.takeEffects() { apply(effect) }
                handleNetwork()
            }
            if handleNetwork() { continue }
            if !module.output.isEmpty { writeLine() }
            if !module.hasEffects, !network.flush() { break }
        }
        updateInterest()
        deadlineChanged(nextDeadline)
    }

    /// Takes what has come from the network, and hands it to the module.
    /// - Returns: whether anything has come.
    @discardableResult
    private func handleNetwork() -> Bool {
        let isObserving = faulty.isObserving
        let events = faulty.takeEvents(at: loop.now)
        for event in events {
            if !isObserving { options.observeNetwork?(.event(event), loop.now) }
            module.handle(event, at: loop.now)
        }
        return !events.isEmpty
    }

    private func updateInterest() {
        readsLine = module.output.count < Self.outputLimit && module.takesInput
        let interest = EventLoop.Interest(
            reads: readsLine && lookAt.input == nil, writes: !module.output.isEmpty && lookAt.output == nil)
        line.update(for: interest)
    }

    private func apply(_ effect: Module.Effect) {
        switch effect {
        case .network(let request):
            if !faulty.isObserving { options.observeNetwork?(.request(request), loop.now) }
            faulty.handle(request, at: loop.now)
        case .air(let request): air.handle(request, from: radio, at: loop.now)
        case .store(let settings): options.store(settings)
        case .setLine(let configuration):
            nextLine = (configuration, afterBytes: module.output.count)
            changeLineIfDue(0)
        case .log(let text): options.log(text)
        case .fault(let fault):
            options.log("fault: \(fault)")
            options.observeFault?(fault, loop.now)
        case .networkFaults(let faults): faulty.set(faults, at: loop.now)
        case .place(let place): options.place?(place)
        }
    }
}

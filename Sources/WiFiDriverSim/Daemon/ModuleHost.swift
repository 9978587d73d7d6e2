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
    /// Present if the line behaves like a UART.
    let uart: LineUART?
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
    /// True once the client has closed its direction, while it waits for the rest of its answer.
    private var hasClientFinished = false
    private var isAnswering: Bool { module.isBusy || !module.output.isEmpty || uart?.isEmpty == false }
    private let buffer: LineReadBuffer
    /// Called with `nextDeadline` after everything that may have changed it.
    var deadlineChanged: (Instant?) -> Void = { _ in }

    struct Options {
        /// True if bytes take the time that the line's bit rate gives them.
        var isPaced = false
        /// True if the line behaves like a UART, with bit rates, buffers and flow control; it is paced then.
        var isUART = false
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
        /// Bytes that were taken off the tty, about a burst, and whose time has not passed yet.
        var onTheWay = ByteQueue()

        init(_ configuration: UARTConfiguration) {
            toHost = LinePacer(UARTFrame(configuration))
            toModule = LinePacer(UARTFrame(configuration))
        }

        func configure(_ configuration: UARTConfiguration) {
            toHost.configure(UARTFrame(configuration))
            toModule.configure(UARTFrame(configuration))
        }
    }

    /// In bytes. While the module's output queue is this long, the line is not read, because there is no room for
    /// answers.
    private static let outputLimit = 64 * 1024
    private static let unpacedWindow = 64 * 1024
    /// In bytes: the most that one read takes while the module waits for a command. The answer to a short command can
    /// fill the output, and then the commands behind it have to wait for room.
    private static let commandsAtOnce = 512
    /// The longest time between two looks at a paced line while the module waits for a command, whose echo follows.
    private static let commandLook = Duration.milliseconds(1)

    init(
        module: Module, line: any ModuleLine, on modules: ModuleLoop, network: HostNetwork, options: Options
    ) throws(SystemError) {
        self.module = module
        self.line = line
        uart =
            options.isUART
            ? LineUART(module.uart, buffers: module.firmware.uartBuffers, line: line, log: options.log) : nil
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
        if let observe = options.observeNetwork { faulty.observe = { [loop] in observe($0, loop.now) } }
        faulty.fired = { [unowned module] in module.networkFaultFired($0) }
        self.options = options
        module.lightSleepIsDeaf = options.isUART
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
    func finish() {
        // What faults have held back goes out, too.
        faulty.set([], at: loop.now)
        network.finish(at: loop.now)
    }

    var nextDeadline: Instant? { .earlier(inwardDeadline, .earlier(paceDeadline, blocked?.retryAt)) }

    /// When the module or its network is to be advanced, as of the last time that everything was settled.
    private var inwardDeadline: Instant?

    /// True if nothing is to be done at `now` but to write the next burst of a paced line.
    private func isOnlyOutputDue(at now: Instant) -> Bool {
        guard let due = lookAt.output, due <= now else { return false }
        return Instant?.earlier(inwardDeadline, .earlier(lookAt.input, blocked?.retryAt)).map { now < $0 } ?? true
    }

    /// True while the computer's network has something to answer, or the host has output to read: things that do not
    /// come sooner when the loop's time jumps.
    var awaitsComputer: Bool { network.awaitsComputer || blocked != nil }

    /// Processes what is due for the module, its network and its line.
    func advance(to now: Instant) {
        if isOnlyOutputDue(at: now) {
            writeLine()
            if !module.hasEffects, !module.output.isEmpty { return watchLine() }
        }
        faulty.advance(to: now)
        module.advance(to: now)
        if let due = lookAt.input, due <= now { readLine() }
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
        if readiness.hasHungUp, hasClientFinished || line.outlivesClients && (blocked != nil || !readsLine) {
            // Nobody reads the output for which the line has no room, or which keeps the module from reading on.
            hangUp()
        } else if readiness.canRead || readiness.hasHungUp {
            readLine()
        }
        settle()
    }

    private func handle(_ signal: LineSignal) {
        switch signal {
        case .connected: blocked = nil
        case .lineBreak: uart?.receiveBreak()
        case .reset(let isHeld):
            guard isHeld != isHeldInReset else { return }
            isHeldInReset = isHeld
            options.log(isHeld ? "the host holds the reset line" : "the host has let go of the reset line")
            guard isPowered else { return }
            if isHeld { module.powerOff(at: loop.now) } else { module.powerUp(at: loop.now) }
        case .purgeOutput:
            blocked = nil
            tracedCount = 0
            changeLineIfDue(.max)
            module.output.removeAll()
            uart?.outbound.removeAll()
            module.lineDrained(at: loop.now)
        case .notice(let text): options.log(text)
        }
        settle()
    }

    /// Reads the available bytes. A pty delivers its bytes by the page. In the middle of an announced block the read
    /// repeats, because the rest is probably there, another read is cheaper than a round through the loop, and the
    /// module takes the block at once.
    private func readLine() {
        lookAt.input = nil
        guard readsLine else { return }
        if let pacing { return readLine(pacing) }
        let limit = min(buffer.bytes.count, module.isIdle ? Self.commandsAtOnce : .max)
        let awaited = module.awaitedCount
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
            deliver(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
            return
        }
        note(transfer)
    }

    /// Hands over the bytes whose time has passed, and takes the next ones off the tty, whose number then says when to
    /// look again.
    private func readLine(_ pacing: Pacing) {
        let now = loop.now
        let allowed = min(pacing.onTheWay.count, pacing.toModule.allowance(at: now))
        if allowed > 0 {
            pacing.toModule.sent(allowed)
            pacing.onTheWay.withUnsafeBytes { deliver(UnsafeRawBufferPointer(rebasing: $0[..<allowed])) }
            pacing.onTheWay.removeFirst(allowed)
        }
        // One byte beyond a burst shows that the line stays busy.
        let room = min(LinePacer.burst + 1, uart?.room ?? .max) - pacing.onTheWay.count
        if room > 0 {
            let transfer = Result { () throws(SystemError) in
                try line.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<room]))
            }
            if case .success(.done(let count)) = transfer {
                pacing.onTheWay.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
            } else if pacing.onTheWay.isEmpty {
                pacing.toModule.rest()
                return note(transfer)
            }
        }
        pacing.toModule.begin(at: now)
        lookForInput(pacing, at: now)
    }

    private func lookForInput(_ pacing: Pacing, at now: Instant) {
        let pending = pacing.onTheWay.count
        lookAt.input =
            module.isIdle
            ? pacing.toModule.nextLook(pending: pending, within: Self.commandLook, of: now)
            : pacing.toModule.nextLook(pending: pending)
    }

    /// Notes that a read has brought no bytes.
    private func note(_ transfer: Result<FileDescriptor.Transfer, SystemError>) {
        switch transfer {
        case .success(.done), .success(.wouldBlock): break
        case .success(.ended) where line.mayReceiveAfterEnd && isAnswering: hasClientFinished = true
        case .success(.ended): hangUp()
        case .failure(let error):
            options.log("\(error)")
            hangUp()
        }
    }

    /// Hands bytes from the line to the module.
    private func deliver(_ received: UnsafeRawBufferPointer) {
        let now = loop.now
        traceOutput()
        options.trace?(.toModule, received, now)
        guard let uart else { return module.receive(received, at: now) }
        uart.receive(received)
        receiveFromUART()
    }

    /// Gives the firmware what its UART has received, as far as it takes it.
    private func receiveFromUART() {
        guard let uart else { return }
        while uart.hasInput, module.takesInput, module.output.count < longestOutput {
            module.receive(uart.take(min(module.inputRoom, Self.commandsAtOnce)), at: loop.now)
        }
    }

    /// In bytes: with more output, the module does not read the line.
    private var longestOutput: Int { uart?.transmitRing ?? Self.outputLimit }

    /// The client has closed its end. The bytes it did not read are lost, as on a line with nothing connected.
    private func hangUp() {
        hasClientFinished = false
        lookAt = (nil, nil)
        blocked = nil
        tracedCount = 0
        changeLineIfDue(.max)
        uart?.removeAll()
        pacing?.onTheWay.removeAll()
        // Before the next client comes.
        module.lineHungUp(at: loop.now)
        do throws(SystemError) {
            guard try line.clientEnded() else { return options.lineEnded() }
        } catch {
            options.log("\(error)")
            options.lineEnded()
        }
    }

    /// Writes the module's output, as far as pace and line allow. On a UART it first becomes what the host reads.
    private func writeLine() {
        while line.takesOutput, hasOutput {
            let transfer: Result<FileDescriptor.Transfer, SystemError>
            if let uart {
                if uart.outbound.isEmpty {
                    guard let limit = paceLimit() else { return }
                    traceOutput(limit)
                    uart.transmit(module.output.take(limit))
                    outputHasLeft(limit)
                }
                transfer = uart.outbound.withUnsafeBytes { bytes in
                    Result { () throws(SystemError) in try line.write(bytes) }
                }
            } else {
                guard let limit = paceLimit() else { return }
                traceOutput(limit)
                transfer = module.output.withUnsafeBytes { bytes in
                    Result { () throws(SystemError) in
                        try line.write(UnsafeRawBufferPointer(rebasing: bytes[..<limit]))
                    }
                }
            }
            switch transfer {
            case .success(.done(let count)):
                blocked = nil
                if let uart {
                    uart.outbound.removeFirst(count)
                } else {
                    module.output.removeFirst(count)
                    outputHasLeft(count)
                }
            case .success(.wouldBlock): return waitForRoom()
            case .success(.ended): return hangUp()
            case .failure(let error):
                options.log("\(error)")
                return hangUp()
            }
        }
        lookAt.output = nil
        pacing?.toHost.rest()
    }

    /// True while something waits to be written.
    private var hasOutput: Bool { !module.output.isEmpty || uart?.outbound.isEmpty == false }

    /// The first bytes of the module's output have left the module.
    private func outputHasLeft(_ count: Int) {
        pacing?.toHost.sent(count)
        tracedCount = max(0, tracedCount - count)
        changeLineIfDue(count)
        module.lineDrained(at: loop.now)
    }

    /// The number of bytes that the line's pace allows to write; `nil` if they have to wait.
    private func paceLimit() -> Int? {
        guard let pacing else { return module.output.count }
        let now = loop.now
        if let due = lookAt.output, now < due { return nil }
        pacing.toHost.begin(at: now)
        // What follows a change of the configuration is sent with the new one.
        let limit = min(module.output.count, nextLine?.afterBytes ?? .max, pacing.toHost.allowance(at: now))
        lookAt.output = limit > 0 ? nil : pacing.toHost.nextLook(pending: module.output.count)
        return limit > 0 ? limit : nil
    }

    private func changeLineIfDue(_ sent: Int) {
        guard let next = nextLine else { return }
        guard next.afterBytes <= sent else { return nextLine = (next.configuration, next.afterBytes - sent) }
        nextLine = nil
        pacing?.configure(next.configuration)
        uart?.configure(next.configuration)
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
            receiveFromUART()
            writeLine()
            if hasClientFinished, !isAnswering { hangUp() }
            if !module.hasEffects, !network.flush() { break }
        }
        inwardDeadline = .earlier(module.nextDeadline, faulty.nextDeadline)
        watchLine()
    }

    /// Watches the line for what it is to do next.
    private func watchLine() {
        updateInterest()
        deadlineChanged(nextDeadline)
    }

    /// Takes what has come from the network, and hands it to the module.
    /// - Returns: whether anything has come.
    @discardableResult
    private func handleNetwork() -> Bool {
        let now = loop.now
        let isObserving = faulty.isObserving
        let events = faulty.takeEvents(at: now)
        for event in events {
            if !isObserving { options.observeNetwork?(.event(event), now) }
            module.handle(event, at: now)
        }
        return !events.isEmpty
    }

    private func updateInterest() {
        // A UART receives whatever comes; what there is no room for is lost.
        let hasRoom = uart.map { $0.room > 0 } ?? (module.output.count < Self.outputLimit && module.takesInput)
        readsLine = hasRoom && !hasClientFinished
        if readsLine, lookAt.input == nil, line.hasPendingInput { lookAt.input = loop.now }
        if let pacing, readsLine, lookAt.input == nil, !pacing.onTheWay.isEmpty { lookForInput(pacing, at: loop.now) }
        // A paced line that is busy is read by time. The loop then reports nothing of it, not even its end, which comes
        // after the bytes that the tty still holds.
        let interest = EventLoop.Interest(
            reads: readsLine && lookAt.input == nil, writes: hasOutput && lookAt.output == nil,
            isOnce: pacing != nil)
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

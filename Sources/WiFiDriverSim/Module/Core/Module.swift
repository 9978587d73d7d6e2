import WiFiSimValues

/// A simulated ESP-AT module: the firmware on one serial line.
///
/// Sans-IO and deterministic. There are three kinds of methods:
///
/// - Power: `powerUp`, `reset`, `powerOff`.
/// - Input: `receive` takes bytes from the line, `handle` events of the air and the network, `lineDrained` and
///   `lineHungUp` the state of the line, `advance(to:)` the time. Each takes the current time.
/// - Output: after each input, `output` holds the bytes for the line and `takeEffects()` returns the requests to the
///   air, the network, the line and the log. Call `advance(to:)` at `nextDeadline`. While `takesInput` is false, do not
///   read the line.
///
/// Time only moves forward. The module reads no clock, makes no system call and uses no random numbers. It is not
/// thread-safe: the thread of its simulation or loop owns it.
///
/// Runtime checks for overlapping access took a third of the time for a block of data, so the most frequently used
/// variables are unchecked. Their values have no method that can reach the module. An operation can, so it is taken out
/// of `state` before it runs.
package final class Module {
    package let firmware: Firmware
    /// The time of the last input.
    private(set) var now: Instant
    /// Bytes for the line. The owner drains it and then calls `lineDrained(at:)`.
    @exclusivity(unchecked) package var output = ByteQueue()

    /// The settings in use.
    @exclusivity(unchecked) var settings: Settings
    private(set) var storedSettings: Settings
    private let factorySettings: Settings
    @exclusivity(unchecked) var session: Session
    @exclusivity(unchecked) var links = Links()
    /// In bytes, what a passive link holds until it is read: the firmware's TCP window, or more if the line has no bit
    /// rate.
    package var receiveWindow: Int
    var station = Station.idle { didSet { updateInterfaces() } }
    /// The current IPv6 addresses of the station.
    @exclusivity(unchecked) var stationIPv6 = StationIPv6() { didSet { updateInterfaces() } }
    var softAP = SoftAP() { didSet { updateInterfaces() } }
    @exclusivity(unchecked) var timeClient = TimeClient()
    /// The CIUPDATE or CIPFWVER in progress.
    @exclusivity(unchecked) var update: FirmwareUpdate?
    /// The MDNS service, if enabled.
    var responder: ServiceResponder?
    /// The MDNS search in progress.
    @exclusivity(unchecked) var search: ServiceSearch?
    /// The Unix time at time zero.
    var clockOffset = Duration.zero
    /// The progress of WPS and SmartConfig.
    var learning = LearningState.none
    /// The interfaces last passed to the network.
    var interfaces: [NetworkInterface] = []

    @exclusivity(unchecked) var state = State.off
    /// The query of the running command whose answer is still to come.
    var commandQuery: QueryID?
    /// Kept here because a static list is looked up at each access, and every exchange asks for the deadlines.
    private let clients = BackgroundClient.all
    /// The number of the last query.
    var lastQuery: UInt32 = 0
    /// True if the UART hears nothing in light sleep, as on hardware.
    package var lightSleepIsDeaf = false
    /// The faults that are set.
    @exclusivity(unchecked) var faults = FaultState()
    /// The faults of the network that have begun.
    var networkFaults: [NetworkFault] = []
    @exclusivity(unchecked) private var lineBuffer = LineBuffer()
    let interpreter: any CommandInterpreter
    @exclusivity(unchecked) private var effects: [Effect] = []

    /// The state of the firmware.
    enum State {
        case off
        case booting(until: Instant)
        case asleep(until: Instant)
        /// Waits for a command line.
        case idle
        case running(any Operation)
        /// Data mode.
        case receiving(any DataOperation, EscapeSequence)
        /// A fault has stopped it.
        case hung(isSilent: Bool)
    }

    /// A request of a module to its surroundings.
    package enum Effect: Equatable, Sendable {
        case network(NetworkRequest)
        case air(AirRequest)
        /// The settings have changed in flash and have to be saved.
        case store(Settings)
        /// The line changes to this configuration after all output so far has been sent.
        case setLine(UARTConfiguration)
        /// A message for the log.
        case log(String)
        /// A fault happens.
        case fault(Fault)
        /// The network is to have these faults from now on, and no others.
        case networkFaults([NetworkFault])
        /// The session has reached a place at which a fault can happen.
        case place(FaultPlace)
    }

    /// Creates a module without power. `settings` is the content of its flash; `nil` selects the factory settings.
    init(
        firmware: Firmware, serialNumber: UInt32 = 1, settings: Settings? = nil, interpreter: any CommandInterpreter,
        at now: Instant = .zero
    ) {
        self.firmware = firmware
        self.now = now
        self.interpreter = interpreter
        receiveWindow = firmware.receiveWindow
        factorySettings = .factory(for: firmware, serialNumber: serialNumber)
        storedSettings = settings ?? factorySettings
        self.settings = storedSettings
        session = Session(firmware: firmware)
    }

    // MARK: Power

    package func powerUp(at now: Instant) {
        self.now = now
        setUnixTime(.zero)
        boot()
    }

    /// Resets the module by its reset line.
    package func reset(at now: Instant) {
        self.now = now
        if faults.isActive { faultsRestart(isAbrupt: true) }
        request(.stop)
        setUnixTime(.zero)
        boot()
    }

    package func powerOff(at now: Instant) {
        self.now = now
        state = .off
        if faults.isActive { faultsRestart(isAbrupt: true) }
        request(.stop)
        dropEverything()
        output.removeAll()
    }

    /// Restarts after a failure: unlike `restart`, nothing is shut down.
    func crash() {
        request(.stop)
        if !firmware.keepsTime { setUnixTime(.zero) }
        boot()
    }

    /// The flash returns to the factory settings, which count from the next boot on.
    func forgetFlash() {
        storedSettings = factorySettings
        emit(.store(storedSettings))
    }

    private func boot() {
        let wasRunning = if case .off = state { false } else { true }
        dropEverything()
        if wasRunning { request(.reset) }
        settings = storedSettings
        session = Session(firmware: firmware)
        emit(.setLine(settings.uart))
        say(Misreading.bytes(firmware.romText.utf8, sent: Firmware.romFrame, read: UARTFrame(settings.uart)).bytes)
        state = .booting(until: now + firmware.bootTime)
        updateInterfaces()
    }

    private func dropEverything() {
        links = Links()
        station = .idle
        stationIPv6 = StationIPv6()
        softAP = SoftAP()
        timeClient = TimeClient()
        update = nil
        responder = nil
        search = nil
        request(.leave)
        request(.silence)
        stopLearning()
        lineBuffer = LineBuffer()
        if faults.isActive { faultsRestart() }
    }

    /// Restarts the firmware, as RST does. Some chips keep the time (ESP-AT docs, TCP-IP, CIPSNTPTIME).
    func restart() {
        guard !isFailing else { return }
        if !firmware.keepsTime { setUnixTime(.zero) }
        shutDown()
        boot()
    }

    /// The oldest firmware reports the links and the network that end (ARMmbed/esp8266-driver issue 44, the log of a
    /// module with a link).
    private func shutDown() {
        guard firmware.reportsShutdown else { return }
        closeLinks { _ in true }
        leave()
    }

    /// Restores the factory settings and restarts, as RESTORE does.
    func restoreFactorySettings() {
        guard !isFailing else { return }
        let userData = storedSettings.userData
        storedSettings = factorySettings
        // The host's partitions are not parameters of the firmware.
        storedSettings.userData = userData
        emit(.store(storedSettings))
        shutDown()
        boot()
    }

    /// Waits for new firmware and ignores commands until it is reset.
    func enterDownloadMode() {
        guard !isFailing else { return }
        dropEverything()
        request(.reset)
        emit(.log("in download mode: only a reset gets the module out of it"))
        state = .off
    }

    /// Switches everything off except the wake-up timer, as GSLP does.
    func deepSleep(for duration: Duration) {
        guard !isFailing else { return }
        dropEverything()
        request(.reset)
        state = .asleep(until: now + duration)
    }

    /// Sets the level of a pin from outside.
    package func setPin(_ number: Int, isHigh: Bool) { session.lightSleep.setPin(number, isHigh: isHigh) }

    /// Whether a fault has ended the firmware in the middle of what it does, so that nothing follows from the rest.
    private var isFailing: Bool { faults.failure != nil }

    // MARK: Input from the line

    /// Takes bytes from the line.
    package func receive(_ bytes: UnsafeRawBufferPointer, at now: Instant) {
        advance(to: now)
        if lightSleepIsDeaf, session.sleepMode != 0, session.sleepMode == firmware.lightSleepMode {
            let lost = session.lightSleep.loss(of: bytes.count, at: now, isBusy: !isIdle || !output.isEmpty)
            if lost > 0 { emit(.log("\(lost) bytes lost: the module is in light sleep")) }
            if lost == bytes.count { return }
            return receiveAwake(UnsafeRawBufferPointer(rebasing: bytes[lost...]))
        }
        receiveAwake(bytes)
    }

    private func receiveAwake(_ bytes: UnsafeRawBufferPointer) {
        if faults.isActive { return receiveOverFaultyLine(bytes) }
        take(bytes)
    }

    /// Takes bytes as the line has delivered them.
    func take(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            switch state {
            case .hung(isSilent: false): refuse(&rest, isSending: false)
            case .off, .booting, .asleep, .hung: return
            case .idle where isBusyByFault: refuse(&rest, isSending: false)
            case .idle:
                resumeLine()
                dropRefusedLine(&rest)
                receiveInCommandMode(&rest)
            case .running(let operation):
                if faults.isActive { noteRefused(rest) }
                refuse(&rest, isSending: operation.isSending)
            case .receiving(let operation, let escape):
                receive(&rest, for: operation, escape)
            }
            failIfDue()
        }
        replenishLinks()
    }

    package func receive(_ bytes: [UInt8], at now: Instant) {
        bytes.withUnsafeBytes { receive($0, at: now) }
    }

    private func receiveInCommandMode(_ bytes: inout Slice<UnsafeRawBufferPointer>) {
        while !bytes.isEmpty {
            let all = bytes
            let step = lineBuffer.take(&bytes)
            if session.echoes { echo(all.prefix(all.count - bytes.count)) }
            switch step {
            case .more:
                continue
            case .line(let line):
                let line = command(in: line)
                if faults.isActive {
                    if let line { executeWithFaults(line) } else { flushEcho() }
                } else if let line {
                    conclude(interpreter.execute(line, on: self))
                }
            case .failed(let error):
                if faults.isActive { flushEcho() }
                conclude(.failed(error))
            }
            guard case .idle = state, !isFailing, !isBusyByFault else { return }
        }
    }

    /// The command in a line. `nil` for a line without an answer.
    private func command(in line: [UInt8]) -> [UInt8]? {
        guard firmware.readsLinesAsNonOS else { return line.isEmpty ? nil : line }
        guard !line.starts(with: Self.head) else { return line }
        let start = line.indices.dropLast().first { [Self.head, Self.smallHead].contains(line[$0...$0 + 1]) }
        return start.map { Array(Self.head + line[($0 + 2)...]) } ?? line
    }

    private static let head = ArraySlice("AT".utf8)
    private static let smallHead = ArraySlice("at".utf8)

    private func echo(_ bytes: Slice<UnsafeRawBufferPointer>) {
        if faults.isActive { return echoWithFaults(echoed(bytes)) }
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                output.append(contentsOf: firmware.echoTerminator.utf8)
            } else if byte != UInt8(ascii: "\r") {
                output.append(byte)
            }
        }
    }

    private func echoed(_ bytes: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
        bytes.flatMap { byte in
            byte == UInt8(ascii: "\n")
                ? Array(firmware.echoTerminator.utf8) : byte == UInt8(ascii: "\r") ? [] : [byte]
        }
    }

    /// Answers busy once for each line that arrives while a command runs, and drops the line. From 2.1 on, AT+RST is
    /// accepted (ESP-AT docs, AT Messages, `Will force to restart!!!`), so bytes that may still become it are not
    /// answered yet.
    func refuse(_ bytes: inout Slice<UnsafeRawBufferPointer>, isSending: Bool) {
        guard !firmware.readsLinesAsNonOS else { return refuseAtLineEnd(&bytes, isSending: isSending) }
        let permitsRestart = if case .hung = state { false } else { firmware.restartsWhileBusy }
        while let byte = bytes.popFirst() {
            if permitsRestart, !lineBuffer.isRefusing,
                byte == LineBuffer.restartLine[lineBuffer.restartMatch]
            {
                lineBuffer.restartMatch += 1
                guard lineBuffer.restartMatch == LineBuffer.restartLine.count else { continue }
                write("\r\nWill force to restart!!!\r\n")
                return restart()
            }
            lineBuffer.restartMatch = 0
            if !lineBuffer.isRefusing {
                lineBuffer.isRefusing = true
                sayBusy(isSending: isSending)
            }
            if byte == UInt8(ascii: "\n") { lineBuffer.isRefusing = false }
        }
    }

    /// If the command ends in the middle of a line, the beginning of the line is lost, and the rest counts as a line of
    /// its own.
    private func refuseAtLineEnd(_ bytes: inout Slice<UnsafeRawBufferPointer>, isSending: Bool) {
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            if session.echoes { echo(bytes[...end]) }
            bytes = bytes[(end + 1)...]
            sayBusy(isSending: isSending)
        }
        if session.echoes { echo(bytes) }
        bytes = bytes.dropFirst(bytes.count)
    }

    func sayBusy(isSending: Bool) {
        let text = "\r\n\(firmware.busyText(isSending: isSending))\r\n"
        if case .hung = state { return say(Array(text.utf8)) }
        logError(CommandError(kind: .busy))
        write(text)
    }

    /// Drops the rest of a line that was already refused, even though the command has ended.
    private func dropRefusedLine(_ bytes: inout Slice<UnsafeRawBufferPointer>) {
        guard lineBuffer.isRefusing else { return }
        bytes = bytes.drop { $0 != UInt8(ascii: "\n") }
        if bytes.popFirst() != nil { lineBuffer.isRefusing = false }
    }

    /// Takes the beginning of a line that arrived while a command ran and was not refused.
    private func resumeLine() {
        guard lineBuffer.restartMatch > 0 else { return }
        let begun = LineBuffer.restartLine.prefix(lineBuffer.restartMatch)
        lineBuffer.restartMatch = 0
        begun.withUnsafeBytes { buffer in
            var bytes = buffer[...]
            receiveInCommandMode(&bytes)
        }
    }

    func conclude(_ outcome: CommandOutcome) {
        // If a handler has restarted the module, its outcome no longer counts.
        switch state {
        case .off, .booting, .asleep, .hung: return
        case .idle, .running, .receiving: break
        }
        if faults.isActive {
            if faultsIntercept(outcome) { return }
            defer { faultsAfter(outcome) }
            finish(outcome)
        } else {
            finish(outcome)
        }
    }

    private func finish(_ outcome: CommandOutcome) {
        if !outcome.isUnfinished { cancelCommandQuery() }
        switch outcome {
        case .ok:
            state = .idle
            write("\r\nOK\r\n")
        case .failed(let error):
            state = .idle
            answer(error)
        case .final(let line):
            state = .idle
            if CommandOutcome.finalLines.contains(line) { write("\r\n\(line)\r\n") } else { writeLine(line) }
        case .answered:
            state = .idle
        case .running(let operation):
            state = .running(operation)
        case .receiving(let operation):
            lineBuffer.isRefusing = false
            write("\r\nOK\r\n")
            enter(operation)
        }
    }

    /// Ends the running command, which waits for something that is not its own.
    func finishCommand(_ outcome: CommandOutcome) {
        guard case .running = state else { return }
        conclude(outcome)
    }

    /// Writes the reason of a refusal and ERROR. A command whose failure is also reported answers first, then reports.
    func answer(_ error: CommandError) {
        if let explanation = error.explanation { writeLine(explanation) }
        logError(error)
        write("\r\nERROR\r\n")
    }

    private func logError(_ error: CommandError) {
        guard session.logsErrors else { return }
        let digits = String(error.code, radix: 16)
        writeLine("ERR CODE:0x" + String(repeating: "0", count: 8 - digits.count) + digits)
    }

    // MARK: Input from the surroundings

    package func handle(_ event: AirEvent, at now: Instant) {
        self.now = now
        if case .faults(let change) = event { return apply(change) }
        guard isRunning else { return }
        handleAir(event)
        if failIfDue() { return }
        resume(.air(event))
        failIfDue()
        replenishLinks()
    }

    package func handle(_ event: NetworkEvent, at now: Instant) {
        self.now = now
        guard isRunning else { return }
        for index in clients.indices where clients[index].takes(self, event) {
            failIfDue()
            return
        }
        guard isForCommand(event) else { return }
        handleNetwork(event)
        if failIfDue() { return }
        resume(.network(event))
        failIfDue()
        replenishLinks()
    }

    /// Called when the line has taken some output, so that there may be room for more.
    package func lineDrained(at now: Instant) {
        self.now = now
        replenishLinks()
    }

    /// Called when the other end of the line has closed. Waiting output is lost, and announced data will not come.
    ///
    /// Hardware would wait for the data without limit, until the board's reset line ends that, which opening a port
    /// pulls.
    package func lineHungUp(at now: Instant) {
        self.now = now
        output.removeAll()
        lineBuffer = LineBuffer()
        faults.dropLines()
        if case .receiving(let operation, _) = state, !operation.isPassthrough {
            state = .idle
            if faults.isActive { endCommandWithFaults() }
        }
        replenishLinks()
    }

    private func resume(_ event: ModuleEvent) {
        switch state {
        case .running(var operation):
            if faults.isActive { faults.phase = .answer }
            let outcome = operation.resume(event, on: self)
            if faults.isActive, outcome == nil { faults.phase = .report }
            guard case .running = state else { return }
            if let outcome { conclude(outcome) } else { state = .running(operation) }
        case .receiving(var operation, _):
            if faults.isActive { faults.phase = .answer }
            defer { if faults.isActive, case .receiving = state { faults.phase = .report } }
            if let outcome = operation.resume(event, on: self) { conclude(outcome) }
        case .off, .booting, .asleep, .idle, .hung: break
        }
    }

    var isOff: Bool { if case .off = state { true } else { false } }

    package var isRunning: Bool {
        switch state {
        case .off, .booting, .asleep, .hung: false
        case .idle, .running, .receiving: true
        }
    }

    /// Whether a command runs or the firmware boots, so that more output may follow without input from the host.
    package var isBusy: Bool {
        switch state {
        case .booting, .running: true
        case .off, .asleep, .idle, .receiving, .hung: false
        }
    }

    /// Whether it waits for a command.
    package var isIdle: Bool { if case .idle = state { true } else { false } }

    package var uart: UARTConfiguration { settings.uart }

    /// The power state for state reports.
    var powerState: String {
        switch state {
        case .off: "off"
        case .booting: "booting"
        case .asleep: "asleep"
        case .idle, .running, .receiving: "on"
        case .hung: "hung"
        }
    }

    /// Writes a line that no event has caused.
    package func report(_ line: String, at now: Instant) {
        self.now = now
        if isRunning { writeLine(line) }
        failIfDue()
    }

    // MARK: Time

    /// When to call `advance(to:)` next. `nil` if nothing is due.
    package var nextDeadline: Instant? {
        faults.isActive ? .earlier(stateDeadline, faults.nextDeadline) : stateDeadline
    }

    private var stateDeadline: Instant? {
        switch state {
        case .off, .hung: nil
        case .booting(let until), .asleep(let until): until
        case .running(let operation): .earlier(operation.deadline, backgroundDeadline)
        case .receiving(let operation, let escape):
            .earlier(.earlier(operation.deadline, escape.deadline), backgroundDeadline)
        case .idle: backgroundDeadline
        }
    }

    private var backgroundDeadline: Instant? {
        var next: Instant? = .earlier(
            .earlier(station.deadline, stationIPv6.deadline), links.deadline(serverTimeout: session.serverTimeout))
        for index in clients.indices { next = .earlier(next, clients[index].deadline(self)) }
        return next
    }

    /// Handles everything that is due by `now`, each at its own time.
    package func advance(to now: Instant) {
        var turns = 0
        while let due = nextDeadline, due <= now {
            turns = due > self.now ? 0 : turns + 1
            if turns > Self.watchdogLimit {
                emit(.log("a deadline does not move on: the watchdog restarts the module"))
                return restart()
            }
            self.now = max(self.now, due)
            if faults.isActive, let time = faults.nextDeadline, time <= due {
                advanceFaults()
                continue
            }
            switch state {
            case .off, .hung: break
            case .booting: finishBoot()
            case .asleep: boot()
            case .running(let operation) where operation.deadline.map { $0 <= due } ?? false:
                resume(.deadline)
            case .receiving(let operation, let escape) where escape.deadline.map { $0 <= due } ?? false:
                endEscape(escape, of: operation)
            case .receiving(let operation, _) where operation.deadline.map { $0 <= due } ?? false:
                resume(.deadline)
            case .idle, .running, .receiving:
                advanceStation()
                advanceLinks()
                for client in clients { client.advance(self) }
            }
            failIfDue()
        }
        self.now = max(self.now, now)
    }

    /// The number of steps at one instant that counts as hanging firmware.
    private static let watchdogLimit = 10_000

    private func finishBoot() {
        if faults.isActive, bootsAgain() { return }
        state = .idle
        write("\r\nready\r\n")
        radioBooted()
        startPassthroughAtPowerUp()
    }

    // MARK: Output

    /// Writes a text and the bytes after it as one message. SYSMSGFILTER may remove parts of it.
    func write(_ text: String, _ bytes: [UInt8] = []) {
        if faults.isActive {
            let message = Array(text.utf8) + bytes
            return writeWithFaults(session.messageFilters.isOn ? session.messageFilters.apply(to: message) : message)
        }
        guard session.messageFilters.isOn else {
            output.append(contentsOf: text.utf8)
            return output.append(contentsOf: bytes)
        }
        output.append(contentsOf: session.messageFilters.apply(to: Array(text.utf8) + bytes))
    }

    func writeLine(_ text: String) { write(text, Self.lineEnd) }

    private static let lineEnd = Array("\r\n".utf8)

    /// Reports a change that no command asked for. In passthrough the line belongs to the data, unless SYSMSG permits
    /// reports (ESP-AT docs, Basic, SYSMSG, bit 2).
    func report(_ text: String) {
        if isPassthrough, !settings.systemMessages.speaksInPassthrough { return }
        asReport { writeLine(text) }
    }

    func emit(_ effect: Effect) { effects.append(effect) }

    func request(_ request: AirRequest) { emit(.air(request)) }

    package var hasEffects: Bool { !effects.isEmpty }

    /// The requests since the last call, in order.
    package func takeEffects() -> [Effect] {
        defer { effects.removeAll() }
        return effects
    }

    // MARK: Settings

    enum Storing: Equatable {
        case inUse, stored

        static func stored(if stored: Bool) -> Storing { stored ? .stored : .inUse }
    }

    /// Changes a setting, in flash too if `storing` is `stored`. Values that a state file cannot hold are not stored;
    /// values that do not come from a command may be such.
    func set<Value: Equatable>(_ key: WritableKeyPath<Settings, Value>, to value: Value, _ storing: Storing) {
        settings[keyPath: key] = value
        guard storing == .stored, storedSettings[keyPath: key] != value else { return }
        var stored = storedSettings
        stored[keyPath: key] = value
        if let mistake = stored.mistake(for: firmware) { return emit(.log("not stored: \(mistake)")) }
        storedSettings = stored
        emit(.store(storedSettings))
    }

    /// Changes the line's configuration after the output so far has been sent.
    func setLine(_ configuration: UARTConfiguration) {
        settings.uart = configuration
        emit(.setLine(configuration))
    }
}

import WiFiSimValues

/// Where faults meet the firmware: before and after a command, at its phases, and at each report.
///
/// Output has three steps: `writeWithFaults` changes what the module says, `say` keeps its order behind what is late,
/// and `transmit` puts it on the line, which may fail.
extension Module {
    /// Sets or clears faults.
    func apply(_ change: FaultChange) {
        switch change {
        case .add(let fault, _):
            faults.add(fault)
            switch fault.trigger {
            case .always: happen([fault])
            case .at: fireTimed()
            case .command, .report: break
            }
        case .clear:
            transmit(faults.clear())
            networkFaults = []
            emit(.networkFaults([]))
            guard case .running(let operation) = state, let held = operation as? Postponed else { return }
            conclude(held.proceed(self))
        }
    }

    /// Does at once what does not belong to a phase, and tells that the faults happen.
    private func happen(_ happening: [Fault]) {
        for fault in happening {
            if fault.trigger != .always { emit(.fault(fault)) }
            switch fault.effect {
            case .network(let fault):
                if !networkFaults.contains(fault) { networkFaults.append(fault) }
                emit(.networkFaults(networkFaults))
            case .world(let change): request(.change(change))
            case .line(.mute(let time), let direction): faults.mute(direction, until: now + time)
            case .bytes, .answer, .ignore, .busy, .runLater, .outOfMemory, .module, .line: break
            }
        }
    }

    /// Does what faults have put off until now.
    func advanceFaults() {
        transmit(faults.takeLate(at: now))
        fireTimed()
    }

    /// Does what is due.
    private func fireTimed() {
        for fault in faults.takeTimed(at: now) {
            happen([fault])
            switch fault.effect {
            case .module(let effect, _): if !effect.stopsModule || !isOff { fail(effect) }
            case .busy(let time): if !isOff { faults.busyUntil = time.map { now + $0 } ?? .never }
            case .answer(let text): if isRunning { writeLine(text) }
            default: break
            }
        }
    }

    /// Determines what faults choose at random.
    package func seedFaults(_ seed: UInt64) { faults.seed(seed) }

    /// Tells each place of the session at which a fault can happen.
    package func tellPlaces() { faults.tellsPlaces = true }

    /// Called when a fault of the network takes effect.
    package func networkFaultFired(_ fault: NetworkFault) {
        faults.countFiring(of: .network(fault))
        if case .partialSend = fault.effect { networkFaults.removeAll { $0 == fault } }
        emit(.fault(Fault(.always, .network(fault))))
    }

    /// How much longer the firmware waits for a name than usual. It would give up after 10 s, but some hardware takes 15
    /// (RT-Thread-packages/at_device issue 46).
    func delay(ofName name: String) -> Duration {
        networkFaults.compactMap { $0.delay(ofName: name) }.max() ?? .zero
    }

    /// The link of a socket.
    package func link(of socket: SocketID) -> Int? { (0..<Links.limit).first { links[$0]?.socket == socket } }

    // MARK: Commands

    /// Takes a command line while faults are set.
    func executeWithFaults(_ line: [UInt8]) {
        let happening = faults.begin(line)
        // Newer firmware refuses a line at its first byte and does not echo it.
        if faults.refusesCommand, !firmware.readsLinesAsNonOS { _ = faults.takeEcho() }
        tellPlace(.echo)
        flushEcho()
        happen(happening)
        if failsModule(at: .echo) || failsModule(at: nil) { return }
        tellPlace(.answer)
        for effect in faults.chosen {
            switch effect {
            case .answer(let text):
                return conclude(.final(text))
            case .ignore: return conclude(.answered)
            case .busy(let time):
                faults.busyUntil = time.map { now + $0 } ?? .never
                sayBusy(isSending: false)
                return endCommandWithFaults()
            case .runLater:
                sayBusy(isSending: false)
                return postpone(until: now + Self.refusedDelay) { $0.interpreter.execute(line, on: $0) }
            case .outOfMemory: return conclude(.failed(.failed))
            case .bytes, .module, .line, .network, .world: break
            }
        }
        faults.phase = .answer
        conclude(interpreter.execute(line, on: self))
    }

    /// How long after its refusal a line runs all the same.
    private static let refusedDelay = Duration.milliseconds(100)

    private func postpone(
        until time: Instant, isSending: Bool = false, _ proceed: @escaping (Module) -> CommandOutcome
    ) {
        faults.phase = .report
        state = .running(Postponed(until: time, isSending: isSending, proceed))
    }

    /// Whether every line is refused.
    var isBusyByFault: Bool { faults.isActive && faults.isBusy(at: now) }

    /// Called before a command concludes.
    /// - Returns: true if a fault has put the outcome off, or has taken its place.
    func faultsIntercept(_ outcome: CommandOutcome) -> Bool {
        if failIfDue() { return true }
        // What the module says is not complete before late output has come.
        var end = max(now, faults.latestOutput ?? now)
        switch outcome {
        case .running: return false
        case .answered: break
        case .receiving:
            tellPlace(.prompt)
            if failsModule(at: .prompt) { return true }
            end = end + faults.takeDelay(of: .prompt)
        case .ok, .failed, .final:
            if failsModule(at: .answer) { return true }
            tellPlace(.result)
            if failsModule(at: .result) { return true }
            end = end + faults.takeDelay(of: .answer) + faults.takeDelay(of: .result)
        }
        if end > now {
            let isSending = if case .running(let operation) = state { operation.isSending } else { false }
            postpone(until: end, isSending: isSending) { _ in outcome }
            return true
        }
        if case .receiving = outcome { faults.phase = .prompt } else { faults.phase = .answer }
        return false
    }

    /// Called after a command has concluded.
    func faultsAfter(_ outcome: CommandOutcome) {
        switch outcome {
        case .running: faults.phase = .report
        case .receiving(let operation):
            endPhase(.prompt)
            faults.phase = .report
            faults.dataLeft = operation.remaining ?? .max
        case .ok, .failed, .final, .answered: endCommandWithFaults()
        }
    }

    func endCommandWithFaults() {
        for phase in [Fault.Phase.answer, .result] { endPhase(phase) }
        changeFlash()
        faults.endCommand()
        guard case .idle = state, let line = faults.takeDeferred() else { return }
        faults.phase = .answer
        conclude(interpreter.execute(line, on: self))
    }

    /// Changes the flash as the command in progress says.
    private func changeFlash() {
        for case .module(let effect, _) in faults.chosen where !effect.stopsModule { fail(effect) }
    }

    /// Ends the command in progress because of a restart; what it would have said later too, if that is `isAbrupt`.
    func faultsRestart(isAbrupt: Bool = false) {
        changeFlash()
        faults.restart(isAbrupt: isAbrupt)
    }

    private func endPhase(_ phase: Fault.Phase) { put(faults.endFilter(of: phase)) }

    private func tellPlace(_ phase: Fault.Phase) {
        guard faults.tellsPlaces, let place = faults.reach(phase) else { return }
        emit(.place(place))
    }

    // MARK: What the host sends

    /// Takes bytes over a line that may fail.
    func receiveOverFaultyLine(_ bytes: UnsafeRawBufferPointer) {
        let arrived = faults.overLine(Array(bytes), .toModule, at: now)
        tellNoise()
        arrived.withUnsafeBytes { take($0) }
    }

    /// Gives data to the operation of a command, changed.
    /// - Returns: true if it has taken the bytes.
    func giveWithFaults(_ bytes: inout Slice<UnsafeRawBufferPointer>, to operation: any DataOperation) -> Bool {
        tellPlace(.data)
        if failsModule(at: .data) {
            bytes = bytes.dropFirst(bytes.count)
            return true
        }
        let count = min(bytes.count, faults.dataLeft)
        guard count > 0, !faults.effects(of: .data).isEmpty else { return false }
        var pieces = faults.filter(Array(bytes.prefix(count)), of: .data)
        bytes = bytes.dropFirst(count)
        if faults.dataLeft < .max {
            faults.dataLeft -= count
            if faults.dataLeft == 0 { pieces += faults.endFilter(of: .data) }
        }
        for case .bytes(let part) in pieces {
            part.withUnsafeBytes { buffer in
                var rest = buffer[...]
                while !rest.isEmpty, case .receiving(let current, _) = state, current === operation {
                    giveUnchanged(&rest, to: operation)
                }
                // What is more than the announced data.
                if !rest.isEmpty { take(UnsafeRawBufferPointer(rebasing: rest)) }
            }
        }
        return true
    }

    /// Notes a line that is refused because a command runs.
    func noteRefused(_ bytes: Slice<UnsafeRawBufferPointer>) { happen(faults.noteRefused(bytes)) }

    // MARK: What the module says

    /// Writes a message while faults are set.
    func writeWithFaults(_ message: [UInt8]) {
        guard isRunning, faults.failure == nil, !message.isEmpty else { return }
        switch faults.phase {
        case .report: reportWithFaults(message, message.reportText)
        case .answer:
            if failsModuleLater(at: .answer) { return }
            guard message.isFinalLine else { return put(faults.filter(message, of: .answer)) }
            tellPlace(.result)
            if failsModuleLater(at: .result) { return }
            put(
                faults.endFilter(of: .answer) + faults.filter(message, of: .result) + faults.endFilter(of: .result))
            // What follows is a report.
            faults.phase = .report
        case .echo, .prompt, .data, .result: put(faults.filter(message, of: faults.phase))
        }
    }

    /// Writes a report, in the middle of a command too.
    func asReport(_ write: () -> Void) {
        guard faults.isActive else { return write() }
        let phase = faults.phase
        faults.phase = .report
        write()
        faults.phase = phase
    }

    /// Writes bytes that a link has received in passthrough. They count as a report of this name.
    func passOn(_ bytes: [UInt8]) {
        guard faults.isActive else { return write("", bytes) }
        guard isRunning, faults.failure == nil else { return }
        let message = session.messageFilters.isOn ? session.messageFilters.apply(to: bytes) : bytes
        if !message.isEmpty { reportWithFaults(message, "data") }
    }

    private func reportWithFaults(_ message: [UInt8], _ text: String) {
        guard !text.isEmpty else { return say(message) }
        if faults.tellsPlaces { emit(.place(faults.reportPlace(text.reportName))) }
        let happening = faults.beginReport(text)
        happen(happening)
        for case .module(let effect, _) in happening.map(\.effect) {
            guard effect.stopsModule else { fail(effect); continue }
            faults.failure = effect
            return
        }
        let effects = happening.compactMap { if case .bytes(let effect, .report) = $0.effect { effect } else { nil } }
        if effects.isEmpty { say(message) } else { put(faults.filter(report: message, effects)) }
    }

    /// Says pieces, some of them later.
    private func put(_ pieces: [ByteFilter.Piece]) {
        var time = now
        for piece in pieces {
            switch piece {
            case .bytes(let bytes) where time > now: faults.hold(bytes, until: time)
            case .bytes(let bytes): say(bytes)
            case .pause(let delay): time = max(time, faults.latestOutput ?? now) + delay
            }
        }
    }

    /// Says bytes, after what is late.
    func say(_ bytes: [UInt8]) {
        if let latest = faults.latestOutput { faults.hold(bytes, until: latest) } else { transmit(bytes) }
    }

    /// Puts bytes on the line, which may fail.
    private func transmit(_ bytes: [UInt8]) {
        output.append(contentsOf: faults.overLine(bytes, .toHost, at: now))
        tellNoise()
    }

    private func tellNoise() { for fault in faults.takeUntold() { emit(.fault(fault)) } }

    /// Echoes what was held back until the line was complete.
    func flushEcho() {
        put(faults.filter(faults.takeEcho(), of: .echo) + faults.endFilter(of: .echo))
    }

    /// Echoes bytes while faults are set.
    func echoWithFaults(_ bytes: [UInt8]) {
        if faults.holdsEcho, isIdle, !isBusyByFault { faults.holdEcho(bytes) } else { say(bytes) }
    }

    // MARK: Failures of the module

    /// Fails if a fault of the command in progress says so for this phase.
    /// - Returns: true if the module has failed.
    private func failsModule(at phase: Fault.Phase?) -> Bool {
        guard let effect = faults.failure(at: phase) else { return false }
        fail(effect)
        return true
    }

    /// As `failsModule`, from inside a command, which has to return first.
    private func failsModuleLater(at phase: Fault.Phase) -> Bool {
        faults.failure = faults.failure(at: phase)
        return faults.failure != nil
    }

    /// Fails if a fault has said so in the middle of a message.
    /// - Returns: true if the module has failed.
    @discardableResult
    func failIfDue() -> Bool {
        guard faults.isActive, let effect = faults.failure else { return false }
        fail(effect)
        return true
    }

    private func fail(_ effect: Fault.ModuleEffect) {
        switch effect {
        case .restart(let cause): restart(after: cause)
        case .bootLoop(let count):
            faults.bootLoops = count ?? .max
            restart(after: .panic)
        case .hang(let isSilent):
            faultsRestart()
            emit(.log(isSilent ? "hangs, silently" : "hangs"))
            state = .hung(isSilent: isSilent)
        case .forgetFlash: forgetFlash()
        case .damageFlash: faults.flashIsDamaged = true
        }
    }

    private func restart(after cause: Fault.ModuleEffect.Cause) {
        faultsRestart(isAbrupt: true)
        let text = firmware.crashText(cause)
        if firmware.romText.isEmpty {
            if let line = text.split(separator: "\r\n").first { emit(.log("on the console, another port: \(line)")) }
        } else {
            say(Array(text.utf8))
        }
        emit(.log("restarts: \(cause.rawValue)"))
        crash()
    }

    /// Whether a fault keeps the module from booting.
    package var isStuck: Bool {
        if case .hung = state { return true }
        return faults.bootLoops == .max || faults.flashIsDamaged
    }

    /// Boots again if a fault says that the module does not come up.
    /// - Returns: true if it boots again.
    func bootsAgain() -> Bool {
        guard faults.bootLoops > 0 || faults.flashIsDamaged else { return false }
        if faults.bootLoops > 0, faults.bootLoops < .max { faults.bootLoops -= 1 }
        restart(after: .panic)
        return true
    }
}

extension Instant {
    /// Later than all others.
    fileprivate static let never = Instant(nanoseconds: .max)
}

/// A command that waits for a time before it goes on.
private struct Postponed: Operation {
    let deadline: Instant?
    let isSending: Bool
    let proceed: (Module) -> CommandOutcome

    init(until: Instant, isSending: Bool, _ proceed: @escaping (Module) -> CommandOutcome) {
        deadline = until
        self.isSending = isSending
        self.proceed = proceed
    }

    func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        guard case .deadline = event else { return nil }
        return proceed(module)
    }
}

extension [UInt8] {
    private static let finalLines = CommandOutcome.finalLines.map { Array("\r\n\($0)\r\n".utf8) }

    /// Whether this is the last line of an answer.
    fileprivate var isFinalLine: Bool { Self.finalLines.contains(self) }

    /// The first line of a report, without the ID of its link and a leading plus sign.
    fileprivate var reportText: String {
        let line = drop { $0 == 0x0D || $0 == 0x0A }.prefix { $0 != 0x0D && $0 != 0x0A }.prefix(64)
        var text = String(decoding: line, as: UTF8.self)
        if let first = text.first, first.isNumber, text.dropFirst().first == "," { text = String(text.dropFirst(2)) }
        if text.first == "+" { text.removeFirst() }
        return text
    }
}

extension String {
    /// The begin of a report that is the same each time.
    fileprivate var reportName: String {
        let end = firstIndex { $0 == "," || $0 == ":" || $0.isNumber || $0 == "\"" } ?? endIndex
        let name = self[..<end].trimmingSpaces
        return name.isEmpty ? "data" : name
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

import WiFiSimValues

/// Where faults meet the firmware: before and after a command, at its phases, and at each report.
extension Module {
    /// Sets or clears faults.
    func apply(_ change: FaultChange) {
        switch change {
        case .add(let fault, _):
            faults.add(fault)
            if case .at(let time) = fault.trigger { return fireTimed(notAfter: max(now, .zero + time)) }
            guard case .always = fault.trigger else { return }
            happen([fault])
        case .clear:
            say(faults.clear())
            networkFaults = []
            emit(.networkFaults([]))
        }
    }

    /// Does at once what does not belong to a phase, and tells that the faults happen.
    private func happen(_ happening: [Fault]) {
        for fault in happening {
            if fault.trigger != .always { emit(.fault(fault)) }
            switch fault.effect {
            case .network:
                networkFaults.append(contentsOf: fault.networkFault)
                emit(.networkFaults(networkFaults))
            case .world(let change): request(.change(change))
            case .line(.mute(let time), let direction): faults.mute(direction, until: now + time)
            case .bytes, .answer, .ignore, .busy, .runLater, .outOfMemory, .module, .line: break
            }
        }
    }

    /// When the next fault that waits for a time happens.
    var faultDeadline: Instant? { .earlier(faults.nextDeadline, faults.nextTimed) }

    /// Does what faults have put off until now.
    func advanceFaults() {
        say(faults.takeLate(at: now), afterLate: false)
        fireTimed(notAfter: now)
    }

    private func fireTimed(notAfter end: Instant) {
        guard end <= now else { return }
        for fault in faults.takeTimed(at: now) {
            happen([fault])
            switch fault.effect {
            case .module(let effect, _): fail(effect)
            case .busy(let time): faults.busyUntil = time.map { now + $0 } ?? .never
            case .answer(let text): writeLine(text)
            default: break
            }
        }
    }

    /// Determines what faults choose at random.
    package func seedFaults(_ seed: UInt64) { faults.random = SeededGenerator(seed) }

    /// Tells each place of the session at which a fault can happen.
    package func tellPlaces() { faults.tellsPlaces = true }

    /// Called when a fault of the network takes effect.
    package func networkFaultFired(_ fault: NetworkFault) {
        faults.countFiring(of: .network(fault))
        if case .partialSend = fault.effect { networkFaults.removeAll { $0 == fault } }
        emit(.fault(Fault(.always, .network(fault))))
    }

    /// The link of a socket.
    package func link(of socket: SocketID) -> Int? { (0..<Links.limit).first { links[$0]?.socket == socket } }

    // MARK: Commands

    /// Takes a command line while faults are set.
    func executeWithFaults(_ line: [UInt8]) {
        if faults.busyUntil.map({ now < $0 }) ?? false {
            flushEcho()
            return write("\r\n\(firmware.busyText(isSending: false))\r\n")
        }
        let happening = faults.begin(line)
        faults.phase = .echo
        tellPlace(.echo)
        flushEcho()
        happen(happening)
        if failsModule(at: .echo) { return }
        faults.phase = .answer
        for effect in faults.chosen {
            switch effect {
            case .answer(let text):
                faults.phase = .result
                tellPlace(.answer)
                writeLine(text)
                return endCommandWithFaults()
            case .ignore: return endCommandWithFaults()
            case .busy(let time):
                faults.busyUntil = time.map { now + $0 } ?? .never
                write("\r\n\(firmware.busyText(isSending: false))\r\n")
                return endCommandWithFaults()
            case .runLater:
                write("\r\n\(firmware.busyText(isSending: false))\r\n")
                state = .running(Postponed(until: now + Self.refusedDelay) { $0.interpreter.execute(line, on: $0) })
                return
            case .outOfMemory: return conclude(.failed(.failed))
            default: break
            }
        }
        tellPlace(.answer)
        if failsModule(at: nil) || failsModule(at: .answer) { return }
        if let delay = faults.takeDelay(of: .answer) {
            state = .running(Postponed(until: now + delay) { $0.interpreter.execute(line, on: $0) })
        } else {
            conclude(interpreter.execute(line, on: self))
        }
    }

    /// How long after its refusal a line runs all the same.
    private static let refusedDelay = Duration.milliseconds(100)

    /// Called before a command concludes.
    /// - Returns: true if a fault has put the outcome off, or has taken its place.
    func faultsIntercept(_ outcome: CommandOutcome) -> Bool {
        let phase: Fault.Phase
        switch outcome {
        case .running: return false
        case .receiving: phase = .prompt
        case .ok, .failed: phase = .result
        case .answered: return false
        }
        tellPlace(phase)
        if failsModule(at: phase) { return true }
        if let delay = faults.takeDelay(of: phase) {
            state = .running(Postponed(until: now + delay) { _ in outcome })
            return true
        }
        if phase == .result { endPhase(.answer) }
        faults.phase = phase
        return false
    }

    /// Called after a command has concluded.
    func faultsAfter(_ outcome: CommandOutcome) {
        switch outcome {
        case .running: faults.phase = .report
        case .receiving:
            endPhase(.prompt)
            faults.phase = .report
        case .ok, .failed, .answered: endCommandWithFaults()
        }
    }

    private func endCommandWithFaults() {
        for phase in [Fault.Phase.data, .answer, .result] { endPhase(phase) }
        let ending = faults.chosen
        faults.endCommand()
        for case .module(let effect, _) in ending {
            switch effect {
            case .forgetFlash: forgetFlash()
            case .damageFlash: faults.flashIsDamaged = true
            case .restart, .bootLoop, .hang: break
            }
        }
        guard case .idle = state, !faults.deferred.isEmpty else { return }
        let line = faults.deferred.removeFirst()
        conclude(interpreter.execute(line, on: self))
    }

    private func endPhase(_ phase: Fault.Phase) { put(faults.endFilter(of: phase)) }

    private func tellPlace(_ phase: Fault.Phase) {
        guard faults.tellsPlaces, let place = faults.reach(phase) else { return }
        emit(.place(place))
    }

    // MARK: What the host sends

    /// Takes bytes over a line that may fail.
    func receiveOverFaultyLine(_ bytes: UnsafeRawBufferPointer) {
        faults.overLine(Array(bytes), .toModule, at: now).withUnsafeBytes { take($0) }
    }

    /// Changes the data of a command.
    /// - Returns: true if it has taken the bytes.
    func takeDataWithFaults(_ bytes: inout Slice<UnsafeRawBufferPointer>, _ operation: any DataOperation) -> Bool {
        guard !faults.isGivingData else { return false }
        tellPlace(.data)
        if failsModule(at: .data) {
            bytes = bytes.dropFirst(bytes.count)
            return true
        }
        guard !faults.effects(of: .data).isEmpty else { return false }
        let count = min(bytes.count, operation.remaining ?? .max)
        let pieces = faults.filter(Array(bytes.prefix(count)), of: .data)
        bytes = bytes.dropFirst(count)
        faults.isGivingData = true
        defer { faults.isGivingData = false }
        for case .bytes(let part) in pieces { receive(part, at: now) }
        return true
    }

    /// Notes a line that is refused because a command runs.
    func noteRefused(_ bytes: Slice<UnsafeRawBufferPointer>) { happen(faults.noteRefused(bytes)) }

    // MARK: What the module says

    /// Writes a message while faults are set.
    func writeWithFaults(_ message: [UInt8]) {
        switch faults.phase {
        case .report: return reportWithFaults(message)
        case .answer where message.isFinalLine:
            // The last line of a command that writes it itself, such as SEND OK.
            tellPlace(.result)
            if failsModule(at: .result) { return }
            endPhase(.answer)
            faults.phase = .result
        case .echo, .prompt, .data, .answer, .result: break
        }
        put(faults.filter(message, of: faults.phase))
    }

    private func reportWithFaults(_ message: [UInt8]) {
        let text = message.reportText
        guard !text.isEmpty else { return say(message) }
        if faults.tellsPlaces { emit(.place(faults.reportPlace(text.reportName))) }
        let happening = faults.beginReport(text)
        happen(happening)
        for fault in happening { if case .module(let effect, _) = fault.effect { return fail(effect) } }
        var filter = ByteFilter(
            happening.compactMap { if case .bytes(let effect, .report) = $0.effect { effect } else { nil } })
        guard !filter.isEmpty else { return say(message) }
        put(filter.pass(message, &faults.random) + filter.end())
    }

    /// Puts pieces on the line.
    private func put(_ pieces: [ByteFilter.Piece]) {
        var time = now
        for piece in pieces {
            switch piece {
            case .bytes(let bytes) where time > now: faults.hold(faults.overLine(bytes, .toHost, at: now), until: time)
            case .bytes(let bytes): say(bytes)
            case .pause(let delay): time = max(time, faults.latestOutput ?? now) + delay
            }
        }
    }

    /// Appends bytes to the output, or to what is late.
    func say(_ bytes: [UInt8], afterLate: Bool = true) {
        let bytes = afterLate ? faults.overLine(bytes, .toHost, at: now) : bytes
        if afterLate, let latest = faults.latestOutput {
            faults.hold(bytes, until: latest)
        } else {
            output.append(contentsOf: bytes)
        }
    }

    /// Echoes what was held back until the line was complete.
    private func flushEcho() {
        let bytes = faults.heldEcho
        faults.heldEcho = []
        if !bytes.isEmpty { put(faults.filter(bytes, of: .echo) + faults.endFilter(of: .echo)) }
    }

    /// Echoes bytes while faults are set.
    func echoWithFaults(_ bytes: [UInt8]) {
        if faults.holdsEcho { faults.heldEcho += bytes } else { say(bytes) }
    }

    // MARK: Failures of the module

    /// Fails if a fault of the command in progress says so for this phase.
    /// - Returns: true if the module has failed.
    private func failsModule(at phase: Fault.Phase?) -> Bool {
        for case .module(let effect, phase) in faults.chosen {
            switch effect {
            case .restart, .bootLoop, .hang:
                fail(effect)
                return true
            case .forgetFlash, .damageFlash: break
            }
        }
        return false
    }

    private func fail(_ effect: Fault.ModuleEffect) {
        switch effect {
        case .restart(let cause): restart(after: cause)
        case .bootLoop(let count):
            faults.bootLoops = count ?? .max
            restart(after: .panic)
        case .hang(let isSilent): state = .hung(isSilent: isSilent)
        case .forgetFlash: forgetFlash()
        case .damageFlash: faults.flashIsDamaged = true
        }
    }

    private func restart(after cause: Fault.ModuleEffect.Cause) {
        faults.restart()
        let text = firmware.crashText(cause)
        if !text.isEmpty {
            if firmware.romText.isEmpty {
                emit(.log("the module's console, another port: \(text.split(separator: "\r\n").first ?? "")"))
            } else {
                say(Array(text.utf8))
            }
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

    /// Takes bytes while the module hangs.
    func receiveHung(_ bytes: Slice<UnsafeRawBufferPointer>, isSilent: Bool) {
        guard !isSilent else { return }
        for byte in bytes where byte == UInt8(ascii: "\n") {
            say(Array("\r\n\(firmware.busyText(isSending: false))\r\n".utf8))
        }
    }
}

extension Instant {
    /// Later than all others.
    fileprivate static let never = Instant(nanoseconds: .max)
}

/// A command that waits for a time before it goes on.
private struct Postponed: Operation {
    private let until: Instant
    private let proceed: (Module) -> CommandOutcome
    var deadline: Instant? { until }

    init(until: Instant, _ proceed: @escaping (Module) -> CommandOutcome) {
        self.until = until
        self.proceed = proceed
    }

    func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        guard case .deadline = event else { return nil }
        return proceed(module)
    }
}

extension Fault {
    fileprivate var networkFault: [NetworkFault] {
        if case .network(let fault) = effect { [fault] } else { [] }
    }
}

extension [UInt8] {
    private static let finalLines = ["OK", "ERROR", "SEND OK", "SEND FAIL", "FAIL"].map { Array("\r\n\($0)\r\n".utf8) }

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

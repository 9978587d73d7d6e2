import WiFiSimValues

/// Work on the line: its order, what has to happen before it, and the command in progress.
extension DriverCore {
    /// Whether the next command may have to wait for long. A call that must not block does not start one then.
    var isLineBusyForLong: Bool {
        current?.queued.isLong ?? false || unconfirmed != nil || isHeldBack(above: limitForCommands)
    }

    /// Whether the next command would have to wait: for other work, for the application to read, or for the
    /// conversation to be found again.
    var isLineTaken: Bool { current != nil || !queue.isEmpty || isLineBusyForLong || trust != .found }

    private var limitForCommands: Int { command != nil ? Self.replyLimit : Self.heldBackLimit }

    /// Whether the work of this call has the line.
    package func isOnLine(_ id: CallID) -> Bool { current?.queued.work.call?.id == id }

    // MARK: The queue

    /// Queues work for the line. Work with a socket ends early when the socket is closed, or at the deadline.
    func enqueue(
        _ work: LineWork, isLong: Bool = false, for socket: DriverSocket? = nil, until deadline: Instant? = nil
    ) {
        queue.append(QueuedWork(work: work, isLong: isLong, socket: socket, deadline: deadline))
        noteChange()
    }

    /// Ends work that has not started yet.
    func withdraw(_ work: LineWork, _ ending: LineWork.Ending) {
        guard let index = queue.firstIndex(where: { $0.work === work }) else { return }
        queue.remove(at: index)
        end(work, ending)
    }

    private func end(_ work: LineWork, _ ending: LineWork.Ending) {
        work.ending = ending
        if ending != .finished, ending != .unconfirmed { work.failed(self) }
        noteChange()
    }

    func startNextWork() {
        guard current == nil, let next = queue.first else { return }
        queue.removeFirst()
        current = CurrentWork(queued: next, phase: .awaitingConfirmation, stack: [next.work])
        prepare()
    }

    private func finishCurrent(_ ending: LineWork.Ending) {
        guard let done = current else { return }
        current = nil
        end(done.queued.work, ending)
    }

    // MARK: Before the work

    /// Makes the module ready for the current work, as far as that is possible now.
    private func prepare() {
        guard let queued = current?.queued else { return }
        if queued.work is PowerWork {
            // Power work does not wait for an unconfirmed block or for the answer to another command.
            isSwitchingPower = false
            unconfirmed = nil
            if command != nil { dropCommand() }
            return begin()
        }
        if unconfirmed != nil {
            if queued.cannotWait(at: now) { return finishCurrent(.notInTime) }
            current?.phase = .awaitingConfirmation
            return
        }
        if isHeldBack(above: Self.heldBackLimit), !isLineLost {
            if case .awaitingRelease(let end)? = current?.phase {
                if queued.cannotWait(at: now) { return finishCurrent(.notInTime) }
                if isSwitchingPower || end <= now { return finishCurrent(.unavailable(.timedOut)) }
                return
            }
            if queued.cannotWait(at: now) { return finishCurrent(.notInTime) }
            // Work for a socket waits as long as for a peer that does not read, other work as long as for a reply.
            let time = queued.socket == nil ? min(times.reply, times.busy) : times.busy
            current?.phase = .awaitingRelease(until: now + time)
            return
        }
        if isLineLost { return finishCurrent(.unavailable(.lineLost)) }
        if isSwitchingPower { return finishCurrent(.unavailable(.timedOut)) }
        if trust != .found {
            if queued.cannotWait(at: now) { return finishCurrent(.notInTime) }
            current?.phase = .synchronizing
            current?.stack.append(Synchronization(self))
            return step(nil)
        }
        setUpOrBegin()
    }

    private func setUpOrBegin() {
        guard needsSetup else { return begin() }
        needsSetup = false
        current?.phase = .settingUp
        current?.stack.append(ModuleSetup())
        step(nil)
    }

    private func begin() {
        current?.phase = .working
        step(nil)
    }

    // MARK: Steps

    /// Gives the reply to the current work, and takes its next step.
    private func step(_ reply: Reply?) {
        var reply = reply
        while let top = current?.stack.last {
            switch top.next(reply, self) {
            case .command(let text, let expectation, let timeout, let expectsReset):
                if let refusal = refusal(for: top) {
                    reply = Reply(outcome: refusal)
                    continue
                }
                let exchange = CommandExchange(expecting: expectation, expectsReset: expectsReset)
                return send(CommandInFlight(text, exchange, deadline: now + (timeout ?? times.reply)))
            case .block(let text, let start, let count, let connection):
                if let refusal = refusal(for: top) {
                    reply = Reply(outcome: refusal)
                    continue
                }
                guard let call = current?.queued.work.call else { return finishCurrent(.notInTime) }
                missingBytes = count
                let block = CommandInFlight.Block(
                    call: call.id, range: start..<start + count, connection: connection)
                return send(
                    CommandInFlight(text, CommandExchange(prompt: true), block: block, deadline: now + times.reply))
            case .bytes(let bytes):
                if !isLineLost { outputQueue.append(.bytes(bytes)) }
                reply = nil
            case .rest(let time):
                current?.phase = .resting(until: now + time)
                return
            case .first(let other):
                current?.stack.append(other)
                reply = nil
            case .end:
                current?.stack.removeLast()
                reply = nil
                if let done = top as? Synchronization { return afterSynchronization(done) }
                if let done = top as? ModuleSetup, case .settingUp? = current?.phase { return afterSetup(done) }
                if current?.stack.isEmpty ?? true { return finishCurrent(.finished) }
            }
        }
    }

    /// After a command without a reply, the rest of the sequence would only time out as well.
    private func refusal(for work: LineWork) -> CommandExchange.Outcome? {
        if isLineLost { return .lineLost }
        return trust == .found || work.findsConversation ? nil : .timedOut
    }

    private func afterSynchronization(_ synchronization: Synchronization) {
        guard case .synchronizing? = current?.phase, let queued = current?.queued else { return step(nil) }
        if synchronization.hasFound { return setUpOrBegin() }
        if isLineLost { return finishCurrent(.unavailable(.lineLost)) }
        finishCurrent(queued.cannotWait(at: now) ? .notInTime : .unavailable(.timedOut))
    }

    private func afterSetup(_ setup: ModuleSetup) {
        guard setup.isDone else {
            needsSetup = true
            return finishCurrent(.unavailable(.moduleReset))
        }
        begin()
    }

    // MARK: The command

    private func send(_ new: CommandInFlight) {
        command = new
        outputQueue.append(.command(new.line))
    }

    /// Gives a message to the command in progress. Reports have been applied already.
    func commandReceived(_ message: ModuleMessage) {
        command?.receive(message, at: now)
    }

    func endCommand(_ outcome: CommandExchange.Outcome) {
        guard command != nil else { return }
        command?.exchange.end(outcome)
        advanceCommand()
    }

    /// Drops the command. No work receives a reply.
    private func dropCommand() {
        command = nil
        outputQueue = []
    }

    /// Moves the command on as far as possible now.
    private func advanceCommand() {
        guard let here = command else { return }
        switch here.exchange.state {
        case .prompted:
            guard let block = here.block else { return }
            command?.exchange.bytesFollow()
            command?.isDelivering = true
            command?.deadline = now + times.busy
            outputQueue.append(.block(block.call, block.range))
        case .ended(let outcome): conclude(here, outcome)
        case .awaitingReply, .awaitingPrompt, .awaitingDelivery, .notTaken: break
        }
    }

    private func conclude(_ ended: CommandInFlight, _ outcome: CommandExchange.Outcome) {
        command = nil
        if ended.block != nil, outcome != .timedOut { missingBytes = 0 }
        // Output that the line has not taken yet would mix with the next command.
        outputQueue = []
        let finds = current?.stack.last?.findsConversation ?? false
        if outcome == .timedOut || outcome == .stillBusy, trust == .found, !finds {
            // The time-out of a block was long enough; the next calls do not search for as long again.
            trust = ended.isDelivering ? .busy : .lost
            silentAttempts = 0
        }
        if let left = unconfirmed {
            unconfirmed = nil
            if outcome != .done {
                left.connection.hasLostBytes = true
            }
            noteChange()
            if case .awaitingConfirmation? = current?.phase { prepare() }
            return
        }
        step(Reply(outcome: outcome, lines: ended.exchange.lines))
    }

    // MARK: Time

    var lineDeadline: Instant? {
        var next: Instant?
        if let command {
            switch command.exchange.state {
            case .notTaken: next = command.again
            case .awaitingReply, .awaitingPrompt, .awaitingDelivery: next = command.settlesAt ?? command.deadline
            case .prompted, .ended: break
            }
        }
        switch current?.phase {
        case .resting(let end), .awaitingRelease(let end): next = .earlier(next, end)
        case .awaitingConfirmation, .synchronizing, .settingUp, .working, nil: break
        }
        if let current, waitsForCaller { next = .earlier(next, current.queued.deadline) }
        for queued in queue { next = .earlier(next, queued.deadline) }
        return next
    }

    /// Whether the current work ends when its caller has no more time. True before it has begun, and after its block is
    /// with the module.
    private var waitsForCaller: Bool {
        switch current?.phase {
        case .awaitingConfirmation, .awaitingRelease: true
        case .working: command?.exchange.state == .awaitingDelivery
        case .synchronizing, .settingUp, .resting, nil: false
        }
    }

    func advanceLine() {
        advanceCommand()
        for queued in queue where queued.cannotWait(at: now) { withdraw(queued.work, .notInTime) }
        if let queued = current?.queued, queued.cannotWait(at: now), waitsForCaller { leave() }
        advanceCommandTime()
        switch current?.phase {
        case .resting(let end) where end <= now:
            current?.phase = .working
            step(nil)
        case .awaitingRelease: prepare()
        case .awaitingConfirmation where unconfirmed == nil: prepare()
        case .awaitingConfirmation, .resting, .synchronizing, .settingUp, .working, nil: break
        }
    }

    /// Ends the current work because its caller returns without the module's answer.
    private func leave() {
        guard case .working? = current?.phase, let command, let block = command.block else {
            return finishCurrent(.notInTime)
        }
        // Not before the line has taken all of the block, which is in the caller's memory.
        guard !hasUnsentBlock else { return }
        unconfirmed = UnconfirmedDelivery(connection: block.connection, deadline: command.deadline)
        finishCurrent(.unconfirmed)
    }

    private var hasUnsentBlock: Bool { outputQueue.contains { if case .block = $0 { true } else { false } } }

    /// Before the power is switched: limits a block in progress to 1 s without progress on the line.
    func hurryBlock() {
        guard hasUnsentBlock, let deadline = command?.deadline else { return }
        command?.deadline = min(deadline, now + .seconds(1))
    }

    private func advanceCommandTime() {
        guard let here = command else { return }
        if isSwitchingPower, !(current?.queued.work is PowerWork) {
            switch here.exchange.state {
            case .awaitingReply: return endCommand(.timedOut)
            case .awaitingDelivery where !hasUnsentBlock: return endCommand(.timedOut)
            // A module about to ask for a block has to get it; otherwise it would take the next command as the block's
            // data.
            case .awaitingPrompt, .awaitingDelivery, .prompted, .notTaken, .ended: break
            }
        }
        switch here.exchange.state {
        case .notTaken:
            guard let again = here.again else { return }
            if isSwitchingPower || (again <= now && here.deadline <= now) { return endCommand(.stillBusy) }
            guard again <= now else { return }
            command?.repeatIt()
            outputQueue.append(.command(here.line))
        case .awaitingReply, .awaitingPrompt, .awaitingDelivery:
            if let settles = here.settlesAt, settles <= now {
                command?.exchange.settle()
                return advanceCommand()
            }
            guard here.deadline <= now else { return }
            if isHeldBack(above: Self.replyLimit), here.heldUntil.map({ $0 > now }) ?? true {
                // The application has to read first. That time does not count against the module.
                let end = here.heldUntil ?? now + times.reply
                command?.heldUntil = end
                command?.deadline = end
            } else {
                endCommand(.timedOut)
            }
        case .prompted, .ended: break
        }
    }
}

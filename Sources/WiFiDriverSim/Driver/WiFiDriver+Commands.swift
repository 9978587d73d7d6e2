/// Commands on the line. Called with the lock held.
extension WiFiDriver {
    /// The right to have a command on the line; handed on in the order of asking.
    struct CommandSlot {
        var isTaken = false
        /// The command at hand may take seconds.
        var isLong = false
        var queue: [DriverWaiter] = []
    }

    /// A block that the module has taken and not confirmed when its Send had to return. It counts as sent; the next command
    /// waits for the end of it.
    struct UnconfirmedDelivery {
        let connection: DriverConnection
        /// When the module is given up.
        let deadline: RealTime
    }

    /// Whether the next command may have to wait for long: a call that must not block does not make one.
    var isLineBusyForLong: Bool { slot.isLong || unconfirmed != nil || isHeldBack(for: .command) }

    /// How a command ended.
    struct Reply {
        let outcome: CommandExchange.Outcome
        /// The information lines.
        let lines: [[UInt8]]

        var isDone: Bool { outcome == .done }

        /// The lines that start with `prefix`, without it.
        func fields(_ prefix: String) -> [[UInt8]] {
            lines.filter { $0.starts(with: prefix.utf8) }.map { Array($0.dropFirst(prefix.utf8.count)) }
        }

        func contains(_ text: String) -> Bool { lines.contains { $0.starts(with: text.utf8) } }
    }

    /// Waits for the slot: for ever, or until `deadline` or the close of the socket of `topic`. False if it was not to be had.
    @discardableResult
    func takeSlot(isLong: Bool = false, for topic: DriverTopics = [], until deadline: RealTime? = nil) -> Bool {
        if slot.isTaken {
            let waiter = DriverWaiter(topic)
            slot.queue.append(waiter)
            leaveLine()
            lock.unlock()
            waiter.sleep(until: deadline)
            lock.lock()
            guard waiter.isGranted else {
                slot.queue.removeAll { $0 === waiter }
                return false
            }
        }
        slot.isTaken = true
        slot.isLong = isLong
        return true
    }

    /// Sends the calls away that wait for the slot on behalf of this socket.
    func dismissFromSlot(_ topic: DriverTopics) {
        for waiter in slot.queue where !waiter.topics.isDisjoint(with: topic) { waiter.wake() }
    }

    func releaseSlot() {
        slot.isLong = false
        if slot.queue.isEmpty { slot.isTaken = false } else { slot.queue.removeFirst().grant() }
    }

    /// Runs `body` with the slot taken and the module ready for a command.
    func withSlot<Result>(isLong: Bool = false, _ body: () -> Result, otherwise: (CommandExchange.Outcome) -> Result)
        -> Result
    {
        takeSlot(isLong: isLong)
        defer { releaseSlot() }
        if let problem = makeReady() { return otherwise(problem) }
        return body()
    }

    /// The same on behalf of a socket's call, which has a deadline; nil if that was over, or the socket closed, before.
    func withSlot<Result>(
        for socket: DriverSocket, until deadline: RealTime?, _ body: () -> Result,
        otherwise: (CommandExchange.Outcome) -> Result
    ) -> Result? {
        guard takeSlot(for: socket.topic, until: deadline) else { return nil }
        defer { releaseSlot() }
        let caller = Caller(socket: socket, deadline: deadline)
        if let problem = makeReady(for: caller) { return caller.cannotWait ? nil : otherwise(problem) }
        return body()
    }

    /// Sends a command and waits for the end of its reply.
    func run(
        _ command: CommandText, expecting expectation: CommandExchange.Expectation = .nothing,
        timeout: Duration? = nil, isLong: Bool = false
    ) -> Reply {
        withSlot(isLong: isLong) {
            transact(command, expecting: expectation, timeout: timeout)
        } otherwise: {
            Reply(outcome: $0, lines: [])
        }
    }

    /// How long an OK that nothing explained waits for something better.
    private static let grace = Duration.milliseconds(150)
    /// How long after `busy` a command is sent again: at first, and at most after several.
    private static let busyPause = (first: Duration.milliseconds(50), last: Duration.milliseconds(400))

    /// The same for an owner of the slot.
    func transact(
        _ command: CommandText, expecting expectation: CommandExchange.Expectation = .nothing,
        timeout: Duration? = nil, expectsReset: Bool = false
    ) -> Reply {
        // Behind a command without a reply, the rest of a sequence would only wait as long again.
        if conversation != .found { return Reply(outcome: .timedOut, lines: []) }
        converse(
            command, CommandExchange(expecting: expectation, expectsReset: expectsReset),
            until: .now + (timeout ?? replyTimeout))
        return finishExchange()
    }

    /// Announces `bytes` to a connection's link, and sends them once the module asks for them. Nil if the caller could not
    /// wait for the module's confirmation.
    func transmit(
        _ bytes: UnsafeRawBufferPointer, to connection: DriverConnection, command: CommandText, for caller: Caller
    ) -> Reply? {
        missingBytes = bytes.count
        converse(command, CommandExchange(prompt: true), until: .now + replyTimeout)
        if exchange?.state == .prompted {
            exchange?.bytesFollow()
            let deadline = RealTime.now + busyTimeout
            write(bytes, until: deadline)
            if !waitForExchange(until: deadline, for: caller) {
                unconfirmed = UnconfirmedDelivery(connection: connection, deadline: deadline)
                return nil
            }
            return finishDelivery()
        }
        if exchange?.outcome != .timedOut { missingBytes = 0 }
        return finishExchange()
    }

    /// Once the module has confirmed a block, or had its time to.
    private func finishDelivery() -> Reply {
        if exchange?.outcome != .timedOut { missingBytes = 0 }
        let reply = finishExchange()
        // It was waited for long enough: the calls behind it are not to wait as long again.
        if reply.outcome == .timedOut { conversation = .busy }
        return reply
    }

    /// Waits for the end of what a Send has left behind; false if the caller could not.
    private func awaitConfirmation(for caller: Caller?) -> Bool {
        // It may have come while nobody read.
        if unconfirmed != nil { catchUp() }
        guard let unconfirmed else { return true }
        guard waitForExchange(until: unconfirmed.deadline, for: caller) else { return false }
        concludeUnconfirmed()
        return true
    }

    /// Once the exchange that a Send has left behind has ended.
    func concludeUnconfirmed() {
        guard let connection = unconfirmed?.connection, exchange?.outcome != nil else { return }
        unconfirmed = nil
        guard !finishDelivery().isDone else { return }
        connection.hasLostBytes = true
        if let owner = connection.owner { notify(.socket(owner)) }
    }

    private func finishExchange() -> Reply {
        defer { exchange = nil }
        guard let exchange else { return Reply(outcome: .lineLost, lines: []) }
        if exchange.outcome == .timedOut || exchange.outcome == .stillBusy, conversation == .found {
            conversation = .lost
            silentAttempts = 0
        }
        return Reply(outcome: exchange.outcome ?? .timedOut, lines: exchange.lines)
    }

    /// Sends the command, again while the module is busy, and waits until the exchange asks for something or ends.
    private func converse(_ command: CommandText, _ fresh: CommandExchange, until deadline: RealTime) {
        // Finals that are there already belong to the past.
        drainLine()
        let line = command.line
        var pause = Self.busyPause.first
        while true {
            exchange = fresh
            line.withUnsafeBytes { write($0, until: deadline) }
            waitForExchange(until: deadline)
            guard exchange?.state == .notTaken else { return }
            let again = RealTime.now + pause
            pause = min(pause * 2, Self.busyPause.last)
            while exchange?.state == .notTaken, !isSwitchingPower,
                waitForProgress(on: .command, until: min(again, deadline))
            {}
            guard exchange?.state == .notTaken else { return }
            if deadline <= .now || isSwitchingPower { return exchange?.end(.stillBusy) ?? () }
        }
    }

    /// A socket's call that may have to return before the module has answered.
    struct Caller {
        let socket: DriverSocket
        let deadline: RealTime?

        var cannotWait: Bool { socket.isClosed || deadline.map { $0 <= .now } ?? false }
    }

    /// Waits until the exchange in flight wants something or has ended; false if the caller could not wait for it.
    @discardableResult
    private func waitForExchange(until deadline: RealTime, for caller: Caller? = nil) -> Bool {
        var deadline = deadline
        var isExtended = false
        let topics = caller.map { $0.socket.topic.union(.command) } ?? .command
        while let state = exchange?.state,
            state == .awaitingReply || state == .awaitingPrompt || state == .awaitingDelivery
        {
            if caller?.socket.isClosed ?? false { return false }
            // A module that is about to ask for a block gets it: else it would take the next command for the block.
            if isSwitchingPower, state != .awaitingPrompt {
                exchange?.end(.timedOut)
                break
            }
            let isSettling = exchange?.hasUnexplainedOK == true
            if isSettling { deadline = min(deadline, .now + Self.grace) }
            if waitForProgress(on: topics, until: caller?.deadline.map { min($0, deadline) } ?? deadline) { continue }
            if line?.isLost ?? true {
                exchange?.end(.lineLost)
            } else if let caller, caller.cannotWait {
                return false
            } else if isSettling {
                exchange?.settle()
            } else if isHeldBack(for: .command), !isExtended {
                // The application has to read first: that time is not the module's. But it has not for ever.
                isExtended = true
                deadline = .now + replyTimeout
            } else {
                exchange?.end(.timedOut)
            }
        }
        return true
    }

    /// Waits until the application has taken so much of what was pushed that the line is read; false if that was too long. A
    /// socket's call waits as for a peer that does not read, and any other as for a reply.
    private func awaitRelease(for caller: Caller?) -> Bool {
        guard isHeldBack(for: .command) else { return true }
        let end = RealTime.now + (caller == nil ? min(replyTimeout, busyTimeout) : busyTimeout)
        let topics = caller.map { $0.socket.topic.union(.command) } ?? .command
        while isHeldBack(for: .command) {
            if isSwitchingPower || caller?.cannotWait ?? false { return false }
            if !waitForProgress(on: topics, until: caller?.deadline.map { min($0, end) } ?? end) { return false }
        }
        return true
    }

    /// Writes all of `bytes`, reading meanwhile what the module has to get rid of.
    private func write(_ bytes: UnsafeRawBufferPointer, until deadline: RealTime) {
        var rest = bytes
        while !rest.isEmpty {
            guard let line, !line.isLost else { return exchange?.end(.lineLost) ?? () }
            lock.unlock()
            var count = 0
            var isStuck = false
            var isBroken = false
            do throws(SerialPortError) {
                count = try line.port.write(rest)
                if count == 0 {
                    let ready = try line.port.wait(for: [.writable, .readable], until: .now + .seconds(1))
                    isStuck = ready.isEmpty
                    if ready.contains(.writable) { count = try line.port.write(rest) }
                }
            } catch {
                isBroken = true
            }
            lock.lock()
            if isBroken { return loseLine() }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            if count == 0 {
                drainLine()
                if deadline <= .now || isStuck && isSwitchingPower { return exchange?.end(.timedOut) ?? () }
            }
        }
    }

    // MARK: Finding the conversation again

    /// Makes the module ready for a command; gives what prevents it.
    func makeReady(for caller: Caller? = nil) -> CommandExchange.Outcome? {
        guard awaitConfirmation(for: caller), awaitRelease(for: caller) else { return .timedOut }
        guard let line, !line.isLost else { return .lineLost }
        if isSwitchingPower || conversation != .found && !synchronize(for: caller) { return .timedOut }
        if needsSetup {
            needsSetup = false
            if !setUpModule() {
                needsSetup = true
                return .moduleReset
            }
        }
        return nil
    }

    /// After a reply that did not come: asks a question whose answer cannot be mistaken, until it is answered.
    ///
    /// CIPMUX? is answered alike by every firmware and is asked nowhere else. The first search takes as long as a command
    /// may keep the module busy. If it was in vain, those of later calls take a moment each.
    private func synchronize(for caller: Caller?) -> Bool {
        guard let line else { return false }
        line.parser.reset()
        line.sink = .discard
        let isFirst = conversation == .lost
        let end = RealTime.now + (isFirst ? busyTimeout : Self.laterSearch)
        var otherAnswers = 0
        var refusals = 0
        while end > .now, !isSwitchingPower, !(caller?.cannotWait ?? false) {
            switch transactForSync(isFirst ? .seconds(1) : .milliseconds(500)).outcome {
            case .done:
                conversation = .found
                missingBytes = 0
                suspectEverything()
                return true
            case .refused:
                // An answer that is too old, or a firmware that does not know the question: the line works.
                refusals += 1
                if refusals == 3 {
                    conversation = .found
                    return true
                }
            case .moduleReset:
                conversation = .found
                return true
            case .lineLost: return false
            case .notDelivered:
                silentAttempts = 0
                // Finals of earlier commands, but not so many.
                otherAnswers += 1
                if otherAnswers == Self.otherAnswerLimit {
                    moduleFellSilent()
                    return false
                }
            case .stillBusy:
                silentAttempts = 0
                if isFirst { break }
                conversation = .busy
                return false
            case .timedOut:
                if isSwitchingPower { return false }
                silentAttempts += 1
                if silentAttempts >= Self.syncAttempts {
                    moduleFellSilent()
                    return false
                }
                giveMissingBytes()
            }
        }
        // Who had no more time has found nothing out.
        if end <= .now, conversation == .lost { conversation = .busy }
        return false
    }

    /// The module does not answer any more. Should it come back, it is to be set up anew.
    private func moduleFellSilent() {
        guard conversation != .silent else { return }
        conversation = .silent
        needsSetup = true
        abortEverything()
        notify(.all)
    }

    /// The module may still be waiting for data that was damaged on the way: gives it the rest.
    func giveMissingBytes() {
        guard missingBytes > 0 else { return }
        let filler = [UInt8](repeating: UInt8(ascii: "\n"), count: missingBytes)
        missingBytes = 0
        filler.withUnsafeBytes { write($0, until: .now + replyTimeout) }
    }

    /// Ends a data mode by the escape sequence, which no line end follows, with silence around it
    /// (ESP-AT docs, TCP-IP, +++).
    func escapeDataMode() {
        rest(for: .seconds(1))
        Array("+++".utf8).withUnsafeBytes { write($0, until: .now + replyTimeout) }
        rest(for: .milliseconds(1100))
    }

    /// Lets time pass while the line is read.
    private func rest(for time: Duration) {
        let end = RealTime.now + time
        while waitForProgress(on: .command, until: end) {}
    }

    private static let syncAttempts = 3
    private static let otherAnswerLimit = 20
    private static let laterSearch = Duration.seconds(2)

    private func transactForSync(_ timeout: Duration) -> Reply {
        converse(.query("CIPMUX"), CommandExchange(expecting: .information("+CIPMUX")), until: .now + timeout)
        defer { exchange = nil }
        guard let exchange else { return Reply(outcome: .lineLost, lines: []) }
        // An OK without the answer was an older one.
        let isAnswered = exchange.lines.contains { $0.starts(with: "+CIPMUX".utf8) }
        let outcome = exchange.outcome ?? .timedOut
        return Reply(outcome: outcome == .done && !isAnswered ? .notDelivered : outcome, lines: exchange.lines)
    }

    /// Reports may have been lost: every link is to be looked at again.
    private func suspectEverything() {
        for connection in links.compactMap({ $0 }) where connection.ending == nil {
            connection.hasDataWaiting = isPassive(connection)
        }
        changed = .all
        notify(.all)
    }

    func isPassive(_ connection: DriverConnection) -> Bool {
        receivesPassively && !connection.isDatagram && !pushesEverything
    }

    /// The one mode of all links is to push, for the datagrams of some.
    var pushesEverything: Bool { !dialect.hasReceiveType && !pushingLinks.isEmpty }
}

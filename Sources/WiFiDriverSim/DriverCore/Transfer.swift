import WiFiSimValues

/// Reads what the module holds for a link, as far as the queue has room.
final class ReadLink: LineWork {
    private let connection: DriverConnection
    /// Reads more than the application has asked for.
    private let isAhead: Bool
    private var state = State.beginning
    /// Whether the module was asked for data.
    private(set) var hasAsked = false

    private enum State {
        case beginning
        case reading(length: Int, before: Int)
    }

    /// In bytes: how far a Send reads ahead of the application, for each connection.
    static let aheadLimit = 64 * 1024

    init(_ connection: DriverConnection, ahead isAhead: Bool = false) {
        self.connection = connection
        self.isAhead = isAhead
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        switch state {
        case .beginning:
            // Another call may have read the data.
            guard connection.hasDataWaiting, isAhead || !connection.queue.isReadable,
                core.links[connection.link] === connection
            else { return .end }
            hasAsked = true
            let room = (isAhead ? Self.aheadLimit : core.dialect.longestRead) - connection.queue.count
            let length = max(1, min(core.dialect.longestRead, room))
            core.parser.maximumRead = length
            core.readTarget = connection
            state = .reading(length: length, before: connection.queue.received)
            // A report from now on is about data that this read leaves in the module.
            connection.hasDataWaiting = false
            return .command(
                CommandText("CIPRECVDATA").field(connection.link).field(length), expecting: .payload)
        case .reading(let length, let before):
            // An answer that comes too late still has the connection's next bytes.
            let mayComeLate = reply?.outcome == .timedOut || reply?.outcome == .stillBusy
            if !mayComeLate || connection.queue.received > before { core.readTarget = nil }
            switch reply?.outcome {
            case .done:
                // After a full read, or a datagram, the module may hold more.
                let count = connection.queue.received - before
                if count == length || connection.isDatagram && count > 0 { connection.askAgain() }
            case .timedOut, .stillBusy, .moduleReset, .lineLost: giveUp(before: before, core)
            case .refused, .notDelivered, nil: break
            }
            return .end
        }
    }

    /// Handles an answer without an end. Its bytes may be something else, such as the boot messages of a module that
    /// restarted.
    private func giveUp(before: Int, _ core: DriverCore) {
        let count = connection.queue.received - before
        guard count > 0, !connection.isDatagram else { return connection.askAgain() }
        connection.queue.takeBack(count)
        // The rest of the answer may still come.
        core.sink = .discard
        connection.end(.aborted)
    }

    override func failed(_ core: DriverCore) {
        if case .unavailable? = ending { connection.hasDataWaiting = false }
    }
}

extension DriverConnection {
    /// Marks the link as possibly holding more data.
    fileprivate func askAgain() { if ending == nil { hasDataWaiting = true } }
}

/// Sends one block.
final class SendBlock: LineWork {
    private let connection: DriverConnection
    private let start: Int
    private let length: Int
    private let destination: Endpoint?
    private var hasSent = false
    /// Bytes of the block that count as sent.
    private(set) var count = 0
    private(set) var failure: SocketFailure?

    init(_ connection: DriverConnection, start: Int, length: Int, to destination: Endpoint?) {
        self.connection = connection
        self.start = start
        self.length = length
        self.destination = destination
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        guard hasSent else {
            hasSent = true
            guard connection.failure == nil, core.links[connection.link] === connection else {
                return conclude(Reply(outcome: .notDelivered), core)
            }
            count = min(length, core.dialect.longestSend)
            var command = CommandText("CIPSEND").field(connection.link).field(count)
            if let destination { command = command.quoted(destination.address).field(destination.port) }
            return .block(command, start: start, count: count, on: connection)
        }
        return conclude(reply ?? Reply(outcome: .timedOut), core)
    }

    private func conclude(_ reply: Reply, _ core: DriverCore) -> LineStep {
        switch reply.outcome {
        case .done: return .end
        case .refused where count > 2048 && connection.ending == nil && !reply.contains("link"):
            // Some builds take less than other builds for the same chip.
            core.dialect.longestSend = 2048
            count = 0
        case .refused, .notDelivered:
            // The link is closed in the module, and its report may still come.
            failure = connection.failure ?? (connection.isDatagram ? .unspecified : .reset)
        case .timedOut, .stillBusy: failure = .unspecified
        case .moduleReset, .lineLost: failure = .aborted
        }
        return .end
    }

    override func failed(_ core: DriverCore) {
        guard case .unavailable(let outcome)? = ending else { return }
        _ = conclude(Reply(outcome: outcome), core)
    }
}

/// Work that waits until the line is free, and sends nothing.
final class AwaitLine: LineWork {
    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep { .end }
}

// MARK: Calls

/// Recv and RecvFrom, until there is something to read. The caller then takes it with `read(_:into:)`.
final class ReceiveCall: PendingCall {
    private let socket: DriverSocket
    private var state = State.looking
    private var hasAsked = false

    private enum State {
        case looking
        case opening(OpenDatagramLink)
        case reading(ReadLink)
    }

    init(_ id: CallID, _ socket: DriverSocket, until deadline: Instant?) {
        self.socket = socket
        super.init(id, deadline: deadline)
    }

    override func proceed(_ core: DriverCore) {
        do throws(SocketFailure) {
            switch state {
            case .looking: try look(core)
            case .opening(let work):
                guard work.ending != nil else { return }
                if let failure = work.failure { throw failure }
                self.work = nil
                state = .looking
                try look(core)
            case .reading(let work):
                guard work.ending != nil else { return }
                self.work = nil
                if work.ending == .notInTime { throw socket.isClosed ? .aborted : .wouldBlock }
                if work.hasAsked { hasAsked = true }
                state = .looking
                try look(core)
            }
        } catch {
            core.finish(self, .failure(.socket(error)))
        }
    }

    private func look(_ core: DriverCore) throws(SocketFailure) {
        if socket.isClosed { throw .aborted }
        guard let connection = try connection else {
            if !socket.isBlocking, core.isLineBusyForLong { throw .wouldBlock }
            let work = OpenDatagramLink(socket)
            state = .opening(work)
            return start(work, for: socket, until: core.slotDeadline(socket, deadline), on: core)
        }
        if connection.queue.isReadable { return core.finish(self, .success(.nothing)) }
        if connection.hasDataWaiting {
            if !socket.isBlocking, hasAsked || core.isLineBusyForLong { throw .wouldBlock }
            // A module that announces data again and again without delivering any must not extend the deadline.
            if hasAsked, isOver(at: core.now) { throw .wouldBlock }
            let work = ReadLink(connection)
            state = .reading(work)
            return start(work, for: socket, until: core.slotDeadline(socket, deadline), on: core)
        }
        if let failure = connection.failure { throw failure }
        if core.isLineLost { throw .aborted }
        if !socket.isBlocking || isOver(at: core.now) { throw .wouldBlock }
    }

    /// Nil for a datagram socket that has no link yet.
    private var connection: DriverConnection? {
        get throws(SocketFailure) {
            switch socket.state {
            case .connected(let connection): return connection
            case .datagram(let datagram):
                if datagram.local == nil, datagram.peer == nil { throw .notConnected }
                return datagram.connection
            case .idle, .bound, .listening, .connecting, .connectFailed: throw .notConnected
            }
        }
    }
}

/// Send and SendTo.
final class SendCall: PendingCall {
    private let socket: DriverSocket
    private let length: Int
    private let destination: Endpoint?
    private var state = State.looking
    private var sent = 0

    private enum State {
        case looking
        case awaitingLine(AwaitLine)
        case readingAhead(ReadLink, DriverConnection, before: Int)
        case opening(OpenDatagramLink)
        case sending(SendBlock)
    }

    /// In bytes, the largest datagram: the payload of one frame.
    private static let longestDatagram = 1460

    init(_ id: CallID, _ socket: DriverSocket, _ length: Int, to destination: Endpoint?, until deadline: Instant?) {
        self.socket = socket
        self.length = length
        self.destination = destination
        super.init(id, deadline: deadline)
    }

    override func proceed(_ core: DriverCore) {
        do throws(SocketFailure) {
            switch state {
            case .looking: try look(core)
            case .awaitingLine(let work):
                guard work.ending != nil else { return }
                if work.ending == .notInTime { throw socket.isClosed ? .aborted : .wouldBlock }
                core.finish(self, .success(.count(0)))
            case .readingAhead(let work, let connection, let before):
                guard work.ending != nil else { return }
                self.work = nil
                if work.ending == .notInTime { throw socket.isClosed ? .aborted : .wouldBlock }
                if connection.queue.received > before, readAhead(core) { return }
                try sendNext(core)
            case .opening(let work):
                guard work.ending != nil else { return }
                self.work = nil
                if let failure = work.failure { throw failure }
                try sendNext(core)
            case .sending(let work): if let ending = work.ending { try conclude(work, ending, core) }
            }
        } catch {
            core.finish(self, sent > 0 ? .success(.count(sent)) : .failure(.socket(error)))
        }
    }

    private func look(_ core: DriverCore) throws(SocketFailure) {
        if socket.isClosed { throw .aborted }
        if case .datagram(let datagram) = socket.state { return try beginDatagram(datagram, core) }
        guard case .connected(let connection) = socket.state else { throw .notConnected }
        if let failure = connection.failure { throw failure }
        if sent > 0, sent == length { return core.finish(self, .success(.count(sent))) }
        if !socket.isBlocking, core.isLineBusyForLong { throw .wouldBlock }
        if length == 0 {
            guard core.isLineBusyForLong else { return core.finish(self, .success(.count(0))) }
            let work = AwaitLine()
            state = .awaitingLine(work)
            return start(work, for: socket, until: core.slotDeadline(socket, deadline), on: core)
        }
        if sent > 0, isOver(at: core.now) { return core.finish(self, .success(.count(sent))) }
        if !readAhead(core) { try sendNext(core) }
    }

    /// Reads what the module holds before a block is sent. Otherwise both sides may wait: a peer that cannot deliver
    /// its answers may stop reading, then CIPSEND does not end, and no read can start.
    /// - Returns: whether there is something to read.
    private func readAhead(_ core: DriverCore) -> Bool {
        let waiting = core.links.compactMap { $0 }.first {
            !$0.isDatagram && $0.hasDataWaiting && $0.queue.count < ReadLink.aheadLimit
        }
        guard let waiting else { return false }
        let work = ReadLink(waiting, ahead: true)
        state = .readingAhead(work, waiting, before: waiting.queue.received)
        start(work, for: socket, until: core.slotDeadline(socket, deadline), on: core)
        return true
    }

    private func beginDatagram(_ datagram: DriverSocket.Datagram, _ core: DriverCore) throws(SocketFailure) {
        if sent > 0 { return core.finish(self, .success(.count(sent))) }
        guard let target = destination ?? datagram.peer else { throw .notConnected }
        guard target.address.family == socket.family, target.port != 0, !target.address.isUnspecified else {
            throw .invalidArgument
        }
        if length == 0 { return core.finish(self, .success(.count(0))) }
        if length > Self.longestDatagram { throw .invalidArgument }
        if !socket.isBlocking, core.isLineBusyForLong { throw .wouldBlock }
        if let connection = datagram.connection, connection.ending == nil { return try sendNext(core) }
        let work = OpenDatagramLink(socket)
        state = .opening(work)
        start(work, for: socket, until: core.slotDeadline(socket, deadline), on: core)
    }

    private func sendNext(_ core: DriverCore) throws(SocketFailure) {
        let connection: DriverConnection
        var target: Endpoint?
        switch socket.state {
        case .connected(let open): connection = open
        case .datagram(let datagram):
            guard let open = datagram.connection else { throw .aborted }
            connection = open
            target = destination ?? datagram.peer
        case .idle, .bound, .listening, .connecting, .connectFailed: throw .notConnected
        }
        let work = SendBlock(connection, start: sent, length: length - sent, to: target)
        state = .sending(work)
        start(work, for: socket, until: core.slotDeadline(socket, deadline), on: core)
    }

    private func conclude(_ block: SendBlock, _ ending: LineWork.Ending, _ core: DriverCore) throws(SocketFailure) {
        work = nil
        switch ending {
        case .notInTime: throw socket.isClosed ? .aborted : .wouldBlock
        // The module has the bytes, and has not answered yet.
        case .unconfirmed: break
        case .finished, .unavailable: if let failure = block.failure { throw failure }
        }
        sent += block.count
        state = .looking
        try look(core)
    }
}

extension DriverCore {
    /// How long a call may wait for the line. A non-blocking call waits for a short command, but not for a peer that
    /// does not read.
    func slotDeadline(_ socket: DriverSocket, _ deadline: Instant?) -> Instant? {
        socket.isBlocking ? deadline : now + .milliseconds(100)
    }

    /// Takes as much of a stream as fits, or the next datagram.
    /// - Returns: Nil if there is nothing to read.
    package func read(
        _ socket: DriverSocket, into buffer: UnsafeMutableRawBufferPointer
    ) -> (count: Int, source: Endpoint?)? {
        guard let connection = socket.connection, connection.queue.isReadable else { return nil }
        if buffer.isEmpty { return (0, nil) }
        let (count, source) = connection.queue.read(into: buffer)
        return (count, source ?? connection.peer)
    }
}

extension DriverSocket {
    /// The connection that the socket receives from.
    var connection: DriverConnection? {
        switch state {
        case .connected(let connection): connection
        case .datagram(let datagram): datagram.connection
        case .idle, .bound, .listening, .connecting, .connectFailed: nil
        }
    }

    /// When a call with this time-out in milliseconds returns. Nil for a time-out of 0, which never returns.
    package func deadline(_ milliseconds: UInt32, from now: Instant) -> Instant? {
        milliseconds == 0 ? nil : now + .milliseconds(Int(milliseconds))
    }
}

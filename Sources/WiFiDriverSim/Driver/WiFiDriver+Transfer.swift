/// Recv and Send.
extension WiFiDriver {
    /// The largest datagram that Send takes: what one frame carries.
    private static let longestDatagram = 1460

    /// Takes what is there, at most a buffer full; an empty buffer asks whether something is. Waits if the socket does.
    func receive(_ number: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SocketFailure) -> (
        count: Int, source: Endpoint?
    ) {
        // What has been received already is to be had without a look at the line.
        try perform(catchingUp: false) { () throws(SocketFailure) in
            let socket = try socket(number)
            let deadline = socket.receiveDeadline()
            var isUpToDate = false
            var hasFetched = false
            while true {
                if socket.isClosed { throw .aborted }
                let connection = try receivingConnection(of: socket, until: deadline)
                if connection.queue.isReadable {
                    if buffer.isEmpty { return (0, nil) }
                    return take(from: connection, into: buffer)
                }
                if !isUpToDate {
                    isUpToDate = true
                    catchUp()
                    continue
                }
                if connection.hasDataWaiting {
                    if !socket.isBlocking, hasFetched || isLineBusyForLong { throw .wouldBlock }
                    // What a module announces again and again and never gives is not waited for longer than anything else.
                    if hasFetched, let deadline, deadline <= .now { throw .wouldBlock }
                    hasFetched = true
                    if !fetch(connection, for: socket, until: slotDeadline(socket, deadline)), !socket.isClosed {
                        throw .wouldBlock
                    }
                    continue
                }
                if let failure = connection.failure { throw failure }
                if !socket.isBlocking { throw .wouldBlock }
                if !waitForProgress(on: socket.topic, until: deadline), !(line?.isLost ?? true) { throw .wouldBlock }
            }
        }
    }

    private func receivingConnection(of socket: DriverSocket, until deadline: RealTime?) throws(SocketFailure)
        -> DriverConnection
    {
        switch socket.state {
        case .connected(let connection): return connection
        case .datagram(let datagram):
            if datagram.local == nil, datagram.peer == nil { throw .notConnected }
            if let connection = datagram.connection { return connection }
            catchUp()
            if !socket.isBlocking, isLineBusyForLong { throw .wouldBlock }
            try openDatagramLink(socket, until: slotDeadline(socket, deadline))
            return try receivingConnection(of: socket, until: deadline)
        case .idle, .bound, .listening, .connecting, .connectFailed: throw .notConnected
        }
    }

    private func take(from connection: DriverConnection, into buffer: UnsafeMutableRawBufferPointer) -> (
        count: Int, source: Endpoint?
    ) {
        let before = connection.queue.count
        let (count, source) = connection.queue.read(into: buffer)
        if before > Self.heldBackLimit, connection.queue.count <= Self.heldBackLimit { notify(.lineReleased) }
        return (count, source ?? connection.peer)
    }

    /// Reads what the module holds for a link, as much as there is room for; `ahead` of what the application has read.
    /// False if the line was not free in time.
    @discardableResult
    private func fetch(
        _ connection: DriverConnection, for socket: DriverSocket, until deadline: RealTime?, ahead: Bool = false
    ) -> Bool {
        let done: Void? = withSlot(for: socket, until: deadline) {
            // Another thread may have read it meanwhile.
            guard connection.hasDataWaiting, ahead || !connection.queue.isReadable,
                links[connection.link] === connection
            else { return }
            let room = (ahead ? Self.readAheadLimit : dialect.longestRead) - connection.queue.count
            let length = max(1, min(dialect.longestRead, room))
            line?.parser.maximumRead = length
            readTarget = connection
            defer { readTarget = nil }
            let before = connection.queue.received
            // A report that comes from now on is about what this read leaves.
            connection.hasDataWaiting = false
            let reply = transact(CommandText("CIPRECVDATA").field(connection.link).field(length), expecting: .payload)
            switch reply.outcome {
            case .done:
                // A full read, or one datagram, may not have been all.
                let count = connection.queue.received - before
                if count == length || connection.isDatagram && count > 0 { askAgain(connection) }
            case .timedOut, .stillBusy: askAgain(connection)
            case .refused, .notDelivered, .moduleReset, .lineLost: break
            }
        } otherwise: { _ in
            // Once the conversation is found again, every link is looked at.
            if conversation != .found { connection.hasDataWaiting = false }
        }
        return done != nil
    }

    /// How long a call may wait for the line: a non-blocking one for a short command, but not for a peer that does not read.
    private func slotDeadline(_ socket: DriverSocket, _ deadline: RealTime?) -> RealTime? {
        socket.isBlocking ? deadline : .now + .milliseconds(100)
    }

    /// Before a block is sent: reads what the module holds. A peer that cannot get rid of its answers may not read, then
    /// CIPSEND does not end, and behind it nothing can be read.
    private func readAhead(for socket: DriverSocket, until deadline: RealTime?) {
        for connection in links.compactMap({ $0 }) where !connection.isDatagram {
            var before = -1
            while connection.hasDataWaiting, connection.queue.count < Self.readAheadLimit,
                connection.queue.received > before
            {
                before = connection.queue.received
                guard fetch(connection, for: socket, until: deadline, ahead: true) else { return }
            }
        }
    }

    /// Bytes of a connection that Send reads ahead of the application.
    private static let readAheadLimit = 64 * 1024

    private func askAgain(_ connection: DriverConnection) {
        if connection.ending == nil { connection.hasDataWaiting = true }
    }

    // MARK: Send

    /// Sends all of `bytes` when the socket blocks; else what goes without waiting for another's long command, or for a peer
    /// that does not read. No bytes at all ask whether it would wait.
    func send(_ number: Int32, _ bytes: UnsafeRawBufferPointer, to destination: Endpoint?) throws(SocketFailure) -> Int
    {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            if case .datagram = socket.state { return try sendDatagram(socket, bytes, to: destination) }
            let deadline = socket.sendDeadline()
            var sent = 0
            while true {
                do throws(SocketFailure) {
                    if socket.isClosed { throw .aborted }
                    guard case .connected(let connection) = socket.state else { throw .notConnected }
                    if let failure = connection.failure { throw failure }
                    if sent > 0, sent == bytes.count { return sent }
                    if !socket.isBlocking, isLineBusyForLong { throw .wouldBlock }
                    if bytes.isEmpty {
                        try awaitRoom(for: socket, until: deadline)
                        return 0
                    }
                    if let deadline, sent > 0, deadline <= .now { return sent }
                    let slotDeadline = slotDeadline(socket, deadline)
                    readAhead(for: socket, until: slotDeadline)
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                    sent += try sendBlock(connection, rest, to: nil, for: socket, until: slotDeadline)
                } catch {
                    if sent > 0 { return sent }
                    throw error
                }
            }
        }
    }

    /// Waits until a Send would not.
    private func awaitRoom(for socket: DriverSocket, until deadline: RealTime?) throws(SocketFailure) {
        guard isLineBusyForLong else { return }
        let done: Void? = withSlot(for: socket, until: deadline) {
        } otherwise: { _ in
        }
        if done == nil { throw socket.isClosed ? .aborted : .wouldBlock }
    }

    /// Sends the first of `bytes`, as many as one CIPSEND takes.
    private func sendBlock(
        _ connection: DriverConnection, _ bytes: UnsafeRawBufferPointer, to destination: Endpoint?,
        for socket: DriverSocket, until deadline: RealTime?
    ) throws(SocketFailure) -> Int {
        var count = 0
        let delivery = withSlot(for: socket, until: deadline) { () -> Reply? in
            guard connection.failure == nil, links[connection.link] === connection else {
                return Reply(outcome: .notDelivered, lines: [])
            }
            count = min(bytes.count, dialect.longestSend)
            var command = CommandText("CIPSEND").field(connection.link).field(count)
            if let destination { command = command.quoted(destination.address).field(destination.port) }
            return transmit(
                UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: connection, command: command,
                for: Caller(socket: socket, deadline: deadline))
        } otherwise: {
            Reply(outcome: $0, lines: [])
        }
        guard let delivery else { throw socket.isClosed ? .aborted : .wouldBlock }
        // Without a reply yet, the module has the bytes.
        guard let reply = delivery else { return count }
        switch reply.outcome {
        case .done: return count
        case .refused where count > 2048 && connection.ending == nil && !reply.contains("link"):
            // Some builds take less than their family does.
            dialect.longestSend = 2048
            return 0
        case .refused, .notDelivered:
            drainLine()
            if let failure = connection.failure { throw failure }
            // The link is gone in the module, and the report of it is still to come.
            throw connection.isDatagram ? .unspecified : .reset
        case .timedOut, .stillBusy: throw .unspecified
        case .moduleReset, .lineLost: throw .aborted
        }
    }

    private func sendDatagram(_ socket: DriverSocket, _ bytes: UnsafeRawBufferPointer, to destination: Endpoint?)
        throws(SocketFailure) -> Int
    {
        guard case .datagram(let datagram) = socket.state else { throw .unspecified }
        guard let target = destination ?? datagram.peer else { throw .notConnected }
        guard target.address.family == socket.family, target.port != 0, !target.address.isUnspecified else {
            throw .invalidArgument
        }
        if bytes.isEmpty { return 0 }
        if bytes.count > Self.longestDatagram { throw .invalidArgument }
        if !socket.isBlocking, isLineBusyForLong { throw .wouldBlock }
        let deadline = slotDeadline(socket, socket.sendDeadline())
        try openDatagramLink(socket, until: deadline)
        guard case .datagram(let open) = socket.state, let connection = open.connection else { throw .aborted }
        return try sendBlock(connection, bytes, to: target, for: socket, until: deadline)
    }
}

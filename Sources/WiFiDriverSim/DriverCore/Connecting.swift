import WiFiSimValues

/// Opens the connection of a stream socket.
final class OpenConnection: LineWork {
    private let socket: DriverSocket
    private let peer: Endpoint
    private var state = State.beginning
    private var attempts = 0

    private enum State {
        case beginning
        /// Closes links that are no longer used, because no link is free.
        case makingRoom
        case preparing(DriverConnection)
        case opening(DriverConnection, since: Instant)
        /// The socket was closed while the connection was being opened.
        case closing(DriverConnection)
        case ending
    }

    /// The firmware gives no reason for a failed connection. A failure before this time counts as a refusal, a later
    /// one as a time-out.
    private static let refusalLimit = Duration.seconds(1)
    private static let keepAliveSeconds = 7200

    init(_ socket: DriverSocket, to peer: Endpoint) {
        self.socket = socket
        self.peer = peer
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        switch state {
        case .beginning:
            if socket.isClosed { return .end }
            if let link = core.freeLink { return prepare(link, core) }
            state = .makingRoom
            return .first(CloseUnwantedLinks())
        case .makingRoom:
            guard let link = core.freeLink else { return fail(.noMemory, core) }
            return prepare(link, core)
        case .preparing(let connection): return open(connection, core)
        case .opening(let connection, let start): return conclude(reply, connection, since: start, core)
        case .closing(let connection):
            core.forget(connection)
            return .end
        case .ending: return .end
        }
    }

    override func failed(_ core: DriverCore) { socket.state = .connectFailed(.unspecified) }

    private func prepare(_ link: Int, _ core: DriverCore) -> LineStep {
        let connection = DriverConnection(
            link: link, isDatagram: false, family: socket.family, owner: socket.number, peer: peer)
        core.links[link] = connection
        state = .preparing(connection)
        return .first(SetPushing(link, false))
    }

    private func open(_ connection: DriverConnection, _ core: DriverCore) -> LineStep {
        var command = CommandText("CIPSTART").field(connection.link)
            .quoted(socket.family == .v6 ? "TCPv6" : "TCP").quoted(peer.address).field(peer.port)
        if core.dialect.hasCommandTimeout {
            command = command.field(socket.keepsAlive ? Self.keepAliveSeconds : 0).empty()
                .field(core.times.connect.milliseconds)
        } else if socket.keepsAlive {
            command = command.field(Self.keepAliveSeconds)
        }
        state = .opening(connection, since: core.now)
        // A firmware that applies the time-out itself gets 900 ms more to report it.
        let limit = core.dialect.hasCommandTimeout ? core.times.connect + .milliseconds(900) : core.times.connect
        return .command(command, expecting: .linkOpened(connection.link), timeout: limit)
    }

    private func conclude(
        _ reply: Reply?, _ connection: DriverConnection, since start: Instant, _ core: DriverCore
    ) -> LineStep {
        let reply = reply ?? Reply(outcome: .timedOut)
        let link = connection.link
        if reply.isDone, core.links[link] === connection || connection.ending != nil {
            core.blockedLinks = []
            core.noteChange()
            if socket.isClosed {
                connection.discards = true
                state = .closing(connection)
                return .command(CommandText("CIPCLOSE").field(link), expecting: .linkClosed(link))
            }
            connection.isOpen = true
            socket.state = .connected(connection)
            return .end
        }
        core.forget(connection)
        // A peer took this link at the same moment, with or without a report of it: try the next number.
        if reply.outcome == .refused, core.links[link] != nil || reply.contains("ALREADY CONNECT") {
            if core.links[link] == nil, connection.localPort != nil || connection.queue.count > 0 {
                core.acceptIncoming(link, peer: nil, localPort: nil)
            }
            core.blockedLinks.insert(link)
            attempts += 1
            if attempts == DriverCore.linkLimit { return fail(.noMemory, core) }
            state = .beginning
            return next(nil, core)
        }
        return fail(failure(reply, after: core.now - start, core), core)
    }

    private func failure(_ reply: Reply, after elapsed: Duration, _ core: DriverCore) -> SocketFailure {
        switch reply.outcome {
        case .timedOut, .stillBusy: .timedOut
        // Without a network, no peer can refuse. The text of the reply depends on the firmware.
        case .refused where !core.isInNetwork || reply.contains("no ip"): .unspecified
        case .refused: elapsed < Self.refusalLimit ? .refused : .timedOut
        case .done, .notDelivered: .unspecified
        case .moduleReset, .lineLost: .aborted
        }
    }

    private func fail(_ failure: SocketFailure, _ core: DriverCore) -> LineStep {
        core.blockedLinks = []
        socket.state = .connectFailed(failure)
        core.noteChange()
        state = .ending
        // This call returns without waiting for the module to finish the command; later calls have to wait for it.
        return core.trust == .lost && !core.isLineLost ? .first(Synchronization(core)) : .end
    }
}

/// Gives a datagram socket its link, and a free port if it is not bound.
final class OpenDatagramLink: LineWork {
    private let socket: DriverSocket
    private var state = State.beginning
    private var attempts = 0
    private(set) var failure: SocketFailure?

    private enum State {
        case beginning
        case makingRoom(port: UInt16)
        case preparing(DriverConnection, port: UInt16)
        case opening(DriverConnection, port: UInt16)
        case closing(DriverConnection)
    }

    init(_ socket: DriverSocket) { self.socket = socket }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        switch state {
        case .beginning:
            guard case .datagram(let datagram) = socket.state, !socket.isClosed else { return end(.unspecified) }
            // Another call may have opened the link.
            if let connection = datagram.connection, connection.ending == nil { return .end }
            let port = datagram.local?.port ?? core.ephemeralPort()
            if let link = core.freeLink { return prepare(link, port, datagram, core) }
            state = .makingRoom(port: port)
            return .first(CloseUnwantedLinks())
        case .makingRoom(let port):
            guard case .datagram(let datagram) = socket.state, let link = core.freeLink else { return end(.noMemory) }
            return prepare(link, port, datagram, core)
        case .preparing(let connection, let port):
            guard case .datagram(let datagram) = socket.state else { return end(.unspecified) }
            state = .opening(connection, port: port)
            // Mode 2 accepts datagrams from any peer; each CIPSEND names its destination.
            let remote = datagram.peer ?? Endpoint(.any(socket.family), port)
            return .command(
                CommandText("CIPSTART").field(connection.link).quoted(socket.family == .v6 ? "UDPv6" : "UDP")
                    .quoted(remote.address).field(remote.port).field(port).field(2),
                expecting: .linkOpened(connection.link))
        case .opening(let connection, let port):
            return conclude(reply ?? Reply(outcome: .timedOut), connection, port, core)
        case .closing(let connection):
            core.forget(connection)
            return .end
        }
    }

    override func failed(_ core: DriverCore) {
        switch ending {
        case .unavailable(.lineLost), .unavailable(.moduleReset): failure = .aborted
        case .notInTime: failure = socket.isClosed ? .aborted : .wouldBlock
        default: failure = .unspecified
        }
    }

    private func end(_ failure: SocketFailure) -> LineStep {
        self.failure = failure
        return .end
    }

    private func prepare(
        _ link: Int, _ port: UInt16, _ datagram: DriverSocket.Datagram, _ core: DriverCore
    ) -> LineStep {
        let connection = DriverConnection(
            link: link, isDatagram: true, family: socket.family, owner: socket.number, peer: nil)
        connection.localPort = port
        connection.onlySource = datagram.peer
        core.links[link] = connection
        state = .preparing(connection, port: port)
        // Datagrams are pushed, because a read does not show where a datagram ends.
        return .first(SetPushing(link, true))
    }

    private func conclude(
        _ reply: Reply, _ connection: DriverConnection, _ port: UInt16, _ core: DriverCore
    ) -> LineStep {
        guard reply.isDone, case .datagram(var datagram) = socket.state else {
            core.forget(connection)
            switch reply.outcome {
            case .refused:
                // The driver picks the port, because the firmware does not report one that it picks. If it is taken,
                // try the next.
                attempts += 1
                if case .datagram(let datagram) = socket.state, datagram.local == nil, attempts < 8 {
                    state = .beginning
                    return next(nil, core)
                }
                return end(core.links.contains { $0 == nil } ? .unspecified : .noMemory)
            case .done, .timedOut, .stillBusy, .notDelivered: return end(.unspecified)
            case .moduleReset, .lineLost: return end(.aborted)
            }
        }
        datagram.connection = connection
        connection.isOpen = true
        if datagram.local == nil { datagram.local = Endpoint(.any(socket.family), port) }
        connection.onlySource = datagram.peer
        socket.state = .datagram(datagram)
        core.noteChange()
        guard socket.isClosed else { return .end }
        connection.discards = true
        state = .closing(connection)
        return .command(CommandText("CIPCLOSE").field(connection.link), expecting: .linkClosed(connection.link))
    }
}

// MARK: Calls

/// Connect: opens the connection of a stream socket, or sets the peer of a datagram socket.
final class ConnectCall: PendingCall {
    private let number: Int32
    private let peer: Endpoint?
    private var state = State.beginning

    private enum State {
        case beginning
        case connecting(DriverSocket)
        case openingDatagrams(OpenDatagramLink)
    }

    init(_ id: CallID, _ number: Int32, to peer: Endpoint?) {
        self.number = number
        self.peer = peer
        super.init(id)
    }

    override func proceed(_ core: DriverCore) {
        do throws(SocketFailure) {
            switch state {
            case .beginning: try begin(core)
            case .connecting(let socket): try look(at: socket, core)
            case .openingDatagrams(let work):
                guard work.ending != nil else { return }
                if let failure = work.failure { throw failure }
                core.finish(self, .success(.nothing))
            }
        } catch {
            core.finish(self, .failure(.socket(error)))
        }
    }

    private func begin(_ core: DriverCore) throws(SocketFailure) {
        let socket = try core.socket(number)
        guard let peer, peer.address.family == socket.family else { throw .invalidArgument }
        guard socket.isStream else { return try setPeer(peer, of: socket, core) }
        switch socket.state {
        case .idle, .bound: break
        case .connecting: throw .alreadyConnecting
        case .connectFailed(let failure):
            socket.state = .idle
            throw failure
        case .connected: throw .isConnected
        case .listening, .datagram: throw .invalidArgument
        }
        if peer.port == 0 || peer.address.isUnspecified { throw .invalidArgument }
        socket.state = .connecting
        // The work belongs to no call, because it continues after a non-blocking Connect has returned.
        core.enqueue(OpenConnection(socket, to: peer), isLong: true)
        if !socket.isBlocking { throw .inProgress }
        state = .connecting(socket)
    }

    private func look(at socket: DriverSocket, _ core: DriverCore) throws(SocketFailure) {
        if socket.isClosed { throw .aborted }
        switch socket.state {
        case .connecting: if core.isLineLost { throw .aborted }
        case .connectFailed(let failure):
            socket.state = .idle
            throw failure
        case .idle, .bound, .listening, .connected, .datagram: core.finish(self, .success(.nothing))
        }
    }

    private func setPeer(_ peer: Endpoint, of socket: DriverSocket, _ core: DriverCore) throws(SocketFailure) {
        guard case .datagram(var datagram) = socket.state else { throw .unspecified }
        if peer.address.isUnspecified {
            datagram.peer = nil
            datagram.connection?.onlySource = nil
            socket.state = .datagram(datagram)
            return core.finish(self, .success(.nothing))
        }
        if peer.port == 0 { throw .invalidArgument }
        datagram.peer = peer
        datagram.connection?.onlySource = peer
        socket.state = .datagram(datagram)
        let work = OpenDatagramLink(socket)
        guard !core.isLineBusyForLong else {
            // A long command has the line. The link is opened after it, and the call does not wait.
            core.enqueue(work)
            return core.finish(self, .success(.nothing))
        }
        state = .openingDatagrams(work)
        start(work, for: socket, on: core)
    }
}

/// Bind. A datagram socket receives from now on.
final class BindCall: PendingCall {
    private let number: Int32
    private let local: Endpoint?
    private var opening: (socket: DriverSocket, work: OpenDatagramLink)?

    init(_ id: CallID, _ number: Int32, to local: Endpoint?) {
        self.number = number
        self.local = local
        super.init(id)
    }

    override func proceed(_ core: DriverCore) {
        do throws(SocketFailure) {
            if let opening { try conclude(opening.socket, opening.work, core) } else { try begin(core) }
        } catch {
            core.finish(self, .failure(.socket(error)))
        }
    }

    private func begin(_ core: DriverCore) throws(SocketFailure) {
        let socket = try core.socket(number)
        guard let local, local.port != 0, local.address.family == socket.family else { throw .invalidArgument }
        switch socket.state {
        case .idle: break
        case .connected, .connecting: throw .isConnected
        case .bound, .listening, .connectFailed: throw .invalidArgument
        case .datagram(let datagram):
            if datagram.peer != nil { throw .isConnected }
            if datagram.local != nil { throw .invalidArgument }
        }
        if core.isPortTaken(local.port, besides: socket) { throw .addressInUse }
        guard case .datagram(var datagram) = socket.state else {
            socket.state = .bound(local)
            return core.finish(self, .success(.nothing))
        }
        datagram.local = local
        socket.state = .datagram(datagram)
        let work = OpenDatagramLink(socket)
        guard !core.isLineBusyForLong else {
            core.enqueue(work)
            return core.finish(self, .success(.nothing))
        }
        opening = (socket, work)
        start(work, for: socket, on: core)
    }

    private func conclude(_ socket: DriverSocket, _ work: OpenDatagramLink, _ core: DriverCore) throws(SocketFailure) {
        guard work.ending != nil else { return }
        // If the station is in no network yet, the port is opened later.
        if let failure = work.failure, core.isInNetwork {
            if case .datagram(var datagram) = socket.state {
                datagram.local = nil
                socket.state = .datagram(datagram)
            }
            throw failure == .noMemory ? .noMemory : .addressInUse
        }
        core.finish(self, .success(.nothing))
    }
}

import WiFiSimValues

/// Starts the server of the module, which has only one (ESP-AT docs, TCP-IP, CIPSERVER).
final class StartServer: LineWork {
    private let socket: DriverSocket
    private let listener: DriverSocket.Listener
    private var state = State.beginning
    private(set) var hasStarted = false
    /// No call waits for it. If it fails, Accept reports it.
    private let isSilent: Bool

    private enum State { case beginning, stopping, starting, settingTimeout }

    init(_ listener: DriverSocket.Listener, of socket: DriverSocket, isSilent: Bool) {
        self.listener = listener
        self.socket = socket
        self.isSilent = isSilent
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        switch state {
        case .beginning:
            if isSilent, socket.isClosed { return .end }
            guard core.servedListener != nil else { return start() }
            // The server of a socket that was closed just before.
            state = .stopping
            return .command(CommandText("CIPSERVER").field(0))
        case .stopping:
            if reply?.isDone ?? false { core.servedListener = nil }
            return start()
        case .starting:
            guard reply?.isDone ?? false else { return fail(core) }
            core.servedListener = listener
            hasStarted = true
            state = .settingTimeout
            // By default the server closes idle connections after some time.
            return .command(CommandText("CIPSTO").field(0))
        case .settingTimeout: return .end
        }
    }

    private func start() -> LineStep {
        state = .starting
        var command = CommandText("CIPSERVER").field(1).field(listener.local.port)
        if listener.local.address.family == .v6 { command = command.quoted("TCPv6") }
        return .command(command)
    }

    override func failed(_ core: DriverCore) { _ = fail(core) }

    private func fail(_ core: DriverCore) -> LineStep {
        if isSilent { listener.isAborted = true }
        core.noteChange()
        return .end
    }
}

// MARK: Calls

final class ListenCall: PendingCall {
    private let number: Int32
    private var starting: (socket: DriverSocket, local: Endpoint, work: StartServer)?

    init(_ id: CallID, _ number: Int32) {
        self.number = number
        super.init(id)
    }

    override func proceed(_ core: DriverCore) {
        do throws(SocketFailure) {
            guard let starting else { return try begin(core) }
            guard starting.work.ending != nil else { return }
            guard starting.work.hasStarted else {
                starting.socket.state = .bound(starting.local)
                throw .unspecified
            }
            core.finish(self, .success(.nothing))
        } catch {
            core.finish(self, .failure(.socket(error)))
        }
    }

    private func begin(_ core: DriverCore) throws(SocketFailure) {
        let socket = try core.socket(number)
        guard socket.isStream else { throw .notSupported }
        let local: Endpoint
        switch socket.state {
        case .bound(let endpoint): local = endpoint
        case .connected, .connecting: throw .isConnected
        case .idle, .listening, .connectFailed, .datagram: throw .invalidArgument
        }
        for other in core.sockets.compactMap({ $0 }) {
            if case .listening(let listener) = other.state, !listener.isAborted { throw .noMemory }
        }
        let listener = DriverSocket.Listener(local: local)
        // Incoming connections belong to this socket from now on, because they may come before the command's OK.
        socket.state = .listening(listener)
        let isSilent = core.isLineBusyForLong
        let work = StartServer(listener, of: socket, isSilent: isSilent)
        guard !isSilent else {
            core.enqueue(work)
            return core.finish(self, .success(.nothing))
        }
        starting = (socket, local, work)
        start(work, on: core)
    }
}

final class AcceptCall: PendingCall {
    private let number: Int32
    private var state = State.beginning

    private enum State {
        case beginning
        case waiting(DriverSocket, DriverSocket.Listener)
        case asking(QueryLinks, socket: Int, DriverConnection)
    }

    init(_ id: CallID, _ number: Int32) {
        self.number = number
        super.init(id)
    }

    override func proceed(_ core: DriverCore) {
        do throws(SocketFailure) {
            switch state {
            case .beginning:
                let socket = try core.socket(number)
                guard socket.isStream else { throw .notSupported }
                guard case .listening(let listener) = socket.state else { throw .invalidArgument }
                deadline = socket.deadline(socket.receiveTimeout, from: core.now)
                state = .waiting(socket, listener)
                try look(at: socket, listener, core)
            case .waiting(let socket, let listener): try look(at: socket, listener, core)
            case .asking(let work, let index, let connection):
                if work.ending != nil { finish(index, connection, core) }
            }
        } catch {
            core.finish(self, .failure(.socket(error)))
        }
    }

    private func look(at socket: DriverSocket, _ listener: DriverSocket.Listener, _ core: DriverCore)
        throws(SocketFailure)
    {
        if socket.isClosed { throw .aborted }
        if listener.pending.isEmpty {
            if listener.isAborted || core.isLineLost { throw .aborted }
            if !socket.isBlocking || isOver(at: core.now) { throw .wouldBlock }
            return
        }
        guard let index = core.sockets.firstIndex(where: { $0 == nil }) else { throw .noMemory }
        let connection = listener.pending.removeFirst()
        let accepted = DriverSocket(number: index, family: socket.family, isStream: true)
        accepted.state = .connected(connection)
        connection.owner = index
        core.sockets[index] = accepted
        guard connection.peer == nil || connection.localPort == nil else { return finish(index, connection, core) }
        let work = QueryLinks()
        state = .asking(work, socket: index, connection)
        start(work, on: core)
    }

    private func finish(_ index: Int, _ connection: DriverConnection, _ core: DriverCore) {
        core.finish(self, .success(.accepted(socket: index, peer: connection.peer)))
    }
}

/// Close. It waits for the module only if the line is free.
final class CloseCall: PendingCall {
    private let number: Int32

    init(_ id: CallID, _ number: Int32) {
        self.number = number
        super.init(id)
    }

    override func proceed(_ core: DriverCore) {
        if let work {
            if work.ending != nil { core.finish(self, .success(.nothing)) }
            return
        }
        let socket: DriverSocket
        do throws(SocketFailure) { socket = try core.socket(number) } catch {
            return core.finish(self, .failure(.socket(error)))
        }
        socket.isClosed = true
        core.sockets[socket.number] = nil
        core.noteChange()
        core.dismissWork(of: socket)
        switch socket.state {
        case .idle, .bound, .connectFailed: break
        // The work that connects checks whether the socket is closed.
        case .connecting: break
        case .connected(let connection): return finish(connection, core)
        case .datagram(let datagram): if let connection = datagram.connection { return finish(connection, core) }
        case .listening(let listener):
            if listener.isAborted { break }
            for connection in listener.pending { connection.discards = true }
            listener.pending = []
            return close(CloseUnwantedLinks(after: listener), core)
        }
        core.finish(self, .success(.nothing))
    }

    private func finish(_ connection: DriverConnection, _ core: DriverCore) {
        connection.discards = true
        connection.owner = nil
        guard core.isLineTaken else { return close(CloseUnwantedLinks(), core) }
        core.closeUnwantedLinks()
        core.finish(self, .success(.nothing))
    }

    private func close(_ closing: CloseUnwantedLinks, _ core: DriverCore) {
        if core.isLineTaken {
            core.enqueue(closing)
            core.finish(self, .success(.nothing))
        } else {
            start(closing, on: core)
        }
    }
}

extension DriverCore {
    /// Ends work that waits for the line on behalf of a closed socket, and a Send whose block is with the module.
    func dismissWork(of socket: DriverSocket) {
        for queued in queue where queued.socket === socket { withdraw(queued.work, .notInTime) }
        advanceLine()
    }
}

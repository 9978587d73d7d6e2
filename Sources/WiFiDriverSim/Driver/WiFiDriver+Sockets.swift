import CDriverWiFi

/// Sockets: what makes, names and ends them. Each function is one of the interface; the lock is taken here.
extension WiFiDriver {
    func createSocket(family: IPAddress.Family, isStream: Bool) throws(SocketFailure) -> Int {
        try perform { () throws(SocketFailure) in
            guard power == .full, let line, !line.isLost else { throw .unspecified }
            if family == .v6, !dialect.hasIPv6 { throw .notSupported }
            guard let number = sockets.firstIndex(where: { $0 == nil }) else { throw .noMemory }
            sockets[number] = DriverSocket(number: number, family: family, isStream: isStream)
            return number
        }
    }

    /// The socket with this number, with the lock held.
    func socket(_ number: Int32) throws(SocketFailure) -> DriverSocket {
        guard let index = Int(exactly: number), sockets.indices.contains(index), let socket = sockets[index] else {
            throw .invalidSocket
        }
        return socket
    }

    func bind(_ number: Int32, to local: Endpoint?) throws(SocketFailure) {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            guard let local, local.port != 0, local.address.family == socket.family else { throw .invalidArgument }
            switch socket.state {
            case .idle: break
            case .connected, .connecting: throw .isConnected
            case .bound, .listening, .connectFailed: throw .invalidArgument
            case .datagram(let datagram):
                if datagram.peer != nil { throw .isConnected }
                if datagram.local != nil { throw .invalidArgument }
            }
            if isPortTaken(local.port, besides: socket) { throw .addressInUse }
            guard case .datagram(var datagram) = socket.state else {
                socket.state = .bound(local)
                return
            }
            datagram.local = local
            socket.state = .datagram(datagram)
            // Datagrams are to be received from now on. Without a network yet, the port is opened later.
            do throws(SocketFailure) {
                try openDatagramLinkSoon(socket)
            } catch {
                guard isInNetwork else { return }
                if case .datagram(var datagram) = socket.state {
                    datagram.local = nil
                    socket.state = .datagram(datagram)
                }
                throw error == .noMemory ? .noMemory : .addressInUse
            }
        }
    }

    private func isPortTaken(_ port: UInt16, besides socket: DriverSocket) -> Bool {
        sockets.contains { other in
            guard let other, other !== socket, other.isStream == socket.isStream else { return false }
            return other.localPort == port
        }
    }

    func listen(_ number: Int32) throws(SocketFailure) {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            guard socket.isStream else { throw .notSupported }
            let local: Endpoint
            switch socket.state {
            case .bound(let endpoint): local = endpoint
            case .connected, .connecting: throw .isConnected
            case .idle, .listening, .connectFailed, .datagram: throw .invalidArgument
            }
            // The firmware has one server (ESP-AT docs, TCP-IP, CIPSERVER).
            for other in sockets.compactMap({ $0 }) {
                if case .listening(let listener) = other.state, !listener.isAborted { throw .noMemory }
            }
            let listener = DriverSocket.Listener(local: local)
            // From here on incoming connections are this socket's: they may come before the command's OK.
            socket.state = .listening(listener)
            if !isLineBusyForLong {
                guard startServer(for: listener) else {
                    socket.state = .bound(local)
                    throw .unspecified
                }
            } else {
                // Not worth the wait for a long command: the worker starts the server, and Accept tells if it fails.
                enqueue { [self] in
                    if !socket.isClosed, !startServer(for: listener) { listener.isAborted = true }
                }
            }
        }
    }

    private func startServer(for listener: DriverSocket.Listener) -> Bool {
        var command = CommandText("CIPSERVER").field(1).field(listener.local.port)
        if listener.local.address.family == .v6 { command = command.quoted("TCPv6") }
        return withSlot {
            // The server of a socket that was closed just now.
            if let predecessor = servedListener { stopServer(of: predecessor) }
            guard transact(command).isDone else { return false }
            servedListener = listener
            // By default idle connections are ended after a while.
            _ = transact(CommandText("CIPSTO").field(0))
            return true
        } otherwise: { _ in
            false
        }
    }

    /// Stops a listener's server, if it still is the one that runs. Called with the slot taken.
    private func stopServer(of listener: DriverSocket.Listener) {
        guard servedListener === listener else { return }
        if transact(CommandText("CIPSERVER").field(0)).isDone { servedListener = nil }
    }

    func accept(_ number: Int32) throws(SocketFailure) -> (socket: Int, peer: Endpoint?) {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            guard socket.isStream else { throw .notSupported }
            guard case .listening(let listener) = socket.state else { throw .invalidArgument }
            let deadline = socket.receiveDeadline()
            while listener.pending.isEmpty {
                if socket.isClosed || listener.isAborted || line?.isLost ?? true { throw .aborted }
                if !socket.isBlocking { throw .wouldBlock }
                if !waitForProgress(on: socket.topic, until: deadline), !(line?.isLost ?? true) { throw .wouldBlock }
            }
            if socket.isClosed { throw .aborted }
            guard let index = sockets.firstIndex(where: { $0 == nil }) else { throw .noMemory }
            let connection = listener.pending.removeFirst()
            let accepted = DriverSocket(number: index, family: socket.family, isStream: true)
            accepted.state = .connected(connection)
            connection.owner = index
            sockets[index] = accepted
            if connection.peer == nil || connection.localPort == nil { queryLinks() }
            return (index, connection.peer)
        }
    }

    /// Asks the module for the addresses of its links.
    private func queryLinks() {
        let name = dialect.hasLinkQuery ? "CIPSTATE" : "CIPSTATUS"
        let command = dialect.hasLinkQuery ? CommandText.query(name) : CommandText(name)
        for line in run(command).fields("+\(name):") {
            line.withUnsafeBytes { bytes in
                // <link>,<"type">,<"remote ip">,<remote port>,<local port>,<1 = incoming>
                var fields = FieldReader(bytes)
                guard let link = fields.integer(), links.indices.contains(link), let connection = links[link],
                    fields.text() != nil, let ip = fields.ip(), let port = fields.port(), let local = fields.port()
                else { return }
                connection.learn(peer: Endpoint(ip, port))
                if connection.localPort == nil { connection.localPort = local }
            }
        }
    }

    // MARK: Names

    func localAddress(of number: Int32) throws(SocketFailure) -> Endpoint {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            switch socket.state {
            case .bound(let local): return local
            case .listening(let listener): return listener.local
            case .datagram(let datagram):
                guard let local = datagram.local else { throw .invalidArgument }
                guard datagram.peer != nil, local.address.isUnspecified else { return local }
                return Endpoint(ownAddress(socket.family), local.port)
            case .connected(let connection):
                if connection.localPort == nil { queryLinks() }
                return Endpoint(ownAddress(socket.family), connection.localPort ?? 0)
            case .idle, .connecting, .connectFailed: throw .invalidArgument
            }
        }
    }

    /// The station's address, or the access point's while it is the only interface.
    private func ownAddress(_ family: IPAddress.Family) -> IPAddress {
        refreshAddresses()
        if family == .v6 { return options.ip(ARM_WIFI_IP6_GLOBAL, of: .station) ?? .v6(.any) }
        let interface: DriverOptions.Interface = station.isConnected || !accessPointIsActive ? .station : .accessPoint
        return options.ip(ARM_WIFI_IP, of: interface) ?? .v4(.any)
    }

    func peerAddress(of number: Int32) throws(SocketFailure) -> Endpoint {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            switch socket.state {
            case .connected(let connection):
                if connection.peer == nil { queryLinks() }
                guard let peer = connection.peer else { throw .unspecified }
                return peer
            case .datagram(let datagram):
                guard let peer = datagram.peer else { throw .notConnected }
                return peer
            case .idle, .bound, .listening, .connecting, .connectFailed: throw .notConnected
            }
        }
    }

    // MARK: Close

    func close(_ number: Int32) throws(SocketFailure) {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            socket.isClosed = true
            sockets[socket.number] = nil
            notify(socket.topic)
            dismissFromSlot(socket.topic)
            switch socket.state {
            case .idle, .bound, .connectFailed: break
            // Whoever connects sees that the socket is closed.
            case .connecting: break
            case .connected(let connection): finish(connection)
            case .datagram(let datagram): if let connection = datagram.connection { finish(connection) }
            case .listening(let listener):
                if listener.isAborted { break }
                for connection in listener.pending { connection.discards = true }
                listener.pending = []
                soon { [self] in
                    withSlot {
                        stopServer(of: listener)
                    } otherwise: { _ in
                    }
                    closeUnwantedLinks()
                }
            }
        }
    }

    private func finish(_ connection: DriverConnection) {
        connection.discards = true
        connection.owner = nil
        // The line may have been held back for what nobody will read now.
        notify(.lineReleased)
        if isLineTaken { enqueueClosing() } else { closeUnwantedLinks() }
    }

    /// Runs `action` now, or by the worker when the line is taken, which can be for long.
    private func soon(_ action: @escaping () -> Void) {
        if isLineTaken { enqueue(action) } else { action() }
    }

    /// A command would have to wait: for another's, for the application to read, or until the conversation is found again.
    private var isLineTaken: Bool { slot.isTaken || isLineBusyForLong || conversation != .found }

    /// Has the worker close the links that nobody wants.
    func enqueueClosing() {
        if isClosingQueued { return }
        isClosingQueued = true
        enqueue { [self] in
            isClosingQueued = false
            closeUnwantedLinks()
        }
    }

    /// Those of closed sockets, and of connections that came in with nobody to accept them.
    var unwantedConnections: [DriverConnection] { links.compactMap { $0 }.filter { $0.isUnwanted } }

    private func closeUnwantedLinks() {
        for connection in unwantedConnections {
            withSlot {
                closeLinkNow(connection)
            } otherwise: { outcome in
                forget(connection, after: outcome)
            }
        }
    }

    /// Closes a link in the module, if it still is this connection's; the slot is the caller's.
    func closeLinkNow(_ connection: DriverConnection) {
        guard links[connection.link] === connection else { return }
        let reply = transact(
            CommandText("CIPCLOSE").field(connection.link), expecting: .linkClosed(connection.link))
        // A connection that comes in next has the number, and is to be read like every other.
        if reply.isDone { setPushing(connection.link, false) }
        forget(connection, after: reply.outcome)
    }

    private func forget(_ connection: DriverConnection, after outcome: CommandExchange.Outcome) {
        // Whatever the module says: it is not ours any more. A late report for it finds no connection.
        if links[connection.link] === connection, outcome != .timedOut { links[connection.link] = nil }
        connection.end(.aborted)
    }
}

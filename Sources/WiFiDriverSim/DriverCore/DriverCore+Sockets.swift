import CDriverWiFi
import WiFiSimValues

/// Socket functions that need no line.
extension DriverCore {
    /// Creates a socket.
    /// - Returns: its number, 0 to 15.
    /// - Throws: `unspecified` without power or line, `notSupported` for IPv6 on a firmware without it, `noMemory` when
    ///   all 16 sockets are in use.
    package func createSocket(family: IPAddress.Family, isStream: Bool) throws(SocketFailure) -> Int {
        guard power == .full, !isLineLost else { throw .unspecified }
        if family == .v6, !dialect.hasIPv6 { throw .notSupported }
        guard let number = sockets.firstIndex(where: { $0 == nil }) else { throw .noMemory }
        sockets[number] = DriverSocket(number: number, family: family, isStream: isStream)
        return number
    }

    /// The socket with this number; throws `invalidSocket` if there is none.
    package func socket(_ number: Int32) throws(SocketFailure) -> DriverSocket {
        guard let index = Int(exactly: number), sockets.indices.contains(index), let socket = sockets[index] else {
            throw .invalidSocket
        }
        return socket
    }

    /// The value of an option, as `Driver_WiFi.h` defines it. Throws `invalidArgument` for an option that cannot be
    /// read.
    package func socketOption(_ option: Int32, of number: Int32) throws(SocketFailure) -> UInt32 {
        let socket = try socket(number)
        switch option {
        case ARM_SOCKET_SO_RCVTIMEO: return socket.receiveTimeout
        case ARM_SOCKET_SO_SNDTIMEO: return socket.sendTimeout
        case ARM_SOCKET_SO_KEEPALIVE: return socket.keepsAlive ? 1 : 0
        case ARM_SOCKET_SO_TYPE: return UInt32(socket.isStream ? ARM_SOCKET_SOCK_STREAM : ARM_SOCKET_SOCK_DGRAM)
        // FIONBIO can only be set.
        default: throw .invalidArgument
        }
    }

    /// Sets an option. Throws `invalidArgument` for an option that cannot be set. `value` is nil if the caller passed
    /// none or one that is too short.
    package func setSocketOption(_ option: Int32, of number: Int32, to value: UInt32?) throws(SocketFailure) {
        let socket = try socket(number)
        guard let value else { throw .invalidArgument }
        switch option {
        case ARM_SOCKET_IO_FIONBIO: socket.isBlocking = value == 0
        case ARM_SOCKET_SO_RCVTIMEO: socket.receiveTimeout = value
        case ARM_SOCKET_SO_SNDTIMEO: socket.sendTimeout = value
        case ARM_SOCKET_SO_KEEPALIVE: socket.keepsAlive = value != 0
        // TYPE can only be read.
        default: throw .invalidArgument
        }
    }

    /// Checks that the socket exists and that `room` bytes are enough for an address of its family. A `room` of nil is
    /// not checked.
    package func check(_ number: Int32, room: UInt32?) throws(SocketFailure) {
        let socket = try socket(number)
        if let room, room < socket.family.byteCount { throw .invalidArgument }
    }

    func isPortTaken(_ port: UInt16, besides socket: DriverSocket) -> Bool {
        sockets.contains { other in
            guard let other, other !== socket, other.isStream == socket.isStream else { return false }
            return other.localPort == port
        }
    }

    /// The next free port of the dynamic range, 49152 to 65535 (RFC 6335).
    func ephemeralPort() -> UInt16 {
        while true {
            let port = nextEphemeralPort
            nextEphemeralPort = port == .max ? 49152 : port + 1
            if !sockets.contains(where: { $0?.localPort == port }) { return port }
        }
    }

    /// The station's address, or the access point's if that is the only active interface.
    func ownAddress(_ family: IPAddress.Family) -> IPAddress {
        if family == .v6 { return options.ip(ARM_WIFI_IP6_GLOBAL, of: .station) ?? .v6(.any) }
        let interface: DriverOptions.Interface = station.isConnected || !accessPointIsActive ? .station : .accessPoint
        return options.ip(ARM_WIFI_IP, of: interface) ?? .v4(.any)
    }

    // MARK: Links

    /// The highest free number, because the module gives the lowest to incoming connections.
    var freeLink: Int? { links.indices.last { links[$0] == nil && !blockedLinks.contains($0) } }

    /// Links of closed sockets, and incoming connections without a listener.
    var unwantedConnections: [DriverConnection] { links.compactMap { $0 }.filter { $0.isUnwanted } }

    /// Queues the closing of links that are no longer used.
    func closeUnwantedLinks() {
        if isClosingQueued { return }
        isClosingQueued = true
        enqueue(CloseUnwantedLinks(isRegistered: true))
    }
}

// MARK: Work on links

/// Closes a link in the module, if the connection still has it.
final class CloseLink: LineWork {
    private let connection: DriverConnection
    private var state = State.beginning

    private enum State {
        case beginning, closing
        case forgetting(CommandExchange.Outcome)
    }

    init(_ connection: DriverConnection) { self.connection = connection }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        switch state {
        case .beginning:
            guard core.links[connection.link] === connection else { return .end }
            state = .closing
            return .command(
                CommandText("CIPCLOSE").field(connection.link), expecting: .linkClosed(connection.link))
        case .closing:
            let outcome = reply?.outcome ?? .timedOut
            state = .forgetting(outcome)
            // The next incoming connection may get this number, and is read passively like every other.
            return outcome == .done ? .first(SetPushing(connection.link, false)) : next(nil, core)
        case .forgetting(let outcome):
            core.forget(connection, after: outcome)
            return .end
        }
    }
}

extension DriverCore {
    /// The module has no such link any more.
    func forget(_ connection: DriverConnection) {
        if links[connection.link] === connection { links[connection.link] = nil }
    }

    /// Ends the connection and frees its link, unless the module did not answer. A late report for the link finds no
    /// connection.
    func forget(_ connection: DriverConnection, after outcome: CommandExchange.Outcome) {
        if outcome != .timedOut { forget(connection) }
        connection.end(.aborted)
    }
}

/// Closes the links that are no longer used. Before that, stops the server of a closed listener.
final class CloseUnwantedLinks: LineWork {
    private var listener: DriverSocket.Listener?
    private var isStopping = false
    private var isRegistered: Bool
    private var tried: [DriverConnection] = []

    /// - Parameters:
    ///   - listener: the listener whose server is stopped first.
    ///   - isRegistered: whether `isClosingQueued` stands for this work, which then resets it.
    init(after listener: DriverSocket.Listener? = nil, isRegistered: Bool = false) {
        self.listener = listener
        self.isRegistered = isRegistered
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        if isStopping {
            isStopping = false
            if reply?.isDone ?? false { core.servedListener = nil }
        }
        if let listener {
            self.listener = nil
            if core.servedListener === listener {
                isStopping = true
                return .command(CommandText("CIPSERVER").field(0))
            }
        }
        if isRegistered {
            // Links that become unused from now on are closed by the next work of this kind.
            isRegistered = false
            core.isClosingQueued = false
        }
        let next = core.unwantedConnections.first { connection in !tried.contains { $0 === connection } }
        guard let connection = next else { return .end }
        tried.append(connection)
        return .first(CloseLink(connection))
    }

    override func failed(_ core: DriverCore) {
        if isRegistered { core.isClosingQueued = false }
        guard case .unavailable(let outcome)? = ending else { return }
        for connection in core.unwantedConnections { core.forget(connection, after: outcome) }
    }
}

/// Has a link push what it receives, or keep it until it is read. If the firmware has one mode for all links, all links
/// push while one has to, because a read does not show where a datagram ends.
final class SetPushing: LineWork {
    private let link: Int
    private let pushes: Bool

    init(_ link: Int, _ pushes: Bool) {
        self.link = link
        self.pushes = pushes
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        if let reply {
            if reply.isDone { conclude(core) }
            return .end
        }
        guard core.receivesPassively, core.pushingLinks.contains(link) != pushes else { return .end }
        if core.dialect.hasReceiveType {
            return .command(CommandText("CIPRECVTYPE").field(link).field(pushes ? 0 : 1))
        }
        guard core.dialect.isUDPPassive else { return .end }
        if core.pushingLinks.subtracting([link]).isEmpty {
            return .command(CommandText("CIPRECVMODE").field(pushes ? 0 : 1))
        }
        conclude(core)
        return .end
    }

    private func conclude(_ core: DriverCore) {
        guard pushes else {
            core.pushingLinks.remove(link)
            return
        }
        core.pushingLinks.insert(link)
        // The module has pushed the bytes that were waiting.
        if core.pushesEverything { for connection in core.links { connection?.hasDataWaiting = false } }
    }
}

/// Asks the module for the addresses of its links.
final class QueryLinks: LineWork {
    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        let name = core.dialect.hasLinkQuery ? "CIPSTATE" : "CIPSTATUS"
        guard let reply else {
            return .command(core.dialect.hasLinkQuery ? .query(name) : CommandText(name))
        }
        for line in reply.fields("+\(name):") {
            line.withUnsafeBytes { bytes in
                // <link>,<"type">,<"remote ip">,<remote port>,<local port>,<1 = incoming>
                var fields = FieldReader(bytes)
                guard let link = fields.integer(), core.links.indices.contains(link),
                    let connection = core.links[link], fields.text() != nil, let ip = fields.ip(),
                    let port = fields.port(), let local = fields.port()
                else { return }
                connection.learn(peer: Endpoint(ip, port))
                if connection.localPort == nil { connection.localPort = local }
            }
        }
        return .end
    }
}

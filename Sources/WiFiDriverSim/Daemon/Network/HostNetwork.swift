import Glibc
import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// One module's network on the computer's own sockets.
///
/// The gateway's address and 127.0.0.0/8 are the computer's loopback, as in QEMU's user network. A TCP socket is read
/// only as far as the module's stack has given credit, so that a slow serial line slows the peer.
///
/// Pass requests to `handle`, and take the resulting events from `takeEvents`. Call `flush` when the module's output
/// has been written, and `advance` when `nextDeadline` has passed. `onActivity` announces events that no request
/// caused. Belongs to the event loop's thread.
final class HostNetwork: Network {
    struct Configuration {
        /// The module's own loopback address: the source of its connections to the computer, and the address of its
        /// servers.
        var hostAddress: IPv4Address?
        var forwards: [HostForward] = []
        /// True if only loopback is reachable and only the world's names resolve.
        var isRestricted = false
        var names: [String: [IPAddress]] = [:]
        /// The networks of the access points. Their gateways, and in IPv6 the second address of their prefixes, are the
        /// computer.
        var subnets: () -> [AccessPoint.Subnet] = { [] }
        var updates: UpdateServer?
        /// In bytes: how much a TCP peer may send ahead of the module, as far as socket options can limit it; `nil` is
        /// no limit.
        var window: Int?
    }

    private let configuration: Configuration
    private let loop: EventLoop
    private lazy var pinger = Result { () throws(SystemError) in try Pinger(loop: loop) }
    private let log: (String) -> Void
    /// The number of datagrams dropped so far.
    private var dropCount = 0
    /// Called when there are events that no request caused.
    var onActivity: () -> Void = {}

    private var events: [NetworkEvent] = []
    private var connections: [SocketID: Connection] = [:]
    /// Connections that the module has closed and that still flush bytes already answered with `SEND OK`, and when to
    /// give up. Keyed by identity, because a restarted module reuses socket ids; the restart does not end them.
    private var draining: [ObjectIdentifier: (connection: Connection, until: Instant)] = [:]
    /// How long a peer that does not read may delay the end of a connection.
    private static let drainingTime = Duration.seconds(60)
    /// Connections that have queued bytes since the last `flush`.
    private var unflushed: [Connection] = []
    private var isFlushing = false
    private var datagramSockets: [SocketID: DatagramSocket] = [:]
    /// The servers by port. One that only a forwarded port reaches has no listener.
    private var servers: [UInt16: (listener: Socket?, tls: TLSConfiguration?)] = [:]
    /// Accepted connections whose handshake is in progress, and when to give up.
    private var shakingHands: [SocketID: Instant] = [:]
    /// "the timeout of each packet is 10 s" (ESP-AT docs, TCP-IP, CIPSTART); a handshake is three of them.
    private static let handshakeTime = Duration.seconds(30)
    /// Connections to servers in this process, which have no socket.
    private var localConnections: [SocketID: LocalConnection] = [:]

    private struct LocalConnection {
        var service: Service
        var answer = ByteQueue()
        var credit = 0

        enum Service {
            /// Closes the connection after its answer.
            case updates(UpdateServer)
            case names(DNSStream)
        }
    }

    private let nameServer: NameServer
    private var forwardListeners: [Socket] = []
    /// Listeners for which no descriptor was free. They are unwatched, because the loop would report them again and
    /// again.
    private var paused: (listeners: [(Socket, UInt16)], until: Instant)?
    private var acceptedCount: UInt32 = 0
    /// The queries that wait for an answer.
    private var queries: Set<QueryID> = []
    /// Counts resets, after which socket numbers start again.
    private var resetCount = 0
    /// The address by which the module last reached the computer. Peers on the computer appear under it.
    private var addressOfHost: IPAddress?

    init(
        _ configuration: Configuration, loop: EventLoop, resolver: Resolver, log: @escaping (String) -> Void
    ) throws(SystemError) {
        self.configuration = configuration
        self.loop = loop
        nameServer = NameServer(names: configuration.names, resolver: configuration.isRestricted ? nil : resolver)
        self.log = log
        for forward in configuration.forwards where forward.transport == .tcp {
            let listener = try Socket.listening(at: forward.host, window: configuration.window)
            try accept(from: listener, toPort: forward.modulePort)
            forwardListeners.append(listener)
        }
    }

    /// True while a connection is being made, a block waits for room, or a query waits for its answer.
    var awaitsComputer: Bool {
        !queries.isEmpty || !shakingHands.isEmpty || connections.values.contains { $0.awaitsComputer }
    }

    deinit {
        reset()
        for (connection, _) in draining.values { connection.endDraining() }
        for listener in forwardListeners { loop.unwatch(listener.descriptor) }
    }

    func handle(_ request: NetworkRequest, at now: Instant) {
        switch request {
        case .connect(let id, let remote, let options, let tls): connect(id, to: remote, options, tls)
        case .openUDP(let id, let peer, let localPort): openUDP(id, peer, localPort)
        case .send(let id, let bytes, let target): send(bytes, on: id, to: target)
        case .abandonSend(let id): connections[id]?.abandonSend()
        case .allow(let id, let bytes):
            if let connection = connections[id] { note(connection.allow(bytes)) }
            if let socket = datagramSockets[id] { note(socket.allow(bytes)) }
            localConnections[id]?.credit += bytes
            deliverAnswer(id)
        case .setOptions(let id, let options): connections[id]?.socket.apply(options)
        case .close(let id, let aborting):
            connections[id]?.close(aborting: aborting)
            retire(id)
            datagramSockets.removeValue(forKey: id)?.close()
            localConnections[id] = nil
        case .listen(let port, let family, let tls): listen(port, family, tls)
        case .stopListening(let port): stopListening(port)
        case .resolve(let query, let name, let family): resolve(name, family, query)
        case .ping(let query, let address): ping(address, query)
        case .cancelQuery(let query): cancel(query)
        case .interfaces: break
        case .reset: reset()
        }
    }

    /// Sends the bytes that the module has handed over. Call it after the module's output is written, so that a host
    /// that waits for `SEND OK` does not wait for the computer's network too.
    /// - Returns: true if this has made events.
    func flush() -> Bool {
        guard !unflushed.isEmpty else { return false }
        isFlushing = true
        for connection in unflushed { connection.flush() }
        isFlushing = false
        unflushed.removeAll(keepingCapacity: true)
        return !events.isEmpty
    }

    func takeEvents() -> [NetworkEvent] {
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// The earliest instant to retry a paused listener, or to end a handshake or a draining connection.
    var nextDeadline: Instant? {
        if shakingHands.isEmpty, draining.isEmpty { return paused?.until }
        return .earlier(.earlier(paused?.until, shakingHands.values.min()), draining.values.map(\.until).min())
    }

    func advance(to now: Instant) {
        for (id, deadline) in shakingHands where deadline <= now {
            connections[id]?.close(aborting: true)
            note([.connectFailed(id, .handshake("the peer was silent for too long"))])
        }
        for (connection, deadline) in draining.values where deadline <= now { connection.endDraining() }
        guard let paused, paused.until <= now else { return }
        self.paused = nil
        for (listener, port) in paused.listeners { try? accept(from: listener, toPort: port) }
    }

    /// Pauses the connections to addresses that are cut off, and resumes the others.
    func pauseConnections(where isCutOff: (IPAddress) -> Bool) {
        for connection in Array(connections.values) + draining.values.map(\.connection) {
            note(connection.pause(isCutOff(connection.peer.address)))
        }
    }

    private func reset() {
        queries = []
        resetCount += 1
        for connection in connections.values { connection.close(aborting: true) }
        for socket in datagramSockets.values { socket.close() }
        connections = [:]
        unflushed = []
        shakingHands = [:]
        datagramSockets = [:]
        localConnections = [:]
        for port in servers.keys { stopListening(port) }
        events = []
    }

    /// Logs a lost datagram; to keep the log short, only the first, second, fourth, eighth and so on.
    func logDrop(_ what: String) {
        dropCount += 1
        guard dropCount & (dropCount - 1) == 0 else { return }
        log("dropped \(what) (\(dropCount) since the start)")
    }

    /// Adds an event that no request caused.
    private func announce(_ event: NetworkEvent) {
        note([event])
        if !isFlushing { onActivity() }
    }

    private func note(_ new: [NetworkEvent]) {
        for event in new {
            switch event {
            case .closed(let id), .connectFailed(let id, _):
                shakingHands[id] = nil
                retire(id)
            case .accepted(let id, _, _): shakingHands[id] = nil
            default: break
            }
        }
        events.append(contentsOf: new)
    }

    // MARK: Addresses

    /// The computer's address for an address of the module's network; `nil` if the module may not reach it.
    private func onHost(_ endpoint: Endpoint) -> Endpoint? {
        if case .v4(let address) = endpoint.address, configuration.subnets().contains(where: { $0.gateway == address })
        {
            addressOfHost = endpoint.address
            return Endpoint(.v4(.loopback), endpoint.port)
        }
        if case .v6(let address) = endpoint.address, configuration.subnets().contains(where: { $0.gateway6 == address })
        {
            return Endpoint(.v6(.loopback), endpoint.port)
        }
        if endpoint.address == .v4(.loopback) { addressOfHost = endpoint.address }
        return endpoint.address.isLoopback || !configuration.isRestricted ? endpoint : nil
    }

    /// A peer's address as the module sees it. A peer on the computer has the address by which the module last reached
    /// the computer, at first the gateway's.
    private func inside(_ peer: Endpoint) -> Endpoint {
        guard peer.address == .v4(.loopback) else { return peer }
        return Endpoint(
            addressOfHost ?? configuration.subnets().first.map { .v4($0.gateway) } ?? peer.address, peer.port)
    }

    private func serverAddress(_ family: IPAddress.Family) -> IPAddress {
        family == .v4 ? .v4(configuration.hostAddress ?? .loopback) : .v6(.loopback)
    }

    // MARK: TCP

    private func connect(_ id: SocketID, to remote: Endpoint, _ options: TCPOptions, _ tls: TLSConfiguration?) {
        // The update server runs in this process, so its TLS is not carried out.
        if let updates = configuration.updates,
            remote == (tls == nil ? UpdateServer.endpoint : UpdateServer.secureEndpoint)
        {
            return events.append(connectLocally(id, to: .updates(updates)))
        }
        let nameServerPlace = tls == nil ? nameServerPlace(remote) : nil
        if nameServerPlace == .own { return events.append(connectLocally(id, to: .names(DNSStream()))) }
        guard let target = onHost(remote) else { return events.append(.connectFailed(id, .unreachable)) }
        let source =
            target.address.isLoopback && target.address.family == .v4
            ? configuration.hostAddress.map(IPAddress.v4) : nil
        let session: TLSSession?
        do throws(TLSFailure) {
            session = try makeSession(tls, as: .client)
        } catch {
            return events.append(.connectFailed(id, .handshake(error.reason)))
        }
        do throws(SystemError) {
            let socket = try Socket.connecting(to: target, from: source, window: configuration.window)
            socket.apply(options)
            connections[id] = try Connection(id, socket, to: remote, .connecting, tls: session, on: loop) {
                [weak self] event in
                guard let self else { return }
                if nameServerPlace == .hostsOrOwn, event == .connectFailed(id, .refused) {
                    self.connections[id] = nil
                    return self.announce(self.connectLocally(id, to: .names(DNSStream())))
                }
                self.announce(event)
            }
        } catch {
            log("\(error)")
            events.append(.connectFailed(id, .unreachable))
        }
    }

    private func connectLocally(_ id: SocketID, to service: LocalConnection.Service) -> NetworkEvent {
        localConnections[id] = LocalConnection(service: service)
        return .connected(id, local: Endpoint(.v4(.any), 0))
    }

    /// Removes a connection that has ended for the module. If it drains, it is kept until it has drained.
    private func retire(_ id: SocketID) {
        guard let connection = connections.removeValue(forKey: id), connection.isDraining else { return }
        let key = ObjectIdentifier(connection)
        draining[key] = (connection, loop.now + Self.drainingTime)
        connection.drained = { [weak self] in self?.draining[key] = nil }
    }

    private func makeSession(
        _ configuration: TLSConfiguration?, as role: TLSSession.Role
    ) throws(TLSFailure) -> TLSSession? {
        guard let configuration else { return nil }
        return try TLSSession(configuration, as: role)
    }

    private func listen(_ port: UInt16, _ family: IPAddress.Family, _ tls: TLSConfiguration?) {
        let isForwarded = configuration.forwards.contains { $0.transport == .tcp && $0.modulePort == port }
        do throws(TLSFailure) {
            // Report a bad TLS configuration now, not to each client.
            _ = try makeSession(tls, as: .server)
        } catch {
            log(error.reason)
            return events.append(.listenFailed(port: port))
        }
        do throws(SystemError) {
            let listener = try Socket.listening(
                at: Endpoint(serverAddress(family), port), window: configuration.window)
            try accept(from: listener, toPort: port)
            servers[port] = (listener, tls)
        } catch {
            // The forwarded port still reaches the server.
            guard isForwarded else {
                log("\(error)\(Self.portAdvice)")
                return events.append(.listenFailed(port: port))
            }
            servers[port] = (nil, tls)
        }
        events.append(.listening(port: port))
    }

    private static let portAdvice =
        "; a module's own address (--host-address) or a forwarded port (--hostfwd) avoids that"

    private func stopListening(_ port: UInt16) {
        if let listener = servers.removeValue(forKey: port)?.listener {
            loop.unwatch(listener.descriptor)
            paused?.listeners.removeAll { $0.0.descriptor === listener.descriptor }
        }
    }

    private func accept(from listener: Socket, toPort port: UInt16) throws(SystemError) {
        try loop.watch(listener.descriptor, for: .read) { [weak self] _ in
            guard let self else { return }
            guard let (socket, peer) = listener.accept() else {
                if errno == EMFILE || errno == ENFILE { self.pause(listener, port) }
                return
            }
            // The module has no server on this port: the peer sees its connection end.
            guard let server = self.servers[port] else { return }
            self.begin(socket, from: self.inside(peer), toPort: port, server.tls)
        }
    }

    private func begin(_ socket: Socket, from peer: Endpoint, toPort port: UInt16, _ tls: TLSConfiguration?) {
        acceptedCount &+= 1
        let id = SocketID(.computer, acceptedCount)
        let local = Endpoint(socket.localEndpoint?.address ?? .v4(.any), port)
        let accepted = NetworkEvent.accepted(id, peer: peer, local: local)
        do throws(TLSFailure) {
            let session = try makeSession(tls, as: .server)
            do throws(SystemError) {
                connections[id] = try Connection(id, socket, to: peer, .accepted(accepted), tls: session, on: loop) {
                    [weak self] in self?.announce($0)
                }
            } catch {
                return log("\(error)")
            }
        } catch {
            return log(error.reason)
        }
        if tls == nil { announce(accepted) } else { shakingHands[id] = loop.now + Self.handshakeTime }
    }

    private func pause(_ listener: Socket, _ port: UInt16) {
        log("no descriptor is free for a connection to port \(port); trying again")
        loop.unwatch(listener.descriptor)
        paused = ((paused?.listeners ?? []) + [(listener, port)], loop.now + .milliseconds(100))
    }

    // MARK: UDP

    private func openUDP(_ id: SocketID, _ peer: Endpoint, _ localPort: UInt16) {
        let forward = configuration.forwards.first { $0.transport == .udp && $0.modulePort == localPort }
        do throws(SystemError) {
            // Several sockets of one computer may listen to a group or broadcast.
            var isShared = false
            if case .v4(let address) = peer.address { isShared = address.isMulticast || address == .broadcast }
            let socket = try Socket.datagram(
                at: forward?.host ?? datagramAddress(for: peer, localPort), isShared: isShared)
            // Joining a group is visible to the computer's network, which a restricted module must not reach.
            if case .v4(let group) = peer.address, group.isMulticast, !configuration.isRestricted {
                try socket.join(group)
            }
            let port = forward == nil ? socket.localEndpoint?.port ?? localPort : localPort
            datagramSockets[id] = try DatagramSocket(
                id, socket, on: loop,
                deliver: { [weak self] bytes, sender in
                    guard let self else { return }
                    self.announce(.received(id, bytes, from: self.inside(sender)))
                },
                drop: { [weak self] length in
                    self?.logDrop("a datagram of \(length) bytes, too many answers wait for the module")
                })
            events.append(.connected(id, local: Endpoint(peer.address.family == .v4 ? .v4(.any) : .v6(.any), port)))
        } catch {
            log("\(error)\(Self.portAdvice)")
            events.append(.connectFailed(id, .addressInUse))
        }
    }

    /// The address to bind: loopback for a peer on loopback; all interfaces for any other peer, which could not be
    /// reached otherwise.
    private func datagramAddress(for peer: Endpoint, _ port: UInt16) -> Endpoint {
        let target = onHost(peer) ?? peer
        let isAny = target.address == .v4(.any) || target.address == .v6(.any)
        if target.address.isLoopback || isAny || configuration.isRestricted {
            return Endpoint(serverAddress(target.address.family), port)
        }
        return Endpoint(target.address.family == .v4 ? .v4(.any) : .v6(.any), port)
    }

    // MARK: Sending

    /// Queues a block of a TCP socket that was already answered with `SEND OK`: no event follows.
    func take(_ bytes: [UInt8], on id: SocketID) {
        if let connection = connections[id] {
            connection.take(bytes)
            unflushed.append(connection)
        } else if localConnections[id] != nil {
            receive(bytes, atServerOf: id)
            deliverAnswer(id)
        }
    }

    /// True if the computer has taken all bytes of the socket, so that the next block can be answered with `SEND OK` at
    /// once.
    func takesBlocks(_ id: SocketID) -> Bool { connections[id]?.takesBlocks ?? (localConnections[id] != nil) }

    /// True if the module may send datagrams to `target`.
    func leadsOn(_ target: Endpoint) -> Bool { nameServerPlace(target) != nil || onHost(target) != nil }

    private func send(_ bytes: [UInt8], on id: SocketID, to target: Endpoint?) {
        if let connection = connections[id] {
            unflushed.append(connection)
            return events.append(contentsOf: connection.send(bytes))
        }
        if localConnections[id] != nil {
            events.append(.sent(id))
            receive(bytes, atServerOf: id)
            return deliverAnswer(id)
        }
        guard let socket = datagramSockets[id], let target else { return events.append(.sendFailed(id)) }
        let nameServerPlace = nameServerPlace(target)
        if nameServerPlace == .own {
            events.append(.sent(id))
            return ask(bytes, on: id, at: target)
        }
        guard let endpoint = onHost(target) else { return events.append(.sendFailed(id)) }
        if let answer = timeServerAnswer(to: bytes, at: target) {
            events.append(.sent(id))
            return note(socket.answer(answer, from: target))
        }
        do throws(SystemError) {
            if nameServerPlace == .hostsOrOwn {
                let isRefused = try socket.sendChecked(bytes, to: endpoint)
                events.append(.sent(id))
                if isRefused { ask(bytes, on: id, at: target) }
            } else {
                try socket.send(bytes, to: endpoint)
                events.append(.sent(id))
            }
        } catch {
            log("\(error)")
            events.append(.sendFailed(id))
        }
    }

    /// The time server of the gateways: it answers with the computer's time, whether or not the computer runs a time
    /// server.
    private func timeServerAnswer(to bytes: [UInt8], at target: Endpoint) -> [UInt8]? {
        guard target.port == SNTPMessage.port, case .v4(let address) = target.address,
            configuration.subnets().contains(where: { $0.gateway == address })
        else { return nil }
        return SNTPMessage.answer(to: bytes, at: WallClock.now)
    }

    // MARK: Servers in this process

    /// Handles bytes for a server in this process.
    private func receive(_ bytes: [UInt8], atServerOf id: SocketID) {
        switch localConnections[id]?.service {
        case .updates(let server)?:
            // The server reads one request for each connection, and only its first packet.
            if localConnections[id]?.answer.isEmpty ?? false {
                localConnections[id]?.answer.append(contentsOf: server.answer(to: bytes))
            }
        case .names(let stream)?: ask(bytes, of: stream, on: id)
        case nil: break
        }
    }

    /// Delivers as much of an answer as the credit covers.
    private func deliverAnswer(_ id: SocketID) {
        guard let connection = localConnections[id], !connection.answer.isEmpty, connection.credit > 0 else { return }
        let bytes = localConnections[id]?.answer.take(connection.credit) ?? []
        localConnections[id]?.credit -= bytes.count
        events.append(.received(id, bytes, from: nil))
        guard case .updates = connection.service, localConnections[id]?.answer.isEmpty ?? false else { return }
        localConnections[id] = nil
        events.append(.closed(id))
    }

    // MARK: The name server

    private enum NameServerPlace {
        /// Always in this process.
        case own
        /// On a port of the computer; in this process if no server listens there.
        case hostsOrOwn
    }

    /// Where the name server at `endpoint` runs; `nil` if DHCP gives no name server with this address.
    private func nameServerPlace(_ endpoint: Endpoint) -> NameServerPlace? {
        guard endpoint.port == DNSMessage.port, case .v4(let address) = endpoint.address else { return nil }
        let subnets = configuration.subnets()
        guard subnets.contains(where: { $0.dns.contains(address) }) else { return nil }
        return address.isLoopback || subnets.contains { $0.gateway == address } ? .hostsOrOwn : .own
    }

    /// Asks the name server with a datagram.
    private func ask(_ message: [UInt8], on id: SocketID, at server: Endpoint) {
        let resetCount = resetCount
        let answer = nameServer.answer(to: message, limit: DNSMessage.longestDatagram) { [weak self] answer in
            guard let self, self.resetCount == resetCount, let socket = self.datagramSockets[id] else { return }
            for event in socket.answer(answer, from: server) { self.announce(event) }
        }
        if let answer, let socket = datagramSockets[id] { note(socket.answer(answer, from: server)) }
    }

    /// Asks the name server with bytes of a connection.
    private func ask(_ bytes: [UInt8], of stream: DNSStream, on id: SocketID) {
        var stream = stream
        let messages = stream.receive(bytes)
        localConnections[id]?.service = .names(stream)
        let resetCount = resetCount
        // While answers pile up unread, further questions are dropped.
        for message in messages where localConnections[id]?.answer.count ?? 0 <= DNSStream.longestMessage {
            let answer = nameServer.answer(to: message, limit: DNSStream.longestMessage) { [weak self] answer in
                guard let self, self.resetCount == resetCount else { return }
                self.localConnections[id]?.answer.append(contentsOf: DNSStream.framed(answer))
                self.deliverAnswer(id)
                self.onActivity()
            }
            if let answer { localConnections[id]?.answer.append(contentsOf: DNSStream.framed(answer)) }
        }
    }

    // MARK: Names and pings

    private func resolve(_ name: String, _ family: IPAddress.Family?, _ query: QueryID) {
        queries.insert(query)
        let outcome = nameServer.lookUp(name.lowercased(), family) { [weak self] outcome in
            guard let self, self.queries.remove(query) != nil else { return }
            self.announce(.resolved(query, outcome.addresses))
        }
        guard let outcome else { return }
        queries.remove(query)
        events.append(.resolved(query, outcome.addresses))
    }

    private func cancel(_ query: QueryID) {
        queries.remove(query)
        events.removeAll { $0.query == query }
    }

    private func ping(_ address: IPAddress, _ query: QueryID) {
        guard case .v4 = address, let target = onHost(Endpoint(address, 0)) else {
            if address.family == .v6 { log("pings of IPv6 addresses are not simulated") }
            return events.append(.pinged(query, nil))
        }
        guard case .v4(let host) = target.address else { return }
        do throws(SystemError) {
            queries.insert(query)
            try pinger.get().ping(host) { [weak self] roundTrip in
                guard let self, self.queries.remove(query) != nil else { return }
                self.announce(.pinged(query, roundTrip))
            }
        } catch {
            queries.remove(query)
            log("\(error): no ping, because the system does not let this user send one")
            events.append(.pinged(query, nil))
        }
    }
}

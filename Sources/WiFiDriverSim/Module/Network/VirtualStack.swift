import WiFiSimValues

/// The TCP/IP stack of one module in a virtual network.
package final class VirtualStack: Network {
    // Unowned: the network owns its stacks.
    private unowned let network: VirtualNetwork
    let index: Int
    private let radio: Air.RadioID
    private var interfaces: [NetworkInterface] = []
    /// The latency of the last interface, for packets that leave after the interface went down.
    private var lastLatency = Duration.milliseconds(1)
    /// The number of restarts of the module.
    private(set) var epoch = 0
    private var sockets: [SocketID: Socket] = [:]
    /// The other ends of closed TCP sockets whose last bytes are still in transit.
    private var lingering: [SocketID: VirtualNetwork.Remote] = [:]
    /// By port.
    private var servers: [UInt16: (family: IPAddress.Family, tls: TLSConfiguration?)] = [:]
    private var events: [NetworkEvent] = []
    /// True while this stack is queued in the network's news.
    var hasNews = false
    private var acceptedCount: UInt32 = 0

    private struct Socket {
        let transport: Transport
        let local: Endpoint
        var peer: Endpoint
        var phase: Phase
        /// The module's TLS configuration.
        var tls: TLSConfiguration?
        var credit = 0
        var inbound: [(bytes: [UInt8], from: Endpoint?)] = []
        var isClosing = false
        /// The incomplete query that a name server has received.
        var queries = DNSStream()
        /// Bytes for which the other module has no room yet.
        var outbound = ByteQueue()
        /// The number of bytes that the other module has room for.
        var window = 0
        /// Bytes of datagrams in transit.
        var datagramsUnderWay = 0
        /// Consecutive transmissions that did not arrive.
        var failedAttempts = 0

        enum Phase {
            /// A TCP socket without an answer from the other end.
            case connecting
            case connected(VirtualNetwork.Remote)
            case datagrams
        }
    }

    init(network: VirtualNetwork, index: Int, radio: Air.RadioID) {
        self.network = network
        self.index = index
        self.radio = radio
    }

    // MARK: The module's side

    package func handle(_ request: NetworkRequest, at now: Instant) {
        network.advance(to: now)
        switch request {
        case .connect(let id, let remote, _, let tls):
            let local = localEndpoint(remote.address.family, network.newLocalPort())
            sockets[id] = Socket(transport: .tcp, local: local, peer: remote, phase: .connecting, tls: tls)
            network.send(.connect(reference(id), to: remote), after: latency(to: remote.address))
        case .openUDP(let id, let peer, let localPort):
            let port = localPort == 0 ? network.newLocalPort() : localPort
            let isTaken =
                network.busyPorts.contains(port)
                || sockets.values.contains { $0.transport == .udp && $0.local.port == port }
            guard !isTaken else { return tell(.connectFailed(id, .addressInUse)) }
            let local = localEndpoint(peer.address.family, port)
            sockets[id] = Socket(transport: .udp, local: local, peer: peer, phase: .datagrams)
            network.datagramSocketOpens(reference(id), for: peer)
            tell(.connected(id, local: local))
        case .send(let id, let bytes, let target): send(bytes, on: id, to: target)
        case .abandonSend(let id): sockets[id]?.outbound.removeAll()
        case .allow(let id, let bytes):
            sockets[id]?.credit += bytes
            if let socket = sockets[id], case .connected(.module(let other)) = socket.phase {
                network.send(.window(other, bytes: bytes), after: latency(to: socket.peer.address))
            }
            deliver(id)
        case .setOptions: break
        case .close(let id, let aborting):
            guard let socket = sockets.removeValue(forKey: id) else { return }
            tellRemote(of: id, socket, isReset: aborting)
        case .listen(let port, let family, let tls):
            guard !network.busyPorts.contains(port) else { return tell(.listenFailed(port: port)) }
            servers[port] = (family, tls)
            tell(.listening(port: port))
        case .stopListening(let port): servers[port] = nil
        case .resolve(let query, let name, let family):
            guard resolvesNames else { return }
            network.send(
                .query(query, stack: index, epoch: epoch, name: name.lowercased(), family), after: latency(to: nil))
        case .ping(let query, let address): ping(address, query)
        case .cancelQuery(let query): network.cancel(query, of: index)
        case .interfaces(let interfaces):
            if interfaces.isEmpty { lastLatency = latency(to: nil) }
            self.interfaces = interfaces
        case .reset:
            for (id, socket) in sockets { tellRemote(of: id, socket, isReset: true) }
            sockets = [:]
            lingering = [:]
            servers = [:]
            events = []
            acceptedCount = 0
            epoch += 1
        }
    }

    private func send(_ bytes: [UInt8], on id: SocketID, to target: Endpoint?) {
        guard let socket = sockets[id], !socket.isClosing else { return tell(.sendFailed(id)) }
        if case .connected(.module) = socket.phase {
            sockets[id]?.outbound.append(contentsOf: bytes)
            return pump(id)
        }
        tell(.sent(id))
        if socket.transport == .udp {
            guard socket.datagramsUnderWay + bytes.count <= Self.datagramRoom else { return }
            sockets[id]?.datagramsUnderWay += bytes.count
        }
        let target = target ?? socket.peer
        network.send(.toRemote(reference(id), bytes, to: target), after: latency(to: target.address))
    }

    /// Sends as many bytes to another module as it has room for. `sent` follows after the last one, so that a slow
    /// reader slows down the sender.
    private func pump(_ id: SocketID) {
        guard let socket = sockets[id], case .connected(.module(let other)) = socket.phase, !socket.outbound.isEmpty,
            socket.window > 0
        else { return }
        guard case .neighbours = route(to: socket.peer.address) else { return sendLater(id) }
        let part = sockets[id]?.outbound.take(socket.window) ?? []
        sockets[id]?.window -= part.count
        sockets[id]?.failedAttempts = 0
        network.send(.toModule(other, part, from: nil), after: latency(to: socket.peer.address))
        if part.count == socket.outbound.count { tell(.sent(id)) }
    }

    /// Handles a transmission that did not arrive: TCP tries again, and finally gives up the connection.
    private func sendLater(_ id: SocketID) {
        sockets[id]?.failedAttempts += 1
        guard let attempts = sockets[id]?.failedAttempts, attempts <= VirtualNetwork.retransmissionLimit else {
            sockets[id] = nil
            return tell(.closed(id))
        }
        network.send(.retransmission(reference(id)), after: VirtualNetwork.retransmissionTime)
    }

    private func ping(_ address: IPAddress, _ query: QueryID) {
        switch route(to: address) {
        case .neighbours: break
        case .world where network.isThere(address): break
        case .world, .nowhere: return
        }
        let roundTrip = latency(to: address) * 2
        network.send(.event(stack: index, epoch: epoch, .pinged(query, roundTrip)), after: roundTrip)
    }

    private func tellRemote(of id: SocketID, _ socket: Socket, isReset: Bool) {
        guard case .connected(let remote) = socket.phase else { return }
        if !isReset { lingering[id] = remote }
        network.send(
            .closeOfModule(reference(id), remote, isReset: isReset), after: latency(to: socket.peer.address))
    }

    package var nextDeadline: Instant? { network.nextDeadline }
    package func advance(to now: Instant) { network.advance(to: now) }

    package var hasEvents: Bool { !events.isEmpty }

    package func takeEvents() -> [NetworkEvent] {
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    // MARK: Interfaces and routes

    /// The route to an address.
    package enum Route {
        /// To modules on the same access point: the one with the address, or all of them for a group.
        case neighbours([VirtualStack])
        /// To a virtual station on the same access point, or through the router to the hosts of the world.
        case world
        case nowhere
    }

    package func route(to address: IPAddress) -> Route {
        guard let interface = interface(toward: address), network.air.carries(interface.accessPoint, of: radio) else {
            return .nowhere
        }
        let accessPoint = interface.accessPoint
        let neighbours = network.stacks.filter { stack in
            guard let other = stack.interfaces.first(where: { $0.accessPoint == accessPoint }) else { return false }
            return (other.addresses.contains(address) || stack !== self && interface.isGroup(address))
                && network.air.carries(accessPoint, of: stack.radio)
        }
        if !neighbours.isEmpty { return .neighbours(neighbours) }
        if let station = network.accessPoint(ofStationAt: address) {
            return station == accessPoint ? .world : .nowhere
        }
        return network.air.hasRouter(accessPoint) && !isCutOff(from: address) ? .world : .nowhere
    }

    /// Whether an address lies beyond a gateway that drops packets.
    package func isCutOff(from address: IPAddress) -> Bool {
        guard let interface = interface(toward: address), !interface.covers(address) else { return false }
        return !network.air.leadsOn(interface.accessPoint)
    }

    /// Whether the name servers answer.
    package var resolvesNames: Bool {
        interfaces.first.map { network.air.answersNames($0.accessPoint) } ?? true
    }

    package func isVirtualStation(_ address: IPAddress) -> Bool { network.accessPoint(ofStationAt: address) != nil }

    package var hasOnlySoftAP: Bool { interfaces.allSatisfy(\.isSoftAP) && !interfaces.isEmpty }

    /// Whether an address is in the network of an interface.
    package func covers(_ address: IPAddress) -> Bool { interfaces.contains { $0.covers(address) } }

    /// The interface whose network contains the address, otherwise the first.
    private func interface(toward address: IPAddress) -> NetworkInterface? {
        interfaces.first { $0.covers(address) } ?? interfaces.first
    }

    /// The one-way latency to an address, over the interface that leads there. `nil` selects the first interface.
    package func latency(to address: IPAddress?) -> Duration {
        if let latency = network.latency { return latency }
        let interface = address.flatMap(interface(toward:)) ?? interfaces.first
        let roundTrip = interface.flatMap { network.air.latency(of: $0.accessPoint) }
        return roundTrip.map { $0 / 2 } ?? lastLatency
    }

    /// Whether DHCP announces this address as a name server.
    package func isNameServer(_ address: IPAddress) -> Bool {
        guard case .v4(let address) = address, let accessPoint = interfaces.first?.accessPoint else { return false }
        return network.air.nameServers(of: accessPoint).contains(address)
    }

    // MARK: The network's side

    /// The queries to a name server that these bytes complete, on a TCP socket.
    func queries(in bytes: [UInt8], on id: SocketID) -> [[UInt8]] { sockets[id]?.queries.receive(bytes) ?? [] }

    func tell(_ event: NetworkEvent) {
        if !hasNews {
            hasNews = true
            network.stackHasNews(index)
        }
        events.append(event)
    }
    func has(_ id: SocketID) -> Bool { sockets[id] != nil }
    func reference(_ id: SocketID) -> VirtualNetwork.SocketReference { .init(stack: index, epoch: epoch, id: id) }

    /// The other end of a TCP socket, also of one that the module has closed while its last bytes are in transit.
    func remote(of socket: VirtualNetwork.SocketReference) -> VirtualNetwork.Remote? {
        guard socket.epoch == epoch else { return nil }
        guard case .connected(let remote) = sockets[socket.id]?.phase else { return lingering[socket.id] }
        return remote
    }

    /// The close of a TCP socket has reached the other end.
    func closeArrived(_ socket: VirtualNetwork.SocketReference) {
        if socket.epoch == epoch { lingering[socket.id] = nil }
    }

    /// The address of the host at the other end of a TCP socket. `nil` if that is a module.
    func connectedHost(of socket: VirtualNetwork.SocketReference) -> IPAddress? {
        switch remote(of: socket) {
        case .server, .peer: sockets[socket.id]?.peer.address
        case .module, nil: nil
        }
    }

    /// The source endpoint of a packet from this socket.
    func endpoint(of id: SocketID, toward address: IPAddress) -> Endpoint? {
        guard let socket = sockets[id] else { return nil }
        let source = interface(toward: address)?.addresses.first { $0.family == address.family }
        return Endpoint(source ?? socket.local.address, socket.local.port)
    }

    /// The module's sockets with this peer.
    func socketIDs(to peer: Endpoint) -> [SocketID] {
        sockets.filter { $0.value.peer == peer }.map(\.key).sorted()
    }

    func hasTakenAll(_ id: SocketID) -> Bool { sockets[id]?.inbound.isEmpty ?? false }

    /// A connection of this module has reached the other host.
    func connectionArrives(_ socket: VirtualNetwork.SocketReference, at remote: Endpoint) {
        guard case .connecting = sockets[socket.id]?.phase else { return }
        switch route(to: remote.address) {
        case .neighbours(let neighbours):
            guard let other = neighbours.first, let from = endpoint(of: socket.id, toward: remote.address),
                let server = other.servers[remote.port]
            else { return refuse(socket.id) }
            let tls = sockets[socket.id]?.tls
            if tls != nil, let reason = TLSConfiguration.failure(client: tls, server: server.tls) {
                return refuse(socket.id, .handshake(reason), after: handshakeTime(with: remote.address))
            }
            guard let accepted = other.accept(from: from, toPort: remote.port, remote: .module(socket)) else {
                return refuse(socket.id)
            }
            connect(socket, to: .module(accepted), after: tls == nil ? .zero : handshakeTime(with: remote.address))
        case .world: connectionArrives(socket, atHost: remote)
        case .nowhere:
            network.send(.connect(socket, to: remote), after: VirtualNetwork.retransmissionTime)
        }
    }

    private func connectionArrives(_ socket: VirtualNetwork.SocketReference, atHost remote: Endpoint) {
        let listener = network.listener(.tcp, at: remote)
        let tls = sockets[socket.id]?.tls
        if let tls, let reason = listener?.failure(ofClient: tls) {
            return refuse(socket.id, .handshake(reason), after: handshakeTime(with: remote.address))
        }
        switch listener {
        case .server(.names, _) where !resolvesNames: break
        case .server(let server, _):
            connect(socket, to: .server(server), after: .zero)
            let speaks = acceptTime(hasTLS: tls != nil, with: remote.address)
            if case .chargen = server { network.send(.chargen(socket, line: 0), after: speaks) }
            if let greeting = server.greeting(at: network.clock) {
                let arrives = speaks + latency(to: remote.address)
                network.send(.toModule(socket, greeting, from: nil), after: arrives)
                network.send(.closeOfRemote(socket, isReset: false), after: arrives)
            }
        case .peer(let peer, let delay):
            let wait = delay + (tls == nil ? .zero : handshakeTime(with: remote.address))
            connect(socket, to: .peer(peer), after: wait)
            peer.accept(socket, after: delay + acceptTime(hasTLS: tls != nil, with: remote.address))
        case .silent: break
        case nil: if network.isThere(remote.address) { refuse(socket.id) }
        }
    }

    private func refuse(_ id: SocketID, _ failure: ConnectFailure = .refused, after delay: Duration = .zero) {
        let peer = sockets.removeValue(forKey: id)?.peer.address
        tellLater(.connectFailed(id, failure), after: delay + latency(to: peer))
    }

    private func handshakeTime(with peer: IPAddress) -> Duration {
        latency(to: peer) * 2 * TLSConfiguration.handshakeRoundTrips
    }

    /// The time from a client's first packet until the server has the connection: until the acknowledgment of its
    /// answer, or until the end of the handshake.
    private func acceptTime(hasTLS: Bool, with peer: IPAddress) -> Duration {
        hasTLS ? handshakeTime(with: peer) : latency(to: peer) * 2
    }

    private func connect(
        _ socket: VirtualNetwork.SocketReference, to remote: VirtualNetwork.Remote, after delay: Duration
    ) {
        guard let (local, peer) = sockets[socket.id].map({ ($0.local, $0.peer) }) else { return }
        sockets[socket.id]?.phase = .connected(remote)
        if case .module = remote { sockets[socket.id]?.window += network.bytesUnderWay }
        tellLater(.connected(socket.id, local: local), after: delay + latency(to: peer.address))
    }

    private func tellLater(_ event: NetworkEvent, after delay: Duration) {
        network.send(.event(stack: index, epoch: epoch, event), after: delay)
    }

    /// Accepts an incoming connection. `nil` if no server listens at that port, or the handshake fails.
    func accept(
        from peer: Endpoint, toPort port: UInt16, remote: VirtualNetwork.Remote
    ) -> VirtualNetwork.SocketReference? {
        guard let server = servers[port], server.family == peer.address.family else { return nil }
        acceptedCount &+= 1
        let id = SocketID(.memory, acceptedCount)
        if let reason = server.tls.flatMap({ failure(of: $0, with: remote) }) {
            tellLater(
                .connectFailed(id, .handshake(reason)),
                after: handshakeTime(with: peer.address) + latency(to: peer.address))
            return nil
        }
        let local = localEndpoint(server.family, port)
        var socket = Socket(transport: .tcp, local: local, peer: peer, phase: .connected(remote))
        if case .module = remote { socket.window = network.bytesUnderWay }
        sockets[id] = socket
        // A played peer is connected as soon as its connection has reached the module.
        var wait = server.tls == nil ? Duration.zero : handshakeTime(with: peer.address)
        if case .module = remote { wait = acceptTime(hasTLS: server.tls != nil, with: peer.address) }
        network.send(.accepted(reference(id), peer: peer, local: local), after: wait)
        return reference(id)
    }

    /// Why TLS with a client of the server fails. `nil` if it succeeds.
    private func failure(of server: TLSConfiguration, with remote: VirtualNetwork.Remote) -> String? {
        switch remote {
        case .server: nil
        case .peer(let peer): server.failure(withClient: peer.tls)
        case .module(let client):
            TLSConfiguration.failure(client: network.stacks[client.stack].sockets[client.id]?.tls, server: server)
        }
    }

    func windowOpens(_ id: SocketID, by bytes: Int) {
        sockets[id]?.window += bytes
        pump(id)
    }

    func sendAgain(_ socket: VirtualNetwork.SocketReference) { pump(socket.id) }

    func receive(_ bytes: [UInt8], on id: SocketID, from sender: Endpoint?) {
        guard let socket = sockets[id], !socket.isClosing else { return }
        sockets[id]?.inbound.append((bytes, socket.transport == .udp ? sender ?? socket.peer : nil))
        deliver(id)
    }

    func receiveDatagram(_ bytes: [UInt8], atPort port: UInt16, from sender: Endpoint) {
        guard let id = socketID(udpPort: port), let socket = sockets[id] else { return }
        let waiting = socket.inbound.reduce(0) { $0 + $1.bytes.count }
        guard waiting + bytes.count <= Self.datagramRoom else { return }
        receive(bytes, on: id, from: sender)
    }

    /// In bytes, both for datagrams that wait in a socket and for those in transit from it. Datagrams beyond it are
    /// lost.
    private static let datagramRoom = 64 * 1024

    /// Bytes of a module's socket have reached the other end.
    func hasArrived(_ count: Int, from socket: VirtualNetwork.SocketReference) {
        guard socket.epoch == epoch, sockets[socket.id]?.transport == .udp else { return }
        sockets[socket.id]?.datagramsUnderWay -= count
    }

    package func socketID(udpPort port: UInt16) -> SocketID? {
        sockets.first { $0.value.transport == .udp && $0.value.local.port == port }?.key
    }

    /// The other end has closed or reset the connection. A close is reported after its bytes; a reset drops them.
    func remoteClosed(_ id: SocketID, isReset: Bool) {
        sockets[id]?.isClosing = true
        if isReset { sockets[id]?.inbound = [] }
        deliver(id)
    }

    /// Delivers as many bytes as the credit permits, then the close.
    private func deliver(_ id: SocketID) {
        while let socket = sockets[id], socket.credit > 0, let (bytes, sender) = socket.inbound.first {
            let part = sender == nil ? Array(bytes.prefix(socket.credit)) : bytes
            sockets[id]?.credit -= part.count + (sender == nil ? 0 : NetworkRequest.datagramOverhead)
            if part.count == bytes.count {
                sockets[id]?.inbound.removeFirst()
            } else {
                sockets[id]?.inbound[0].bytes.removeFirst(part.count)
            }
            tell(.received(id, part, from: sender))
        }
        if let socket = sockets[id], socket.isClosing, socket.inbound.isEmpty {
            sockets[id] = nil
            tell(.closed(id))
            // The firmware closes its side as well.
            tellRemote(of: id, socket, isReset: false)
        }
    }

    private func localEndpoint(_ family: IPAddress.Family, _ port: UInt16) -> Endpoint {
        Endpoint(family == .v4 ? .v4(.any) : .v6(.any), port)
    }
}

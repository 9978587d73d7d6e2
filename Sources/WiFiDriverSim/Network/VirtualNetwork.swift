/// A network in memory, under the simulation's clock: small servers by port, names, and peers that a test plays.
///
/// Sans-IO and deterministic. Every packet takes `latency` one way.
public final class VirtualNetwork: Network {
    /// What answers at an address and port.
    public enum Service: Sendable {
        /// Sends back what comes (RFC 862).
        case echo
        /// Takes everything (RFC 863).
        case discard
        /// Sends these bytes to whoever connects, then closes.
        case greeting([UInt8])
        /// Takes no part in anything: connections time out, datagrams vanish.
        case silent
        /// Accepts, for a test to play the peer.
        case peer
    }

    public var latency: Duration
    /// Names, in lower case.
    public var names: [String: [IPAddress]]
    private var services: [Endpoint: Service] = [:]
    private var sockets: [SocketID: Socket] = [:]
    private var server: (port: UInt16, family: IPAddress.Family)?
    private var scheduled: [(at: Instant, packet: Packet)] = []
    private var events: [NetworkEvent] = []
    private var nextLocalPort: UInt16 = 49_152
    private var nextAccepted: UInt32 = 0x8000_0000
    /// Ports that something else has taken.
    public var busyPorts: Set<UInt16> = []

    private struct Socket {
        let transport: Transport
        let local: Endpoint
        var remote: Endpoint
        var credit = 0
        var inbound: [(bytes: [UInt8], from: Endpoint?)] = []
        var isClosing = false
        /// All that the module has sent.
        var sent: [UInt8] = []
    }

    /// Something under way, in either direction.
    private enum Packet {
        case event(NetworkEvent)
        case toService(SocketID, [UInt8], Endpoint)
        case toModule(SocketID, [UInt8], Endpoint?)
        case peerClosed(SocketID)
    }

    public init(names: [String: [IPAddress]] = [:], latency: Duration = .milliseconds(1)) {
        self.names = names
        self.latency = latency
    }

    /// Puts a service at an address and port; nothing refuses there.
    public func serve(_ service: Service, at endpoint: Endpoint) { services[endpoint] = service }

    // MARK: The module's side

    public func handle(_ request: NetworkRequest, at now: Instant) {
        switch request {
        case .connect(let id, let remote, _): connect(id, to: remote, at: now)
        case .openUDP(let id, let peer, let localPort):
            let port = localPort == 0 ? newLocalPort() : localPort
            guard !busyPorts.contains(port) else { return events.append(.connectFailed(id, .addressInUse)) }
            sockets[id] = Socket(transport: .udp, local: moduleEndpoint(peer.address.family, port), remote: peer)
            events.append(.connected(id, local: moduleEndpoint(peer.address.family, port)))
        case .send(let id, let bytes, let target): send(bytes, on: id, to: target, at: now)
        case .allow(let id, let bytes):
            sockets[id]?.credit += bytes
            deliver(id)
        case .setOptions: break
        case .close(let id, _):
            sockets[id] = nil
        case .listen(let port, let family):
            guard !busyPorts.contains(port) else { return events.append(.listenFailed) }
            server = (port, family)
            events.append(.listening)
        case .stopListening: server = nil
        case .resolve(let name, let family):
            let found = (names[name.lowercased()] ?? []).filter { family == nil || $0.family == family }
            schedule(.event(.resolved(found)), at: now + latency * 2)
        case .ping(let address):
            let isThere =
                services.keys.contains { $0.address == address } || names.values.contains { $0.contains(address) }
            if isThere { schedule(.event(.pinged(latency * 2)), at: now + latency * 2) }
        case .reset:
            sockets = [:]
            server = nil
            scheduled = []
            events = []
        }
    }

    private func connect(_ id: SocketID, to remote: Endpoint, at now: Instant) {
        switch services[remote] {
        case nil: schedule(.event(.connectFailed(id, .refused)), at: now + latency * 2)
        case .silent: break
        case .some(let service):
            let local = moduleEndpoint(remote.address.family, newLocalPort())
            sockets[id] = Socket(transport: .tcp, local: local, remote: remote)
            schedule(.event(.connected(id, local: local)), at: now + latency * 2)
            if case .greeting(let bytes) = service {
                schedule(.toModule(id, bytes, nil), at: now + latency * 2)
                schedule(.peerClosed(id), at: now + latency * 2)
            }
        }
    }

    private func send(_ bytes: [UInt8], on id: SocketID, to target: Endpoint?, at now: Instant) {
        guard let socket = sockets[id], !socket.isClosing else { return events.append(.sendFailed(id)) }
        sockets[id]?.sent += bytes
        events.append(.sent(id))
        schedule(.toService(id, bytes, target ?? socket.remote), at: now + latency)
    }

    // MARK: The peers' side

    /// A peer connects to the module's server; `nil` if none listens at that port.
    public func connect(from peer: Endpoint, toPort port: UInt16, at now: Instant) -> SocketID? {
        guard let server, server.port == port, server.family == peer.address.family else { return nil }
        let id = SocketID(rawValue: nextAccepted)
        nextAccepted += 1
        let local = moduleEndpoint(server.family, port)
        sockets[id] = Socket(transport: .tcp, local: local, remote: peer)
        schedule(.event(.accepted(id, peer: peer, local: local)), at: now + latency)
        return id
    }

    /// The peer of a socket sends; for UDP, `sender` is another than the link's remote.
    public func sendFromPeer(_ bytes: [UInt8], on id: SocketID, from sender: Endpoint? = nil, at now: Instant) {
        schedule(.toModule(id, bytes, sender), at: now + latency)
    }

    public func closeFromPeer(_ id: SocketID, at now: Instant) { schedule(.peerClosed(id), at: now + latency) }

    /// All that the module has sent on a socket that is open.
    public func sent(on id: SocketID) -> [UInt8] { sockets[id]?.sent ?? [] }

    /// The sockets that are open, by the peer's endpoint.
    public func sockets(to remote: Endpoint) -> [SocketID] {
        sockets.filter { $0.value.remote == remote }.map(\.key).sorted { $0.rawValue < $1.rawValue }
    }

    // MARK: Time

    public var nextDeadline: Instant? { scheduled.first?.at }

    public func advance(to now: Instant) {
        while let (at, packet) = scheduled.first, at <= now {
            scheduled.removeFirst()
            arrive(packet, at: at)
        }
    }

    public func takeEvents() -> [NetworkEvent] {
        defer { events.removeAll() }
        return events
    }

    private func schedule(_ packet: Packet, at time: Instant) {
        let index = scheduled.firstIndex { $0.at > time } ?? scheduled.endIndex
        scheduled.insert((time, packet), at: index)
    }

    private func arrive(_ packet: Packet, at now: Instant) {
        switch packet {
        case .event(let event): events.append(event)
        case .toService(let id, let bytes, let target):
            if case .echo = services[target] { schedule(.toModule(id, bytes, target), at: now + latency) }
        case .toModule(let id, let bytes, let sender):
            guard let socket = sockets[id] else { return }
            sockets[id]?.inbound.append((bytes, socket.transport == .udp ? sender ?? socket.remote : nil))
            deliver(id)
        case .peerClosed(let id):
            sockets[id]?.isClosing = true
            deliver(id)
        }
    }

    /// Hands over what the credit covers, then the close.
    private func deliver(_ id: SocketID) {
        while let socket = sockets[id], socket.credit > 0, let (bytes, sender) = socket.inbound.first {
            let part = sender == nil ? Array(bytes.prefix(socket.credit)) : bytes
            sockets[id]?.credit -= part.count
            if part.count == bytes.count {
                sockets[id]?.inbound.removeFirst()
            } else {
                sockets[id]?.inbound[0].bytes.removeFirst(part.count)
            }
            events.append(.received(id, part, from: sender))
        }
        if let socket = sockets[id], socket.isClosing, socket.inbound.isEmpty {
            sockets[id] = nil
            events.append(.closed(id))
        }
    }

    private func newLocalPort() -> UInt16 {
        defer { nextLocalPort = nextLocalPort == 65_535 ? 49_152 : nextLocalPort + 1 }
        return nextLocalPort
    }

    private func moduleEndpoint(_ family: IPAddress.Family, _ port: UInt16) -> Endpoint {
        Endpoint(family == .v4 ? .v4(.any) : .v6(.any), port)
    }
}

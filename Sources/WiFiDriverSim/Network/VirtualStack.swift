/// One module's part of a virtual network.
public final class VirtualStack: Network {
    // The network owns its stacks.
    private unowned let network: VirtualNetwork
    let index: Int
    /// Where other modules reach this one.
    var address: IPAddress?
    /// Counts the module's restarts.
    private(set) var epoch = 0
    private var sockets: [SocketID: Socket] = [:]
    private var server: (port: UInt16, family: IPAddress.Family)?
    private var events: [NetworkEvent] = []
    private var nextAccepted = VirtualStack.firstAccepted
    private static let firstAccepted: UInt32 = 0x8000_0000

    private struct Socket {
        let transport: Transport
        let local: Endpoint
        var peer: Endpoint
        var phase: Phase
        var credit = 0
        var inbound: [(bytes: [UInt8], from: Endpoint?)] = []
        var isClosing = false

        enum Phase {
            /// A TCP socket whose other end has not answered.
            case connecting
            case connected(VirtualNetwork.Remote)
            case datagrams
        }
    }

    init(network: VirtualNetwork, index: Int) {
        self.network = network
        self.index = index
    }

    // MARK: The module's side

    public func handle(_ request: NetworkRequest, at now: Instant) {
        network.advance(to: now)
        switch request {
        case .connect(let id, let remote, _):
            let local = localEndpoint(remote.address.family, network.newLocalPort())
            sockets[id] = Socket(transport: .tcp, local: local, peer: remote, phase: .connecting)
            network.send(.connect(reference(id), to: remote), after: network.latency)
        case .openUDP(let id, let peer, let localPort):
            let port = localPort == 0 ? network.newLocalPort() : localPort
            let isTaken =
                network.busyPorts.contains(port)
                || sockets.values.contains { $0.transport == .udp && $0.local.port == port }
            guard !isTaken else { return tell(.connectFailed(id, .addressInUse)) }
            let local = localEndpoint(peer.address.family, port)
            sockets[id] = Socket(transport: .udp, local: local, peer: peer, phase: .datagrams)
            tell(.connected(id, local: local))
        case .send(let id, let bytes, let target):
            guard let socket = sockets[id], !socket.isClosing else { return tell(.sendFailed(id)) }
            tell(.sent(id))
            network.send(.toRemote(reference(id), bytes, to: target ?? socket.peer), after: network.latency)
        case .abandonSend: break
        case .allow(let id, let bytes):
            sockets[id]?.credit += bytes
            deliver(id)
        case .setOptions: break
        case .close(let id, let aborting):
            guard let socket = sockets.removeValue(forKey: id) else { return }
            tellRemote(of: socket, isReset: aborting)
        case .listen(let port, let family):
            guard !network.busyPorts.contains(port) else { return tell(.listenFailed) }
            server = (port, family)
            tell(.listening)
        case .stopListening: server = nil
        case .resolve(let name, let family):
            network.send(
                .query(stack: index, epoch: epoch, name: name.lowercased(), family), after: network.latency)
        case .ping(let address):
            guard network.isThere(address) else { return }
            let roundTrip = network.latency * 2
            network.send(.event(stack: index, epoch: epoch, .pinged(roundTrip)), after: roundTrip)
        case .cancelQuery: network.cancelQueries(of: index)
        case .reset:
            for socket in sockets.values { tellRemote(of: socket, isReset: true) }
            sockets = [:]
            server = nil
            events = []
            nextAccepted = Self.firstAccepted
            epoch += 1
        }
    }

    private func tellRemote(of socket: Socket, isReset: Bool) {
        guard case .connected(let remote) = socket.phase else { return }
        network.send(.closeOfModule(remote, isReset: isReset), after: network.latency)
    }

    public var nextDeadline: Instant? { network.nextDeadline }
    public func advance(to now: Instant) { network.advance(to: now) }

    var hasEvents: Bool { !events.isEmpty }

    public func takeEvents() -> [NetworkEvent] {
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    // MARK: The network's side

    func tell(_ event: NetworkEvent) { events.append(event) }
    func has(_ id: SocketID) -> Bool { sockets[id] != nil }
    func reference(_ id: SocketID) -> VirtualNetwork.SocketReference { .init(stack: index, epoch: epoch, id: id) }

    /// The other end of a TCP socket; of one that the module has closed since, data that were under way are lost.
    func remote(of socket: VirtualNetwork.SocketReference) -> VirtualNetwork.Remote? {
        guard socket.epoch == epoch, case .connected(let remote) = sockets[socket.id]?.phase else { return nil }
        return remote
    }

    /// Where a datagram of this socket comes from.
    func endpoint(of id: SocketID) -> Endpoint? {
        sockets[id].map { Endpoint(address ?? $0.local.address, $0.local.port) }
    }

    /// The module's sockets whose peer is there.
    func socketIDs(to peer: Endpoint) -> [SocketID] {
        sockets.filter { $0.value.peer == peer }.map(\.key).sorted { $0.rawValue < $1.rawValue }
    }

    func hasTakenAll(_ id: SocketID) -> Bool { sockets[id]?.inbound.isEmpty ?? false }

    /// A connection of this module's has reached the other host.
    func connectionArrives(_ socket: VirtualNetwork.SocketReference, at remote: Endpoint) {
        switch network.listener(.tcp, at: remote) {
        case .server(let server):
            connect(socket, to: .server(server), after: .zero)
            if case .chargen = server { network.send(.chargen(socket, line: 0), after: .zero) }
            if let greeting = server.greeting(at: network.clock) {
                network.send(.toModule(socket, greeting, from: nil), after: network.latency)
                network.send(.closeOfRemote(socket, isReset: false), after: network.latency)
            }
        case .peer(let peer, let delay):
            connect(socket, to: .peer(peer), after: delay)
            peer.accept(socket, after: delay)
        case .silent: break
        case nil:
            if let other = network.stack(at: remote.address), let from = endpoint(of: socket.id),
                let accepted = other.accept(from: from, toPort: remote.port, remote: .module(socket))
            {
                connect(socket, to: .module(accepted), after: .zero)
            } else if network.isThere(remote.address) {
                sockets[socket.id] = nil
                tellLater(.connectFailed(socket.id, .refused))
            }
        }
    }

    private func connect(
        _ socket: VirtualNetwork.SocketReference, to remote: VirtualNetwork.Remote, after delay: Duration
    ) {
        guard let local = sockets[socket.id]?.local else { return }
        sockets[socket.id]?.phase = .connected(remote)
        tellLater(.connected(socket.id, local: local), after: delay)
    }

    private func tellLater(_ event: NetworkEvent, after delay: Duration = .zero) {
        network.send(.event(stack: index, epoch: epoch, event), after: delay + network.latency)
    }

    /// A connection comes in; `nil` if no server listens at that port.
    func accept(
        from peer: Endpoint, toPort port: UInt16, remote: VirtualNetwork.Remote
    ) -> VirtualNetwork.SocketReference? {
        guard let server, server.port == port, server.family == peer.address.family else { return nil }
        let id = SocketID(rawValue: nextAccepted)
        nextAccepted += 1
        let local = localEndpoint(server.family, port)
        sockets[id] = Socket(transport: .tcp, local: local, peer: peer, phase: .connected(remote))
        network.send(.accepted(reference(id), peer: peer, local: local), after: .zero)
        return reference(id)
    }

    func receive(_ bytes: [UInt8], on id: SocketID, from sender: Endpoint?) {
        guard let socket = sockets[id], !socket.isClosing else { return }
        sockets[id]?.inbound.append((bytes, socket.transport == .udp ? sender ?? socket.peer : nil))
        deliver(id)
    }

    func receiveDatagram(_ bytes: [UInt8], atPort port: UInt16, from sender: Endpoint) {
        guard let id = socketID(udpPort: port) else { return }
        receive(bytes, on: id, from: sender)
    }

    func socketID(udpPort port: UInt16) -> SocketID? {
        sockets.first { $0.value.transport == .udp && $0.value.local.port == port }?.key
    }

    /// The other end has closed, which is told once its bytes are delivered, or reset, which loses them.
    func remoteClosed(_ id: SocketID, isReset: Bool) {
        sockets[id]?.isClosing = true
        if isReset { sockets[id]?.inbound = [] }
        deliver(id)
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
            tell(.received(id, part, from: sender))
        }
        if let socket = sockets[id], socket.isClosing, socket.inbound.isEmpty {
            sockets[id] = nil
            tell(.closed(id))
            // The firmware closes its side, too.
            tellRemote(of: socket, isReset: false)
        }
    }

    private func localEndpoint(_ family: IPAddress.Family, _ port: UInt16) -> Endpoint {
        Endpoint(family == .v4 ? .v4(.any) : .v6(.any), port)
    }
}

import WiFiSimModule
import WiFiSimValues

/// One module's network among others: what is addressed to a module or virtual station on the same access point goes through
/// the network in memory that they share, all else to the host.
///
/// A server and a UDP socket are open on both sides; the host decides on their port.
final class ModuleNetwork: Network {
    private let host: NetworkPath
    private let neighbours: VirtualStack
    private var events: [NetworkEvent] = []
    /// Where a socket is, if not on the host alone.
    private var sides: [SocketID: Side] = [:]
    /// The request that opened the server.
    private var server: NetworkRequest?
    private var now = Instant.zero

    private enum Side {
        case neighbours
        /// A UDP socket, its peer and the port that was asked for.
        case both(Endpoint, port: UInt16)
    }

    init(host: NetworkPath, neighbours: VirtualStack) {
        self.host = host
        self.neighbours = neighbours
    }

    /// Called when the host has events that no request caused.
    var onActivity: () -> Void {
        get { host.onActivity }
        set { host.onActivity = newValue }
    }

    func handle(_ request: NetworkRequest, at now: Instant) {
        self.now = now
        switch request {
        case .connect(_, let remote, _, _) where isSilent(remote): break
        case .connect(let id, let remote, _, _):
            if !leadsToHost(remote.address) { sides[id] = .neighbours }
            pass(request, of: id)
        case .openUDP(let id, let peer, let port):
            // Taken by a socket that is on the air alone, of which the host does not know.
            if port != 0, neighbours.socketID(udpPort: port) != nil {
                return events.append(.connectFailed(id, .addressInUse))
            }
            sides[id] = .both(peer, port: port)
            host.handle(request, at: now)
        case .send(let id, _, let target?) where isSilent(target): events.append(.sent(id))
        case .send(let id, _, let target):
            switch side(of: id) {
            case nil: host.handle(request, at: now)
            case .both(let peer, _) where leadsToHost(target?.address ?? peer.address): host.handle(request, at: now)
            // A socket without a port on the host.
            case .neighbours where target.map { leadsToHost($0.address) } ?? false: events.append(.sendFailed(id))
            case .both, .neighbours: neighbours.handle(request, at: now)
            }
        case .abandonSend(let id), .allow(let id, _), .setOptions(let id, _): pass(request, of: id)
        case .close(let id, _):
            pass(request, of: id)
            sides[id] = nil
        case .listen:
            server = request
            host.handle(request, at: now)
        case .ping(let address):
            if leadsToHost(address) { host.handle(request, at: now) } else { neighbours.handle(request, at: now) }
        case .resolve: if neighbours.resolvesNames { host.handle(request, at: now) }
        case .interfaces: neighbours.handle(request, at: now)
        case .stopListening, .cancelQuery, .reset:
            if case .reset = request {
                sides = [:]
                events = []
            }
            host.handle(request, at: now)
            neighbours.handle(request, at: now)
        }
    }

    /// A request about a socket goes where that is.
    private func pass(_ request: NetworkRequest, of id: SocketID) {
        switch side(of: id) {
        case nil: host.handle(request, at: now)
        case .neighbours: neighbours.handle(request, at: now)
        case .both:
            host.handle(request, at: now)
            neighbours.handle(request, at: now)
        }
    }

    private func side(of id: SocketID) -> Side? {
        sides[id] ?? (id.rawValue >= VirtualStack.firstAccepted ? .neighbours : nil)
    }

    /// A name server that gives no answers.
    private func isSilent(_ endpoint: Endpoint) -> Bool {
        endpoint.port == DNSMessage.port && neighbours.isNameServer(endpoint.address) && !neighbours.resolvesNames
    }

    private func leadsToHost(_ address: IPAddress) -> Bool {
        switch neighbours.route(to: address) {
        case .neighbours: false
        case .world: !neighbours.isVirtualStation(address)
        // Where there is only the soft-AP, the host stands for whoever came to it from outside.
        case .nowhere: neighbours.hasOnlySoftAP && !neighbours.covers(address)
        }
    }

    /// The world has changed, and with it perhaps what is reached.
    func worldChanged() { host.pauseConnections(where: neighbours.isCutOff) }

    /// Nothing follows any more: what counts as sent goes out now.
    func finish(at now: Instant) {
        host.finish(at: now)
        _ = host.flush()
    }

    /// Sends to the host's network what the module has handed over.
    /// - Returns: whether that has made events.
    func flush() -> Bool { host.flush() }

    func takeEvents() -> [NetworkEvent] {
        for event in host.takeEvents() { note(hostEvent: event) }
        for event in neighbours.takeEvents() { note(neighbourEvent: event) }
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    private func note(hostEvent event: NetworkEvent) {
        switch event {
        case .connected(let id, let local):
            if case .both(let peer, _) = sides[id] {
                neighbours.handle(.openUDP(id, peer: peer, localPort: local.port), at: now)
            }
        case .connectFailed(let id, .addressInUse):
            // Two modules may have the same port, and the host cannot: for a peer on the air it need not.
            if case .both(let peer, let port) = sides[id], !leadsToHost(peer.address) {
                sides[id] = .neighbours
                return neighbours.handle(.openUDP(id, peer: peer, localPort: port), at: now)
            }
            sides[id] = nil
        case .connectFailed(let id, _): sides[id] = nil
        case .listening:
            if let server { neighbours.handle(server, at: now) }
        case .received(let id, let bytes, _):
            if case .both = sides[id] { neighbours.handle(.allow(id, bytes: -bytes.datagramCost), at: now) }
        default: break
        }
        events.append(event)
    }

    private func note(neighbourEvent event: NetworkEvent) {
        switch event {
        case .connected(let id, _):
            // The host has answered for a UDP socket.
            if case .both = sides[id] { return }
        case .listening: return
        case .connectFailed(let id, _), .closed(let id): sides[id] = nil
        case .received(let id, let bytes, _):
            // The module's credit is one for both sides.
            if case .both = sides[id] { host.handle(.allow(id, bytes: -bytes.datagramCost), at: now) }
        default: break
        }
        events.append(event)
    }

    /// The host's; who runs the shared network has its deadlines.
    var nextDeadline: Instant? { host.nextDeadline }

    func advance(to now: Instant) {
        self.now = now
        host.advance(to: now)
    }
}

extension [UInt8] {
    fileprivate var datagramCost: Int { count + NetworkRequest.datagramOverhead }
}

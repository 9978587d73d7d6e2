import WiFiSimModule
import WiFiSimValues

/// One module's network among other modules. Traffic to a module or virtual station on the same access point goes
/// through the network in memory that they share; all other traffic goes to the computer.
///
/// A server or a UDP socket is open on both sides, and the computer decides on its port. Belongs to the event loop's
/// thread.
final class ModuleNetwork: Network {
    private let host: NetworkPath
    private let neighbours: VirtualStack
    private var events: [NetworkEvent] = []
    /// The side of each socket that is not on the computer alone.
    private var sides: [SocketID: Side] = [:]
    /// The requests that opened servers, by port.
    private var servers: [UInt16: NetworkRequest] = [:]
    private var now = Instant.zero

    private enum Side {
        case neighbours
        /// A UDP socket on both sides, its peer, and the port that was requested.
        case both(Endpoint, port: UInt16)
    }

    init(host: NetworkPath, neighbours: VirtualStack) {
        self.host = host
        self.neighbours = neighbours
    }

    /// Called when the computer's side has events that no request caused.
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
            // The port is in use by a socket on the air alone, which the computer's side does not have.
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
            // The socket has no port on the computer.
            case .neighbours where target.map { leadsToHost($0.address) } ?? false: events.append(.sendFailed(id))
            case .both, .neighbours: neighbours.handle(request, at: now)
            }
        case .abandonSend(let id), .allow(let id, _), .setOptions(let id, _): pass(request, of: id)
        case .close(let id, _):
            pass(request, of: id)
            sides[id] = nil
        case .listen(let port, _, _):
            servers[port] = request
            host.handle(request, at: now)
        case .ping(_, let address):
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

    /// Passes a request about a socket to the side, or the sides, of the socket.
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
        sides[id] ?? (id.origin == .memory ? .neighbours : nil)
    }

    /// True for a name server that gives no answers.
    private func isSilent(_ endpoint: Endpoint) -> Bool {
        endpoint.port == DNSMessage.port && neighbours.isNameServer(endpoint.address) && !neighbours.resolvesNames
    }

    private func leadsToHost(_ address: IPAddress) -> Bool {
        switch neighbours.route(to: address) {
        case .neighbours: false
        case .world: !neighbours.isVirtualStation(address)
        // Where there is only the soft-AP, the computer acts as the stations that have joined it.
        case .nowhere: neighbours.hasOnlySoftAP && !neighbours.covers(address)
        }
    }

    /// Called when the world has changed, and with it the reachable addresses.
    func worldChanged() { host.pauseConnections(where: neighbours.isCutOff) }

    /// The module ends: sends now the bytes that were answered with `SEND OK`.
    func finish(at now: Instant) {
        host.finish(at: now)
        _ = host.flush()
    }

    /// Sends to the computer's network the bytes that the module has handed over.
    /// - Returns: true if this has made events.
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
            // Two modules may use the same port, but the computer has it once. A peer on the air does not need it
            // there.
            if case .both(let peer, let port) = sides[id], !leadsToHost(peer.address) {
                sides[id] = .neighbours
                return neighbours.handle(.openUDP(id, peer: peer, localPort: port), at: now)
            }
            sides[id] = nil
        case .connectFailed(let id, _): sides[id] = nil
        case .listening(let port):
            if let server = servers[port] { neighbours.handle(server, at: now) }
        case .received(let id, let bytes, _):
            if case .both = sides[id] { neighbours.handle(.allow(id, bytes: -bytes.datagramCost), at: now) }
        default: break
        }
        events.append(event)
    }

    private func note(neighbourEvent event: NetworkEvent) {
        switch event {
        case .connected(let id, _):
            // A UDP socket's `connected` comes from the computer's side.
            if case .both = sides[id] { return }
        case .listening: return
        case .connectFailed(let id, _), .closed(let id): sides[id] = nil
        case .received(let id, let bytes, _):
            // Both sides share the module's credit.
            if case .both = sides[id] { host.handle(.allow(id, bytes: -bytes.datagramCost), at: now) }
        default: break
        }
        events.append(event)
    }

    /// True while the computer's network has something to answer.
    var awaitsComputer: Bool { host.awaitsComputer }

    /// The deadline of the computer's side. The owner of the shared network handles that network's deadlines.
    var nextDeadline: Instant? { host.nextDeadline }

    func advance(to now: Instant) {
        self.now = now
        host.advance(to: now)
    }
}

extension [UInt8] {
    fileprivate var datagramCost: Int { count + NetworkRequest.datagramOverhead }
}

import WiFiSimModule
import WiFiSimValues

/// The path between a module and the computer's network, which adds latency: half the access point's round trip in each
/// direction. It keeps the order of each socket's traffic.
///
/// Requests go in through `handle` and reach the computer's network later. Its events come out of `takeEvents` later
/// than they happened. Requests that concern only the module's own stack, for example to open a port, take no time.
/// `SEND OK` does not wait either: a block counts as sent once the stack has taken it, unless the path is full. Belongs
/// to the event loop's thread.
final class NetworkPath {
    private let host: HostNetwork
    /// The one-way latency to an address, or to the name server for `nil`.
    private let latency: (IPAddress?) -> Duration
    private let clock: () -> Instant
    /// In bytes: how far the computer's socket is read ahead of the module's credit. 0 for a module that has the
    /// firmware's receive window, so that its peers see that window.
    private let readAhead: Int
    /// In bytes: the most that a socket may have in flight in one direction. Above it, a TCP send waits and a datagram
    /// is lost.
    private static let room = 128 * 1024
    /// The ports of the module's servers that use TLS.
    private var serversWithTLS: Set<UInt16> = []

    private var sockets: [SocketID: Way] = [:]
    /// In flight to the computer. Each socket is a lane of its own; all queries share the lane `nil`.
    private var toHost = TimedQueue<SocketID?, Passage>()
    private var toModule = TimedQueue<SocketID?, NetworkEvent>()
    private var events: [NetworkEvent] = []

    /// The state of a socket whose peer is at a distance (latency above zero).
    private struct Way {
        let peer: IPAddress
        /// True if the module asked for TLS.
        var hasTLS = false
        var isDatagrams = false
        /// When the peer has accepted the connection. Nothing arrives from the peer before.
        var acceptedAt = Instant.zero
        /// In bytes: how much a TCP socket of the module still accepts.
        var credit = 0
        /// Received bytes that the credit does not cover yet.
        var inbound = ByteQueue()
        var isClosing = false
        /// Bytes of blocks and datagrams that are in flight to the computer.
        var bytesUnderWay = 0
        /// True while the module waits for `sent` of the last block.
        var awaitsSent = false
    }

    private enum Passage {
        case request(NetworkRequest)
        /// A block that was already answered with `SEND OK`.
        case block(SocketID, [UInt8])
    }

    init(
        to host: HostNetwork, readAhead: Bool, clock: @escaping () -> Instant,
        latency: @escaping (IPAddress?) -> Duration
    ) {
        self.host = host
        self.readAhead = readAhead ? Self.room : 0
        self.clock = clock
        self.latency = latency
    }

    /// True while the computer's network has something to answer.
    var awaitsComputer: Bool { host.awaitsComputer }

    /// Called when there are events that no request caused.
    var onActivity: () -> Void {
        get { host.onActivity }
        set { host.onActivity = newValue }
    }

    // MARK: From the module

    func handle(_ request: NetworkRequest, at now: Instant) {
        switch request {
        case .connect(let id, let remote, _, let tls):
            if latency(remote.address) > .zero { sockets[id] = Way(peer: remote.address, hasTLS: tls != nil) }
            pass(.request(request), of: id, to: remote.address, at: now)
        case .openUDP(let id, let peer, _):
            if latency(peer.address) > .zero { sockets[id] = Way(peer: peer.address, isDatagrams: true) }
            host.handle(request, at: now)
        case .send(let id, let bytes, let target): send(bytes, on: id, to: target, at: now)
        case .abandonSend(let id): abandonSend(id, at: now)
        case .allow(let id, let bytes):
            host.handle(request, at: now)
            sockets[id]?.credit += bytes
            deliver(id)
        case .close(let id, _):
            guard let way = sockets.removeValue(forKey: id) else { return host.handle(request, at: now) }
            pass(.request(request), of: id, to: way.peer, at: now)
        case .resolve, .ping: pass(.request(request), of: nil, to: nil, at: now)
        case .cancelQuery(let query):
            toHost.removeAll { passage in
                switch passage {
                case .request(.resolve(query, _, _)), .request(.ping(query, _)): true
                default: false
                }
            }
            toModule.removeAll { $0.query == query }
            host.handle(request, at: now)
        case .reset:
            finish(at: now)
            _ = host.flush()
            sockets = [:]
            toModule = TimedQueue()
            events = []
            host.handle(request, at: now)
        case .listen(let port, _, let tls):
            if tls == nil { serversWithTLS.remove(port) } else { serversWithTLS.insert(port) }
            host.handle(request, at: now)
        case .setOptions, .stopListening, .interfaces: host.handle(request, at: now)
        }
    }

    /// Delivers at once everything in flight to the computer. Bytes answered with `SEND OK` arrive even if the module
    /// ends.
    func finish(at now: Instant) {
        while let passage = toHost.popFirst() { arrive(passage, at: now) }
    }

    private func pass(_ passage: Passage, of id: SocketID?, to address: IPAddress?, at now: Instant) {
        let delay = latency(address)
        if delay == .zero, toHost.isEmpty { return arrive(passage, at: now) }
        toHost.append(passage, in: .some(id), at: now + delay)
    }

    private func send(_ bytes: [UInt8], on id: SocketID, to target: Endpoint?, at now: Instant) {
        guard let way = sockets[id] else { return host.handle(.send(id, bytes, to: target), at: now) }
        if way.isDatagrams {
            // The module's stack only detects a missing route.
            guard let target, host.leadsOn(target) else { return events.append(.sendFailed(id)) }
            events.append(.sent(id))
            let size = bytes.count + NetworkRequest.datagramOverhead
            guard way.bytesUnderWay + size <= Self.room else {
                return host.logDrop("a datagram of \(bytes.count) bytes, too many are under way")
            }
            sockets[id]?.bytesUnderWay += size
            return pass(.request(.send(id, bytes, to: target)), of: id, to: target.address, at: now)
        }
        sockets[id]?.bytesUnderWay += bytes.count
        if way.bytesUnderWay + bytes.count <= Self.room, host.takesBlocks(id) {
            events.append(.sent(id))
            pass(.block(id, bytes), of: id, to: way.peer, at: now)
        } else {
            sockets[id]?.awaitsSent = true
            pass(.request(.send(id, bytes, to: target)), of: id, to: way.peer, at: now)
        }
    }

    private func abandonSend(_ id: SocketID, at now: Instant) {
        guard let way = sockets[id], way.awaitsSent else { return host.handle(.abandonSend(id), at: now) }
        sockets[id]?.awaitsSent = false
        let removed = toHost.removeLast { passage in
            if case .request(.send(id, _, _)) = passage { true } else { false }
        }
        if case .request(.send(_, let bytes, _))? = removed {
            sockets[id]?.bytesUnderWay -= bytes.count
        } else {
            host.handle(.abandonSend(id), at: now)
        }
    }

    /// Processes a passage that has reached the computer's side.
    private func arrive(_ passage: Passage, at now: Instant) {
        switch passage {
        case .block(let id, let bytes):
            sockets[id]?.bytesUnderWay -= bytes.count
            host.take(bytes, on: id)
        case .request(let request):
            if case .send(let id, let bytes, _) = request, let way = sockets[id] {
                sockets[id]?.bytesUnderWay -= bytes.count + (way.isDatagrams ? NetworkRequest.datagramOverhead : 0)
            }
            host.handle(request, at: now)
        }
    }

    // MARK: To the module

    func takeEvents() -> [NetworkEvent] {
        let now = clock()
        for event in host.takeEvents() { note(event, at: now) }
        while let (_, event) = toModule.popFirst(dueBy: now) { arrive(event) }
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// Processes an event of the computer's side: delays it as the distance requires.
    private func note(_ event: NetworkEvent, at now: Instant) {
        switch event {
        case .connected(let id, _):
            guard let way = sockets[id] else { return events.append(event) }
            // The socket's own port is open, which takes no time.
            if way.isDatagrams { return events.append(event) }
            host.handle(.allow(id, bytes: readAhead), at: now)
            let handshake = handshakeTime(way.hasTLS, with: way.peer)
            // The computer's socket is connected at once. A peer has the module's acknowledgment one round trip after
            // its own.
            sockets[id]?.acceptedAt = now + (way.hasTLS ? handshake : latency(way.peer) * 2)
            returnLater(event, of: id, from: way.peer, extra: handshake, at: now)
        case .connectFailed(let id, _):
            // For an accepted connection whose handshake failed, the module has seen nothing yet.
            guard let way = sockets[id] else { return returnLater(event, of: id, from: nil, at: now) }
            if way.isDatagrams { return arrive(event) }
            returnLater(event, of: id, from: way.peer, extra: handshakeTime(way.hasTLS, with: way.peer), at: now)
        case .accepted(let id, let peer, let local):
            if latency(peer.address) > .zero {
                sockets[id] = Way(peer: peer.address)
                host.handle(.allow(id, bytes: readAhead), at: now)
            }
            let handshake = handshakeTime(serversWithTLS.contains(local.port), with: peer.address)
            returnLater(event, of: id, from: peer.address, extra: handshake, at: now)
        case .received(let id, _, let sender):
            let peer = sender?.address ?? sockets[id]?.peer
            returnLater(event, of: id, from: peer, extra: timeUntilAccepted(id, now), at: now)
        case .closed(let id):
            returnLater(event, of: id, from: sockets[id]?.peer, extra: timeUntilAccepted(id, now), at: now)
        case .sent(let id), .sendFailed(let id):
            // The `sent` of a datagram has already been reported.
            guard let way = sockets[id] else { return events.append(event) }
            guard way.awaitsSent else { return }
            sockets[id]?.awaitsSent = false
            events.append(event)
        case .resolved: returnLater(event, of: nil, from: nil, at: now)
        case .pinged(let query, let roundTrip):
            returnLater(.pinged(query, roundTrip.map { $0 + latency(nil) * 2 }), of: nil, from: nil, at: now)
        case .listening, .listenFailed: events.append(event)
        }
    }

    private func handshakeTime(_ hasTLS: Bool, with peer: IPAddress) -> Duration {
        hasTLS ? latency(peer) * 2 * TLSConfiguration.handshakeRoundTrips : .zero
    }

    /// The time until the peer's first bytes can arrive at the earliest, counted before the path's latency.
    private func timeUntilAccepted(_ id: SocketID, _ now: Instant) -> Duration {
        sockets[id].map { max(.zero, $0.acceptedAt - now) } ?? .zero
    }

    private func returnLater(
        _ event: NetworkEvent, of id: SocketID?, from address: IPAddress?, extra: Duration = .zero, at now: Instant
    ) {
        let delay = latency(address) + extra
        if delay == .zero, toModule.isEmpty { return arrive(event) }
        toModule.append(event, in: .some(id), at: now + delay)
    }

    /// Processes an event that has reached the module's side.
    private func arrive(_ event: NetworkEvent) {
        switch event {
        case .received(let id, let bytes, nil) where sockets[id] != nil:
            sockets[id]?.inbound.append(whole: bytes)
            deliver(id)
        case .closed(let id) where sockets[id] != nil:
            sockets[id]?.isClosing = true
            deliver(id)
        case .connectFailed(let id, _):
            sockets[id] = nil
            events.append(event)
        default: events.append(event)
        }
    }

    /// Delivers as many bytes of a TCP socket as the credit covers, then its close.
    private func deliver(_ id: SocketID) {
        guard let way = sockets[id], !way.isDatagrams else { return }
        if way.credit > 0, !way.inbound.isEmpty {
            let bytes = sockets[id]?.inbound.take(way.credit) ?? []
            sockets[id]?.credit -= bytes.count
            events.append(.received(id, bytes, from: nil))
        }
        guard way.isClosing, sockets[id]?.inbound.isEmpty ?? false else { return }
        sockets[id] = nil
        events.append(.closed(id))
    }

    // MARK: Time

    var nextDeadline: Instant? { .earlier(.earlier(toHost.nextDue, toModule.nextDue), host.nextDeadline) }

    func advance(to now: Instant) {
        host.advance(to: now)
        while let (_, passage) = toHost.popFirst(dueBy: now) { arrive(passage, at: now) }
    }

    /// Sends the bytes that have reached the computer's side.
    /// - Returns: true if this has made events.
    func flush() -> Bool { host.flush() }

    /// Pauses the connections to addresses that are cut off, and resumes the others.
    func pauseConnections(where isCutOff: (IPAddress) -> Bool) { host.pauseConnections(where: isCutOff) }
}

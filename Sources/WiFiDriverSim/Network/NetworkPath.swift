/// The way between a module and the host's network: what goes over it takes half the access point's latency in each direction,
/// and keeps its order.
///
/// Requests go in by `handle`, and reach the host's network later; its events come out of `takeEvents` later than they
/// happened. What concerns the module's own stack alone, as a port that opens, takes no time. `SEND OK` does not wait: a
/// block counts as sent once the stack has taken it, until so much is under way that the path is full. Belongs to the
/// event loop's thread.
final class NetworkPath {
    private let host: HostNetwork
    /// One way to an address, or to the name server for `nil`.
    private let latency: (IPAddress?) -> Duration
    private let clock: () -> Instant
    /// What may be under way to a module beyond what it has room for, and from it before a send has to wait. Nothing in the
    /// first case for a module whose window is the firmware's: its peers are to see that.
    private let readAhead: Int
    private static let room = 128 * 1024

    private var sockets: [SocketID: Way] = [:]
    /// In the order in which they arrive; no later one is due before an earlier one.
    private var toHost = TimedQueue<Passage>()
    private var toModule = TimedQueue<NetworkEvent>()
    private var events: [NetworkEvent] = []

    /// A socket that is at some distance.
    private struct Way {
        let peer: IPAddress
        /// TLS has yet to come about.
        var awaitsTLS = false
        var isDatagrams = false
        /// Bytes of a TCP socket that the module still takes.
        var credit = 0
        /// What has come and exceeds that.
        var inbound = ByteQueue()
        var isClosing = false
        /// Bytes that have not reached the host's side.
        var bytesUnderWay = 0
        /// The module waits for the last block to count as sent.
        var awaitsSent = false
    }

    private enum Passage {
        case request(NetworkRequest)
        /// A block that counts as sent for the module.
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

    /// Called when there are events that no request caused.
    var onActivity: () -> Void {
        get { host.onActivity }
        set { host.onActivity = newValue }
    }

    // MARK: From the module

    func handle(_ request: NetworkRequest, at now: Instant) {
        switch request {
        case .connect(let id, let remote, _, let tls):
            if latency(remote.address) > .zero { sockets[id] = Way(peer: remote.address, awaitsTLS: tls != nil) }
            pass(request, to: remote.address, at: now)
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
            pass(request, to: way.peer, at: now)
        case .resolve, .ping: pass(request, to: nil, at: now)
        case .cancelQuery:
            toHost.removeAll { passage in
                switch passage {
                case .request(.resolve), .request(.ping): true
                default: false
                }
            }
            toModule.removeAll { event in
                switch event {
                case .resolved, .pinged: true
                default: false
                }
            }
            host.handle(request, at: now)
        case .reset:
            finish(at: now)
            _ = host.flush()
            sockets = [:]
            toModule = TimedQueue()
            events = []
            host.handle(request, at: now)
        case .setOptions, .listen, .stopListening, .interfaces: host.handle(request, at: now)
        }
    }

    /// Hands over at once what is under way to the host: what counts as sent gets there, whatever becomes of the module.
    func finish(at now: Instant) {
        while let passage = toHost.popFirst() { arrive(passage, at: now) }
    }

    private func pass(_ request: NetworkRequest, to address: IPAddress?, at now: Instant) {
        pass(.request(request), to: address, at: now)
    }

    private func pass(_ passage: Passage, to address: IPAddress?, at now: Instant) {
        let delay = latency(address)
        if delay == .zero, toHost.isEmpty { return arrive(passage, at: now) }
        toHost.append(passage, at: now + delay)
    }

    private func send(_ bytes: [UInt8], on id: SocketID, to target: Endpoint?, at now: Instant) {
        guard let way = sockets[id] else { return host.handle(.send(id, bytes, to: target), at: now) }
        if way.isDatagrams {
            // The stack has a route or not; what becomes of the datagram it does not hear.
            guard let target, host.leadsOn(target) else { return events.append(.sendFailed(id)) }
            events.append(.sent(id))
            return pass(.request(.send(id, bytes, to: target)), to: target.address, at: now)
        }
        sockets[id]?.bytesUnderWay += bytes.count
        if way.bytesUnderWay + bytes.count <= Self.room, host.takesBlocks(id) {
            events.append(.sent(id))
            pass(.block(id, bytes), to: way.peer, at: now)
        } else {
            sockets[id]?.awaitsSent = true
            pass(.request(.send(id, bytes, to: target)), to: way.peer, at: now)
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

    /// Something has come to the host's side.
    private func arrive(_ passage: Passage, at now: Instant) {
        switch passage {
        case .block(let id, let bytes):
            sockets[id]?.bytesUnderWay -= bytes.count
            host.take(bytes, on: id)
        case .request(let request):
            if case .send(let id, let bytes, _) = request { sockets[id]?.bytesUnderWay -= bytes.count }
            host.handle(request, at: now)
        }
    }

    // MARK: To the module

    func takeEvents() -> [NetworkEvent] {
        let now = clock()
        for event in host.takeEvents() { note(event, at: now) }
        while let event = toModule.popFirst(dueBy: now) { arrive(event) }
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// Something has happened on the host's side.
    private func note(_ event: NetworkEvent, at now: Instant) {
        switch event {
        case .connected(let id, _):
            guard let way = sockets[id] else { return events.append(event) }
            // Its own port.
            if way.isDatagrams { return events.append(event) }
            host.handle(.allow(id, bytes: readAhead), at: now)
            returnLater(event, from: way.peer, extra: handshakeTime(way), at: now)
        case .connectFailed(let id, _):
            guard let way = sockets[id] else { return returnLater(event, from: nil, at: now) }
            if way.isDatagrams { return arrive(event) }
            returnLater(event, from: way.peer, extra: handshakeTime(way), at: now)
        case .accepted(let id, let peer, _):
            if latency(peer.address) > .zero {
                sockets[id] = Way(peer: peer.address)
                host.handle(.allow(id, bytes: readAhead), at: now)
            }
            returnLater(event, from: peer.address, at: now)
        case .received(let id, _, let sender):
            returnLater(event, from: sender?.address ?? sockets[id]?.peer, at: now)
        case .closed(let id): returnLater(event, from: sockets[id]?.peer, at: now)
        case .sent(let id), .sendFailed(let id):
            // That of a datagram was told.
            guard let way = sockets[id] else { return events.append(event) }
            guard way.awaitsSent else { return }
            sockets[id]?.awaitsSent = false
            events.append(event)
        case .resolved: returnLater(event, from: nil, at: now)
        case .pinged(let roundTrip):
            returnLater(.pinged(roundTrip.map { $0 + latency(nil) * 2 }), from: nil, at: now)
        case .listening, .listenFailed: events.append(event)
        }
    }

    private func handshakeTime(_ way: Way) -> Duration {
        way.awaitsTLS ? latency(way.peer) * 2 * TLSConfiguration.handshakeRoundTrips : .zero
    }

    private func returnLater(
        _ event: NetworkEvent, from address: IPAddress?, extra: Duration = .zero, at now: Instant
    ) {
        let delay = latency(address) + extra
        if delay == .zero, toModule.isEmpty { return arrive(event) }
        toModule.append(event, at: now + delay)
    }

    /// Something has come to the module's side.
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

    /// Hands over what the credit covers of a TCP socket's bytes, then its close.
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
        while let passage = toHost.popFirst(dueBy: now) { arrive(passage, at: now) }
    }

    /// Sends what has come to the host's side.
    /// - Returns: whether that has made events.
    func flush() -> Bool { host.flush() }

    /// Connections to hosts that are cut off are silent from now on, until they are not.
    func pauseConnections(where isCutOff: (IPAddress) -> Bool) { host.pauseConnections(where: isCutOff) }
}

/// What happens later, in the order in which it was added.
struct TimedQueue<Element> {
    private var elements: [(at: Instant, element: Element)] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    /// When the first is due.
    var nextDue: Instant? { isEmpty ? nil : elements[head].at }

    /// Adds something that is due then, but not before what was added earlier.
    mutating func append(_ element: Element, at due: Instant) {
        elements.append((max(due, elements.last?.at ?? due), element))
    }

    /// Removes the first, if it is due.
    mutating func popFirst(dueBy now: Instant) -> Element? {
        guard let due = nextDue, due <= now else { return nil }
        return popFirst()
    }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = elements[head].element
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: elements.capacity <= Self.keptCapacity)
            head = 0
        } else if head > Self.keptCapacity, head > elements.count / 2 {
            elements.removeSubrange(..<head)
            head = 0
        }
        return element
    }

    private static var keptCapacity: Int { 64 }

    /// Removes the last that matches.
    mutating func removeLast(where matches: (Element) -> Bool) -> Element? {
        guard let index = elements[head...].lastIndex(where: { matches($0.element) }) else { return nil }
        return elements.remove(at: index).element
    }

    mutating func removeAll(where matches: (Element) -> Bool) { elements[head...].removeAll { matches($0.element) } }
}

import WiFiSimValues

/// A network with faults between it and the module.
///
/// Sans-IO, and used as the network itself: requests go in through `handle`, events come out of `takeEvents`, and
/// `advance(to:)` is called at `nextDeadline`. `set` changes the faults at any time. Without faults everything passes
/// at once; only the sockets are noted, because a fault that comes later applies to them too.
///
/// What is held for the module is within the credit that it has given. What is held from it is at most `sendRoom` and
/// one block for each socket. A closed socket delivers that first; `lingeringLimit` is how many may be doing so. A
/// restart of the module drops what is held. The same seed and the same calls give the same events. Time only moves
/// forward. Belongs to the thread of the module, as the network does.
package final class FaultyNetwork: Network {
    private let base: any Network
    private let linkOf: (SocketID) -> Int?
    /// Called when a fault takes effect: for a fault of a whole connection once for each connection, for another one
    /// each time.
    package var fired: (NetworkFault) -> Void = { _ in }
    /// Called with what passes between the faults and the network, while `isObserving`.
    package var observe: ((NetworkTraffic) -> Void)?
    /// The faults in effect. A fault that happens only once removes itself.
    package private(set) var faults: [NetworkFault] = []
    /// When each fault was added.
    private var addedAt: [NetworkFault: Instant] = [:]
    private var random: SeededGenerator
    private var now = Instant.zero
    /// The open sockets, the oldest first.
    private var sockets: [FaultySocket] = []
    /// The ports of the module's servers that use TLS.
    private var serversWithTLS: Set<UInt16> = []
    private var queries = HeldQueries()
    /// The addresses of the pings that are not answered.
    private var pings: [QueryID: IPAddress] = [:]
    private var events: [NetworkEvent] = []
    /// False if there are no faults and nothing is held back, so that everything passes.
    private var isActive = false

    /// In bytes: how much a socket of the module may have under way. With more, its sends wait.
    static let sendRoom = 64 * 1024
    /// The most sockets that the module does not know: those that it has closed and that still deliver, and those of a
    /// deaf server. Beyond it, the oldest is reset. It is lwIP's standard number of connections (MEMP_NUM_TCP_PCB).
    static let lingeringLimit = 16

    /// Puts faults before a network; at first none.
    /// - Parameters:
    ///   - base: the network.
    ///   - seed: determines everything random.
    ///   - linkOf: gives the ID of the link that a socket belongs to; `nil` if it belongs to none.
    package init(_ base: any Network, seed: UInt64 = 0, linkOf: @escaping (SocketID) -> Int? = { _ in nil }) {
        self.base = base
        self.linkOf = linkOf
        random = SeededGenerator(seed)
    }

    /// Replaces the faults. A fault that was there before goes on as it was. What removed faults have held back is
    /// delivered at once, in order: take the events afterwards.
    package func set(_ faults: [NetworkFault], at now: Instant) {
        self.now = max(self.now, now)
        let earlier = sockets.map { (conditions($0, .fromModule), conditions($0, .toModule)) }
        let earlierOfQueries = conditionsOfQueries
        self.faults = faults
        addedAt = [NetworkFault: Instant](
            faults.map { ($0, addedAt[$0] ?? self.now) }, uniquingKeysWith: { first, _ in first })
        isActive = true
        queries.release(at: self.now, faults: faults, keepsLatency: conditionsOfQueries == earlierOfQueries)
        for (socket, (outward, inward)) in zip(sockets, earlier) {
            socket.fired = socket.fired.filter(faults.contains)
            socket.passed = socket.passed.filter { faults.contains($0.key) }
            for (direction, before) in [(NetworkFault.Direction.fromModule, outward), (.toModule, inward)] {
                let after = conditions(socket, direction)
                guard faults.isEmpty || after != before else { continue }
                switch direction {
                case .fromModule: socket.outbound.hasten(at: self.now, after ?? PathConditions())
                case .toModule, .both: socket.inbound.hasten(at: self.now, after ?? PathConditions())
                }
            }
            let isHeard = !faults.contains { $0.effect == .deaf && matches($0, socket, socket.peer) }
            if socket.state == .unheard, isHeard { end(socket, aborting: true) }
        }
        process()
    }

    /// Whether the traffic of the network differs from that of the module, so that an observer of the network needs
    /// `observe`. Otherwise both are the same.
    package var isObserving: Bool { isActive || !events.isEmpty }

    /// Passes a request to the network.
    private func pass(_ request: NetworkRequest) {
        if isActive { observe?(.request(request)) }
        base.handle(request, at: now)
    }

    // MARK: From the module

    package func handle(_ request: NetworkRequest, at now: Instant) {
        self.now = max(self.now, now)
        switch request {
        case .connect(let id, let remote, _, let tls):
            connect(FaultySocket(id, .tcp, peer: remote, hasTLS: tls != nil), request)
        case .openUDP(let id, let peer, _):
            sockets.append(FaultySocket(id, .udp, peer: peer))
            pass(request)
        case .send(let id, let bytes, let target) where isActive: send(bytes, on: id, to: target, request)
        case .abandonSend(let id) where isActive: abandonSend(id, request)
        case .close(let id, let aborting): close(id, aborting: aborting, request)
        case .resolve(let query, let name, let family) where isActive: resolve(query, name, family, request)
        case .ping(let query, let address) where isActive: ping(query, address, request)
        case .cancelQuery(let query) where isActive:
            queries.cancel(query)
            pings[query] = nil
            events.removeAll { $0.query == query }
            pass(request)
        case .listen(let port, _, let tls):
            if tls == nil { serversWithTLS.remove(port) } else { serversWithTLS.insert(port) }
            pass(request)
        case .reset:
            sockets = []
            serversWithTLS = []
            queries = HeldQueries()
            pings = [:]
            events = []
            pass(request)
            settle()
        case .allow(let id, _) where isActive:
            // The module has given the socket its link, and forgets that before it closes the socket.
            if let socket = socket(id), socket.link == nil { socket.link = linkOf(id) }
            pass(request)
        case .send, .abandonSend, .allow, .setOptions, .stopListening, .resolve, .ping, .cancelQuery, .interfaces:
            pass(request)
        }
    }

    private func connect(_ socket: FaultySocket, _ request: NetworkRequest) {
        sockets.append(socket)
        guard isActive else { return pass(request) }
        for fault in faults where matches(fault, socket, socket.peer) {
            switch fault.effect {
            case .refuse: return fail(socket, .refused, after: .zero, because: fault)
            case .unreachable(let delay): return fail(socket, .unreachable, after: delay, because: fault)
            case .noAnswer: return fire(fault)
            default: break
            }
        }
        socket.outbound.append(.opening(request), at: now)
        fireOfPath(socket, .fromModule, isData: false)
        pump(socket)
    }

    /// Answers a connection in place of the peer.
    private func fail(
        _ socket: FaultySocket, _ failure: ConnectFailure, after delay: Duration, because fault: NetworkFault
    ) {
        fire(fault)
        let outward = conditions(socket, .fromModule)?.drawLatency(&random) ?? .zero
        socket.inbound.append(.opening(.connectFailed(socket.id, failure)), extra: delay + outward, at: now)
        pump(socket)
    }

    private func send(_ bytes: [UInt8], on id: SocketID, to target: Endpoint?, _ request: NetworkRequest) {
        // The module has not seen yet that the connection has ended.
        guard let socket = socket(id), socket.state != .draining else { return events.append(.sendFailed(id)) }
        if socket.state == .halfOpen { return events.append(.sent(id)) }
        let peer = target ?? socket.peer
        if conditions(socket, .fromModule, peer) == nil, socket.sendsAtOnce { return pass(request) }
        switch socket.transport {
        case .tcp: sendBlock(bytes, on: socket)
        case .udp: sendDatagram(bytes, on: socket, to: target)
        }
        pump(socket)
    }

    private func sendBlock(_ bytes: [UInt8], on socket: FaultySocket) {
        var part = bytes[...]
        socket.answer = .sent(socket.id)
        if let fault = first(socket, nil, \.isPartialSend), case .partialSend(let count) = fault.effect {
            part = part.prefix(max(0, count))
            socket.answer = .sendFailed(socket.id)
            if let index = faults.firstIndex(of: fault) { faults.remove(at: index) }
            fire(fault)
        }
        if !part.isEmpty { socket.outbound.append(.bytes(part), at: now) }
        fireOfPath(socket, .fromModule, isData: true)
    }

    private func sendDatagram(_ bytes: [UInt8], on socket: FaultySocket, to target: Endpoint?) {
        let peer = target ?? socket.peer
        socket.answer = .sent(socket.id)
        if loses(socket, .fromModule, peer) { return }
        if isOvertaken(socket, .fromModule, peer) {
            socket.outbound.appendOvertaken(.datagram(bytes, target), at: now)
        } else {
            socket.outbound.append(.datagram(bytes, target), at: now)
        }
        fireOfPath(socket, .fromModule, peer, isData: true)
    }

    private func abandonSend(_ id: SocketID, _ request: NetworkRequest) {
        guard let socket = socket(id) else { return }
        if socket.answer != nil {
            socket.answer = nil
            socket.outbound.removeWaiting()
        } else if socket.unanswered == 0 {
            pass(request)
        }
    }

    private func close(_ id: SocketID, aborting: Bool, _ request: NetworkRequest) {
        guard let socket = socket(id) else { return pass(request) }
        if socket.state == .usual, socket.sendsAtOnce, conditions(socket, .fromModule) == nil {
            return end(socket, aborting: aborting)
        }
        // An end in order would say that the peer has everything.
        if aborting || socket.state == .halfOpen { return end(socket, aborting: true) }
        if socket.openedAt == nil { return end(socket, aborting: aborting) }
        socket.state = .draining
        socket.inbound.removeAll()
        if socket.answer != nil { socket.outbound.removeWaiting() }
        socket.answer = nil
        if socket.transport == .udp {
            // The port is free at once.
            socket.outbound.hasten(at: now, PathConditions())
            pump(socket, outward: PathConditions())
            return end(socket, aborting: aborting)
        }
        if let fault = first(socket, .fromModule, \.isSlowClose) { fire(fault, of: socket) }
        socket.outbound.append(.closing(request), at: now)
        pump(socket)
        limitLingering()
    }

    /// Ends a socket on the network's side, and forgets it.
    private func end(_ socket: FaultySocket, aborting: Bool) {
        forget(socket)
        pass(.close(socket.id, aborting: aborting))
    }

    private func forget(_ socket: FaultySocket) {
        socket.state = .over
        socket.removeAll()
        sockets.removeAll { $0 === socket }
    }

    private func limitLingering() {
        let lingering = sockets.filter { $0.state == .draining || $0.state == .unheard }
        for socket in lingering.dropLast(Self.lingeringLimit) { end(socket, aborting: true) }
    }

    // MARK: Queries

    private func resolve(_ query: QueryID, _ name: String, _ family: IPAddress.Family?, _ request: NetworkRequest) {
        for fault in faults {
            guard case .name(let wanted, let resolution) = fault.effect,
                wanted == "*" || wanted.lowercased() == name.lowercased()
            else { continue }
            fire(fault)
            switch resolution {
            case .slow(let delay): queries.hold(.ask(request), of: query, until: now + delay, because: fault)
            case .unknown(let delay):
                queries.hold(.answer(.resolved(query, [])), of: query, until: now + delay, because: fault)
            case .silent: break
            case .addresses(let addresses):
                let known = addresses.filter { family == nil || $0.family == family }
                queries.hold(.answer(.resolved(query, known)), of: query, until: now + pathTime(to: nil))
            }
            return processQueries()
        }
        pass(request)
    }

    private func ping(_ query: QueryID, _ address: IPAddress, _ request: NetworkRequest) {
        let peer = Endpoint(address, 0)
        for direction in [NetworkFault.Direction.fromModule, .toModule] where loses(nil, direction, peer) { return }
        pings[query] = address
        pass(request)
    }

    private func processQueries() {
        while let (_, step) = queries.popFirst(dueBy: now) {
            switch step {
            case .ask(let request): pass(request)
            case .answer(let event): events.append(event)
            }
        }
    }

    /// Passes the answer to a query on, after the latency of both directions.
    private func answer(_ query: QueryID, _ event: NetworkEvent) {
        let address = pings.removeValue(forKey: query)
        let delay = pathTime(to: address.map { Endpoint($0, 0) })
        guard delay > .zero else { return events.append(event) }
        var event = event
        if case .pinged(_, let roundTrip?) = event { event = .pinged(query, roundTrip + delay) }
        queries.hold(.answer(event), of: query, until: now + delay)
    }

    private var conditionsOfQueries: [PathConditions?] {
        [conditions(nil, .fromModule, nil), conditions(nil, .toModule, nil)]
    }

    private func pathTime(to peer: Endpoint?) -> Duration {
        let outward = conditions(nil, .fromModule, peer)?.drawLatency(&random) ?? .zero
        return outward + (conditions(nil, .toModule, peer)?.drawLatency(&random) ?? .zero)
    }

    // MARK: To the module

    /// Whether `takeEvents` has events besides those of the network itself.
    package var hasEvents: Bool { !events.isEmpty }

    package func takeEvents() -> [NetworkEvent] { takeEvents(at: now) }

    /// Takes the events. The network's own, if they have come by themselves, count as happened at `now`.
    package func takeEvents(at now: Instant) -> [NetworkEvent] {
        guard isActive || !events.isEmpty else {
            let events = base.takeEvents()
            for event in events { register(event, at: now) }
            return events
        }
        self.now = max(self.now, now)
        while true {
            let new = base.takeEvents()
            if new.isEmpty { break }
            for event in new {
                observe?(.event(event))
                note(event)
            }
        }
        settle()
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// Notes the sockets, while everything passes.
    private func register(_ event: NetworkEvent, at now: Instant) {
        switch event {
        case .connected(let id, _): socket(id)?.openedAt = now
        case .accepted(let id, let peer, let local):
            let socket = FaultySocket(id, .tcp, peer: peer, hasTLS: serversWithTLS.contains(local.port))
            socket.openedAt = now
            sockets.append(socket)
        case .connectFailed(let id, _), .closed(let id): sockets.removeAll { $0.id == id }
        default: break
        }
    }

    private func note(_ event: NetworkEvent) {
        switch event {
        case .connected(let id, _):
            guard let socket = socket(id) else { return }
            guard socket.transport == .tcp else {
                socket.openedAt = now
                return events.append(event)
            }
            arrive(.opening(event), for: socket)
        case .connectFailed(let id, _):
            // The module does not know a client of its server whose handshake has failed.
            guard let socket = socket(id), socket.transport == .tcp else {
                sockets.removeAll { $0.id == id }
                return events.append(event)
            }
            arrive(.opening(event), for: socket)
        case .accepted(let id, let peer, let local): accept(id, peer, local, event)
        case .received(let id, let bytes, let sender):
            guard let socket = socket(id) else { return }
            receive(bytes, from: sender, on: socket, event)
        case .closed(let id):
            guard let socket = socket(id) else { return }
            switch socket.state {
            case .usual:
                if let fault = first(socket, .toModule, \.isSlowClose) { fire(fault, of: socket) }
                arrive(.closing(event), for: socket)
            case .halfOpen: break
            case .unheard, .draining, .over: forget(socket)
            }
        case .sent(let id), .sendFailed(let id): noteAnswer(event, of: id)
        case .resolved(let query, _), .pinged(let query, _): answer(query, event)
        case .listening, .listenFailed: events.append(event)
        }
    }

    private func accept(_ id: SocketID, _ peer: Endpoint, _ local: Endpoint, _ event: NetworkEvent) {
        let socket = FaultySocket(id, .tcp, peer: peer, hasTLS: serversWithTLS.contains(local.port))
        sockets.append(socket)
        guard let fault = faults.first(where: { $0.effect == .deaf && matches($0, socket, peer) }) else {
            return arrive(.opening(event), for: socket)
        }
        fire(fault)
        socket.state = .unheard
        // Its data is taken and dropped, so that its end is seen.
        pass(.allow(id, bytes: Self.unheardCredit))
        limitLingering()
    }

    /// In bytes: the credit of a connection to a deaf server.
    private static let unheardCredit = 1460

    private func arrive(_ content: FaultyPipe<NetworkEvent>.Content, for socket: FaultySocket) {
        socket.inbound.append(content, at: now)
        fireOfPath(socket, .toModule, isData: false)
        pump(socket)
    }

    private func receive(_ bytes: [UInt8], from sender: Endpoint?, on socket: FaultySocket, _ event: NetworkEvent) {
        switch socket.state {
        case .usual: break
        case .halfOpen, .draining, .over: return
        case .unheard: return pass(.allow(socket.id, bytes: bytes.count))
        }
        let peer = sender ?? socket.peer
        if conditions(socket, .toModule, peer) == nil, socket.inbound.isEmpty { return events.append(event) }
        if socket.transport == .tcp {
            socket.inbound.append(.bytes(bytes[...]), at: now)
        } else if loses(socket, .toModule, peer) {
            let cost = bytes.count + NetworkRequest.datagramOverhead
            return pass(.allow(socket.id, bytes: cost))
        } else if isOvertaken(socket, .toModule, peer) {
            socket.inbound.appendOvertaken(.datagram(bytes, sender), at: now)
        } else {
            socket.inbound.append(.datagram(bytes, sender), at: now)
        }
        fireOfPath(socket, .toModule, peer, isData: true)
        pump(socket)
    }

    /// Handles the network's answer to a send.
    private func noteAnswer(_ event: NetworkEvent, of id: SocketID) {
        guard let socket = socket(id) else { return }
        guard socket.unanswered > 0 else { return events.append(event) }
        socket.unanswered -= 1
        if case .sendFailed = event, socket.transport == .tcp {
            // The stream is broken: what follows cannot arrive.
            if socket.answer != nil { events.append(event) }
            socket.answer = nil
            socket.outbound.removeAll()
            if socket.state == .draining { return end(socket, aborting: false) }
        }
        pump(socket)
    }

    // MARK: The way

    /// Passes on what is due on both ways of a socket.
    private func pump(_ socket: FaultySocket, outward: PathConditions? = nil) {
        let peer = socket.outbound.nextPeer ?? socket.peer
        let outward = outward ?? conditions(socket, .fromModule, peer) ?? PathConditions()
        socket.outbound.depart(by: now, outward, room: Self.sendRoom, &random)
        while socket.takesMore, let content = socket.outbound.popFirst(dueBy: now, outward) {
            pass(content, from: socket)
            socket.outbound.depart(by: now, outward, room: Self.sendRoom, &random)
        }
        if let answer = socket.answer, !socket.outbound.isWaiting {
            socket.answer = nil
            events.append(answer)
        }
        let inward = conditions(socket, .toModule, socket.inbound.nextPeer ?? socket.peer) ?? PathConditions()
        socket.inbound.depart(by: now, inward, room: .max, &random)
        while let content = socket.inbound.popFirst(dueBy: now, inward) { deliver(content, to: socket) }
    }

    /// Passes on to the network what has arrived there.
    private func pass(_ content: FaultyPipe<NetworkRequest>.Content, from socket: FaultySocket) {
        switch content {
        case .opening(let request): pass(request)
        case .closing(let request):
            if isGone(socket) { return }
            forget(socket)
            pass(request)
        case .bytes(let bytes):
            if isGone(socket) { return }
            let (count, isLast) = count(bytes.count, of: socket, .fromModule)
            if count > 0 {
                socket.unanswered += 1
                pass(.send(socket.id, Array(bytes.prefix(count)), to: nil))
            }
            if isLast { cut(socket) }
        case .datagram(let bytes, let target):
            socket.unanswered += 1
            pass(.send(socket.id, bytes, to: target))
        }
    }

    /// Hands to the module what has arrived there.
    private func deliver(_ content: FaultyPipe<NetworkEvent>.Content, to socket: FaultySocket) {
        switch content {
        case .opening(let event): open(socket, event)
        case .closing(let event):
            if isGone(socket) { return }
            forget(socket)
            events.append(event)
        case .bytes(let bytes):
            if isGone(socket) { return }
            let (count, isLast) = count(bytes.count, of: socket, .toModule)
            if count > 0 { events.append(.received(socket.id, Array(bytes.prefix(count)), from: nil)) }
            if isLast { cut(socket) }
        case .datagram(let bytes, let sender): events.append(.received(socket.id, bytes, from: sender))
        }
    }

    private func open(_ socket: FaultySocket, _ event: NetworkEvent) {
        if case .connectFailed = event {
            forget(socket)
        } else if socket.hasTLS, let fault = first(socket, nil, { $0.effect == .brokenCertificate }) {
            fire(fault)
            end(socket, aborting: true)
            return events.append(.connectFailed(socket.id, .handshake("certificate verify failed")))
        } else {
            socket.openedAt = now
        }
        events.append(event)
    }

    /// Counts bytes for the limits.
    /// - Returns: how many of them may pass, and whether the connection then ends.
    private func count(
        _ count: Int, of socket: FaultySocket, _ direction: NetworkFault.Direction
    ) -> (count: Int, isLast: Bool) {
        let limits = faults.filter { $0.limit != nil && $0.happens(direction) && matches($0, socket, socket.peer) }
        let left = limits.map { max(0, ($0.limit ?? 0) - socket.passed[$0, default: 0]) }
        let allowed = min(count, left.min() ?? count)
        var isLast = false
        for (limit, left) in zip(limits, left) {
            socket.passed[limit, default: 0] += allowed
            guard left == allowed else { continue }
            isLast = true
            fire(limit, of: socket)
        }
        return (allowed, isLast)
    }

    /// Whether the peer of a connection is gone. What has come this far is then lost, and all that follows.
    private func isGone(_ socket: FaultySocket) -> Bool {
        guard let fault = first(socket, nil, { $0.effect == .halfOpen }) else { return false }
        fire(fault, of: socket)
        if socket.state == .draining {
            end(socket, aborting: true)
        } else {
            socket.state = .halfOpen
            if let answer = socket.answer { events.append(answer) }
            socket.removeAll()
        }
        return true
    }

    /// Closes a connection on both sides. What it holds is lost.
    private func cut(_ socket: FaultySocket) {
        if socket.state != .draining { events.append(.closed(socket.id)) }
        socket.removeAll()
        guard socket.unanswered > 0 else { return end(socket, aborting: false) }
        // The end must not overtake the last bytes.
        socket.state = .draining
        socket.outbound.append(.closing(.close(socket.id, aborting: false)), at: now)
        limitLingering()
    }

    // MARK: Time

    package var nextDeadline: Instant? { .earlier(base.nextDeadline, heldDeadline) }

    /// The deadline of what the faults hold back, without that of the network.
    package var heldDeadline: Instant? {
        guard isActive else { return nil }
        return sockets.reduce(queries.nextDue) { .earlier($0, deadline(of: $1)) }
    }

    private func deadline(of socket: FaultySocket) -> Instant? {
        let outward = conditions(socket, .fromModule, socket.outbound.nextPeer ?? socket.peer) ?? PathConditions()
        let inward = conditions(socket, .toModule, socket.inbound.nextPeer ?? socket.peer) ?? PathConditions()
        let next = Instant?.earlier(
            socket.outbound.nextDue(outward, room: Self.sendRoom, isOpen: socket.takesMore),
            socket.inbound.nextDue(inward, room: .max, isOpen: true))
        return faults.reduce(next) { .earlier($0, end(of: socket, by: $1)) }
    }

    package func advance(to now: Instant) {
        base.advance(to: now)
        guard isActive else { return }
        self.now = max(self.now, now)
        process()
    }

    /// Does what is due.
    private func process() {
        for socket in sockets where socket.state != .over {
            if let fault = faults.first(where: { end(of: socket, by: $0).map { $0 <= now } ?? false }) {
                fire(fault, of: socket)
                if socket.state != .draining { events.append(.closed(socket.id)) }
                end(socket, aborting: fault.resets)
            } else {
                pump(socket)
            }
        }
        processQueries()
        settle()
    }

    /// When a fault ends a connection; `nil` if it does not.
    private func end(of socket: FaultySocket, by fault: NetworkFault) -> Instant? {
        guard let time = fault.timeToEnd, let openedAt = socket.openedAt, socket.transport == .tcp,
            matches(fault, socket, socket.peer)
        else { return nil }
        return max(openedAt, addedAt[fault] ?? openedAt) + time
    }

    /// Lets everything pass again once there are no faults and nothing is held.
    private func settle() {
        isActive = !faults.isEmpty || !queries.isEmpty || !sockets.allSatisfy(\.isIdle)
    }

    // MARK: Which faults

    private func socket(_ id: SocketID) -> FaultySocket? { sockets.first { $0.id == id } }

    private func matches(_ fault: NetworkFault, _ socket: FaultySocket?, _ peer: Endpoint?) -> Bool {
        switch fault.scope {
        case .all: return true
        case .peer(let address, let port): return peer?.address == address && (port == nil || peer?.port == port)
        case .link(let link):
            guard let socket else { return false }
            if socket.link == nil { socket.link = linkOf(socket.id) }
            return socket.link == link
        }
    }

    /// The first fault of this kind that a socket has in a direction; `nil` is any.
    private func first(
        _ socket: FaultySocket, _ direction: NetworkFault.Direction?, _ isOfKind: (NetworkFault) -> Bool
    ) -> NetworkFault? {
        faults.first { isOfKind($0) && (direction.map($0.happens) ?? true) && matches($0, socket, socket.peer) }
    }

    /// What the faults of a direction amount to; `nil` if there are none.
    private func conditions(
        _ socket: FaultySocket?, _ direction: NetworkFault.Direction, _ peer: Endpoint?
    ) -> PathConditions? {
        var conditions: PathConditions?
        for fault in faults where fault.happens(direction) && matches(fault, socket, peer) {
            fault.effect.add(to: &conditions)
        }
        return conditions
    }

    private func conditions(_ socket: FaultySocket, _ direction: NetworkFault.Direction) -> PathConditions? {
        conditions(socket, direction, socket.peer)
    }

    /// Decides whether a datagram is lost.
    private func loses(_ socket: FaultySocket?, _ direction: NetworkFault.Direction, _ peer: Endpoint) -> Bool {
        for fault in faults where fault.happens(direction) && matches(fault, socket, peer) {
            switch fault.effect {
            case .loss(let share) where share.happens(&random): break
            case .timeout where socket != nil, .halfOpen where socket != nil: break
            default: continue
            }
            if let socket { fire(fault, of: socket) } else { fire(fault) }
            return true
        }
        return false
    }

    /// Decides whether the next datagram overtakes this one.
    private func isOvertaken(_ socket: FaultySocket, _ direction: NetworkFault.Direction, _ peer: Endpoint) -> Bool {
        for fault in faults where fault.happens(direction) && matches(fault, socket, peer) {
            guard case .reorder(let share) = fault.effect, share.happens(&random) else { continue }
            fire(fault, of: socket)
            return true
        }
        return false
    }

    // MARK: Reports

    private func fire(_ fault: NetworkFault) { fired(fault) }

    private func fire(_ fault: NetworkFault, of socket: FaultySocket) {
        if socket.fired.insert(fault).inserted { fired(fault) }
    }

    /// Reports the faults that shape what has just been sent.
    private func fireOfPath(
        _ socket: FaultySocket, _ direction: NetworkFault.Direction, _ peer: Endpoint? = nil, isData: Bool
    ) {
        for fault in faults where fault.happens(direction) && matches(fault, socket, peer ?? socket.peer) {
            switch fault.effect {
            case .latency: fire(fault, of: socket)
            case .bandwidth where isData: fire(fault, of: socket)
            case .slice where isData && socket.transport == .tcp: fire(fault, of: socket)
            case .timeout where isData: fire(fault, of: socket)
            default: break
            }
        }
    }
}

extension NetworkFault {
    fileprivate func happens(_ direction: Direction) -> Bool {
        !effect.hasDirection || self.direction == .both || self.direction == direction
    }

    fileprivate var isPartialSend: Bool { if case .partialSend = effect { true } else { false } }
    fileprivate var isSlowClose: Bool { if case .slowClose = effect { true } else { false } }
    fileprivate var resets: Bool { if case .reset = effect { true } else { false } }
    fileprivate var limit: Int? { if case .limit(let bytes) = effect { bytes } else { nil } }

    /// How long a connection lasts.
    fileprivate var timeToEnd: Duration? {
        switch effect {
        case .reset(let after): max(.zero, after)
        case .timeout(let time): time.map { max(.zero, $0) }
        default: nil
        }
    }
}

extension NetworkFault.Effect {
    /// Adds this to the conditions of a direction in which it happens.
    fileprivate func add(to conditions: inout PathConditions?) {
        var sum = conditions ?? PathConditions()
        switch self {
        case .latency(let latency, let jitter):
            sum.latency += max(.zero, latency)
            sum.jitter += max(.zero, jitter)
        case .bandwidth(let bytesPerSecond):
            sum.bytesPerSecond = min(sum.bytesPerSecond ?? .max, max(1, bytesPerSecond))
        case .slice(let bytes, let delay):
            sum.slice = PathConditions.Slice(
                bytes: min(sum.slice?.bytes ?? .max, max(1, bytes)),
                delay: max(sum.slice?.delay ?? .zero, delay))
        case .timeout: sum.isStopped = true
        case .slowClose(let delay): sum.closeDelay += max(.zero, delay)
        case .loss, .reorder, .limit, .partialSend, .halfOpen: break
        case .reset, .deaf, .name, .brokenCertificate, .refuse, .unreachable, .noAnswer: return
        }
        conditions = sum
    }
}

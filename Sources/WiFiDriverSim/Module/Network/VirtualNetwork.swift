import WiFiSimValues

/// A network in memory with virtual time: the classic small servers, names, peers that a test plays, and the other
/// modules.
///
/// Sans-IO and deterministic. Each module has a `VirtualStack` in it. A packet takes half the latency of the module's
/// access point each way; packets of one socket keep their order. The air decides what can be reached: modules and
/// virtual stations on the same access point reach each other, the rest of the world needs an access point with a
/// router. Time only moves forward. Not thread-safe: the thread of the simulation owns the network, the air and all
/// stacks.
package final class VirtualNetwork {
    /// The one-way latency for all packets. `nil` selects half the round trip of the access point.
    var latency: Duration?
    /// Bytes that a module may send to another beyond the receiver's credit. Models a path that is always full.
    let bytesUnderWay: Int
    /// Names in lower case, with their addresses. A name that is missing does not exist.
    package var names: [String: [IPAddress]]
    /// Names in lower case whose queries get no answer.
    package var silentNames: Set<String> = []
    /// Hosts that answer pings and refuse connections. Other addresses do not answer.
    var hosts: Set<IPAddress>
    /// Ports of the modules that are in use by something else.
    var busyPorts: Set<UInt16> = []
    /// The Unix time in seconds at time zero, for daytime, time and SNTP: 2026-01-01 00:00:00.
    var epoch = 1_767_225_600
    private(set) var now = Instant.zero

    let air: Air
    private(set) var stacks: [VirtualStack] = []
    private var news: [Int] = []
    private var listeners: [Listening: Listener] = [:]
    /// The peers that receive datagrams at an endpoint, the latest last.
    private var datagramPeers: [Endpoint: [VirtualPeer]] = [:]
    private var underWay = TimedQueue<Lane, Content>()
    /// TCP packets to and from hosts beyond a gateway that drops them, in order. They are retried until they arrive.
    private var held: [Content] = []
    /// The air's `changeCount` at the last attempt to send `held`.
    private var changeCount = 0
    private var nextLocalPort: UInt16
    /// The time without an answer after which TCP sends again.
    static let retransmissionTime = Duration.seconds(1)
    /// Retransmissions before TCP gives up, as lwIP does.
    static let retransmissionLimit = 60
    private static let localPorts: ClosedRange<UInt16> = 49_152...65_535

    struct Listening: Hashable {
        let transport: Transport
        let endpoint: Endpoint
    }

    /// The host at an address and port.
    package enum Listener {
        case server(ClassicServer, tls: TLSPeer? = nil)
        case peer(VirtualPeer, acceptDelay: Duration)
        /// Never answers: connections time out, datagrams are lost.
        case silent

        /// Why TLS with a module as the client fails. `nil` if it succeeds.
        func failure(ofClient client: TLSConfiguration) -> String? {
            switch self {
            case .server(_, let tls): client.failure(withServer: tls)
            case .peer(let peer, _): client.failure(withServer: peer.tls)
            case .silent: nil
            }
        }
    }

    /// Packets that keep their order: those of a module's socket in one direction.
    enum Lane: Equatable {
        case fromModule(SocketReference)
        case toModule(SocketReference)
    }

    enum Content {
        case connect(SocketReference, to: Endpoint)
        case toRemote(SocketReference, [UInt8], to: Endpoint)
        case toModule(SocketReference, [UInt8], from: Endpoint?)
        /// The receiver has room for `bytes` more bytes of this socket.
        case window(SocketReference, bytes: Int)
        /// Sends again the bytes that were lost.
        case retransmission(SocketReference)
        case closeOfRemote(SocketReference, isReset: Bool)
        case closeOfModule(SocketReference, Remote, isReset: Bool)
        case event(stack: Int, epoch: Int, NetworkEvent)
        case accepted(SocketReference, peer: Endpoint, local: Endpoint)
        case query(QueryID, stack: Int, epoch: Int, name: String, IPAddress.Family?)
        case chargen(SocketReference, line: Int)
        case peerConnect(VirtualPeer, stack: Int, Transport, port: UInt16)

        /// `nil` for content without an order.
        var lane: Lane? {
            switch self {
            case .connect(let socket, _), .toRemote(let socket, _, _): .fromModule(socket)
            case .closeOfModule(_, .module(let other), _): .toModule(other)
            case .closeOfModule(let socket, _, _): .fromModule(socket)
            case .toModule(let socket, _, _), .closeOfRemote(let socket, _), .accepted(let socket, _, _):
                .toModule(socket)
            case .event(let stack, let epoch, .connected(let id, _)):
                .toModule(SocketReference(stack: stack, epoch: epoch, id: id))
            case .window, .retransmission, .event, .query, .chargen, .peerConnect: nil
            }
        }
    }

    /// A module's socket. The epoch distinguishes it from a socket with the same number before a restart.
    struct SocketReference: Hashable {
        let stack: Int
        let epoch: Int
        let id: SocketID
    }

    /// The other end of a TCP connection.
    enum Remote {
        case server(ClassicServer)
        case peer(VirtualPeer)
        case module(SocketReference)
    }

    /// A network without modules. The seed selects the first local port; 0 selects 49152, the lowest dynamic port.
    package init(
        air: Air, names: [String: [IPAddress]] = [:], hosts: Set<IPAddress> = [], latency: Duration? = nil,
        bytesUnderWay: Int = 0, seed: UInt64 = 0
    ) {
        self.air = air
        self.names = names
        self.hosts = hosts
        self.latency = latency
        self.bytesUnderWay = bytesUnderWay
        nextLocalPort = Self.localPorts.lowerBound + UInt16(seed % UInt64(Self.localPorts.count))
    }

    /// Adds the stack of a module with this radio.
    package func addStack(_ radio: Air.RadioID) -> VirtualStack {
        let stack = VirtualStack(network: self, index: stacks.count, radio: radio)
        stacks.append(stack)
        return stack
    }

    /// Puts a server at an address and port, over TCP and UDP.
    package func serve(_ server: ClassicServer, at endpoint: Endpoint) {
        listen(.server(server), .tcp, at: endpoint)
        listen(.server(server), .udp, at: endpoint)
    }

    /// Puts a host at the endpoint that never answers.
    package func ignore(_ transport: Transport, at endpoint: Endpoint) { listen(.silent, transport, at: endpoint) }

    /// Removes the listener at the endpoint. The host refuses from now on.
    package func refuse(_ transport: Transport, at endpoint: Endpoint) { listen(nil, transport, at: endpoint) }

    package func listen(_ listener: Listener?, _ transport: Transport, at endpoint: Endpoint) {
        hosts.insert(endpoint.address)
        listeners[Listening(transport: transport, endpoint: endpoint)] = listener
        guard transport == .udp else { return }
        if case .peer(let peer, _) = listener {
            datagramPeers[endpoint, default: []].removeAll { $0 === peer }
            datagramPeers[endpoint, default: []].append(peer)
        } else {
            datagramPeers[endpoint] = nil
        }
    }

    /// The peer that receives a UDP socket's datagrams: the one that the socket was opened for or has sent to,
    /// otherwise the latest.
    private func datagramPeer(at endpoint: Endpoint, of socket: SocketReference) -> VirtualPeer? {
        datagramPeers[endpoint]?.last { $0.correspondent == socket } ?? datagramPeers[endpoint]?.last
    }

    /// Records that a UDP socket was opened for a peer.
    func datagramSocketOpens(_ socket: SocketReference, for endpoint: Endpoint) {
        guard let peer = datagramPeers[endpoint]?.last, peer.correspondent == nil else { return }
        peer.correspondent = socket
    }

    func listener(_ transport: Transport, at endpoint: Endpoint) -> Listener? {
        listeners[Listening(transport: transport, endpoint: endpoint)]
    }

    func isThere(_ address: IPAddress) -> Bool { hosts.contains(address) || accessPoint(ofStationAt: address) != nil }

    /// The access point of the virtual station with this address.
    func accessPoint(ofStationAt address: IPAddress) -> MACAddress? {
        guard case .v4(let address) = address else { return nil }
        return air.accessPoint(ofStationAt: address)
    }

    func newLocalPort() -> UInt16 {
        defer {
            nextLocalPort = nextLocalPort == Self.localPorts.upperBound ? Self.localPorts.lowerBound : nextLocalPort + 1
        }
        return nextLocalPort
    }

    func stackHasNews(_ index: Int) { news.append(index) }

    /// The stacks with events since the last call, in the order of their first event.
    package func takeNews() -> [Int] {
        guard !news.isEmpty else { return [] }
        for index in news { stacks[index].hasNews = false }
        defer { news.removeAll(keepingCapacity: true) }
        return news
    }

    /// Cancels a query of a module.
    func cancel(_ query: QueryID, of stack: Int) {
        underWay.removeAll { content in
            switch content {
            case .query(query, stack, _, _, _): true
            case .event(stack, _, let event): event.query == query
            default: false
            }
        }
    }

    // MARK: Time

    package var nextDeadline: Instant? { underWay.nextDue }

    /// Delivers everything that is due by `now`.
    package func advance(to now: Instant) {
        if changeCount != air.changeCount {
            changeCount = air.changeCount
            let waiting = held
            held = []
            for content in waiting { arrive(content) }
        }
        while let (time, content) = underWay.popFirst(dueBy: now) {
            self.now = max(self.now, time)
            arrive(content)
        }
        self.now = max(self.now, now)
    }

    /// Sends content on its way. Content for the same instant keeps its order, and so do the packets of one socket in
    /// one direction.
    func send(_ content: Content, after delay: Duration) {
        underWay.append(content, in: content.lane, at: now + delay)
    }

    // MARK: Arrivals

    private func arrive(_ content: Content) {
        if mustBeHeld(content) { return held.append(content) }
        if case .closeOfModule(let socket, _, _) = content { stacks[socket.stack].closeArrived(socket) }
        switch content {
        case .connect(let socket, let remote): stack(of: socket)?.connectionArrives(socket, at: remote)
        case .toRemote(let socket, let bytes, let target): dataArrive(bytes, from: socket, at: target)
        case .toModule(let socket, let bytes, let sender):
            stack(of: socket)?.receive(bytes, on: socket.id, from: sender)
        case .window(let socket, let bytes): stack(of: socket)?.windowOpens(socket.id, by: bytes)
        case .retransmission(let socket): stack(of: socket)?.sendAgain(socket)
        case .closeOfRemote(let socket, let isReset): stack(of: socket)?.remoteClosed(socket.id, isReset: isReset)
        case .closeOfModule(_, .peer(let peer), let isReset): peer.moduleClosed(isReset: isReset)
        case .closeOfModule(_, .module(let socket), let isReset):
            stack(of: socket)?.remoteClosed(socket.id, isReset: isReset)
        case .closeOfModule(_, .server, _): break
        case .event(let stack, let epoch, let event):
            if stacks[stack].epoch == epoch { stacks[stack].tell(event) }
        case .accepted(let socket, let peer, let local):
            stack(of: socket)?.tell(.accepted(socket.id, peer: peer, local: local))
        case .query(let query, let stack, let epoch, let name, let family):
            guard !silentNames.contains(name) else { return }
            let found = (names[name] ?? []).filter { family == nil || $0.family == family }
            send(.event(stack: stack, epoch: epoch, .resolved(query, found)), after: stacks[stack].latency(to: nil))
        case .chargen(let socket, let line): generate(from: line, to: socket)
        case .peerConnect(let peer, let stack, let transport, let port):
            peer.connectionArrives(at: stacks[stack], transport, port)
        }
    }

    private func mustBeHeld(_ content: Content) -> Bool {
        switch content {
        case .toRemote(let socket, _, _), .toModule(let socket, _, nil), .closeOfRemote(let socket, _):
            guard let peer = stacks[socket.stack].connectedHost(of: socket) else { return false }
            return stacks[socket.stack].isCutOff(from: peer)
        case .closeOfModule(_, .peer(let peer), _):
            guard let host = peer.endpoint?.address, let stack = peer.moduleStack else { return false }
            return stacks[stack].isCutOff(from: host)
        default: return false
        }
    }

    /// The stack of a socket. `nil` if the socket does not exist any more.
    private func stack(of socket: SocketReference) -> VirtualStack? {
        let stack = stacks[socket.stack]
        return stack.epoch == socket.epoch && stack.has(socket.id) ? stack : nil
    }

    /// Sends bytes back to a module's socket.
    private func reply(_ bytes: [UInt8], to socket: SocketReference, from host: Endpoint, isDatagram: Bool = true) {
        send(
            .toModule(socket, bytes, from: isDatagram ? host : nil),
            after: stacks[socket.stack].latency(to: host.address))
    }

    /// The name server's answer. `nil` if there is none.
    private func answer(toQuery message: [UInt8], of stack: Int, limit: Int) -> [UInt8]? {
        guard stacks[stack].resolvesNames else { return nil }
        switch DNSMessage.read(message) {
        case nil: return nil
        case .refused(let answer)?: return answer
        case .question(let question)?:
            guard !silentNames.contains(question.name ?? "") else { return nil }
            let known = question.name.flatMap { names[$0] } ?? []
            return DNSMessage.answer(to: question, known.isEmpty ? .unknown : .found(known), limit: limit)
        }
    }

    /// Handles bytes or a datagram of a module that have reached the other end.
    private func dataArrive(_ bytes: [UInt8], from socket: SocketReference, at target: Endpoint) {
        stacks[socket.stack].hasArrived(bytes.count, from: socket)
        if let remote = stacks[socket.stack].remote(of: socket) {
            switch remote {
            case .server(.echo): reply(bytes, to: socket, from: target, isDatagram: false)
            case .server(.updates(let server)):
                reply(server.answer(to: bytes), to: socket, from: target, isDatagram: false)
                send(
                    .closeOfRemote(socket, isReset: false), after: stacks[socket.stack].latency(to: target.address))
            case .server(.names):
                for query in stacks[socket.stack].queries(in: bytes, on: socket.id) {
                    guard let answer = answer(toQuery: query, of: socket.stack, limit: DNSStream.longestMessage)
                    else { continue }
                    reply(DNSStream.framed(answer), to: socket, from: target, isDatagram: false)
                }
            case .server: break
            case .peer(let peer): peer.receive(bytes)
            case .module(let other): send(.toModule(other, bytes, from: nil), after: .zero)
            }
            return
        }
        let stack = stacks[socket.stack]
        guard let sender = stack.endpoint(of: socket.id, toward: target.address) else { return }
        switch stack.route(to: target.address) {
        case .neighbours(let neighbours):
            for neighbour in neighbours { neighbour.receiveDatagram(bytes, atPort: target.port, from: sender) }
        case .world: datagramArrives(bytes, from: socket, at: target)
        case .nowhere: break
        }
    }

    private func datagramArrives(_ bytes: [UInt8], from socket: SocketReference, at target: Endpoint) {
        switch listener(.udp, at: target) {
        case .server(.echo, _): reply(bytes, to: socket, from: target)
        case .server(.chargen, _): reply(ClassicServer.chargenLine(0), to: socket, from: target)
        case .server(.sntp, _):
            let time = Duration.seconds(epoch) + (now - .zero)
            guard let answer = SNTPMessage.answer(to: bytes, at: time) else { return }
            reply(answer, to: socket, from: target)
        case .server(.names, _):
            guard let answer = answer(toQuery: bytes, of: socket.stack, limit: DNSMessage.longestDatagram) else {
                return
            }
            reply(answer, to: socket, from: target)
        case .server(let server, _):
            if let answer = server.greeting(at: clock) { reply(answer, to: socket, from: target) }
        case .peer: datagramPeer(at: target, of: socket)?.receiveDatagram(bytes, from: socket)
        case .silent, nil: break
        }
    }

    /// The Unix time in seconds.
    var clock: Int { epoch + Int(now.nanoseconds / 1_000_000_000) }

    /// Sends ten lines whenever the previous ones have been taken. A real server would send without pause.
    private func generate(from line: Int, to socket: SocketReference) {
        guard let stack = stack(of: socket) else { return }
        var next = line
        if stack.hasTakenAll(socket.id) {
            let lines = (line..<line + 10).flatMap(ClassicServer.chargenLine)
            next += 10
            send(.toModule(socket, lines, from: nil), after: stack.latency(to: stack.connectedHost(of: socket)))
        }
        send(.chargen(socket, line: next), after: .milliseconds(10))
    }
}

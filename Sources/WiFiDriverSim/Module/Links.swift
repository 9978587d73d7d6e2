/// A connection of the module's TCP/IP stack, named by its link ID, 0 to 4.
final class Link {
    let transport: Transport
    /// An SSL link: TLS over TCP.
    let hasTLS: Bool
    let family: IPAddress.Family
    let socket: SocketID
    /// How it was opened; `nil` for one that came in at the server.
    let plan: LinkPlan?
    var isServed: Bool { plan == nil }
    var remote: Endpoint
    var local: Endpoint
    /// What becomes of a UDP link's remote when another peer sends.
    var peerRule: PeerRule
    var phase: Phase
    /// What came in and is not yet read.
    var received = ReceiveBuffer()
    /// `+IPD` was said for what waits, and says no more until it is read.
    var hasReported = false
    /// Bytes that the network may still deliver.
    var credit = 0
    var lastActivity: Instant

    init(
        transport: Transport, hasTLS: Bool = false, family: IPAddress.Family, socket: SocketID, plan: LinkPlan?,
        remote: Endpoint, local: Endpoint, peerRule: PeerRule = .fixed, phase: Phase = .opening, lastActivity: Instant
    ) {
        self.transport = transport
        self.hasTLS = hasTLS
        self.family = family
        self.socket = socket
        self.plan = plan
        self.remote = remote
        self.local = local
        self.peerRule = peerRule
        self.phase = phase
        self.lastActivity = lastActivity
    }

    enum Phase {
        case opening
        case open
        /// The peer has closed; `CLOSED` waits until what it sent is read.
        case closedByPeer
    }

    /// The modes of a UDP link (ESP-AT docs, TCP-IP, CIPSTART, `<mode>`).
    enum PeerRule: Int {
        case fixed, firstSender, everySender
    }

    /// As CIPSTATUS and `+LINK_CONN:` spell it.
    var typeName: String {
        let name = hasTLS ? "SSL" : transport == .tcp ? "TCP" : "UDP"
        return family == .v4 ? name : name + "v6"
    }
}

/// The links and the one server.
struct Links {
    /// Link IDs go from 0 to one less.
    static let limit = 5

    private var slots = [Link?](repeating: nil, count: Links.limit)
    var server: Server?
    /// A TCP connection was open since the start (CIPSTATUS tells 4 from 2 by it).
    var hadConnection = false
    private var nextSocket: UInt32 = 0

    struct Server: Codable, Equatable, Sendable {
        var port: UInt16
        var family: IPAddress.Family
        var hasTLS = false
        /// "CA enable": a client of an SSL server has to show a certificate.
        var wantsCertificates = false
        var interface = Interface.all

        /// As CIPSERVER spells it.
        var typeName: String { (hasTLS ? "SSL" : "TCP") + (family == .v4 ? "" : "v6") }

        /// CIPSERVER's `<netif>`.
        enum Interface: Int, Codable { case all, station, softAP }
    }

    subscript(id: Int) -> Link? {
        get { slots[id] }
        set { slots[id] = newValue }
    }

    /// The links there are, in the order of their IDs; one that still opens does not count.
    var open: [(id: Int, link: Link)] {
        slots.enumerated().compactMap { id, link in
            guard let link, link.phase != .opening else { return nil }
            return (id, link)
        }
    }

    var isEmpty: Bool { slots.allSatisfy { $0 == nil } }
    var sslCount: Int { slots.count { $0?.hasTLS == true } }
    var servedCount: Int { slots.count { $0?.isServed == true } }

    func id(of socket: SocketID) -> Int? { slots.firstIndex { $0?.socket == socket } }
    func firstFree() -> Int? { slots.firstIndex { $0 == nil } }

    /// A socket number that was not used since the start.
    mutating func newSocket() -> SocketID {
        nextSocket += 1
        return SocketID(rawValue: nextSocket)
    }

    /// When the first served link has been silent for too long (ESP-AT docs, TCP-IP, CIPSTO).
    func deadline(serverTimeout: Int) -> Instant? {
        guard serverTimeout > 0, server != nil else { return nil }
        return slots.reduce(nil) { deadline, link in
            guard let link, link.isServed else { return deadline }
            return .earlier(deadline, link.lastActivity + .seconds(serverTimeout))
        }
    }
}

/// What a passive link has received: a stream, or for UDP datagrams with their senders.
struct ReceiveBuffer {
    private var bytes = ByteQueue()
    private var datagrams: [(length: Int, sender: Endpoint)] = []

    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }
    var sender: Endpoint? { datagrams.first?.sender }

    mutating func append(_ new: [UInt8], from sender: Endpoint?) {
        bytes.append(contentsOf: new)
        if let sender { datagrams.append((new.count, sender)) }
    }

    /// Removes at most `limit` bytes; with `keepingDatagrams`, the part of the first datagram that fits, and the rest of it is lost.
    mutating func take(_ limit: Int, keepingDatagrams: Bool) -> (bytes: [UInt8], lost: Int) {
        if keepingDatagrams, let first = datagrams.first {
            let taken = bytes.take(min(limit, first.length))
            let lost = first.length - taken.count
            bytes.removeFirst(lost)
            datagrams.removeFirst()
            return (taken, lost)
        }
        let taken = bytes.take(limit)
        var left = taken.count
        while left > 0, let first = datagrams.first {
            if first.length <= left {
                datagrams.removeFirst()
                left -= first.length
            } else {
                datagrams[0].length -= left
                left = 0
            }
        }
        return (taken, 0)
    }
}

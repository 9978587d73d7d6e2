import WiFiSimValues

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
        LinkType(transport, hasTLS: hasTLS, family).rawValue
    }
}

/// The links and the one server.
struct Links {
    /// Link IDs go from 0 to one less.
    static let limit = 5

    private var slots = [Link?](repeating: nil, count: Links.limit)
    var server: Server?
    /// Passive UDP links have received something: `+IPD` follows once all of the moment is there.
    var announceAt: Instant?
    /// A link was open since the start (CIPSTATUS tells 4 from 2 by it).
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
        var typeName: String { LinkType(.tcp, hasTLS: hasTLS, family).rawValue }

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

    /// When there is something to announce, or the first served link has been silent for too long
    /// (ESP-AT docs, TCP-IP, CIPSTO).
    func deadline(serverTimeout: Int) -> Instant? {
        guard serverTimeout > 0, server != nil else { return announceAt }
        return slots.reduce(announceAt) { deadline, link in
            guard let link, link.isServed else { return deadline }
            return .earlier(deadline, link.lastActivity + .seconds(serverTimeout))
        }
    }
}

/// What a passive link has received: a stream, for UDP datagrams with their senders, or for SSL records.
struct ReceiveBuffer {
    private var bytes = ByteQueue()
    private var datagrams = Queue<(length: Int, sender: Endpoint)>()
    /// SSL: the lengths of the records that are not decrypted yet, without what encryption adds, and their sum.
    private var records = Queue<Int>()
    private var recordBytes = 0

    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }
    var sender: Endpoint? { datagrams.first?.sender }

    /// What TLS 1.2 with AES-GCM adds to a record: its header, a nonce and a tag.
    private static let recordOverhead = 5 + 8 + 16
    private static let longestRecord = 16_384

    /// SSL: the bytes that a read gives without any more decryption.
    var decryptedCount: Int { bytes.count - recordBytes }
    /// SSL: the bytes of the records that are not decrypted yet, as they came.
    var encryptedCount: Int { recordBytes + records.count * Self.recordOverhead }

    mutating func append(_ new: [UInt8], from sender: Endpoint?, isEncrypted: Bool) {
        bytes.append(contentsOf: new)
        if let sender { datagrams.append((new.count, sender)) }
        guard isEncrypted else { return }
        for start in stride(from: 0, to: new.count, by: Self.longestRecord) {
            let length = min(Self.longestRecord, new.count - start)
            records.append(length)
            recordBytes += length
        }
    }

    /// Removes at most `limit` bytes. They may be of several datagrams; the last one's sender counts, and its rest is lost.
    mutating func take(_ limit: Int) -> (bytes: [UInt8], sender: Endpoint?, lost: Int) {
        let taken = bytes.take(limit)
        while decryptedCount < 0, let record = records.popFirst() { recordBytes -= record }
        var sender: Endpoint?
        var left = taken.count
        while left > 0, let datagram = datagrams.first {
            sender = datagram.sender
            _ = datagrams.popFirst()
            left -= datagram.length
        }
        bytes.removeFirst(-min(0, left))
        return (taken, sender, -min(0, left))
    }

    /// Removes the first datagram, or as much of a stream as fits into `limit`.
    mutating func takePiece(_ limit: Int) -> (bytes: [UInt8], sender: Endpoint?) {
        let piece = take(datagrams.first?.length ?? limit)
        return (piece.bytes, piece.sender)
    }
}

import WiFiSimValues

/// A link of the module, identified by its ID, 0 to 4.
final class Link {
    let type: LinkType
    let socket: SocketID
    /// How it was opened. `nil` for a connection that the server accepted.
    let plan: LinkPlan?
    var isServed: Bool { plan == nil }
    var remote: Endpoint
    var local: Endpoint
    /// Whether the remote endpoint of a UDP link changes when another peer sends.
    var peerRule: PeerRule
    var phase: Phase
    /// Bytes that have been received and not read.
    var received = ReceiveBuffer()
    /// Whether `+IPD` has reported the waiting bytes. It is not repeated until they are read.
    var hasReported = false
    /// The number of bytes that the network may still deliver.
    var credit = 0
    var lastActivity: Instant

    init(
        _ type: LinkType, socket: SocketID, plan: LinkPlan?, remote: Endpoint, local: Endpoint,
        peerRule: PeerRule = .fixed, phase: Phase = .opening, lastActivity: Instant
    ) {
        self.type = type
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
        /// The peer has closed. `CLOSED` is reported after its bytes have been read.
        case closedByPeer
    }

    /// The modes of a UDP link (ESP-AT docs, TCP-IP, CIPSTART, `<mode>`).
    enum PeerRule: Int {
        case fixed, firstSender, everySender
    }

    var transport: Transport { type.transport }
    /// Whether it is an SSL link: TLS over TCP.
    var hasTLS: Bool { type.hasTLS }
    var family: IPAddress.Family { type.family }
    /// The type as CIPSTATUS and `+LINK_CONN:` print it.
    var typeName: String { type.rawValue }
}

/// The links and the only server.
struct Links {
    /// Link IDs are below this.
    static let limit = 5

    private var slots = [Link?](repeating: nil, count: Links.limit)
    var server: Server?
    /// When to report the datagrams of passive UDP links with `+IPD`. This waits for all datagrams of the current
    /// instant.
    var announceAt: Instant?
    /// Whether a link has been open since the start. CIPSTATUS distinguishes 4 from 2 by this.
    var hadConnection = false
    private var nextSocket: UInt32 = 0

    struct Server: Codable, Equatable, Sendable {
        var port: UInt16
        var family: IPAddress.Family
        var hasTLS = false
        /// "CA enable": whether clients of an SSL server have to present a certificate.
        var wantsCertificates = false
        var interface = Interface.all

        /// The type as CIPSERVER prints it.
        var type: LinkType { LinkType(.tcp, hasTLS: hasTLS, family) }
        var typeName: String { type.rawValue }

        /// The values of CIPSERVER's `<netif>`.
        enum Interface: Int, Codable { case all, station, softAP }
    }

    subscript(id: Int) -> Link? {
        get { slots[id] }
        set { slots[id] = newValue }
    }

    /// The links in the order of their IDs, except those that are still opening.
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

    /// A socket number that has not been used since the start.
    mutating func newSocket() -> SocketID {
        nextSocket += 1
        return SocketID(.module, nextSocket)
    }

    /// When datagrams have to be reported, or the first served link has been idle for too long (ESP-AT docs, TCP-IP,
    /// CIPSTO).
    func deadline(serverTimeout: Int) -> Instant? {
        guard serverTimeout > 0, server != nil else { return announceAt }
        return slots.reduce(announceAt) { deadline, link in
            guard let link, link.isServed else { return deadline }
            return .earlier(deadline, link.lastActivity + .seconds(serverTimeout))
        }
    }
}

/// The data that a passive link has received: a stream, datagrams with their senders, or SSL records.
struct ReceiveBuffer {
    private var bytes = ByteQueue()
    private var datagrams = Queue<(length: Int, sender: Endpoint)>()
    /// For SSL: the lengths of the records that are not decrypted yet, without the overhead of encryption, and their
    /// sum.
    private var records = Queue<Int>()
    private var recordBytes = 0

    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }

    /// In bytes, the overhead of TLS 1.2 with AES-GCM for each record: header, nonce and tag.
    private static let recordOverhead = 5 + 8 + 16
    private static let longestRecord = 16_384

    /// For SSL: bytes that a read returns without decrypting another record.
    var decryptedCount: Int { bytes.count - recordBytes }
    /// For SSL: bytes of the encrypted records, including the overhead.
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

    /// Removes at most `limit` bytes, which may belong to several datagrams. `sender` is that of the last datagram. The
    /// rest of that datagram is lost.
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

    /// Removes the first datagram, or at most `limit` bytes of a stream.
    mutating func takePiece(_ limit: Int) -> (bytes: [UInt8], sender: Endpoint?) {
        let piece = take(datagrams.first?.length ?? limit)
        return (piece.bytes, piece.sender)
    }
}

import WiFiSimValues

/// What `FaultyNetwork` knows of a socket of the module.
final class FaultySocket {
    let id: SocketID
    let transport: Transport
    let peer: Endpoint
    let hasTLS: Bool
    /// The number of its link, once known.
    var link: Int?
    /// When the module was told that it is open; `nil` before.
    var openedAt: Instant?
    var state = State.usual
    /// To the module.
    var inbound = FaultyPipe<NetworkEvent>()
    /// To the network.
    var outbound = FaultyPipe<NetworkRequest>()
    /// The answer to the module's last `send`, which it gets when the block has departed.
    var answer: NetworkEvent?
    /// Sends that the network has not answered, and whose answers are not for the module.
    var unanswered = 0
    /// The faults that have been reported for it.
    var fired: Set<NetworkFault> = []
    /// The bytes that count for each `limit`.
    var passed: [NetworkFault: Int] = [:]

    enum State {
        case usual
        /// Its peer is gone: nothing passes any more.
        case halfOpen
        /// A connection to a deaf server, which the module does not know.
        case unheard
        /// The module has closed it, or knows that it is closed. What it has sent before is still delivered.
        case draining
        /// It is forgotten.
        case over
    }

    init(_ id: SocketID, _ transport: Transport, peer: Endpoint, hasTLS: Bool = false) {
        self.id = id
        self.transport = transport
        self.peer = peer
        self.hasTLS = hasTLS
    }

    /// Whether the network takes more: a stream has one block at a time.
    var takesMore: Bool { transport == .udp || unanswered == 0 }

    /// Whether nothing of the module is held back.
    var sendsAtOnce: Bool { unanswered == 0 && answer == nil && outbound.isEmpty }

    /// Whether it needs nothing done.
    var isIdle: Bool { state == .usual && sendsAtOnce && inbound.isEmpty }

    /// Drops what it holds.
    func removeAll() {
        inbound.removeAll()
        outbound.removeAll()
        answer = nil
    }
}

import WiFiSimValues

/// A link of the module's, from the driver's side: a TCP connection or an open UDP port.
///
/// It outlives the link while received bytes wait in its queue.
final class DriverConnection {
    enum Ending {
        /// The peer closed or reset it.
        case byPeer
        /// It ended here: the module restarted, the network was left, the line was lost.
        case aborted
    }

    /// The module's number for it, 0 to 4, as long as it is open.
    let link: Int
    let isDatagram: Bool
    /// Of its addresses: one of the other family is never told.
    let family: IPAddress.Family
    let queue: ReceiveQueue
    /// The socket it belongs to; nil while it waits to be accepted, and after the socket is closed.
    var owner: Int?
    /// The module has said that it is open.
    var isOpen = false
    private(set) var ending: Ending?
    /// Bytes may wait in the module (passive receive).
    var hasDataWaiting = false
    /// Bytes that Send had counted as sent were not delivered.
    var hasLostBytes = false
    /// Nobody will read what still comes.
    var discards = false
    private(set) var peer: Endpoint?
    var localPort: UInt16?
    /// Datagrams from anybody else are dropped: the peer that Connect has set.
    var onlySource: Endpoint?

    init(link: Int, isDatagram: Bool, family: IPAddress.Family, owner: Int?, peer: Endpoint?) {
        self.link = link
        self.isDatagram = isDatagram
        self.family = family
        self.owner = owner
        queue = ReceiveQueue(isDatagram: isDatagram)
        learn(peer: peer)
    }

    /// Takes what the module says of the peer, unless that is known.
    func learn(peer: Endpoint?) {
        guard self.peer == nil, let peer, peer.address.family == family else { return }
        self.peer = peer
    }

    /// Nobody wants the link any more: it is only to be closed.
    var isUnwanted: Bool { discards && owner == nil }

    func end(_ ending: Ending) {
        if self.ending == nil { self.ending = ending }
        hasDataWaiting = false
    }

    /// What a call on an ended connection fails with.
    var failure: SocketFailure? {
        switch ending {
        case nil: hasLostBytes && !isDatagram ? .reset : nil
        case .byPeer: .reset
        case .aborted: .aborted
        }
    }
}

import WiFiSimValues

/// A link of the module as the driver sees it: a TCP connection or an open UDP port.
///
/// The object outlives the link while its queue holds bytes that the application has not read.
final class DriverConnection {
    enum Ending {
        /// The peer closed or reset it.
        case byPeer
        /// It ended on this side: the module restarted, the station left its network, or the line was lost.
        case aborted
    }

    /// The module's number for the link, 0 to 4. Valid while the link is open.
    let link: Int
    let isDatagram: Bool
    /// The family of its addresses. An address of the other family is not reported.
    let family: IPAddress.Family
    let queue: ReceiveQueue
    /// The socket that owns it. Nil while it waits for Accept, and after its socket was closed.
    var owner: Int?
    /// The module has reported the link as open.
    var isOpen = false
    private(set) var ending: Ending?
    /// Bytes may wait in the module (passive receive).
    var hasDataWaiting = false
    /// Bytes that Send had reported as sent were not delivered.
    var hasLostBytes = false
    /// Received bytes are dropped, because no socket will read them.
    var discards = false
    private(set) var peer: Endpoint?
    var localPort: UInt16?
    /// The peer that Connect has set. Datagrams from other sources are dropped.
    var onlySource: Endpoint?

    init(link: Int, isDatagram: Bool, family: IPAddress.Family, owner: Int?, peer: Endpoint?) {
        self.link = link
        self.isDatagram = isDatagram
        self.family = family
        self.owner = owner
        queue = ReceiveQueue(isDatagram: isDatagram)
        learn(peer: peer)
    }

    /// Stores the peer's address, unless it is known already.
    func learn(peer: Endpoint?) {
        guard self.peer == nil, let peer, peer.address.family == family else { return }
        self.peer = peer
    }

    /// The link is no longer used and has to be closed.
    var isUnwanted: Bool { discards && owner == nil }

    func end(_ ending: Ending) {
        if self.ending == nil { self.ending = ending }
        hasDataWaiting = false
    }

    /// The error of a call on this connection. Nil if there is none.
    var failure: SocketFailure? {
        switch ending {
        case nil: hasLostBytes && !isDatagram ? .reset : nil
        case .byPeer: .reset
        case .aborted: .aborted
        }
    }
}

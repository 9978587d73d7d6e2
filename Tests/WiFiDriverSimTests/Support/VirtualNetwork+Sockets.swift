@testable import WiFiSimModule
@testable import WiFiSimValues

/// The peers of the first module's sockets, for tests that address them by the module's socket.
extension VirtualNetwork {
    func sockets(to peer: Endpoint) -> [SocketID] { stacks[0].socketIDs(to: peer) }

    func sendFromPeer(_ bytes: [UInt8], on id: SocketID, from sender: Endpoint? = nil, at now: Instant) {
        send(.toModule(stacks[0].reference(id), bytes, from: sender), after: stacks[0].latency(to: nil))
    }

    func closeFromPeer(_ id: SocketID, at now: Instant) {
        send(.closeOfRemote(stacks[0].reference(id), isReset: false), after: stacks[0].latency(to: nil))
    }

    /// Connects a peer to the module's server. `nil` if none listens at that port.
    func connect(from peer: Endpoint, toPort port: UInt16, at now: Instant) -> SocketID? {
        stacks[0].accept(from: peer, toPort: port, remote: .peer(VirtualPeer(network: self)))?.id
    }

    /// The bytes that the module has sent on a socket to a peer.
    func sent(on id: SocketID) -> [UInt8] {
        guard case .peer(let peer) = stacks[0].remote(of: stacks[0].reference(id)) else { return [] }
        return peer.pending
    }
}

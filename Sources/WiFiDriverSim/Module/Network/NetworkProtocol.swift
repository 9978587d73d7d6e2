import WiFiSimValues

/// A socket between a module's TCP/IP stack and the network.
package struct SocketID: Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
}

public enum Transport: Sendable { case tcp, udp }

/// What a module's TCP/IP stack asks of the network.
package enum NetworkRequest: Equatable, Sendable {
    /// Opens a TCP connection, and TLS on it where that is wanted; answered by `connected` or `connectFailed`.
    case connect(SocketID, to: Endpoint, TCPOptions, TLSConfiguration? = nil)
    /// Opens a UDP socket bound to `localPort` (0: any free one); answered by `connected` or `connectFailed`.
    case openUDP(SocketID, peer: Endpoint, localPort: UInt16)
    /// Answered by `sent` or `sendFailed` once the stack has taken all bytes. `to` is for UDP.
    case send(SocketID, [UInt8], to: Endpoint?)
    /// Gives up what is not yet sent of the last `send`; no event follows.
    case abandonSend(SocketID)
    /// The stack has room for so many more bytes of this socket; without such credit nothing is delivered. A datagram
    /// counts `datagramOverhead` more than its bytes, so that small ones are not for nothing.
    case allow(SocketID, bytes: Int)
    case setOptions(SocketID, TCPOptions)
    /// Ends the socket; no event follows. `aborting` resets the connection.
    case close(SocketID, aborting: Bool)
    /// Opens the one server, over TLS where that is wanted; answered by `listening` or `listenFailed`.
    case listen(port: UInt16, IPAddress.Family, TLSConfiguration? = nil)
    case stopListening
    /// Answered by `resolved`.
    case resolve(name: String, IPAddress.Family?)
    /// Answered by `pinged`.
    case ping(IPAddress)
    /// Nobody waits for the answer to the last `resolve` or `ping` any more; no event follows.
    case cancelQuery
    /// These interfaces are up from now on, the one for all other addresses first.
    case interfaces([NetworkInterface])
    /// The stack has started anew: every socket, query and server is gone.
    case reset
}

/// An interface of a module's TCP/IP stack.
package struct NetworkInterface: Equatable, Sendable {
    /// The BSSID of the access point that it is on: the one that the station has joined, or the module's own soft-AP.
    var accessPoint: MACAddress
    /// The IPv4 address first.
    var addresses: [IPAddress]
    var netmask: IPv4Address
    /// The module's own soft-AP.
    var isSoftAP = false

    /// Whether an address is in the interface's own network.
    func covers(_ address: IPAddress) -> Bool {
        guard case .v4(let own)? = addresses.first, case .v4(let other) = address else { return false }
        return own.rawValue & netmask.rawValue == other.rawValue & netmask.rawValue
    }

    /// Whether an address means all on the access point: broadcast, the network's or the general one, or a multicast group.
    func isGroup(_ address: IPAddress) -> Bool {
        guard case .v4(let address) = address else { return false }
        return address == .broadcast || address.isMulticast
            || (covers(.v4(address)) && address.rawValue | netmask.rawValue == .max)
    }
}

extension NetworkRequest {
    /// What a datagram takes beside its bytes, in bytes of credit: about as much as the report of it.
    package static let datagramOverhead = 64
}

package struct TCPOptions: Equatable, Sendable, Codable {
    /// Seconds until a silent connection is probed; 0 is never.
    package var keepAlive: KeepAlive = 0
    package var noDelay = false
    /// Seconds that a close waits for unsent data; -1 is the stack's own way.
    var linger: Linger = -1
    /// Milliseconds after which a send gives up; 0 is never.
    var sendTimeout: SendTimeout = 0

    package typealias KeepAlive = Bounded<0, 7200>
    typealias Linger = Bounded<-1, 2_147_483_647>
    typealias SendTimeout = Bounded<0, 2_147_483_647>

    init() {}
}

/// What the network tells a module's TCP/IP stack.
package enum NetworkEvent: Equatable, Sendable {
    case connected(SocketID, local: Endpoint)
    case connectFailed(SocketID, ConnectFailure)
    /// Bytes within the credit; for UDP one datagram and its sender.
    case received(SocketID, [UInt8], from: Endpoint?)
    case sent(SocketID)
    case sendFailed(SocketID)
    /// The peer has closed or reset the connection and all its bytes are delivered.
    case closed(SocketID)
    /// A connection came in at the server. One whose handshake fails ends in `connectFailed` instead.
    case accepted(SocketID, peer: Endpoint, local: Endpoint)
    case listening
    case listenFailed
    /// The addresses of a name; none if it does not exist.
    case resolved([IPAddress])
    /// The round trip, or `nil` if no answer came.
    case pinged(Duration?)
}

package enum ConnectFailure: Equatable, Sendable {
    case refused, unreachable, timedOut, addressInUse
    /// The TLS handshake failed, and why.
    case handshake(String)
}

/// A network that one module's TCP/IP stack is on.
///
/// Requests go in by `handle`; events come out of `takeEvents`, those that follow at once from a request before any later
/// ones.
package protocol Network: AnyObject {
    func handle(_ request: NetworkRequest, at now: Instant)
    func advance(to now: Instant)
    func takeEvents() -> [NetworkEvent]
    var nextDeadline: Instant? { get }
}

/// What passes between a module and its network.
package enum NetworkTraffic {
    case request(NetworkRequest)
    case event(NetworkEvent)
}

import WiFiSimValues

/// The number of a socket between a module's TCP/IP stack and the network.
///
/// Whoever makes a socket numbers it: the stack those that it opens, and each side of the network those that a server
/// there has accepted.
package struct SocketID: Hashable, Comparable, Sendable {
    package let origin: Origin
    package let number: UInt32

    package init(_ origin: Origin, _ number: UInt32) {
        self.origin = origin
        self.number = number
    }

    package enum Origin: Int, Sendable {
        /// The module has opened it.
        case module
        /// The computer's network has accepted it.
        case computer
        /// The network in memory has accepted it.
        case memory
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.origin.rawValue, left.number) < (right.origin.rawValue, right.number)
    }
}

/// The number of a query between a module's TCP/IP stack and the network.
package struct QueryID: Hashable, Sendable {
    let rawValue: UInt32
}

/// A transport protocol.
public enum Transport: Sendable {
    /// TCP, or TLS over it.
    case tcp
    /// UDP.
    case udp
}

/// A request of a module's TCP/IP stack to the network.
package enum NetworkRequest: Equatable, Sendable {
    /// Opens a TCP connection, with TLS if configured. The answer is `connected` or `connectFailed`.
    case connect(SocketID, to: Endpoint, TCPOptions, TLSConfiguration? = nil)
    /// Opens a UDP socket bound to `localPort`; 0 selects any free port. The answer is `connected` or `connectFailed`.
    case openUDP(SocketID, peer: Endpoint, localPort: UInt16)
    /// Sends bytes. The answer is `sent` or `sendFailed`, once the network has taken all of them. `to` is for UDP only.
    case send(SocketID, [UInt8], to: Endpoint?)
    /// Drops the unsent part of the last `send`. No event follows.
    case abandonSend(SocketID)
    /// Adds credit: the module has room for `bytes` more bytes of this socket. Without credit, nothing is delivered. A
    /// datagram costs `datagramOverhead` more than its bytes, so that many small ones also need credit.
    case allow(SocketID, bytes: Int)
    case setOptions(SocketID, TCPOptions)
    /// Closes the socket, or resets the connection if `aborting`. No event follows.
    case close(SocketID, aborting: Bool)
    /// Opens a server on a port, with TLS if configured. The answer is `listening` or `listenFailed`.
    case listen(port: UInt16, IPAddress.Family, TLSConfiguration? = nil)
    /// Closes the server on a port. No event follows.
    case stopListening(port: UInt16)
    /// The answer is `resolved`.
    case resolve(QueryID, name: String, IPAddress.Family?)
    /// The answer is `pinged`.
    case ping(QueryID, IPAddress)
    /// Cancels a `resolve` or `ping`. No event follows.
    case cancelQuery(QueryID)
    /// Replaces the active interfaces. The first one is the default route.
    case interfaces([NetworkInterface])
    /// The module has restarted: all sockets, queries and servers end.
    case reset
}

/// An interface of a module's TCP/IP stack.
package struct NetworkInterface: Equatable, Sendable {
    /// The BSSID of its access point: the one that the station has joined, or the module's own soft-AP.
    var accessPoint: MACAddress
    /// The IPv4 address comes first.
    var addresses: [IPAddress]
    var netmask: IPv4Address
    /// Whether it is the module's own soft-AP.
    var isSoftAP = false

    /// Whether an address is in the network of this interface.
    func covers(_ address: IPAddress) -> Bool {
        guard case .v4(let own)? = addresses.first, case .v4(let other) = address else { return false }
        return own.rawValue & netmask.rawValue == other.rawValue & netmask.rawValue
    }

    /// Whether an address means all hosts on the access point: the limited broadcast address, that of the network, or a
    /// multicast group.
    func isGroup(_ address: IPAddress) -> Bool {
        guard case .v4(let address) = address else { return false }
        return address == .broadcast || address.isMulticast
            || (covers(.v4(address)) && address.rawValue | netmask.rawValue == .max)
    }
}

extension NetworkRequest {
    /// The credit that a datagram costs besides its bytes, in bytes: about the length of its report.
    package static let datagramOverhead = 64
}

package struct TCPOptions: Equatable, Sendable, Codable {
    /// Seconds without data before a connection is probed, 0 to 7200; 0 means never.
    package var keepAlive: KeepAlive = 0
    package var noDelay = false
    /// Seconds that a close waits for unsent data; -1 selects the default of the stack.
    var linger: Linger = -1
    /// Milliseconds before a send gives up; 0 means never.
    var sendTimeout: SendTimeout = 0

    package typealias KeepAlive = Bounded<0, 7200>
    typealias Linger = Bounded<-1, 2_147_483_647>
    typealias SendTimeout = Bounded<0, 2_147_483_647>

    init() {}
}

/// An event for a module's TCP/IP stack.
package enum NetworkEvent: Equatable, Sendable {
    case connected(SocketID, local: Endpoint)
    case connectFailed(SocketID, ConnectFailure)
    /// Bytes within the credit. For UDP, one datagram and its sender.
    case received(SocketID, [UInt8], from: Endpoint?)
    case sent(SocketID)
    case sendFailed(SocketID)
    /// The peer has closed or reset the connection, and all its bytes have been delivered.
    case closed(SocketID)
    /// The server on the port of `local` has accepted a connection. If its TLS handshake fails, `connectFailed` is sent
    /// instead.
    case accepted(SocketID, peer: Endpoint, local: Endpoint)
    case listening(port: UInt16)
    case listenFailed(port: UInt16)
    /// The addresses of a name. Empty if it does not exist.
    case resolved(QueryID, [IPAddress])
    /// The round trip. `nil` if there was no answer.
    case pinged(QueryID, Duration?)
}

package enum ConnectFailure: Equatable, Sendable {
    case refused, unreachable, timedOut, addressInUse
    /// The TLS handshake failed, for this reason.
    case handshake(String)
}

/// The network of one module's TCP/IP stack.
///
/// Sans-IO. `handle` takes requests, `advance(to:)` the time. After each, take the events, in order, and call
/// `advance(to:)` at `nextDeadline`. Events that result at once from a request come before later ones. Time only moves
/// forward. Not thread-safe: the thread of the module owns it.
package protocol Network: AnyObject {
    func handle(_ request: NetworkRequest, at now: Instant)
    func advance(to now: Instant)
    func takeEvents() -> [NetworkEvent]
    var nextDeadline: Instant? { get }
}

extension NetworkEvent {
    /// The query that this event answers; `nil` for an event of a socket or a server.
    package var query: QueryID? {
        switch self {
        case .resolved(let query, _), .pinged(let query, _): query
        default: nil
        }
    }
}

/// A message between a module and its network.
package enum NetworkTraffic {
    case request(NetworkRequest)
    case event(NetworkEvent)
}

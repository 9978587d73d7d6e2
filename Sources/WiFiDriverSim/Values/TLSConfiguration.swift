/// How a module takes part in TLS on one connection. There is no store of the system's in it: a module knows only what its
/// flash holds.
public struct TLSConfiguration: Equatable, Sendable {
    /// What it shows of itself; `nil` shows nothing.
    var identity: Identity?
    /// The certificates of the authorities that it trusts, PEM or DER.
    var authorities: [UInt8] = []
    /// Whether the peer's certificate has to lead to one of the authorities. As a server, that a client has to have one.
    var verifiesPeer = false
    /// The name that the server's certificate has to carry, where it is verified; `nil` takes any.
    var commonName: String?
    /// The server name that the client tells (SNI).
    var serverName: String?
    /// The application protocols that the client offers (ALPN), the best first.
    var protocols: [String] = []
    var preSharedKey: PreSharedKey?
    /// IANA's numbers of the cipher suites that the client offers; empty offers all.
    var cipherSuites: [UInt16] = []
    /// Unix time, in seconds, at which certificates have to be valid; `nil` does not look at their times.
    var time: Int?

    struct Identity: Equatable, Sendable {
        /// PEM or DER; in PEM the rest of the chain may follow.
        var certificate: [UInt8]
        var key: [UInt8]
    }

    struct PreSharedKey: Equatable, Sendable, Codable {
        var key: [UInt8]
        /// What the client calls the key by.
        var identity: [UInt8]
    }
}

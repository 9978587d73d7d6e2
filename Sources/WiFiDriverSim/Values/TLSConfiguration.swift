/// How a module takes part in TLS on one connection. There is no store of the system's in it: a module knows only what its
/// flash holds.
package struct TLSConfiguration: Equatable, Sendable {
    /// What it shows of itself; `nil` shows nothing.
    package var identity: Identity?
    /// The certificates of the authorities that it trusts, PEM or DER.
    package var authorities: [UInt8] = []
    /// Whether the peer's certificate has to lead to one of the authorities. As a server, that a client has to have one.
    package var verifiesPeer = false
    /// The name that the server's certificate has to carry, where it is verified; `nil` takes any.
    package var commonName: String?
    /// The server name that the client tells (SNI).
    package var serverName: String?
    /// The application protocols that the client offers (ALPN), the best first.
    package var protocols: [String] = []
    package var preSharedKey: PreSharedKey?
    /// IANA's numbers of the cipher suites that the client offers; empty offers all.
    package var cipherSuites: [UInt16] = []
    /// Unix time, in seconds, at which certificates have to be valid; `nil` does not look at their times.
    package var time: Int?

    package init(
        identity: Identity? = nil, authorities: [UInt8] = [], verifiesPeer: Bool = false, commonName: String? = nil,
        serverName: String? = nil, protocols: [String] = [], preSharedKey: PreSharedKey? = nil,
        cipherSuites: [UInt16] = [], time: Int? = nil
    ) {
        self.identity = identity
        self.authorities = authorities
        self.verifiesPeer = verifiesPeer
        self.commonName = commonName
        self.serverName = serverName
        self.protocols = protocols
        self.preSharedKey = preSharedKey
        self.cipherSuites = cipherSuites
        self.time = time
    }

    package struct Identity: Equatable, Sendable {
        /// PEM or DER; in PEM the rest of the chain may follow.
        package var certificate: [UInt8]
        package var key: [UInt8]

        package init(certificate: [UInt8], key: [UInt8]) {
            self.certificate = certificate
            self.key = key
        }
    }

    package struct PreSharedKey: Equatable, Sendable, Codable {
        package var key: [UInt8]
        /// What the client calls the key by.
        package var identity: [UInt8]

        package init(key: [UInt8], identity: [UInt8]) {
            self.key = key
            self.identity = identity
        }
    }
}

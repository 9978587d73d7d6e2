/// A module's TLS settings for one connection. The system's certificate store is not used: a module trusts only what
/// its flash holds.
package struct TLSConfiguration: Equatable, Sendable {
    /// The module's own certificate and key; `nil` sends none.
    package var identity: Identity?
    /// The certificates of the trusted authorities, PEM or DER.
    package var authorities: [UInt8] = []
    /// True if the peer's certificate has to lead to one of the authorities. A server then requires a certificate of
    /// the client.
    package var verifiesPeer = false
    /// The name that a verified server certificate has to contain; `nil` accepts any.
    package var commonName: String?
    /// The server name that the client sends (SNI).
    package var serverName: String?
    /// The application protocols that the client offers (ALPN), in order of preference.
    package var protocols: [String] = []
    package var preSharedKey: PreSharedKey?
    /// The IANA numbers of the cipher suites that the client offers; empty offers all.
    package var cipherSuites: [UInt16] = []
    /// The Unix time, in seconds, at which certificates have to be valid; `nil` ignores their validity periods.
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
        /// PEM or DER; PEM may contain the rest of the chain after it.
        package var certificate: [UInt8]
        package var key: [UInt8]

        package init(certificate: [UInt8], key: [UInt8]) {
            self.certificate = certificate
            self.key = key
        }
    }

    package struct PreSharedKey: Equatable, Sendable, Codable {
        package var key: [UInt8]
        /// The name by which the client refers to the key.
        package var identity: [UInt8]

        package init(key: [UInt8], identity: [UInt8]) {
            self.key = key
            self.identity = identity
        }
    }
}

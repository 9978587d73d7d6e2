import WiFiSimValues

/// How a host takes part in TLS on a network in memory. Nothing is encrypted: a handshake takes its time, and succeeds
/// or fails depending on the certificates of both sides.
public struct TLSPeer: Equatable, Sendable {
    /// Whether an authority that the module trusts has signed its certificate.
    public var isTrusted = true
    /// Whether it requires a certificate when it is the server.
    public var wantsCertificate = false
    /// Whether it ends every handshake.
    public var refuses = false

    /// Creates a host that takes part in TLS. By default, every handshake with it succeeds.
    public init(isTrusted: Bool = true, wantsCertificate: Bool = false, refuses: Bool = false) {
        self.isTrusted = isTrusted
        self.wantsCertificate = wantsCertificate
        self.refuses = refuses
    }
}

extension TLSConfiguration {
    /// Round trips of a full handshake (RFC 5246, 7.3).
    package static let handshakeRoundTrips = 2

    /// Why a client with this configuration has no TLS with a host. `nil` if the handshake succeeds.
    func failure(withServer server: TLSPeer?) -> String? {
        if let mistake { return mistake }
        guard let server else { return "the peer does not speak TLS" }
        if server.refuses { return "the peer ended the handshake" }
        if verifiesPeer, !server.isTrusted { return "certificate verify failed" }
        return server.wantsCertificate && identity == nil ? "the peer wants a certificate" : nil
    }

    /// Why a server with this configuration has no TLS with a host. `nil` if the handshake succeeds.
    func failure(withClient client: TLSPeer?) -> String? {
        if let mistake { return mistake }
        guard let client, !client.refuses else { return "the peer does not speak TLS" }
        return verifiesPeer && !client.isTrusted ? "certificate verify failed" : nil
    }

    /// Why two modules have no TLS with each other. `nil` if the handshake succeeds. Each accepts the other's
    /// certificate if both have the same authorities.
    static func failure(client: TLSConfiguration?, server: TLSConfiguration?) -> String? {
        switch (client, server) {
        case (nil, nil): return nil
        case (nil, _), (_, nil): return "the peer does not speak TLS"
        case (let client?, let server?):
            if let mistake = client.mistake ?? server.mistake { return mistake }
            if server.verifiesPeer, client.identity == nil { return "the peer wants a certificate" }
            let wantsToKnow = client.verifiesPeer || server.verifiesPeer
            return wantsToKnow && client.authorities != server.authorities ? "certificate verify failed" : nil
        }
    }

    /// What is missing in the flash.
    private var mistake: String? {
        if let identity, identity.certificate.isEmpty || identity.key.isEmpty {
            return "the flash holds no certificate for it"
        }
        return verifiesPeer && authorities.isEmpty ? "the flash holds no CA certificate for it" : nil
    }
}

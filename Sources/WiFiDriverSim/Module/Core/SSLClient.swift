import WiFiSimValues

/// The options of a link's SSL client that CIPSSLCCONF does not cover. Lost at a restart.
struct SSLClientOptions: Equatable {
    /// CIPSSLCCN.
    var commonName = ""
    /// CIPSSLCSNI.
    var serverName = ""
    /// CIPSSLCALPN.
    var protocols: [String] = []
    /// CIPSSLCPSK.
    var preSharedKey = TLSConfiguration.PreSharedKey(key: [], identity: [])
    /// CIPSSLCCIPHER.
    var cipherSuites: [UInt16] = []
}

extension Module {
    /// The TLS configuration of a link's SSL client.
    func clientTLS(_ id: Int) -> TLSConfiguration {
        let stored = settings.ssl[id]
        let options = session.sslClients[id]
        var configuration = TLSConfiguration()
        if stored.showsCertificate {
            configuration.identity = .init(
                certificate: credential(.clientCertificate, stored.certificate.value),
                key: credential(.clientKey, stored.certificate.value))
        }
        configuration.verifiesPeer = stored.checksServer
        configuration.authorities = credential(.clientAuthority, stored.authority.value)
        // Without a configured name, any is accepted: the guide's examples connect to an address, and no certificate
        // contains it.
        if !options.commonName.isEmpty { configuration.commonName = options.commonName }
        if !options.serverName.isEmpty { configuration.serverName = options.serverName }
        configuration.protocols = options.protocols
        if !options.preSharedKey.key.isEmpty { configuration.preSharedKey = options.preSharedKey }
        configuration.cipherSuites = options.cipherSuites
        configuration.time = timeForCertificates
        return configuration
    }

    /// The TLS configuration of the SSL server. With `wantsCertificates`, clients have to present a certificate that
    /// its authority has signed.
    func serverTLS(wantsCertificates: Bool) -> TLSConfiguration {
        var configuration = TLSConfiguration()
        configuration.identity = .init(
            certificate: credential(.serverCertificate), key: credential(.serverKey))
        configuration.verifiesPeer = wantsCertificates
        configuration.authorities = credential(.serverAuthority)
        configuration.time = timeForCertificates
        return configuration
    }

    /// The credentials that CIPSSLCCONF requires and the flash does not contain, by the firmware's names.
    func missingCredentials(of ssl: SSLSettings) -> [String] {
        var missing: [String] = []
        if ssl.showsCertificate {
            if credential(.clientCertificate, ssl.certificate.value).isEmpty { missing.append("CERT") }
            if credential(.clientKey, ssl.certificate.value).isEmpty { missing.append("PRVT_KEY") }
        }
        if ssl.checksServer, credential(.clientAuthority, ssl.authority.value).isEmpty { missing.append("CA") }
        return missing
    }

    private func credential(_ credential: Credential, _ number: Int = 0) -> [UInt8] {
        (settings.userData ?? UserData()).credential(credential, number, isInNVS: firmware.keepsCertificatesInNVS)
    }

    /// The time for checking the validity of certificates. `nil` until the clock is set (ESP-AT docs, TCP-IP,
    /// CIPSSLCCONF).
    private var timeForCertificates: Int? { unixTime < Self.year2020 ? nil : unixTime }
    private static let year2020 = 1_577_836_800
}

import WiFiSimValues

/// The types of a link (ESP-AT docs, TCP-IP, CIPSTART, `<"type">`).
enum LinkType: String, Codable, Sendable, LosslessStringConvertible {
    case tcp = "TCP"
    case tcpV6 = "TCPv6"
    case udp = "UDP"
    case udpV6 = "UDPv6"
    case ssl = "SSL"
    case sslV6 = "SSLv6"

    init?(_ name: String) { self.init(rawValue: name) }

    init(_ transport: Transport, hasTLS: Bool = false, _ family: IPAddress.Family) {
        self =
            switch (transport, hasTLS, family) {
            case (.tcp, false, .v4): .tcp
            case (.tcp, false, .v6): .tcpV6
            case (.tcp, true, .v4): .ssl
            case (.tcp, true, .v6): .sslV6
            case (.udp, _, .v4): .udp
            case (.udp, _, .v6): .udpV6
            }
    }

    var description: String { rawValue }

    var transport: Transport {
        switch self {
        case .tcp, .tcpV6, .ssl, .sslV6: .tcp
        case .udp, .udpV6: .udp
        }
    }

    /// Whether it uses TLS over TCP.
    var hasTLS: Bool { self == .ssl || self == .sslV6 }

    var family: IPAddress.Family {
        switch self {
        case .tcp, .udp, .ssl: .v4
        case .tcpV6, .udpV6, .sslV6: .v6
        }
    }
}

import WiFiSimValues

/// The classic small servers, a name server and the update server. Each answers over TCP and UDP, except SNTP, which
/// answers over UDP only.
package enum ClassicServer: Sendable, Equatable {
    /// Sends back what it receives (RFC 862).
    case echo
    /// Drops what it receives (RFC 863).
    case discard
    /// Sends the date and time as a line of text, then closes (RFC 867).
    case daytime
    /// Sends lines of printable characters without end (RFC 864).
    case chargen
    /// Sends the seconds since 1900 in four bytes, then closes (RFC 868).
    case time
    /// Sends these bytes to each client, then closes.
    case greeting([UInt8])
    /// Offers firmware updates over HTTP.
    case updates(UpdateServer)
    /// Answers datagrams with the time (RFC 4330).
    case sntp
    /// Resolves the names of the network (RFC 1035).
    case names

    /// The servers on every gateway, with their well-known ports.
    package static let wellKnown: [(port: UInt16, server: ClassicServer)] = [
        (7, .echo), (9, .discard), (13, .daytime), (19, .chargen), (37, .time), (SNTPMessage.port, .sntp),
    ]

    /// The bytes that it sends to a new connection, or in answer to a datagram. `nil` if it waits for data. `clock` is
    /// Unix time in seconds.
    func greeting(at clock: Int) -> [UInt8]? {
        switch self {
        case .echo, .discard, .chargen, .sntp, .names, .updates: nil
        case .daytime: Array("\(CalendarTime(unixTime: clock)) UTC\r\n".utf8)
        case .time:
            // RFC 868 counts from 1900.
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: clock + 2_208_988_800).bigEndian) { Array($0) }
        case .greeting(let bytes): bytes
        }
    }

    /// Line `number` of chargen: 72 of the 95 printable characters. Each line starts one character later (RFC 864).
    static func chargenLine(_ number: Int) -> [UInt8] {
        (0..<72).map { UInt8(0x20 + (number + $0) % 95) } + [0x0D, 0x0A]
    }
}

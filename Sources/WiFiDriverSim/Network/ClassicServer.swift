/// The small servers that every host once had; each answers over TCP and UDP.
public enum ClassicServer: Sendable, Equatable {
    /// Sends back what comes (RFC 862).
    case echo
    /// Takes everything (RFC 863).
    case discard
    /// Sends the date and time as a line of text, then closes (RFC 867).
    case daytime
    /// Sends lines of printable characters without end (RFC 864).
    case chargen
    /// Sends the seconds since 1900 in four bytes, then closes (RFC 868).
    case time
    /// Sends these bytes to whoever connects, then closes.
    case greeting([UInt8])

    /// The five, each at its well-known port.
    public static let wellKnown: [(port: UInt16, server: ClassicServer)] = [
        (7, .echo), (9, .discard), (13, .daytime), (19, .chargen), (37, .time),
    ]

    /// What it says to a new connection, or to a datagram; `nil` if it waits for data. The clock is Unix time in seconds.
    func greeting(at clock: Int) -> [UInt8]? {
        switch self {
        case .echo, .discard, .chargen: nil
        case .daytime: Array("\(CalendarTime(unixTime: clock)) UTC\r\n".utf8)
        case .time:
            // RFC 868 counts from 1900.
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: clock + 2_208_988_800).bigEndian) { Array($0) }
        case .greeting(let bytes): bytes
        }
    }

    /// Line `number` of chargen: 72 of the 95 printable characters, each line begun one further (RFC 864).
    static func chargenLine(_ number: Int) -> [UInt8] {
        (0..<72).map { UInt8(0x20 + (number + $0) % 95) } + [0x0D, 0x0A]
    }
}

/// A date and time of day, in UTC.
struct CalendarTime: CustomStringConvertible {
    let year, month, day, hour, minute, second: Int

    init(unixTime: Int) {
        // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days: eras of 400 years from March.
        let (days, secondOfDay) = (
            unixTime.dividingFloored(by: 86_400), unixTime - unixTime.dividingFloored(by: 86_400) * 86_400
        )
        let shifted = days + 719_468
        let era = shifted.dividingFloored(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = secondOfDay / 3600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
    }

    /// As 2026-01-31 12:00:00.
    var description: String {
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(padded(month))-\(padded(day)) \(padded(hour)):\(padded(minute)):\(padded(second))"
    }
}

extension Int {
    fileprivate func dividingFloored(by divisor: Int) -> Int {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}

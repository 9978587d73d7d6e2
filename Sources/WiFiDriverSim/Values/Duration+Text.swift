/// Durations as text, for example `350ms`, `2.5s`, `10min`.
extension Duration {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ms", 1_000_000), ("us", 1000), ("ns", 1), ("min", 60_000_000_000), ("h", 3_600_000_000_000),
        ("s", 1_000_000_000),
    ]

    /// Parses a decimal number followed by a unit (ns, us, ms, s, min or h). `nil` for other text or more than 1000
    /// hours.
    package init?(text: String) {
        guard let unit = Self.units.first(where: { text.hasSuffix($0.name) }) else { return nil }
        let parts = text.dropLast(unit.name.count).split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = Int64(digits: parts[0]) else { return nil }
        var (nanoseconds, isTooLong) = whole.multipliedReportingOverflow(by: unit.nanoseconds)
        if parts.count == 2 {
            guard parts[1].utf8.count <= 9, var fraction = Int64(digits: parts[1]) else { return nil }
            for _ in parts[1].utf8.count..<9 { fraction *= 10 }
            // Scaled to avoid overflow for hours. Fractions of a nanosecond are cut.
            let (product, tooLarge) = fraction.multipliedReportingOverflow(by: unit.nanoseconds / 1000)
            let exact = unit.nanoseconds >= 1000 && !tooLarge ? product / 1_000_000 : fraction / 1_000_000_000
            nanoseconds += exact
        }
        isTooLong = isTooLong || nanoseconds > 1000 * 3_600_000_000_000
        if isTooLong { return nil }
        self = .nanoseconds(nanoseconds)
    }

    /// The duration for people: cut to its first four digits, and to whole microseconds if it has any.
    package var roundedText: String {
        var step: Int64 = nanoseconds < 1000 ? 1 : 1000
        while nanoseconds / step >= 10_000 { step *= 10 }
        return Duration.nanoseconds(nanoseconds / step * step).text
    }

    /// The exact duration in the unit that is easiest to read.
    package var text: String {
        let unit: (name: String, size: Int64, digits: Int) =
            switch nanoseconds {
            case 0: ("s", 1, 0)
            case ..<1000: ("ns", 1, 0)
            case ..<1_000_000: ("us", 1000, 3)
            case ..<1_000_000_000: ("ms", 1_000_000, 6)
            default: ("s", 1_000_000_000, 9)
            }
        let (whole, fraction) = nanoseconds.quotientAndRemainder(dividingBy: unit.size)
        guard fraction > 0 else { return "\(whole)\(unit.name)" }
        var digits = String(fraction)
        digits = String(repeating: "0", count: unit.digits - digits.utf8.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(whole).\(digits)\(unit.name)"
    }
}

extension Int64 {
    /// Parses digits only, without a sign.
    fileprivate init?(digits: Substring) {
        guard !digits.isEmpty, digits.utf8.count <= 18, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        self.init(digits)
    }
}

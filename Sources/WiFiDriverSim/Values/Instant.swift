/// A point in time: nanoseconds since the clock's start.
///
/// All targets below `WiFiSimDaemon` take the time as a parameter of this type and never read a clock, so that a test
/// moves time by hand. Arithmetic saturates 292 years from the start.
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since the clock's start.
    public let nanoseconds: Int64

    /// Makes an instant from nanoseconds since the clock's start.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The clock's start.
    @inlinable public static var zero: Instant { Instant(nanoseconds: 0) }

    /// True if `left` is earlier.
    @inlinable public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
    /// The instant after `delay`; saturates.
    @inlinable public static func + (instant: Instant, delay: Duration) -> Instant {
        let (sum, isTooLate) = instant.nanoseconds.addingReportingOverflow(delay.nanoseconds)
        return Instant(nanoseconds: isTooLate ? (delay < .zero ? .min : .max) : sum)
    }
    /// The duration from `earlier` to `later`.
    @inlinable public static func - (later: Instant, earlier: Instant) -> Duration {
        .nanoseconds(later.nanoseconds) - .nanoseconds(earlier.nanoseconds)
    }
}

extension Duration {
    /// The duration in whole nanoseconds; saturates at 292 years.
    @inlinable package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isTooMuch) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return isTooLong || isTooMuch ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in whole milliseconds, rounded toward zero.
    @inlinable package var milliseconds: Int { Int(nanoseconds / 1_000_000) }
}

extension Instant? {
    /// The earlier of two deadlines, where `nil` means never.
    @inlinable package static func earlier(_ left: Instant?, _ right: Instant?) -> Instant? {
        switch (left, right) {
        case (let left?, let right?): min(left, right)
        case (let one?, nil), (nil, let one?): one
        case (nil, nil): nil
        }
    }
}

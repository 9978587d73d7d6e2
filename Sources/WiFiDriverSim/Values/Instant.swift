/// A point on the simulation's clock: nanoseconds since that clock started.
///
/// Everything below `Daemon/` takes the time as a parameter of this type and never reads a clock, so that a test moves it
/// by hand. What would lie beyond 292 years is the last moment that there is.
public struct Instant: Comparable, Hashable, Sendable {
    public let nanoseconds: Int64

    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    @inlinable public static var zero: Instant { Instant(nanoseconds: 0) }

    @inlinable public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
    @inlinable public static func + (instant: Instant, delay: Duration) -> Instant {
        let (sum, isTooLate) = instant.nanoseconds.addingReportingOverflow(delay.nanoseconds)
        return Instant(nanoseconds: isTooLate ? (delay < .zero ? .min : .max) : sum)
    }
    @inlinable public static func - (later: Instant, earlier: Instant) -> Duration {
        .nanoseconds(later.nanoseconds) - .nanoseconds(earlier.nanoseconds)
    }
}

extension Duration {
    /// The duration in whole nanoseconds; exact up to 292 years, and those for what is longer.
    @inlinable package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isTooMuch) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return isTooLong || isTooMuch ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in whole milliseconds, rounded down.
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

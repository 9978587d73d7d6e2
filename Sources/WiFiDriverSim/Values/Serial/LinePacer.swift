/// The time that bytes take on one direction of a serial line.
package struct LinePacer {
    /// How long one byte takes.
    private(set) var byteTime: Duration
    /// When the line has sent all that it was given.
    private var freeAt = Instant.zero

    package init(_ configuration: UARTConfiguration) { byteTime = Self.byteTime(configuration) }

    package mutating func configure(_ configuration: UARTConfiguration) { byteTime = Self.byteTime(configuration) }

    private static func byteTime(_ configuration: UARTConfiguration) -> Duration {
        .nanoseconds(Int64(configuration.bitsPerByte * 1_000_000_000 / Double(configuration.baud.value)))
    }

    /// There are bytes to send: from now, if the line was idle.
    package mutating func begin(at now: Instant) {
        if freeAt < now - slack { freeAt = now }
    }

    /// A line that is never idle may lag behind by so much, the time between two looks at it, and catch up.
    private var slack: Duration { max(byteTime * 2, .milliseconds(20)) }

    /// How many bytes have had their time by now.
    package func allowance(at now: Instant) -> Int {
        guard now > freeAt else { return 0 }
        return Int((now - freeAt).nanoseconds / byteTime.nanoseconds)
    }

    /// So many of the allowed bytes were sent.
    package mutating func sent(_ count: Int) { freeAt = freeAt + byteTime * count }

    /// When to look again while bytes wait: when a byte has had its time, or several where they are short.
    package func nextLook(at now: Instant) -> Instant {
        max(freeAt + byteTime, now + min(byteTime * 16, .milliseconds(1)))
    }
}

extension Instant {
    fileprivate static func - (instant: Instant, delay: Duration) -> Instant {
        Instant(nanoseconds: instant.nanoseconds - delay.nanoseconds)
    }
}

/// The time that bytes take in one direction of a serial line.
///
/// Call `begin` when there are bytes to send, send at most `allowance` bytes, and report them with `sent`. While bytes
/// have to wait, look again at `nextLook`. Time only moves forward.
package struct LinePacer {
    /// The time that one byte takes.
    private(set) var byteTime: Duration
    /// When the line has finished the bytes sent so far.
    private var freeAt = Instant.zero

    package init(_ configuration: UARTConfiguration) { byteTime = Self.byteTime(configuration) }

    package mutating func configure(_ configuration: UARTConfiguration) { byteTime = Self.byteTime(configuration) }

    private static func byteTime(_ configuration: UARTConfiguration) -> Duration {
        .nanoseconds(Int64(configuration.bitsPerByte * 1_000_000_000 / Double(configuration.baud.value)))
    }

    /// Notes that there are bytes to send. If the line was idle, their time starts now.
    package mutating func begin(at now: Instant) {
        if freeAt < now - slack { freeAt = now }
    }

    /// How far a busy line may lag behind and catch up: the time between two looks at it.
    private var slack: Duration { max(byteTime * 2, .milliseconds(20)) }

    /// The number of bytes whose time has passed.
    package func allowance(at now: Instant) -> Int {
        guard now > freeAt else { return 0 }
        return Int((now - freeAt).nanoseconds / byteTime.nanoseconds)
    }

    /// Notes that `count` of the allowed bytes were sent.
    package mutating func sent(_ count: Int) { freeAt = freeAt + byteTime * count }

    /// When to look again while bytes wait: when the next byte's time has passed, but no sooner than after 16 byte
    /// times or 1 ms, whichever is shorter.
    package func nextLook(at now: Instant) -> Instant {
        max(freeAt + byteTime, now + min(byteTime * 16, .milliseconds(1)))
    }
}

extension Instant {
    fileprivate static func - (instant: Instant, delay: Duration) -> Instant {
        Instant(nanoseconds: instant.nanoseconds - delay.nanoseconds)
    }
}

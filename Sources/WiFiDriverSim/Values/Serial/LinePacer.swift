/// The time that bytes take in one direction of a serial line.
///
/// Call `begin` while there are bytes to send, send at most `allowance` bytes, and report them with `sent`. While bytes
/// wait, look again at `nextLook`; once none do, call `rest`. Time only moves forward.
///
/// A busy line is looked at as rarely as its end permits: bytes pass in bursts, as they do through the FIFO of a UART.
package struct LinePacer {
    /// In bytes: the most that pass between two looks. ESP-IDF lets 120 bytes of the FIFO's 128 fill before it looks,
    /// and esp-at 100 (`UARTBuffers.emptiedAt`).
    package static let burst = 120

    /// The time that one byte takes, in nanoseconds.
    private var byteTime: Int64
    /// When the line has finished the bytes sent so far.
    private var freeAt = Instant.zero
    private var isBusy = false

    package init(_ frame: UARTFrame) { byteTime = frame.byteTime.nanoseconds }

    package mutating func configure(_ frame: UARTFrame) { byteTime = frame.byteTime.nanoseconds }

    /// Notes that there are bytes to send. If the line was idle, their time starts now.
    package mutating func begin(at now: Instant) {
        if !isBusy || now.nanoseconds - freeAt.nanoseconds > slack { freeAt = now }
        isBusy = true
    }

    /// Notes that no bytes wait: time that passes from now on is not saved up.
    package mutating func rest() { isBusy = false }

    /// How far a busy line may lag behind and catch up, in nanoseconds: some looks at it, or 200 ms if those take less,
    /// since a computer with much to do looks late.
    private var slack: Int64 { max(byteTime * Int64(Self.burst) * 4, 200_000_000) }

    /// The number of bytes whose time has passed.
    package func allowance(at now: Instant) -> Int {
        max(0, Int((now.nanoseconds - freeAt.nanoseconds) / byteTime))
    }

    /// Notes that `count` of the allowed bytes were sent.
    package mutating func sent(_ count: Int) {
        freeAt = Instant(nanoseconds: freeAt.nanoseconds + byteTime * Int64(count))
    }

    /// When to look again while `pending` bytes wait: when the last of them has passed. With more than a burst, it is
    /// when a burst has passed, the first time up to an eighth earlier: on a grid that all lines of a rate share, so
    /// that one look at the clock serves many of them.
    package func nextLook(pending: Int) -> Instant {
        if pending <= Self.burst { return passed(pending) }
        // At a time of the grid the line lags behind by less than a byte.
        let latest = passed(Self.burst + 1).nanoseconds
        return Instant(nanoseconds: latest - latest % (byteTime * Int64(Self.burst / 8)))
    }

    /// As `nextLook(pending:)`, but at most `delay` after `now`, or when the next byte has passed.
    package func nextLook(pending: Int, within delay: Duration, of now: Instant) -> Instant {
        max(passed(1), min(nextLook(pending: pending), now + delay))
    }

    /// When the next `count` bytes have passed.
    private func passed(_ count: Int) -> Instant {
        Instant(nanoseconds: freeAt.nanoseconds + byteTime * Int64(count))
    }
}

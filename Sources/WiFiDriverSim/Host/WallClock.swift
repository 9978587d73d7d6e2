import Glibc

/// The computer's real-time clock.
package enum WallClock {
    /// The time since the start of 1970, UTC.
    package static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

import Glibc
import WiFiSimValues

/// A point on the system's monotonic clock: the time of those that live in it, as the driver does. The simulation has an
/// `Instant` and is told it.
package struct RealTime: Comparable {
    package let nanoseconds: Int64

    package static var now: RealTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return RealTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Before any other: who waits until then does not wait.
    package static let past = RealTime(nanoseconds: .min)

    package static func < (left: RealTime, right: RealTime) -> Bool { left.nanoseconds < right.nanoseconds }
    static func + (time: RealTime, delay: Duration) -> RealTime {
        RealTime(nanoseconds: time.nanoseconds + delay.nanoseconds)
    }
    static func - (later: RealTime, earlier: RealTime) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }

    /// From now until then in milliseconds, 0 if it is over; rounded up, so that a wait never ends before its time.
    var millisecondsLeft: Int32 {
        let now = Self.now
        guard now < self else { return 0 }
        return Int32(clamping: (nanoseconds - now.nanoseconds - 1) / 1_000_000 + 1)
    }

    /// From now until then, 0 if it is over.
    var left: Duration {
        let now = Self.now
        return now < self ? self - now : .zero
    }
}

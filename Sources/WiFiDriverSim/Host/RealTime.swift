import Glibc
import WiFiSimValues

/// A point in time on the system's monotonic clock, for code that runs in real time, such as the driver. The simulation
/// uses `Instant` and gets the time from its caller.
package struct RealTime: Comparable {
    package let nanoseconds: Int64

    package static var now: RealTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return RealTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Earlier than any other point in time: a wait until it does not wait.
    package static let past = RealTime(nanoseconds: .min)

    package static func < (left: RealTime, right: RealTime) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The time until this point in milliseconds, rounded up so that a wait never ends too early; 0 if the point has
    /// passed.
    var millisecondsLeft: Int32 {
        let now = Self.now
        guard now < self else { return 0 }
        return Int32(clamping: (nanoseconds - now.nanoseconds - 1) / 1_000_000 + 1)
    }
}

import CPosix
import Glibc
import WiFiSimValues

/// Calls a handler again and again on an event loop.
///
/// Belongs to the event loop's thread.
final class Ticker {
    private let descriptor: FileDescriptor
    private let loop: EventLoop

    init(every interval: Duration, on loop: EventLoop, handler: @escaping () -> Void) throws(SystemError) {
        descriptor = FileDescriptor(
            owning: try systemCall("timerfd_create") {
                timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK | TFD_CLOEXEC))
            })
        self.loop = loop
        let nanoseconds = interval.nanoseconds
        let time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        var setting = itimerspec(it_interval: time, it_value: time)
        try systemCall("timerfd_settime") { [descriptor] in timerfd_settime(descriptor.rawValue, 0, &setting, nil) }
        try loop.watch(descriptor, for: .read) { [weak self] _ in
            var count: UInt64 = 0
            guard let self, Glibc.read(self.descriptor.rawValue, &count, 8) == 8 else { return }
            handler()
        }
    }

    func stop() { loop.unwatch(descriptor) }
}

import CPosix
import Glibc

/// Wakes an event loop from another thread.
package final class Wakeup: Sendable {
    private let eventDescriptor: Int32

    package init() throws(SystemError) {
        eventDescriptor = try systemCall("eventfd") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }
    }

    deinit { close(eventDescriptor) }

    /// Wakes the loop. Any thread may call it.
    package func signal() { eventfd_write(eventDescriptor, 1) }

    /// Makes the loop call `handler` after each signal; several signals may be joined into one call.
    package func watch(on loop: EventLoop, handler: @escaping () -> Void) throws(SystemError) {
        let copy = FileDescriptor(owning: try systemCall("dup") { fcntl(eventDescriptor, F_DUPFD_CLOEXEC, 0) })
        try loop.watch(copy, for: .read) { _ in
            var count: eventfd_t = 0
            eventfd_read(copy.rawValue, &count)
            handler()
        }
    }
}

import CPosix
import Glibc
import WiFiSimValues

/// A thread with all signals blocked, so that they are delivered to the threads of the program.
package struct Thread {
    private let body: @Sendable () -> Void

    package init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts the thread detached.
    /// - Throws: `SystemError` if the system cannot create a thread.
    package func start() throws(SystemError) { pthread_detach(try create()) }

    /// Starts the thread; the caller has to `join` it.
    /// - Throws: `SystemError` if the system cannot create a thread.
    package func startJoinable() throws(SystemError) -> Running { Running(thread: try create()) }

    private func create() throws(SystemError) -> pthread_t {
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Box(body)).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, argument)
        guard code == 0 else {
            Unmanaged<Box>.fromOpaque(argument).release()
            throw SystemError("pthread_create", code: code)
        }
        return thread
    }

    /// A started thread. Joining it frees its stack.
    package struct Running: Sendable {
        fileprivate let thread: pthread_t

        /// Waits up to `time` for the thread to end, then detaches it. Does not wait if called on the thread itself.
        package func join(within time: Duration) {
            let isOther = pthread_equal(thread, pthread_self()) == 0
            if isOther, cposix_join(thread, Int64(time.milliseconds)) == 0 { return }
            pthread_detach(thread)
        }

        /// Joins the thread if it has ended; returns false if it is still running.
        package func joinIfEnded() -> Bool { cposix_join(thread, 0) == 0 }
    }
}

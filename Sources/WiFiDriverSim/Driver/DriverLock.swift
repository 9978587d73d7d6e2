import Dispatch
import Glibc
import WiFiSimDriverCore

/// The lock that guards a driver's state.
///
/// A POSIX mutex instead of `Synchronization.Mutex`, because the thread sanitizer checks only the former, and because
/// the state that it guards is spread over several objects.
final class DriverLock: Sendable {
    // Unchecked: a mutex may be used from several threads, and its address never changes.
    nonisolated(unsafe) private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }
    func unlock() { pthread_mutex_unlock(mutex) }
}

/// A sleeping call. Guarded by the driver's lock, except for the semaphore.
final class SleepingCall {
    let id: CallID
    private let semaphore = DispatchSemaphore(value: 0)
    private(set) var isWoken = false

    init(_ id: CallID) { self.id = id }

    func wake() {
        guard !isWoken else { return }
        isWoken = true
        semaphore.signal()
    }

    /// Sleeps until `wake`. Called without the lock.
    func sleep() { semaphore.wait() }
}

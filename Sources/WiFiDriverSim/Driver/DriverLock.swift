import Dispatch
import Glibc

/// The lock that guards a driver's state.
///
/// A POSIX mutex and not `Synchronization.Mutex`: the thread sanitizer sees the former only, and the state it guards
/// is spread over several objects.
final class DriverLock: @unchecked Sendable {
    // Unchecked: the mutex is made for use from several threads, its address never changes, and it guards `turn`.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    /// How often the lock was taken. Within one turn nobody sleeps, and what it guards is its owner's.
    private(set) var turn = 0

    init() {
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func lock() {
        pthread_mutex_lock(mutex)
        turn += 1
    }

    func unlock() { pthread_mutex_unlock(mutex) }
}

/// What a sleeping call waits for; a set, as bits.
struct DriverTopics: OptionSet {
    let rawValue: UInt32

    /// The command in flight made progress.
    static let command = DriverTopics(rawValue: 1 << 31)
    /// The line may be read again, after it was held back.
    static let lineReleased = DriverTopics(rawValue: 1 << 30)
    /// The worker has an answer.
    static let answer = DriverTopics(rawValue: 1 << 29)
    static let all = DriverTopics(rawValue: .max)

    /// Something about this socket changed.
    static func socket(_ number: Int) -> DriverTopics { DriverTopics(rawValue: 1 << UInt32(number)) }
}

/// A call that sleeps. Guarded by the driver's lock, except for the semaphore.
final class DriverWaiter {
    let topics: DriverTopics
    let semaphore = DispatchSemaphore(value: 0)
    private(set) var isWoken = false
    /// What it waited for was handed to it; else it was woken to give up.
    private(set) var isGranted = false

    init(_ topics: DriverTopics) { self.topics = topics }

    func wake() {
        guard !isWoken else { return }
        isWoken = true
        semaphore.signal()
    }

    func grant() {
        isGranted = true
        wake()
    }

    /// Called without the lock.
    func sleep(until deadline: RealTime?) {
        guard let deadline else { return semaphore.wait() }
        _ = semaphore.wait(timeout: .now() + .nanoseconds(Int(deadline.left.nanoseconds)))
    }
}

/// Lets a thread sleep until another has opened the gate, once for each wait.
struct DriverGate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func open() { semaphore.signal() }
    func wait() { semaphore.wait() }
}

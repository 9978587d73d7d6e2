import CPosix
import Glibc
import WiFiSimValues

/// Waits for descriptors and deadlines on one thread, and calls their handlers.
///
/// Call `wait` repeatedly; it calls the handlers of ready descriptors. The loop and everything on it belong to the
/// thread that runs it. Other threads wake it through a `Wakeup`.
package final class EventLoop {
    /// The readiness for which a descriptor is watched.
    package struct Interest: Equatable {
        var reads: Bool
        var writes: Bool
        /// True if the interest ends with the first event. Nothing more is reported then, not even a hang-up, until
        /// `update` renews the interest.
        var isOnce: Bool

        package init(reads: Bool = false, writes: Bool = false, isOnce: Bool = false) {
            self.reads = reads
            self.writes = writes
            self.isOnce = isOnce
        }

        package static let nothing = Interest()
        package static let read = Interest(reads: true)
        package static let write = Interest(writes: true)

        fileprivate var events: UInt32 {
            (reads ? UInt32(EPOLLIN.rawValue) : 0) | (writes ? UInt32(EPOLLOUT.rawValue) : 0)
                | (isOnce ? UInt32(EPOLLONESHOT.rawValue) : 0)
        }
    }

    /// The readiness of a descriptor.
    package struct Readiness {
        let rawValue: UInt32
        /// Room to write, and nothing else.
        package static let canWriteOnly = Readiness(rawValue: UInt32(EPOLLOUT.rawValue))
        package static let hangUp = Readiness(rawValue: UInt32(EPOLLHUP.rawValue))

        package var canRead: Bool { rawValue & UInt32(EPOLLIN.rawValue) != 0 }
        package var canWrite: Bool { rawValue & UInt32(EPOLLOUT.rawValue) != 0 }
        /// Reported for every interest, and unless `isOnce` again and again until the descriptor is unwatched or the
        /// cause is gone.
        package var hasHungUp: Bool { rawValue & UInt32(EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
    }

    private let epoll: FileDescriptor
    private var watches: [Int32: Watch] = [:]
    /// Watched descriptors that are paused, by generation.
    private var pauses: [UInt32: Pause] = [:]
    private var readyEvents = [epoll_event](repeating: epoll_event(), count: 64)
    private let start: timespec
    /// Distinguishes a descriptor from an earlier one with the same number.
    private var nextGeneration: UInt32 = 0

    private struct Watch {
        var interest: Interest
        let generation: UInt32
        let handler: (Readiness) -> Void
    }

    private struct Pause {
        let descriptor: FileDescriptor
        let interest: Interest
        let until: Instant
    }

    private var clock: LoopClock

    /// Makes a loop whose time passes at a speed.
    package init(speed: LoopSpeed = .real) throws(SystemError) {
        clock = LoopClock(speed)
        epoll = FileDescriptor(owning: try systemCall("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        start = now
    }

    /// The time since the loop was created, at its speed.
    package var now: Instant {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return clock.now(
            Int64(now.tv_sec - start.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec - start.tv_nsec))
    }

    /// Calls `handler` whenever the descriptor is ready as in `interest`.
    package func watch(
        _ descriptor: FileDescriptor, for interest: Interest, handler: @escaping (Readiness) -> Void
    ) throws(SystemError) {
        nextGeneration &+= 1
        let generation = nextGeneration
        try control(EPOLL_CTL_ADD, descriptor, interest, generation)
        watches[descriptor.rawValue] = Watch(interest: interest, generation: generation, handler: handler)
    }

    /// Changes the interest in a watched descriptor.
    package func update(_ descriptor: FileDescriptor, for interest: Interest) throws(SystemError) {
        guard let watch = watches[descriptor.rawValue], watch.interest != interest else { return }
        try control(EPOLL_CTL_MOD, descriptor, interest, watch.generation)
        watches[descriptor.rawValue]?.interest = interest
    }

    /// Ignores a watched descriptor for a time.
    package func pause(_ descriptor: FileDescriptor, for delay: Duration) {
        guard let watch = watches[descriptor.rawValue], pauses[watch.generation] == nil else { return }
        pauses[watch.generation] = Pause(descriptor: descriptor, interest: watch.interest, until: now + delay)
        try? update(descriptor, for: .nothing)
    }

    private func endPauses() {
        let now = now
        for (generation, pause) in pauses where pause.until <= now {
            pauses[generation] = nil
            guard watches[pause.descriptor.rawValue]?.generation == generation else { continue }
            try? update(pause.descriptor, for: pause.interest)
        }
    }

    package func unwatch(_ descriptor: FileDescriptor) {
        guard watches.removeValue(forKey: descriptor.rawValue) != nil else { return }
        epoll_ctl(epoll.rawValue, EPOLL_CTL_DEL, descriptor.rawValue, nil)
    }

    private func control(
        _ operation: Int32, _ descriptor: FileDescriptor, _ interest: Interest, _ generation: UInt32
    ) throws(SystemError) {
        var event = epoll_event()
        event.events = interest.events
        event.data.u64 = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor.rawValue))
        try systemCall("epoll_ctl") { epoll_ctl(epoll.rawValue, operation, descriptor.rawValue, &event) }
    }

    /// Waits until a descriptor is ready or the deadline passes, and calls the handlers of the ready descriptors.
    /// - Parameters:
    ///   - deadline: in the loop's time.
    ///   - quiet: at the speed `max`, the real time after which the loop jumps to the deadline if no descriptor has been
    ///     ready; `nil` if it must not jump.
    /// - Throws: `SystemError` if the system cannot wait.
    package func wait(until deadline: Instant?, jumpingAfter quiet: Duration? = nil) throws(SystemError) {
        let deadline = Instant?.earlier(deadline, pauses.values.map(\.until).min())
        defer { if !pauses.isEmpty { endPauses() } }
        var timeout = deadline.map { clock.realTime(max(0, ($0 - now).nanoseconds)) } ?? -1
        var jumps = false
        if case .max = clock.speed, let quiet, timeout > quiet.nanoseconds {
            timeout = quiet.nanoseconds
            jumps = true
        }
        let count = cposix_epoll_wait(epoll.rawValue, &readyEvents, Int32(readyEvents.count), timeout)
        if count == 0, jumps, let deadline { clock.skip((deadline - now).nanoseconds) }
        if count < 0 {
            if errno == EINTR { return }
            throw SystemError("epoll_wait")
        }
        for event in readyEvents.prefix(Int(count)) {
            let descriptor = Int32(bitPattern: UInt32(truncatingIfNeeded: event.data.u64))
            // An earlier handler of this round may have unwatched the descriptor or reused its number.
            guard let watch = watches[descriptor], watch.generation == UInt32(event.data.u64 >> 32) else { continue }
            if watch.interest.isOnce { watches[descriptor]?.interest = Interest(isOnce: true) }
            watch.handler(Readiness(rawValue: event.events))
        }
    }
}

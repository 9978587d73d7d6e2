/// Sleeping, waking, and who reads the line. All of it is called with the lock held, and gives it up to sleep.
extension WiFiDriver {
    /// Sleeps until something about `topics` may have changed; false once `deadline` is over or the line is lost.
    ///
    /// The first to wait reads the line, the others sleep until it wakes them. A call that waits for the reply to a command
    /// takes the reader's role from one that waits for data, since a reply through another thread costs two more switches.
    func waitForProgress(on topics: DriverTopics, until deadline: RealTime? = nil) -> Bool {
        guard let line, !line.isLost else { return false }
        if let deadline, deadline <= .now { return false }
        var awaited = topics
        if isHeldBack(for: topics) {
            awaited.insert(.lineReleased)
        } else if let reading = line.reader {
            if topics.contains(.command), !reading.contains(.command) { line.port.wake() }
        } else if !topics.contains(.command), let other = sleepingCommandWaiter {
            other.wake()
        } else {
            readLine(line, for: topics, until: deadline)
            return true
        }
        let waiter = DriverWaiter(awaited)
        waiters.append(waiter)
        lock.unlock()
        waiter.sleep(until: deadline)
        lock.lock()
        waiters.removeAll { $0 === waiter }
        return true
    }

    /// Handles what has come already, without waiting; true if there was something.
    @discardableResult
    func drainLine() -> Bool {
        guard let line, !line.isLost, line.reader == nil, line.emptyTurn != lock.turn, !isHeldBack(for: .command) else {
            return false
        }
        if readLine(line, for: .command, until: .past) { return true }
        line.emptyTurn = lock.turn
        return false
    }

    /// Handles all that has come already, as much of it as the line's buffers hold.
    func catchUp() {
        var reads = 0
        while reads < Self.longestCatchingUp, drainLine() { reads += 1 }
    }

    /// In reads, of at most 4 KiB where the line is a tty: more than its buffers hold. Who sends on meanwhile is not to keep a
    /// call.
    private static let longestCatchingUp = 32

    /// At the end of a call: somebody else is to read from now on, if it matters to anybody.
    func leaveLine() {
        guard let line, line.reader == nil else { return }
        if let waiter = sleepingCommandWaiter {
            waiter.wake()
        } else if mattersToSomebody, !isHeldBack(for: []) {
            line.setWatched(true)
        }
    }

    /// Whether what may come now has to be read before the next call: a call sleeps that wants it, a block is to be confirmed,
    /// the application is to be told of its access point's stations, or data are pushed, for which a line's buffers are small.
    private var mattersToSomebody: Bool {
        !waiters.isEmpty || unconfirmed != nil || (eventCallback != nil && accessPointIsActive)
            || ((!receivesPassively || pushesEverything) && servedListener != nil)
            || links.contains { $0.map { !isPassive($0) } ?? false }
    }

    /// Wakes whoever sleeps for one of `topics`, in the line's read too.
    func notify(_ topics: DriverTopics) {
        guard !topics.isEmpty else { return }
        for waiter in waiters where !waiter.topics.isDisjoint(with: topics) { waiter.wake() }
        if let line, let reading = line.reader, !reading.isDisjoint(with: topics) { line.port.wake() }
    }

    private var sleepingCommandWaiter: DriverWaiter? {
        waiters.first { $0.topics.contains(.command) && !$0.isWoken }
    }

    /// Whether the line is not to be read now, so that the module, and by it the peer, has to wait.
    func isHeldBack(for topics: DriverTopics) -> Bool {
        let limit =
            if topics.isEmpty {
                Self.idleLimit
            } else {
                exchange != nil && topics.contains(.command) ? Self.replyLimit : Self.heldBackLimit
            }
        return links.contains { $0.map { $0.queue.count > limit && !$0.discards } ?? false }
    }

    @discardableResult
    private func readLine(_ line: DriverLine, for topics: DriverTopics, until deadline: RealTime?) -> Bool {
        line.setWatched(false)
        line.reader = topics
        var input = line.prepareRead()
        lock.unlock()
        var isBroken = false
        do throws(SerialPortError) {
            try line.read(&input, until: deadline)
        } catch {
            isBroken = true
        }
        lock.lock()
        line.reader = nil
        if isBroken {
            loseLine()
        } else if input.count > 0 {
            handle(input, from: line)
        }
        return input.count > 0
    }

    // MARK: Threads

    /// The driver's own two threads, from Initialize to Uninitialize. Its variable is guarded by the driver's lock; who starts
    /// them also joins them.
    final class Threads: @unchecked Sendable {
        let jobs = DriverGate()
        private var running: [Thread.Running] = []
        var isStopping = false

        /// Called with the lock held, so that neither does anything before the caller is done.
        func start(_ driver: WiFiDriver) throws(SystemError) {
            running.append(try Thread { [self] in driver.watchLine(self) }.startJoinable())
            do throws(SystemError) {
                running.append(try Thread { [self] in driver.work(self) }.startJoinable())
            } catch {
                isStopping = true
                driver.line?.watch.wake()
                join(within: .zero)
                throw error
            }
        }

        /// Waits until both have ended, for so long at most each. Called without the lock, after `isStopping` was set with it.
        func join(within time: Duration) {
            for thread in running { thread.join(within: time) }
        }
    }

    /// Reads the line while no call does and it matters to somebody, and delivers the events.
    private func watchLine(_ threads: Threads) {
        lock.lock()
        guard let line else { return lock.unlock() }
        while !threads.isStopping {
            lock.unlock()
            line.watch.sleep()
            lock.lock()
            // A call may have taken the line over meanwhile, and the next one is not to find it in use.
            let isOurs = line.isWatched
            line.watchFired()
            while isOurs, !threads.isStopping, !line.isLost, line.reader == nil, !isHeldBack(for: []) {
                if !readLine(line, for: [], until: .past) { break }
            }
            deliverEvents()
            leaveLine()
        }
        lock.unlock()
    }

    private func deliverEvents() {
        while !events.isEmpty {
            let (event, mac) = events.removeFirst()
            guard let callback = eventCallback else { continue }
            lock.unlock()
            var bytes = mac.bytes
            bytes.withUnsafeMutableBytes { callback(event, $0.baseAddress) }
            lock.lock()
        }
    }

    /// Has the worker run `job`, with the lock held.
    func enqueue(_ job: @escaping () -> Void) {
        jobs.append(job)
        threads?.jobs.open()
    }

    private func work(_ threads: Threads) {
        while true {
            threads.jobs.wait()
            lock.lock()
            while !threads.isStopping, !jobs.isEmpty { jobs.removeFirst()() }
            leaveLine()
            let isOver = threads.isStopping
            lock.unlock()
            if isOver { return }
        }
    }
}

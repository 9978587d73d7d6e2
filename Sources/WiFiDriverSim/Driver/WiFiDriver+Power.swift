import CDriverWiFi

/// Initialize, PowerControl, and what is set up in the module.
extension WiFiDriver {
    func initialize(_ callback: ARM_WIFI_SignalEvent_t?) throws(DriverFailure) {
        try perform { () throws(DriverFailure) in
            if power != .uninitialized {
                eventCallback = callback
                return
            }
            let threads = Threads()
            do {
                line = try DriverLine(port: openLine())
                try threads.start(self)
            } catch {
                line = nil
                lastError = error
                throw .unspecified
            }
            self.threads = threads
            eventCallback = callback
            options = DriverOptions()
            power = .off
        }
    }

    func uninitialize() throws(DriverFailure) {
        lock.lock()
        if power != .uninitialized, power != .off { switchOff() }
        lock.unlock()
        abandon(within: .seconds(600))
    }

    /// Ends the threads and gives up the line; the module is told nothing. Waits for each thread for so long at most.
    func abandon(within time: Duration) {
        lock.lock()
        guard power != .uninitialized else { return lock.unlock() }
        power = .uninitialized
        let line = self.line
        let threads = self.threads
        loseLine()
        threads?.isStopping = true
        line?.watch.wake()
        threads?.jobs.open()
        self.threads = nil
        jobs = []
        isClosingQueued = false
        events = []
        lock.unlock()
        threads?.join(within: time)
        lock.lock()
        if self.line === line { self.line = nil }
        eventCallback = nil
        lock.unlock()
    }

    func powerControl(_ state: Power) throws(DriverFailure) {
        try perform { () throws(DriverFailure) in
            switch (power, state) {
            case (.uninitialized, _): throw .unspecified
            case (.off, .off), (.full, .full), (.low, .low): break
            case (_, .off):
                switchOff()
                power = .off
            case (.off, .full):
                try switchOn()
            case (.low, .full):
                try wakeUp()
            case (.off, .low):
                try switchOn()
                try sleepLightly()
            case (_, .low):
                try sleepLightly()
            case (_, .uninitialized): throw .invalidParameter
            }
        }
    }

    // MARK: On

    /// Takes the slot without waiting for what a Send has left behind, or for anybody else's answer.
    private func takeSlotForPower() {
        isSwitchingPower = true
        notify(.all)
        takeSlot(isLong: true)
        isSwitchingPower = false
        unconfirmed = nil
    }

    private func switchOn() throws(DriverFailure) {
        takeSlotForPower()
        defer { releaseSlot() }
        guard let line, !line.isLost else { throw .unspecified }
        abortEverything()
        conversation = .found
        needsSetup = false
        line.parser.reset()
        guard restart() else { throw .unspecified }
        missingBytes = 0
        power = .full
        guard setUpModule() else {
            power = .off
            throw .unspecified
        }
    }

    /// Brings the module into a known state: whatever it was doing, it restarts.
    private func restart() -> Bool {
        // This one command is taken by a busy module too, from 2.0 on; an older one says that it is busy until it is free.
        if awaken() == .silent { return false }
        conversation = .found
        _ = transact(CommandText("RST"), timeout: .seconds(8), expectsReset: true)
        return !(line?.isLost ?? true) && awaken() == .awake
    }

    private enum Awakening { case awake, busy, silent }

    /// Has the module answer AT, out of a data mode if it is in one.
    private func awaken() -> Awakening {
        for attempt in 0..<6 {
            if attempt == 2 { giveMissingBytes() }
            if attempt == 3 { escapeDataMode() }
            conversation = .found
            switch transact(.literal("AT"), timeout: .milliseconds(500)).outcome {
            case .done: return .awake
            case .stillBusy: return .busy
            case .lineLost: return .silent
            case .refused, .notDelivered, .moduleReset, .timedOut: break
            }
        }
        return .silent
    }

    /// What every session needs; the slot is the caller's.
    func setUpModule() -> Bool {
        guard transact(.literal("ATE0")).isDone else { return false }
        let version = transact(CommandText("GMR"))
        guard version.isDone else { return false }
        versionLines = version.lines.filter { !$0.starts(with: "AT+GMR".utf8) }
        dialect = DriverDialect(versionLines: versionLines)

        // The module's flash is its owner's: nothing set here is to survive a restart.
        if dialect.hasSystemStore { _ = transact(CommandText("SYSSTORE").field(0)) }
        mode = 1
        guard transact(CommandText(dialect.volatile("CWMODE")).field(mode)).isDone else { return false }
        // It may join by itself what its flash remembers.
        _ = transact(CommandText("CWQAP"))
        forgetNetwork()
        guard transact(CommandText("CIPMUX").field(1)).isDone else { return false }
        let showsSource = transact(CommandText("CIPDINFO").field(1)).isDone
        // Details of new links. Without them they are asked for.
        if !transact(CommandText("SYSMSG").field(2)).isDone, dialect.isGeneration1 {
            _ = transact(CommandText("SYSMSG_CUR").field(2))
        }
        let passive =
            dialect.hasReceiveType ? CommandText("CIPRECVTYPE").field(5).field(1) : CommandText("CIPRECVMODE").field(1)
        receivesPassively = transact(passive).isDone
        pushingLinks = []
        line?.parser.readsShowSource = showsSource && dialect.readsShowSource
        if dialect.hasIPv6 { _ = transact(CommandText("CIPV6").field(1)) }
        for interface in DriverOptions.Interface.allCases { applyOptions(of: interface) }
        return conversation == .found && !(line?.isLost ?? true)
    }

    // MARK: Off and low

    private func switchOff() {
        // Before the module reports what is closed now: nobody is to take that for the peer's doing.
        for socket in sockets.compactMap({ $0 }) { socket.isClosed = true }
        // Nor is anything to be read any more: what comes does not hold the line back.
        for connection in links.compactMap({ $0 }) { connection.discards = true }
        if let line, !line.isLost, power == .full, !needsSetup {
            takeSlotForPower()
            if conversation == .lost { conversation = .found }
            _ = transact(CommandText("CIPSERVER").field(0), timeout: .seconds(1))
            _ = transact(CommandText("CIPCLOSE").field(5), timeout: .seconds(1))
            _ = transact(CommandText("CWQAP"), timeout: .seconds(1))
            if mode != 1 { _ = transact(CommandText(dialect.volatile("CWMODE")).field(1), timeout: .seconds(1)) }
            releaseSlot()
        }
        sockets = Array(repeating: nil, count: Self.socketLimit)
        abortEverything()
        notify(.all)
    }

    /// Modem sleep, or deep sleep for the time that LP_TIMER holds; the latter ends with a restart.
    private func sleepLightly() throws(DriverFailure) {
        let seconds = options.number(UInt32(ARM_WIFI_LP_TIMER), of: .station)
        if seconds > 0 {
            guard run(CommandText("GSLP").field(UInt64(seconds) * 1000)).isDone else { throw .unspecified }
            abortEverything()
            notify(.all)
        } else if !run(CommandText("SLEEP").field(1)).isDone {
            throw .unspecified
        }
        power = .low
    }

    private func wakeUp() throws(DriverFailure) {
        power = .off
        if options.number(UInt32(ARM_WIFI_LP_TIMER), of: .station) > 0 { return try switchOn() }
        power = .full
        if !run(CommandText("SLEEP").field(0)).isDone { throw .unspecified }
    }

    func moduleInfo() throws(DriverFailure) -> String {
        try perform { () throws(DriverFailure) in
            try requirePower()
            return versionLines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
        }
    }

    func requirePower() throws(DriverFailure) {
        guard power == .full || power == .low, let line, !line.isLost else { throw .unspecified }
    }
}

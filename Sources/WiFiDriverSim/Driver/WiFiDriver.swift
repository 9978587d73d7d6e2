import CDriverWiFi
import WiFiSimDriverCore
import WiFiSimHost
import WiFiSimValues

/// A `DriverCore` with a serial port, the system's clock and the threads of its callers.
///
/// Threads: any number may call at the same time. `lock` guards the core and all variables, and is never held while a
/// call sleeps.
///
/// - A call that waits reads the line itself and moves the core on.
/// - Other calls that wait at the same time sleep. The reader wakes those that have ended.
/// - While no call waits, the driver's own thread reads the line, moves the time on and delivers events, but only if
///   the core needs it (`DriverCore.needsAttention`). Otherwise the bytes stay in the line's buffers, and the next call
///   reads them first.
final class WiFiDriver: @unchecked Sendable {
    // Unchecked, because `lock` guards every variable.

    static let linkLimit = DriverCore.linkLimit

    let lock = DriverLock()
    private let openLine: @Sendable () throws -> SerialPort
    let core: DriverCore
    private var port: DriverPort?
    private var watcher: Watcher?
    /// Calls that sleep while another call reads the line.
    private var sleepers: [SleepingCall] = []
    /// The bytes of the Sends in progress.
    private var blocks: [CallID: UnsafeRawBufferPointer] = [:]
    private var eventCallback: ARM_WIFI_SignalEvent_t?
    /// The reason for the last failure of Initialize.
    private(set) var lastError: (any Error)?

    /// - Parameters:
    ///   - connectTimeout: for a peer that does not answer Connect. Callers rely on less than 20 s.
    ///   - replyTimeout: for the reply to an ordinary command.
    ///   - busyTimeout: for a module that is kept busy, by a peer that does not read or by a command that was given up.
    ///   - openLine: opens the line to the module. Called by Initialize.
    init(
        connectTimeout: Duration = .seconds(18), replyTimeout: Duration = .seconds(5),
        busyTimeout: Duration = .seconds(60), openLine: @escaping @Sendable () throws -> SerialPort
    ) {
        core = DriverCore(times: .init(connect: connectTimeout, reply: replyTimeout, busy: busyTimeout))
        self.openLine = openLine
    }

    // MARK: Initialize

    func initialize(_ callback: ARM_WIFI_SignalEvent_t?) throws(DriverFailure) {
        lock.lock()
        defer { lock.unlock() }
        eventCallback = callback
        core.tellsEvents = callback != nil
        guard core.power == .uninitialized else { return }
        let watcher = Watcher()
        do {
            port = try DriverPort(openLine())
            try watcher.start(self)
        } catch {
            port = nil
            lastError = error
            throw .unspecified
        }
        self.watcher = watcher
        core.isLineLost = false
        core.options = DriverOptions()
        core.power = .off
    }

    func uninitialize() throws(DriverFailure) {
        if perform({ core.power != .uninitialized && core.power != .off }) { try? powerControl(.off) }
        abandon(within: .seconds(600))
    }

    /// Ends the thread and gives up the line without sending anything. Waits for the thread for at most `time`.
    func abandon(within time: Duration) {
        lock.lock()
        guard core.power != .uninitialized else { return lock.unlock() }
        core.power = .uninitialized
        loseLine()
        let (port, watcher) = (self.port, self.watcher)
        watcher?.isStopping = true
        port?.watch.wake()
        self.watcher = nil
        core.forgetEvents()
        lock.unlock()
        watcher?.join(within: time)
        lock.lock()
        if self.port === port { self.port = nil }
        eventCallback = nil
        core.tellsEvents = false
        lock.unlock()
    }

    // MARK: Calls

    /// Runs a function that needs no line, with the lock held and after all received bytes have been handled.
    func perform<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        lock.lock()
        defer {
            leaveLine()
            lock.unlock()
        }
        catchUp()
        return try body()
    }

    /// Runs a call until it ends.
    private func run(_ call: DriverCall) -> CallOutcome {
        lock.lock()
        defer {
            leaveLine()
            lock.unlock()
        }
        catchUp()
        return wait(for: core.call(call, at: .now))
    }

    private func wait(for id: CallID) -> CallOutcome {
        while true {
            flush()
            // The call may have ended other calls, as PowerControl does.
            wakeEnded()
            if let outcome = core.takeOutcome(of: id) { return outcome }
            turn(id)
        }
    }

    private func value(_ call: DriverCall) throws(DriverFailure) -> CallValue {
        switch run(call) {
        case .success(let value): return value
        case .failure(.driver(let failure)): throw failure
        case .failure(.socket): throw .unspecified
        }
    }

    private func socketValue(_ call: DriverCall) throws(SocketFailure) -> CallValue {
        try unwrap(run(call))
    }

    private func unwrap(_ outcome: CallOutcome) throws(SocketFailure) -> CallValue {
        switch outcome {
        case .success(let value): return value
        case .failure(.socket(let failure)): throw failure
        case .failure(.driver): throw .unspecified
        }
    }

    // MARK: The line; with the lock held

    /// Reads the line on behalf of a call, or sleeps until the reader wakes it.
    private func turn(_ id: CallID) {
        guard let port, !core.isLineLost else {
            // Without a line, the core ends every call.
            core.loseLine(at: .now)
            return
        }
        if port.isBeingRead {
            let sleeper = SleepingCall(id)
            sleepers.append(sleeper)
            // A call whose command is on the line reads the reply itself. Otherwise each reply costs two more thread
            // switches.
            if core.isOnLine(id) { port.port.wake() }
            lock.unlock()
            sleeper.sleep()
            lock.lock()
            sleepers.removeAll { $0 === sleeper }
            return
        }
        if let other = sleepers.first(where: { !$0.isWoken && core.isOnLine($0.id) }), !core.isOnLine(id) {
            // The call whose command is on the line reads first, and wakes this one afterwards.
            let sleeper = SleepingCall(id)
            sleepers.append(sleeper)
            other.wake()
            lock.unlock()
            sleeper.sleep()
            lock.lock()
            sleepers.removeAll { $0 === sleeper }
            return
        }
        read(port, for: id, until: core.nextDeadline.map(RealTime.init))
    }

    /// Reads once and moves the core on.
    /// - Returns: whether bytes arrived.
    @discardableResult
    private func read(_ port: DriverPort, for id: CallID? = nil, until deadline: RealTime?) -> Bool {
        port.setWatched(false)
        let accepts = core.acceptsInput
        var input = port.input(into: accepts ? core.directRoom : UnsafeMutableRawBufferPointer(start: nil, count: 0))
        let wantsRoom = core.output != nil
        port.reading = .init(call: id, until: deadline, acceptsInput: accepts, wantsRoom: wantsRoom)
        lock.unlock()
        var isBroken = false
        do throws(SerialPortError) {
            if accepts {
                try port.read(&input, orWrite: wantsRoom, until: deadline)
            } else {
                _ = try port.port.wait(toRead: false, orWrite: wantsRoom, until: deadline)
            }
        } catch {
            isBroken = true
        }
        lock.lock()
        port.reading = nil
        if isBroken {
            loseLine()
        } else if input.count > 0 {
            core.receive(direct: input.direct, input.rest, at: .now)
        } else if deadline != .past {
            core.advance(to: .now)
        }
        flush()
        wakeEnded()
        return input.count > 0
    }

    /// Handles the bytes that have arrived, without waiting. Limited to more than the line's buffers hold.
    private func catchUp() {
        guard let port, !core.isLineLost, !port.isBeingRead else { return }
        var reads = 0
        while reads < Self.longestCatchingUp, core.acceptsInput, read(port, until: .past) { reads += 1 }
        core.advance(to: .now)
    }

    /// In reads, of at most 4 KiB each on a tty: more than its buffers hold. A module that keeps sending must not delay
    /// the call.
    private static let longestCatchingUp = 32

    /// Writes the core's output until the line takes no more.
    private func flush() {
        guard let port, !core.isLineLost else { return }
        var hasCaughtUp = false
        while let output = core.output {
            if case .command = output, !port.isBeingRead, !hasCaughtUp {
                // Bytes that have arrived by now cannot be the command's reply.
                hasCaughtUp = true
                port.reading = .init()
                var input = port.input(into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
                let isBroken: Bool
                do throws(SerialPortError) {
                    if core.acceptsInput { try port.read(&input, orWrite: false, until: .past) }
                    isBroken = false
                } catch {
                    isBroken = true
                }
                port.reading = nil
                if isBroken { return loseLine() }
                if input.count > 0 {
                    core.receive(direct: input.direct, input.rest, at: .now)
                    continue
                }
            }
            do throws(SerialPortError) {
                let count = try write(output, to: port.port)
                if count == 0 { return }
                core.wrote(count, at: .now)
                hasCaughtUp = false
            } catch {
                return loseLine()
            }
        }
    }

    private func write(_ output: DriverCore.Output, to port: SerialPort) throws(SerialPortError) -> Int {
        switch output {
        case .command(let bytes), .bytes(let bytes):
            var count = 0
            var failure: SerialPortError?
            bytes.withUnsafeBytes {
                do throws(SerialPortError) { count = try port.write($0) } catch { failure = error }
            }
            if let failure { throw failure }
            return count
        case .block(let id, let range):
            guard let block = blocks[id] else { return 0 }
            return try port.write(UnsafeRawBufferPointer(rebasing: block[range]))
        }
    }

    private func loseLine() {
        core.loseLine(at: .now)
        port?.port.wake()
        wakeEnded()
    }

    private func wakeEnded() {
        for sleeper in sleepers where core.hasOutcome(of: sleeper.id) { sleeper.wake() }
        informReader()
        if core.hasEvents { port?.watch.wake() }
    }

    /// Wakes the reader if something has changed that it waits for.
    private func informReader() {
        guard let port, let reading = port.reading, reading.until != .past else { return }
        let hasEnded = reading.call.map { core.hasOutcome(of: $0) } ?? false
        let isDueSooner = core.nextDeadline.map { next in reading.until.map { RealTime(next) < $0 } ?? true } ?? false
        if hasEnded || isDueSooner || core.acceptsInput != reading.acceptsInput
            || core.output != nil && !reading.wantsRoom
        {
            port.port.wake()
        }
    }

    /// At the end of a call: hands reading over to another call or to the driver's own thread, if it is needed.
    private func leaveLine() {
        flush()
        wakeEnded()
        guard let port, !port.isBeingRead, !core.isLineLost else { return }
        let next = sleepers.first { !$0.isWoken && core.isOnLine($0.id) } ?? sleepers.first { !$0.isWoken }
        if let next {
            next.wake()
        } else if sleepers.isEmpty, core.needsAttention, core.acceptsInput {
            port.setWatched(true)
            // The thread moves the time on as well.
            if core.nextDeadline != nil { port.watch.wake() }
        }
    }

    // MARK: The driver's own thread

    /// The driver's own thread, which runs from Initialize to Uninitialize. Its variables are guarded by the driver's
    /// lock. The caller of `start` also calls `join`.
    private final class Watcher: @unchecked Sendable {
        private var thread: Thread.Running?
        var isStopping = false

        /// Called with the lock held, so that the thread does nothing before the caller has finished.
        func start(_ driver: WiFiDriver) throws(SystemError) {
            thread = try Thread { [self] in driver.watch(self) }.startJoinable()
        }

        /// Called without the lock, after `isStopping` has been set with the lock held.
        func join(within time: Duration) { thread?.join(within: time) }
    }

    private func watch(_ watcher: Watcher) {
        lock.lock()
        guard let port else { return lock.unlock() }
        while !watcher.isStopping {
            let isIdle = sleepers.isEmpty && !port.isBeingRead
            let deadline = isIdle ? core.nextDeadline.map(RealTime.init) : nil
            lock.unlock()
            port.watch.sleep(until: deadline)
            lock.lock()
            // A call may have taken over the line.
            let isOurs = port.isWatched
            port.watchFired()
            if !watcher.isStopping, !core.isLineLost, !port.isBeingRead {
                while isOurs, core.acceptsInput, !port.isBeingRead, read(port, until: .past) {}
                core.advance(to: .now)
            }
            deliverEvents()
            leaveLine()
        }
        lock.unlock()
    }

    private func deliverEvents() {
        for event in core.takeEvents() {
            guard let callback = eventCallback else { continue }
            lock.unlock()
            var bytes = event.mac.bytes
            bytes.withUnsafeMutableBytes { callback(event.code, $0.baseAddress) }
            lock.lock()
        }
    }

    // MARK: Management

    func powerControl(_ state: DriverCore.Power) throws(DriverFailure) {
        _ = try value(.power(state))
    }

    func moduleInfo() throws(DriverFailure) -> String {
        try perform { () throws(DriverFailure) in
            guard core.hasPower else { throw .unspecified }
            return core.versionLines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
        }
    }

    func isConnected() -> Bool { perform { core.isConnected } }

    func scan(limit: Int) throws(DriverFailure) -> [ScannedNetwork] {
        let found = try value(.scan(limit: limit))
        guard case .networks(let networks) = found else { return [] }
        return networks
    }

    func activate(interface: UInt32, _ configuration: NetworkConfiguration?) throws(DriverFailure) {
        guard let interface = DriverOptions.Interface(rawValue: interface), let configuration else {
            throw .invalidParameter
        }
        _ = try value(.activate(interface, configuration))
    }

    func deactivate(interface: UInt32) throws(DriverFailure) {
        guard let interface = DriverOptions.Interface(rawValue: interface) else { throw .invalidParameter }
        _ = try value(.deactivate(interface))
    }

    func networkInformation() throws(DriverFailure) -> NetworkInformation {
        let value = try value(.networkInformation)
        guard case .network(let network) = value else { throw .unspecified }
        return network
    }

    func setOption(_ option: UInt32, interface: UInt32, data: UnsafeRawBufferPointer) throws(DriverFailure) {
        guard let interface = DriverOptions.Interface(rawValue: interface), data.baseAddress != nil else {
            throw .invalidParameter
        }
        let length = try DriverOptions.length(option, of: interface)
        guard data.count >= length else { throw .invalidParameter }
        _ = try value(.setOption(option, interface, Array(data[..<length])))
    }

    func getOption(_ option: UInt32, interface: UInt32, room: Int) throws(DriverFailure) -> [UInt8] {
        guard let interface = DriverOptions.Interface(rawValue: interface) else { throw .invalidParameter }
        let length = try DriverOptions.length(option, of: interface)
        guard room >= length else { throw .invalidParameter }
        let value = try value(.getOption(option, interface))
        guard case .bytes(let bytes) = value else { throw .unspecified }
        return bytes
    }

    func ping(_ ip: IPAddress) throws(DriverFailure) {
        _ = try value(.ping(ip, until: .now + .milliseconds(1900)))
    }

    // MARK: Sockets

    func createSocket(family: IPAddress.Family, isStream: Bool) throws(SocketFailure) -> Int {
        try perform { () throws(SocketFailure) in try core.createSocket(family: family, isStream: isStream) }
    }

    func socketOption(_ option: Int32, of number: Int32) throws(SocketFailure) -> UInt32 {
        try perform { () throws(SocketFailure) in try core.socketOption(option, of: number) }
    }

    func setSocketOption(_ option: Int32, of number: Int32, to value: UInt32?) throws(SocketFailure) {
        try perform { () throws(SocketFailure) in try core.setSocketOption(option, of: number, to: value) }
    }

    func check(_ number: Int32, room: UInt32?) throws(SocketFailure) {
        try perform { () throws(SocketFailure) in try core.check(number, room: room) }
    }

    func bind(_ number: Int32, to local: Endpoint?) throws(SocketFailure) {
        _ = try socketValue(.bind(number, to: local))
    }

    func listen(_ number: Int32) throws(SocketFailure) { _ = try socketValue(.listen(number)) }

    func accept(_ number: Int32) throws(SocketFailure) -> (socket: Int, peer: Endpoint?) {
        guard case .accepted(let socket, let peer) = try socketValue(.accept(number)) else {
            throw .unspecified
        }
        return (socket, peer)
    }

    func connect(_ number: Int32, to peer: Endpoint?) throws(SocketFailure) {
        _ = try socketValue(.connect(number, to: peer))
    }

    func close(_ number: Int32) throws(SocketFailure) { _ = try socketValue(.close(number)) }

    /// Receives at most a buffer full. With an empty buffer, asks whether there is something to read. Waits if the
    /// socket is blocking.
    func receive(
        _ number: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SocketFailure) -> (count: Int, source: Endpoint?) {
        lock.lock()
        defer {
            leaveLine()
            lock.unlock()
        }
        let socket = try core.socket(number)
        // Bytes that have been received already need no look at the line.
        if let found = take(socket, buffer) { return found }
        let deadline = socket.deadline(socket.receiveTimeout, from: .now)
        catchUp()
        while true {
            if let found = take(socket, buffer) { return found }
            _ = try unwrap(wait(for: core.call(.receive(socket, until: deadline), at: .now)))
        }
    }

    private func take(
        _ socket: DriverSocket, _ buffer: UnsafeMutableRawBufferPointer
    ) -> (count: Int, source: Endpoint?)? {
        if socket.isClosed { return nil }
        return core.read(socket, into: buffer)
    }

    /// Sends all of `bytes` if the socket is blocking. Otherwise sends as much as possible without waiting for a long
    /// command of another call, or for a peer that does not read. Without bytes, asks whether a Send would wait.
    func send(
        _ number: Int32, _ bytes: UnsafeRawBufferPointer, to destination: Endpoint?
    ) throws(SocketFailure) -> Int {
        lock.lock()
        defer {
            leaveLine()
            lock.unlock()
        }
        catchUp()
        let socket = try core.socket(number)
        let deadline = socket.deadline(socket.sendTimeout, from: .now)
        let id = core.call(.send(socket, count: bytes.count, to: destination, until: deadline), at: .now)
        blocks[id] = bytes
        defer { blocks[id] = nil }
        guard case .count(let count) = try unwrap(wait(for: id)) else { throw .unspecified }
        return count
    }

    func localAddress(of number: Int32) throws(SocketFailure) -> Endpoint {
        try endpoint(.localAddress(number))
    }

    func peerAddress(of number: Int32) throws(SocketFailure) -> Endpoint { try endpoint(.peerAddress(number)) }

    private func endpoint(_ call: DriverCall) throws(SocketFailure) -> Endpoint {
        guard case .endpoint(let endpoint) = try socketValue(call) else { throw .unspecified }
        return endpoint
    }

    // MARK: Names

    func resolve(_ name: String, _ family: IPAddress.Family) throws(SocketFailure) -> IPAddress {
        if let literal = IPAddress(name), perform({ core.power == .full }) {
            guard literal.family == family else { throw .hostNotFound }
            return literal
        }
        let value = try socketValue(.resolve(name, family))
        guard case .address(let address) = value else { throw .unspecified }
        return address
    }
}

extension RealTime {
    init(_ instant: Instant) { self.init(nanoseconds: instant.nanoseconds) }
}

extension Instant {
    /// The system's monotonic clock.
    static var now: Instant { Instant(RealTime.now) }
    private init(_ time: RealTime) { self.init(nanoseconds: time.nanoseconds) }
}

import WiFiSimValues

/// The driver for one module: sockets, links and the conversation over AT commands, without a line, a clock or a
/// thread.
///
/// The owner (`WiFiDriver` with threads and a serial port, or a test with a simulated module) moves bytes and time.
/// There are three kinds of methods:
///
/// - Calls. `call(_:at:)` starts a call of the CMSIS-Driver. `takeOutcome(of:)` returns its result once, when it has
///   ended. A function that never waits for the module has a method of its own, such as `createSocket`.
/// - Input. `receive(direct:_:at:)` takes bytes from the line, `wrote(_:at:)` the number of bytes that the line has
///   taken, `advance(to:)` the time, `loseLine(at:)` the loss of the line. Each may end any number of calls, now or at
///   the next `advance(to:)`.
/// - Output. `output` is what to write next. `nextDeadline` is when to call `advance(to:)`. `takeEvents()` returns the
///   events for the application's callback.
///
/// After each call and each input, read all three outputs again, and write `output` until the line takes no more.
/// Before writing an `Output.command`, pass in all bytes that have arrived: they cannot be its reply. While
/// `acceptsInput` is false, do not read the line, so that the module has to wait.
///
/// Time only moves forward: a `now` before the latest one counts as the latest. The core never reads a clock, blocks,
/// performs input or output, or calls back into its owner.
///
/// Not thread-safe. One thread at a time may use the core. The one exception is the memory of `directRoom`, which
/// another thread may fill while the core is in use.
package final class DriverCore {
    /// Time-outs.
    package struct Times {
        /// For a peer that does not answer a Connect. Callers rely on less than 20 s.
        var connect = Duration.seconds(18)
        /// For the reply to an ordinary command.
        var reply = Duration.seconds(5)
        /// For a module that is kept busy, by a peer that does not read or by a command that was given up.
        var busy = Duration.seconds(60)

        package init(
            connect: Duration = Duration.seconds(18), reply: Duration = Duration.seconds(5),
            busy: Duration = Duration.seconds(60)
        ) {
            self.connect = connect
            self.reply = reply
            self.busy = busy
        }
    }

    package enum Power { case uninitialized, off, low, full }

    static let socketLimit = 16
    package static let linkLimit = 5
    /// In bytes. Above this, with no call waiting, the line is not read.
    static let idleLimit = 128 * 1024
    /// In bytes. Above this, the line is not read until the application has taken some.
    static let heldBackLimit = 1024 * 1024
    /// In bytes. The limit while a command waits for its reply, which comes after the data before it.
    static let replyLimit = 2 * heldBackLimit
    /// A datagram socket drops what it receives beyond either limit.
    static let datagramLimit = (bytes: 256 * 1024, count: 4096)
    /// Connections that wait for Accept. Above this, one that has already ended is removed for a new one.
    static let pendingLimit = 16
    /// Events that wait for the application. Later ones are dropped.
    static let eventLimit = 256

    let times: Times
    /// The time of the last call or input.
    var now = Instant.zero

    // MARK: The module

    package var power = Power.uninitialized
    /// The line is not open, or was lost.
    package var isLineLost = true
    var dialect = DriverDialect.unknown
    package var versionLines: [[UInt8]] = []
    var trust = Trust.found
    /// Unanswered questions since the conversation was lost.
    var silentAttempts = 0
    /// The module restarted by itself and has lost its setup.
    var needsSetup = false
    /// The firmware keeps TCP data until the driver reads it.
    var receivesPassively = false
    /// Bytes announced to CIPSEND that the module may still wait for.
    var missingBytes = 0
    package var options = DriverOptions()
    var station = StationState()
    var accessPointIsActive = false
    /// CWMODE: 1 station, 2 soft-AP, 3 both.
    var mode = 1

    /// Whether the driver can tell which command a reply belongs to.
    enum Trust {
        case found
        /// A command ended without its reply. The conversation has to be found again before the next command.
        case lost
        /// The search failed because the module stayed busy. Each call searches for 2 s.
        case busy
        /// The search failed because the module sent nothing: it has no power or no line. Each call asks once.
        case silent
    }

    /// The network that the station has joined.
    struct StationState {
        var isConnected = false
        /// The arguments of Activate.
        var ssid: [UInt8] = []
        var password: [UInt8] = []
        var security = NetworkSecurity.open
        /// The addresses in `options` may be out of date.
        var addressIsStale = false
    }

    // MARK: The line

    var parser = ResponseParser()
    /// The destination of the current payload.
    var sink = Sink.discard
    /// The connection that CIPRECVDATA reads for.
    var readTarget: DriverConnection?
    /// Received bytes that were dropped: datagrams beyond a full queue, data of closed sockets.
    var droppedCount = 0
    var outputQueue: [Output] = []
    /// Work that waits for the line, in order of arrival.
    var queue: [QueuedWork] = []
    var current: CurrentWork?
    var command: CommandInFlight?
    /// A block whose Send has returned. `command` is the command of that block.
    var unconfirmed: UnconfirmedDelivery?
    /// The power is about to be switched. Other work no longer waits for the module, except for a prompt.
    var isSwitchingPower = false

    enum Sink {
        case discard
        case connection(DriverConnection)
    }

    /// Something to write to the line.
    package enum Output {
        /// A command line. Bytes received before it is written cannot be its reply.
        case command([UInt8])
        case bytes([UInt8])
        /// A part of the bytes that the application passed to a Send.
        case block(CallID, Range<Int>)
    }

    // MARK: Sockets and links

    var links = [DriverConnection?](repeating: nil, count: DriverCore.linkLimit)
    var sockets = [DriverSocket?](repeating: nil, count: DriverCore.socketLimit)
    /// The listener whose server runs in the module. It outlives its socket until the server is stopped.
    var servedListener: DriverSocket.Listener?
    /// Links that push what they receive, because they carry datagrams.
    var pushingLinks: Set<Int> = []
    /// Links that a Connect found taken although the module had not reported them.
    var blockedLinks: Set<Int> = []
    var nextEphemeralPort: UInt16 = 49152
    /// A `CloseUnwantedLinks` is in the queue.
    var isClosingQueued = false

    // MARK: Calls

    private var nextCall: UInt64 = 1
    /// Calls in progress, in the order in which they began.
    private(set) var calls: [PendingCall] = []
    private var outcomes: [CallID: CallOutcome] = [:]
    /// Sockets, the network or the line have changed: every call has to look at them again.
    private var hasChanged = false
    private var isSettling = false

    package var tellsEvents = false
    private(set) var events: [Event] = []
    private(set) var droppedEvents = 0

    /// An event for the application's callback.
    package struct Event {
        package let code: UInt32
        package let mac: MACAddress
    }

    package init(times: Times = Times()) { self.times = times }

    // MARK: Calls

    /// Starts a call, which may end at once.
    /// - Returns: its identifier, for `takeOutcome(of:)`.
    package func call(_ call: DriverCall, at now: Instant) -> CallID {
        self.now = max(self.now, now)
        let id = CallID(rawValue: nextCall)
        nextCall += 1
        let call = call.pending(id)
        calls.append(call)
        call.proceed(self)
        settle()
        return id
    }

    /// The result of a call, returned once. Nil while the call is in progress.
    package func takeOutcome(of id: CallID) -> CallOutcome? { outcomes.removeValue(forKey: id) }

    package func hasOutcome(of id: CallID) -> Bool { outcomes[id] != nil }

    func finish(_ call: PendingCall, _ outcome: CallOutcome) {
        guard let index = calls.firstIndex(where: { $0 === call }) else { return }
        calls.remove(at: index)
        outcomes[call.id] = outcome
        dropBlocks(of: call.id)
    }

    /// Records that something has changed that calls may wait for.
    func noteChange() { hasChanged = true }

    /// Moves calls and work on until nothing changes at the current instant.
    func settle() {
        if isSettling { return }
        isSettling = true
        defer { isSettling = false }
        repeat {
            hasChanged = false
            for call in calls { call.proceed(self) }
            startNextWork()
        } while hasChanged
    }

    // MARK: Input

    /// Memory for the bytes of the current payload, at most 64 KiB, to read the line into without a copy. Empty if
    /// there is no such payload. Valid until the next `receive`, also while the application takes bytes.
    package var directRoom: UnsafeMutableRawBufferPointer {
        guard case .connection(let connection) = sink, !connection.discards, parser.payloadRemaining > 0 else {
            return UnsafeMutableRawBufferPointer(start: nil, count: 0)
        }
        return connection.queue.reserve(min(parser.payloadRemaining, Self.longestDirectRead))
    }

    private static let longestDirectRead = 64 * 1024

    /// Takes bytes from the line: the first `direct` bytes are in `directRoom`, the rest in `bytes`.
    package func receive(direct: Int = 0, _ bytes: UnsafeRawBufferPointer, at now: Instant) {
        self.now = max(self.now, now)
        if direct > 0, case .connection(let connection) = sink {
            connection.queue.commit(direct)
            parser.payloadDelivered(direct)
            noteChange()
        }
        if !bytes.isEmpty {
            // Messages only change the state. Work continues in `advance(to:)`, because it may change the parser.
            var dispatcher = Dispatcher(core: self)
            parser.parse(bytes, into: &dispatcher)
        }
        advance(to: now)
    }

    /// Records that the line is lost. Every call and all work ends.
    package func loseLine(at now: Instant) {
        self.now = max(self.now, now)
        guard !isLineLost else { return }
        isLineLost = true
        outputQueue = []
        abortEverything()
        endCommand(.lineLost)
        for queued in queue { withdraw(queued.work, .unavailable(.lineLost)) }
        noteChange()
        settle()
    }

    /// Moves the time on and handles deadlines that have passed.
    package func advance(to now: Instant) {
        self.now = max(self.now, now)
        advanceLine()
        for call in calls {
            if let deadline = call.deadline, deadline <= self.now { call.proceed(self) }
        }
        settle()
    }

    // MARK: Output

    /// What to write to the line now. Nil if there is nothing.
    package var output: Output? { outputQueue.first }

    /// Records that the line has taken `count` bytes of `output`.
    package func wrote(_ count: Int, at now: Instant) {
        self.now = max(self.now, now)
        guard count > 0, let first = outputQueue.first else { return }
        switch first {
        case .command(let line):
            command?.isOnLine = true
            keepRest(line.count > count ? .bytes(Array(line[count...])) : nil)
        case .bytes(let bytes): keepRest(bytes.count > count ? .bytes(Array(bytes[count...])) : nil)
        case .block(let id, let range):
            if isSwitchingPower { command?.deadline = self.now + .seconds(1) }
            keepRest(range.count > count ? .block(id, range.lowerBound + count..<range.upperBound) : nil)
        }
    }

    private func keepRest(_ rest: Output?) {
        if let rest { outputQueue[0] = rest } else { outputQueue.removeFirst() }
    }

    private func dropBlocks(of id: CallID) {
        outputQueue.removeAll { if case .block(id, _) = $0 { true } else { false } }
    }

    /// When to call `advance(to:)` next. Nil if no deadline is set.
    package var nextDeadline: Instant? {
        var next = lineDeadline
        for call in calls where call.work == nil { next = .earlier(next, call.deadline) }
        return next
    }

    /// Whether the line may be read. If not, the module has to wait, and so does its peer.
    package var acceptsInput: Bool {
        !isHeldBack(above: command != nil ? Self.replyLimit : calls.isEmpty ? Self.idleLimit : Self.heldBackLimit)
    }

    func isHeldBack(above limit: Int) -> Bool {
        links.contains { $0.map { $0.queue.count > limit && !$0.discards } ?? false }
    }

    /// Whether the line has to be read although no call waits: work is in progress, events are to be delivered, or a
    /// link pushes data, for which the buffers of the line are too small.
    package var needsAttention: Bool {
        current != nil || unconfirmed != nil || !queue.isEmpty || (tellsEvents && accessPointIsActive)
            || ((!receivesPassively || pushesEverything) && servedListener != nil)
            || links.contains { $0.map { !isPassive($0) } ?? false }
    }

    package var hasEvents: Bool { !events.isEmpty }

    package func takeEvents() -> [Event] {
        defer { events = [] }
        return events
    }

    func report(_ code: UInt32, _ mac: MACAddress) {
        guard tellsEvents else { return }
        guard events.count < Self.eventLimit else {
            droppedEvents += 1
            return
        }
        events.append(Event(code: code, mac: mac))
    }

    package func forgetEvents() { events = [] }
}

/// The identifier of a call.
package struct CallID: Hashable, Comparable {
    let rawValue: UInt64
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

package typealias CallOutcome = Result<CallValue, CallFailure>

/// The result values of calls.
package enum CallValue {
    case nothing
    case count(Int)
    case endpoint(Endpoint)
    case accepted(socket: Int, peer: Endpoint?)
    case networks([ScannedNetwork])
    case network(NetworkInformation)
    case address(IPAddress)
    case bytes([UInt8])
}

package enum CallFailure: Error {
    case socket(SocketFailure)
    case driver(DriverFailure)
}

/// A call in progress.
///
/// `proceed` looks at the current state and ends the call, queues work for the line, or does nothing yet. It runs when
/// the call starts, whenever something has changed, when its work has ended, and at its deadline.
class PendingCall {
    let id: CallID
    /// When the call returns although what it waits for has not happened.
    var deadline: Instant?
    /// The work that the call waits for.
    final var work: LineWork?

    init(_ id: CallID, deadline: Instant? = nil) {
        self.id = id
        self.deadline = deadline
    }

    func proceed(_ core: DriverCore) { preconditionFailure("a kind of call has its own") }

    /// Queues work that this call waits for.
    final func start(
        _ work: LineWork, isLong: Bool = false, for socket: DriverSocket? = nil, until deadline: Instant? = nil,
        on core: DriverCore
    ) {
        self.work = work
        work.call = self
        core.enqueue(work, isLong: isLong, for: socket, until: deadline)
    }

    final func isOver(at now: Instant) -> Bool { deadline.map { $0 <= now } ?? false }
}

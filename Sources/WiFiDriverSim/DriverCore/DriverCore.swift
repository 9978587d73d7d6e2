import WiFiSimValues

/// A CMSIS-Driver WiFi over AT commands, without a line, a clock or a thread.
///
/// The core keeps the sockets, the links and the conversation with the module. Whoever drives it (`WiFiDriver` with threads
/// and a serial port, a test with a simulated module) moves bytes and time. There are three kinds of methods:
///
/// - Calls. `call(_:at:)` starts one; `takeOutcome(of:)` gives its end once it has come. Until then the call must be kept
///   going by input. What ends at once has a function of its own, as `createSocket`.
/// - Input. `receive(…)` takes what the module said, `wrote(_:at:)` tells how much of the output the line has taken,
///   `advance(to:)` lets time pass. Each may end any number of calls.
/// - Output. After each call or input: `output` is what the line is to take next, `nextDeadline` when `advance(to:)` has
///   something to do, `takeEvents()` what the application is to be told.
///
/// Time only moves forward. Before output that begins a command, input that is there already should be given: it is about
/// the past. While `acceptsInput` is false the line is not to be read, so that the module has to wait.
///
/// Not thread-safe: one thread at a time, and the memory of `directRoom` may be filled by another meanwhile.
package final class DriverCore {
    /// How long to wait for what.
    package struct Times {
        /// A peer that does not answer is given up after this; callers count on less than 20 s.
        var connect = Duration.seconds(18)
        /// How long a command that asks for nothing lengthy may take.
        var reply = Duration.seconds(5)
        /// How long the module may be kept busy: by a peer that does not read, or by a command that was given up.
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
    /// In bytes. Above this a queue is not filled for the sake of reading alone.
    static let idleLimit = 128 * 1024
    /// In bytes. Above this a queue stops all reading until the application has taken some.
    static let heldBackLimit = 1024 * 1024
    /// The same while a reply is awaited, which comes behind what the module has said before.
    static let replyLimit = 2 * heldBackLimit
    /// A datagram socket whose queue has more bytes, or more datagrams, drops what comes.
    static let datagramLimit = (bytes: 256 * 1024, count: 4096)
    /// Connections that wait for Accept; those that have ended meanwhile make room for new ones.
    static let pendingLimit = 16
    /// Events that wait for the application; later ones are dropped.
    static let eventLimit = 256

    let times: Times
    /// The time of the last call or input.
    var now = Instant.zero

    // MARK: The module

    package var power = Power.uninitialized
    /// There is no line, or no more.
    package var isLineLost = true
    var dialect = DriverDialect.unknown
    package var versionLines: [[UInt8]] = []
    var trust = Trust.found
    /// Questions without an answer since the conversation was lost.
    var silentAttempts = 0
    /// The module restarted by itself and has lost what was set up.
    var needsSetup = false
    /// The firmware keeps TCP data until it is asked for.
    var receivesPassively = false
    /// Bytes announced to CIPSEND that the module may still be waiting for.
    var missingBytes = 0
    package var options = DriverOptions()
    var station = StationState()
    var accessPointIsActive = false
    /// CWMODE: 1 station, 2 soft-AP, 3 both.
    var mode = 1

    /// Whether replies can be told apart.
    enum Trust {
        case found
        /// A command ended without its reply: before the next one, the conversation is to be found again.
        case lost
        /// It was not found again, since the module was busy for too long. Each call looks for a moment.
        case busy
        /// It was not found again, since the module said nothing: it has lost its power, or its line. Each call asks once.
        case silent
    }

    /// The network that the station is in.
    struct StationState {
        var isConnected = false
        /// What Activate was called with.
        var ssid: [UInt8] = []
        var password: [UInt8] = []
        var security: UInt8 = 0
        /// The addresses of `options` may no longer be those in use.
        var addressIsStale = false
    }

    // MARK: The line

    var parser = ResponseParser()
    /// Where the bytes of the current payload go.
    var sink = Sink.discard
    /// What CIPRECVDATA reads for.
    var readTarget: DriverConnection?
    /// Bytes that nobody could take: datagrams beyond a full queue, data of closed sockets.
    var droppedCount = 0
    var outputQueue: [Output] = []
    /// Work that waits for the line, in the order of asking.
    var queue: [QueuedWork] = []
    var current: CurrentWork?
    var command: CommandInFlight?
    /// What a Send has left behind: the command in flight is its.
    var unconfirmed: UnconfirmedDelivery?
    /// The power is about to be switched: nobody waits for the module's answer any more, but for a prompt.
    var isSwitchingPower = false

    enum Sink {
        case discard
        case connection(DriverConnection)
    }

    /// What the line is to take.
    package enum Output {
        /// A line: input of before is about the past.
        case command([UInt8])
        case bytes([UInt8])
        /// A part of what the application gave to a Send.
        case block(CallID, Range<Int>)
    }

    // MARK: Sockets and links

    var links = [DriverConnection?](repeating: nil, count: DriverCore.linkLimit)
    var sockets = [DriverSocket?](repeating: nil, count: DriverCore.socketLimit)
    /// Whose server the module runs. It outlives the socket until its turn to be stopped comes.
    var servedListener: DriverSocket.Listener?
    /// Links that CIPRECVTYPE has set to push what they receive, for datagrams.
    var pushingLinks: Set<Int> = []
    /// Numbers that a Connect found taken although nothing was reported of them.
    var blockedLinks: Set<Int> = []
    var nextEphemeralPort: UInt16 = 49152
    /// The work that closes links nobody wants is in the queue.
    var isClosingQueued = false

    // MARK: Calls

    private var nextCall: UInt64 = 1
    /// Calls that have not ended, in the order in which they began.
    private(set) var calls: [PendingCall] = []
    private var outcomes: [CallID: CallOutcome] = [:]
    /// Sockets, the network or the line have changed: calls look at it again.
    private var hasChanged = false
    private var isSettling = false

    package var tellsEvents = false
    private(set) var events: [Event] = []
    private(set) var droppedEvents = 0

    /// What the application's callback is told.
    package struct Event {
        package let code: UInt32
        package let mac: MACAddress
    }

    package init(times: Times = Times()) { self.times = times }

    // MARK: Calls

    /// Starts a call.
    /// - Returns: its name, for `takeOutcome(of:)`.
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

    /// How a call has ended, once; `nil` while it goes on.
    package func takeOutcome(of id: CallID) -> CallOutcome? { outcomes.removeValue(forKey: id) }

    package func hasOutcome(of id: CallID) -> Bool { outcomes[id] != nil }

    /// Ends a call. Its work goes on where it is on the line already.
    func cancel(_ id: CallID, at now: Instant) {
        self.now = max(self.now, now)
        guard let call = calls.first(where: { $0.id == id }) else { return }
        if let work = call.work { withdraw(work, .notInTime) }
        finish(call, .failure(.socket(.aborted)))
        settle()
    }

    func finish(_ call: PendingCall, _ outcome: CallOutcome) {
        guard let index = calls.firstIndex(where: { $0 === call }) else { return }
        calls.remove(at: index)
        outcomes[call.id] = outcome
        dropBlocks(of: call.id)
    }

    /// Something that calls wait for may have changed.
    func noteChange() { hasChanged = true }

    /// Lets calls and work go on until nothing moves.
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

    /// Room for bytes of the payload at hand, where the line may be read straight into; empty where there is none. It stays
    /// valid until the next `receive`, also while the application takes bytes.
    package var directRoom: UnsafeMutableRawBufferPointer {
        guard case .connection(let connection) = sink, !connection.discards, parser.payloadRemaining > 0 else {
            return UnsafeMutableRawBufferPointer(start: nil, count: 0)
        }
        return connection.queue.reserve(min(parser.payloadRemaining, Self.longestDirectRead))
    }

    private static let longestDirectRead = 64 * 1024

    /// Takes what came from the line: first `direct` bytes that were put into `directRoom`, then `bytes`.
    package func receive(direct: Int = 0, _ bytes: UnsafeRawBufferPointer, at now: Instant) {
        self.now = max(self.now, now)
        if direct > 0, case .connection(let connection) = sink {
            connection.queue.commit(direct)
            parser.payloadDelivered(direct)
            noteChange()
        }
        if !bytes.isEmpty {
            // What the messages lead to comes after them: it may change the parser.
            var dispatcher = Dispatcher(core: self)
            parser.parse(bytes, into: &dispatcher)
        }
        advance(to: now)
    }

    /// The line is gone.
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

    /// Lets time pass.
    package func advance(to now: Instant) {
        self.now = max(self.now, now)
        advanceLine()
        for call in calls {
            if let deadline = call.deadline, deadline <= self.now { call.proceed(self) }
        }
        settle()
    }

    // MARK: Output

    /// What the line is to take now.
    package var output: Output? { outputQueue.first }

    /// The line has taken so many bytes of `output`.
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

    /// When `advance(to:)` has something to do.
    package var nextDeadline: Instant? {
        var next = lineDeadline
        for call in calls where call.work == nil { next = .earlier(next, call.deadline) }
        return next
    }

    /// Whether the line may be read: else the module, and by it the peer, has to wait.
    package var acceptsInput: Bool {
        !isHeldBack(above: command != nil ? Self.replyLimit : calls.isEmpty ? Self.idleLimit : Self.heldBackLimit)
    }

    func isHeldBack(above limit: Int) -> Bool {
        links.contains { $0.map { $0.queue.count > limit && !$0.discards } ?? false }
    }

    /// Whether what comes has to be read although no call waits: work is under way, events are to be told, or data are
    /// pushed, for which a line's buffers are small.
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

/// The name of a call.
package struct CallID: Hashable, Comparable {
    let rawValue: UInt64
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

package typealias CallOutcome = Result<CallValue, CallFailure>

/// What calls give.
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

/// A call that has not ended.
///
/// `proceed` looks at how things are: it ends the call, asks for work on the line, or leaves both for later. It runs when
/// the call starts, whenever something has changed, when its work has ended and at its deadline.
class PendingCall {
    let id: CallID
    /// When it returns although what it waits for has not come.
    var deadline: Instant?
    /// The work that it waits for.
    final var work: LineWork?

    init(_ id: CallID, deadline: Instant? = nil) {
        self.id = id
        self.deadline = deadline
    }

    func proceed(_ core: DriverCore) { preconditionFailure("a kind of call has its own") }

    /// Asks for the line.
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

import WiFiSimValues

/// A unit of work on the line: one command, or several that belong together.
///
/// Work has the line to itself from its first step to its end. It is a state machine: `next` takes the reply to the
/// last step and returns the next one.
class LineWork {
    /// The call that waits for it. Nil if there is none.
    final weak var call: PendingCall?
    final var ending: Ending?

    /// How work ends.
    enum Ending: Equatable {
        case finished
        /// It did not start before its deadline, or before its socket was closed.
        case notInTime
        /// It did not start, because the module could not be made ready.
        case unavailable(CommandExchange.Outcome)
        /// The module has the block, and the caller did not wait for the confirmation.
        case unconfirmed
    }

    /// Whether this work finds the conversation, and so may send commands before it is found.
    var findsConversation: Bool { false }

    /// Takes the next step.
    /// - Parameters:
    ///   - reply: the reply to the command of the last step. Nil at the start, and after any other step.
    ///   - core: the core whose state it reads and changes.
    /// - Returns: the next step on the line.
    func next(_ reply: Reply?, _ core: DriverCore) -> LineStep { preconditionFailure("a kind of work has its own") }

    /// Called when it has ended without having started. `ending` holds the reason.
    func failed(_ core: DriverCore) {}
}

enum LineStep {
    case command(
        CommandText, expecting: CommandExchange.Expectation = .nothing, timeout: Duration? = nil,
        expectsReset: Bool = false)
    /// A command that announces `count` of the call's bytes, beginning at `start`.
    case block(CommandText, start: Int, count: Int, on: DriverConnection)
    /// Bytes that are not a command.
    case bytes([UInt8])
    case rest(Duration)
    /// Other work, to be done first.
    case first(LineWork)
    case end
}

/// The end of a command.
struct Reply {
    let outcome: CommandExchange.Outcome
    /// The information lines.
    var lines: [[UInt8]] = []

    var isDone: Bool { outcome == .done }

    /// The lines that start with `prefix`, without it.
    func fields(_ prefix: String) -> [[UInt8]] {
        lines.filter { $0.starts(with: prefix.utf8) }.map { Array($0.dropFirst(prefix.utf8.count)) }
    }

    func contains(_ text: String) -> Bool { lines.contains { $0.starts(with: text.utf8) } }
}

/// Work that waits for the line.
struct QueuedWork {
    let work: LineWork
    let isLong: Bool
    /// The socket that the work is for. The work ends when the socket is closed.
    let socket: DriverSocket?
    let deadline: Instant?

    /// Whether the caller has to return, even if the module has not answered.
    func cannotWait(at now: Instant) -> Bool {
        socket.map { $0.isClosed } ?? false || deadline.map { $0 <= now } ?? false
    }
}

/// The work that has the line.
struct CurrentWork {
    let queued: QueuedWork
    var phase: Phase
    /// The work itself, then the work nested in it. The last element has the line.
    var stack: [LineWork]

    enum Phase {
        /// Waits for the confirmation of an earlier Send's block.
        case awaitingConfirmation
        /// Waits for the application to read what is held back, until this time.
        case awaitingRelease(until: Instant)
        case synchronizing
        case settingUp
        case working
        case resting(until: Instant)
    }
}

/// A block that the module has taken but not confirmed when its Send had to return. It counts as sent. The next command
/// waits for its confirmation.
struct UnconfirmedDelivery {
    let connection: DriverConnection
    /// When the driver stops waiting for the module.
    let deadline: Instant
}

/// The command in progress.
struct CommandInFlight {
    let line: [UInt8]
    /// The exchange in its initial state, for a command that is sent again.
    private let fresh: CommandExchange
    var exchange: CommandExchange
    /// The line has taken the first bytes. Messages from before cannot be the reply.
    var isOnLine = false
    /// The module has asked for the block.
    var isDelivering = false
    /// When the driver stops waiting for the reply.
    var deadline: Instant
    /// When an OK that came too early counts as the reply.
    var settlesAt: Instant?
    /// When the command is sent again after `busy`.
    var again: Instant?
    private var pause = CommandInFlight.busyPause.first
    /// How long the application may take to read the data that comes before the reply.
    var heldUntil: Instant?
    /// The bytes that the command announces.
    let block: Block?

    struct Block {
        let call: CallID
        let range: Range<Int>
        let connection: DriverConnection
    }

    /// How long to wait for a better answer after an OK that came too early.
    static let grace = Duration.milliseconds(150)
    /// The pause before a command is sent again after `busy`: the first, doubled each time up to the last.
    private static let busyPause = (first: Duration.milliseconds(50), last: Duration.milliseconds(400))

    init(_ text: CommandText, _ exchange: CommandExchange, block: Block? = nil, deadline: Instant) {
        line = text.line
        fresh = exchange
        self.exchange = exchange
        self.block = block
        self.deadline = deadline
    }

    mutating func receive(_ message: ModuleMessage, at now: Instant) {
        guard isOnLine else {
            if message == .ready { exchange.end(.moduleReset) }
            return
        }
        exchange.receive(message)
        if exchange.hasUnexplainedOK, settlesAt == nil { settlesAt = min(deadline, now + Self.grace) }
        if exchange.state == .notTaken, again == nil {
            again = now + pause
            pause = min(pause * 2, Self.busyPause.last)
        }
        if exchange.state != .notTaken { again = nil }
    }

    /// Prepares the command to be sent again.
    mutating func repeatIt() {
        exchange = fresh
        isOnLine = false
        again = nil
        settlesAt = nil
    }
}

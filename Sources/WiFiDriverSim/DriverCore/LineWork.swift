import WiFiSimValues

/// Something that is done on the line: a command, or several that belong together.
///
/// Work has the line for itself from its first step to its end. It is a state machine: `next` takes the reply to its last
/// step and gives the next one.
class LineWork {
    /// Whose work it is, if anybody waits for it.
    final weak var call: PendingCall?
    final var ending: Ending?

    /// How work ends.
    enum Ending: Equatable {
        case finished
        /// Its turn did not come before its deadline, or before its socket was closed.
        case notInTime
        /// The module could not be made ready.
        case unavailable(CommandExchange.Outcome)
        /// The module has the block, and the caller did not wait for its confirmation.
        case unconfirmed
    }

    /// Whether it finds the conversation, and so may speak without having found it.
    var findsConversation: Bool { false }

    /// Takes its next step.
    /// - Parameters:
    ///   - reply: to the command of the last step; `nil` at the start, and after any other step.
    ///   - core: whose state it reads and changes.
    /// - Returns: what the line is to do now.
    func next(_ reply: Reply?, _ core: DriverCore) -> LineStep { preconditionFailure("a kind of work has its own") }

    /// It has ended without having begun; `ending` says why.
    func failed(_ core: DriverCore) {}
}

enum LineStep {
    case command(
        CommandText, expecting: CommandExchange.Expectation = .nothing, timeout: Duration? = nil,
        expectsReset: Bool = false)
    /// A command that asks for so many of the call's bytes, from `start` on.
    case block(CommandText, start: Int, count: Int, on: DriverConnection)
    /// Bytes that are no command.
    case bytes([UInt8])
    case rest(Duration)
    /// Other work first.
    case first(LineWork)
    case end
}

/// How a command ended.
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

/// Work that waits for its turn.
struct QueuedWork {
    let work: LineWork
    let isLong: Bool
    /// On behalf of this socket: it ends when that is closed.
    let socket: DriverSocket?
    let deadline: Instant?

    /// The caller may have to return before the module has answered.
    func cannotWait(at now: Instant) -> Bool {
        socket.map { $0.isClosed } ?? false || deadline.map { $0 <= now } ?? false
    }
}

/// The work that has the line.
struct CurrentWork {
    let queued: QueuedWork
    var phase: Phase
    /// The work itself and the work within it that comes first, which is last here.
    var stack: [LineWork]

    enum Phase {
        /// A Send of before has left its block unconfirmed.
        case awaitingConfirmation
        /// The application has to read what is held back, until then at the latest.
        case awaitingRelease(until: Instant)
        case synchronizing
        case settingUp
        case working
        case resting(until: Instant)
    }
}

/// A block that the module has taken and not confirmed when its Send had to return. It counts as sent; the next command
/// waits for the end of it.
struct UnconfirmedDelivery {
    let connection: DriverConnection
    /// When the module is given up.
    let deadline: Instant
}

/// The command on the line.
struct CommandInFlight {
    let line: [UInt8]
    /// As it is when the command is sent; it may be sent again.
    private let fresh: CommandExchange
    var exchange: CommandExchange
    /// The line has begun to take it. What came before is about the past.
    var isOnLine = false
    /// The module has asked for the block.
    var isDelivering = false
    /// When the reply is no longer waited for.
    var deadline: Instant
    /// When an OK that nothing explained counts.
    var settlesAt: Instant?
    /// When it is sent again, after `busy`.
    var again: Instant?
    private var pause = CommandInFlight.busyPause.first
    /// How long the application may take to read what the reply is behind.
    var heldUntil: Instant?
    /// The bytes that it asks for.
    let block: Block?

    struct Block {
        let call: CallID
        let range: Range<Int>
        let connection: DriverConnection
    }

    /// How long an OK that nothing explained waits for something better.
    static let grace = Duration.milliseconds(150)
    /// How long after `busy` a command is sent again: at first, and at most after several.
    private static let busyPause = (first: Duration.milliseconds(50), last: Duration.milliseconds(400))

    init(_ text: CommandText, _ exchange: CommandExchange, block: Block? = nil, deadline: Instant) {
        line = text.line
        fresh = exchange
        self.exchange = exchange
        self.block = block
        self.deadline = deadline
    }

    var isAwaitingReply: Bool {
        switch exchange.state {
        case .awaitingReply, .awaitingPrompt, .awaitingDelivery: true
        case .prompted, .notTaken, .ended: false
        }
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
    }

    /// It is to be sent once more.
    mutating func repeatIt() {
        exchange = fresh
        isOnLine = false
        again = nil
        settlesAt = nil
    }
}

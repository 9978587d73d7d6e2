import WiFiSimValues

/// How a command has ended, or that it still runs.
enum CommandOutcome {
    case ok
    case failed(CommandError)
    /// The final line is this one, not OK or ERROR.
    case final(String)
    /// The final line has been written already.
    case answered
    case running(any Operation)
    /// OK and the prompt follow, then data for the command.
    case receiving(any DataOperation)

    var isUnfinished: Bool {
        switch self {
        case .running, .receiving: true
        case .ok, .failed, .final, .answered: false
        }
    }
}

extension CommandOutcome {
    /// The final lines of commands.
    static let finalLines = ["OK", "ERROR", "FAIL", "SEND OK", "SEND FAIL", "SEND Canceled", "SEND CANCELLED"]
}

/// A command that waits for something. `resume` receives each event until it returns an outcome.
protocol Operation {
    /// When `resume` receives `.deadline`. `nil` if never.
    var deadline: Instant? { get }
    /// Whether a block of data is being sent. Older firmware refuses a line with a different text then.
    var isSending: Bool { get }
    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome?
}

extension Operation {
    var isSending: Bool { false }
}

/// An event for a module.
enum ModuleEvent {
    case air(AirEvent)
    case network(NetworkEvent)
    /// The operation's deadline has come.
    case deadline
}

/// A refusal: the line before ERROR, if the firmware explains itself, and the number that SYSLOG shows.
struct CommandError: Error, Equatable {
    /// The subcategory of the error code (ESP-AT docs, Basic, SYSLOG).
    enum Kind: UInt32 {
        case noTerminator = 0x02
        case noAT = 0x03
        case length = 0x04
        case count = 0x06
        case invalid = 0x07
        case parse = 0x08
        case unsupported = 0x09
        case failed = 0x0A
        case busy = 0x0B
        case wrongForm = 0x0C
    }

    let kind: Kind
    /// The index of the wrong parameter, counted from 0.
    var position: Int?
    /// For `count`: the required and the given number of parameters.
    var needed = 0
    var given = 0
    var explanation: String?
    /// The number that SYSLOG shows, for an error with a number of its own.
    var number: UInt32?

    var code: UInt32 { number ?? 0x0100_0000 | kind.rawValue << 16 | `extension` }

    /// The lower half of the code: two counts, or the index of the parameter (esp_at_core.h, ESP_AT_CMD_ERROR_…).
    private var `extension`: UInt32 {
        switch (kind, position) {
        case (.count, _): UInt32(min(needed, 0xFF)) << 8 | UInt32(min(given, 0xFF))
        case (_, let position): UInt32(position ?? 0)
        }
    }

    static let failed = CommandError(kind: .failed)
    /// A wrong number of parameters. `needed` is the required number as far as the caller knows it; `given` is set
    /// later.
    static func count(_ needed: Int) -> CommandError { CommandError(kind: .count, needed: needed) }
    /// A refusal that every firmware explains with this line.
    static func failed(saying explanation: String) -> CommandError {
        CommandError(kind: .failed, explanation: explanation)
    }
}

/// Executes a complete command line, without its line end.
protocol CommandInterpreter {
    func execute(_ line: [UInt8], on module: Module) -> CommandOutcome
}

import WiFiSimValues

/// How a command ends, or that it doesn't yet.
enum CommandOutcome {
    case ok
    case failed(CommandError)
    /// The final line is another one than OK or ERROR, as `FAIL`; it is written already.
    case answered
    case running(any Operation)
    /// OK and the prompt, then data for the command.
    case receiving(any DataOperation)

    var isUnfinished: Bool {
        switch self {
        case .running, .receiving: true
        case .ok, .failed, .answered: false
        }
    }
}

/// A command that waits for something: each event goes to `resume` until this gives an outcome.
protocol Operation {
    /// When `resume` wants `.deadline`.
    var deadline: Instant? { get }
    /// A block of data is on its way, which older firmware tells from other work when it refuses a line.
    var isSending: Bool { get }
    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome?
}

extension Operation {
    var isSending: Bool { false }
}

/// What a module hears.
enum ModuleEvent {
    case air(AirEvent)
    case network(NetworkEvent)
    /// The operation's deadline has come.
    case deadline
}

/// A refused command: the line said before ERROR where the firmware explains itself, and the number that SYSLOG shows.
struct CommandError: Error, Equatable {
    /// ESP-AT docs, Basic, SYSLOG: subcategory of the error code.
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
    /// Which parameter is wrong, from 0.
    var position: Int?
    /// How many parameters there are to be, of an error of `count`, and how many there were.
    var needed = 0
    var given = 0
    var explanation: String?
    /// What SYSLOG shows of an error that has a number of its own.
    var number: UInt32?

    var code: UInt32 { number ?? 0x0100_0000 | kind.rawValue << 16 | `extension` }

    /// The lower half of the code: two numbers, or the parameter, counted from 0 (esp_at_core.h, ESP_AT_CMD_ERROR_…).
    private var `extension`: UInt32 {
        switch (kind, position) {
        case (.count, _): UInt32(min(needed, 0xFF)) << 8 | UInt32(min(given, 0xFF))
        case (_, let position): UInt32(position ?? 0)
        }
    }

    static let failed = CommandError(kind: .failed)
    /// There are to be so many parameters, as far as the place that finds it knows; how many there were is added to it.
    static func count(_ needed: Int) -> CommandError { CommandError(kind: .count, needed: needed) }
    /// A refusal that every firmware explains.
    static func failed(saying explanation: String) -> CommandError {
        CommandError(kind: .failed, explanation: explanation)
    }
}

/// Gives a complete command line, without its end, to the commands.
protocol CommandInterpreter {
    func execute(_ line: [UInt8], on module: Module) -> CommandOutcome
}

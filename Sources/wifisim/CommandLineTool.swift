import Glibc
import WiFiDriverSim

/// The program's subcommands.
enum CommandLineTool {
    struct Subcommand: Sendable {
        let name: String
        let summary: String
        /// The text that `--help` prints, without the options.
        let help: String
        let options: OptionSet
        let run: @Sendable (ParsedOptions) throws -> Int32
    }

    static let subcommands: [Subcommand] = [
        demoCommand, runCommand, execCommand, ctlCommand, sweepCommand, recordCommand, replayCommand, checkCommand,
        reportCommand,
        commandsCommand, benchCommand,
    ]

    /// Runs the subcommand that the arguments name.
    /// - Returns: the exit status.
    static func run(_ arguments: [String]) throws -> Int32 {
        guard let first = arguments.first else {
            throw UsageError("no command given", hint: overview)
        }
        if ["--help", "-h", "help"].contains(first) {
            guard arguments.count > 1, first == "help" else {
                Console.print(overview)
                return 0
            }
            Console.print(try subcommand(arguments[1]).page)
            return 0
        }
        if first == "--version" {
            Console.print("wifisim \(version)")
            return 0
        }
        let command = try subcommand(first)
        let rest = arguments.dropFirst()
        if rest.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
            Console.print(command.page)
            return 0
        }
        return try command.run(try command.options.parse(rest, of: command.name))
    }

    private static func subcommand(_ name: String) throws -> Subcommand {
        guard let command = subcommands.first(where: { $0.name == name }) else {
            throw UsageError("there is no command \"\(name)\"", hint: "Try: wifisim --help")
        }
        return command
    }

    static let version = "0.1.0"

    private static var overview: String {
        let list = subcommands.map { "  \($0.name.padded(to: 10))\($0.summary)" }.joined(separator: "\n")
        return """
            wifisim simulates ESP-AT WiFi modules, to run and test the firmware that uses them without hardware.

            Usage: wifisim COMMAND [OPTION…]

            \(list)

            wifisim COMMAND --help describes a command. wifisim --version prints the version.
            """
    }
}

extension CommandLineTool.Subcommand {
    var page: String { options.isEmpty ? help : "\(help)\n\nOptions:\n\(options.table)" }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}

/// Exit statuses of sysexits(3).
enum ExitCode {
    static func of(_ error: any Error) -> Int32 {
        switch error {
        case is WorldFileError, is StateFileError, is TranscriptError, is SweepError: EX_DATAERR
        case is TerminalLinkError: EX_CANTCREAT
        case let error as SystemError where error.code == EEXIST: EX_CANTCREAT
        case is ClaimError, is ControlBusyError: EX_TEMPFAIL
        case is ControlSyntaxError: EX_USAGE
        case is ControlRefusal: EX_DATAERR
        case is ControlSocketError: EX_UNAVAILABLE
        case let error as SystemError where [ENOENT, EISDIR, EFBIG, EOPNOTSUPP].contains(error.code): EX_NOINPUT
        case let error as SystemError where error.code == EACCES || error.code == EPERM: EX_NOPERM
        case is SystemError: EX_OSERR
        default: EX_SOFTWARE
        }
    }
}

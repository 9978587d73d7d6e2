import Glibc
import WiFiDriverSim

extension CommandLineTool {
    static let execCommand = Subcommand(
        name: "exec", summary: "runs modules while a command runs",
        help: """
            Usage: wifisim exec [OPTION…] -- COMMAND [ARGUMENT…]

            Runs modules as wifisim run does, and starts COMMAND with WIFISIM_TTY set to the first line: the path of a
            tty, or the name of the --line (and WIFISIM_TTY0, WIFISIM_TTY1, … to each). With --line tty:PATH they are not
            set. COMMAND can use wifisim ctl on these modules. Exits with COMMAND's status when it ends.

            Examples:
              wifisim exec -- python3 my_test.py
              wifisim exec --profile esp32-2.1 --count 2 -- make check
            """,
        options: OptionSet(options: SimulatorArguments.options, command: "COMMAND")
    ) { parsed in
        guard !parsed.command.isEmpty else {
            throw UsageError("exec needs a command after --", hint: "Try: wifisim exec -- COMMAND")
        }
        let options = try SimulatorArguments.controllableOptions(from: parsed)
        let signals = try SignalWatch([SIGINT, SIGTERM, SIGHUP, SIGCHLD])
        let simulator = try Simulator(options, log: try Log(path: parsed.string("--log")))
        defer { simulator.close() }
        if let signal = try simulator.boot(until: signals) { return 128 + signal }

        var variables = ["WIFISIM_CONTROL": options.controlPath]
        for (index, name) in simulator.lineNames.enumerated() {
            // A tty that the module has opened is not the command's.
            let line = options.line.isOpenedByClients ? name : nil
            if index == 0 { variables.updateValue(line, forKey: "WIFISIM_TTY") }
            variables.updateValue(line, forKey: "WIFISIM_TTY\(index)")
        }
        let command: ChildCommand
        do throws(SystemError) {
            command = try ChildCommand(parsed.command, variables: variables, signals: signals)
        } catch {
            Console.printError("wifisim: \(error)")
            return ChildCommand.status(of: error)
        }
        try simulator.run(until: signals, onSignal: command.handle)
        return command.status ?? EX_SOFTWARE
    }

    static func environmentVariables() -> [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            next += 1
        }
        return variables
    }
}

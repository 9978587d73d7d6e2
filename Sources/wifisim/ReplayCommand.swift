import Glibc
import WiFiDriverSim

extension CommandLineTool {
    static let replayCommand = Subcommand(
        name: "replay", summary: "plays the module's side of a transcript to a client",
        help: """
            Usage: wifisim replay FILE --as module [--loose] [--line LINE] [--link PATH] [-- COMMAND [ARGUMENT…]]

            Plays the module of a transcript on a pseudo-terminal, or on the --line. The client must send what the
            transcript's host sends, byte by byte. The first difference ends the replay: it is printed with the expected bytes, the actual
            bytes and the lines around, and the exit status is 1. With --loose the client may send the lines in another
            order, and the module answers at once.

            Without COMMAND the name of the line is printed, and the replay ends when the client closes it. COMMAND finds
            the line in WIFISIM_TTY, and the replay runs until COMMAND exits. At the first difference it sends SIGTERM to COMMAND
            and exits with 1; otherwise it exits with COMMAND's status.

            Examples:
              wifisim replay session.at --as module
              wifisim replay session.at --as module -- python3 my_client.py
            """,
        options: OptionSet(
            options: [
                Option("--as", "ROLE", "the side to play: module"),
                Option("--loose", nil, "accepts any order, and takes no time"),
                SimulatorArguments.lineOption,
                Option("--link", "PATH", "a symbolic link to the tty"),
            ], command: "COMMAND", operands: "FILE")
    ) { parsed in
        guard parsed.operands.count == 1 else {
            throw UsageError("replay needs one transcript", hint: "Try: wifisim replay session.at --as module")
        }
        guard parsed.string("--as") == "module" else {
            throw UsageError(
                "replay needs a role: --as module",
                hint: "For the host's side, try: wifisim check \(parsed.operands[0])")
        }
        let path = parsed.operands[0]
        let script = try Transcript.Script(contentsOf: path)
        let signals = try SignalWatch([SIGINT, SIGTERM, SIGHUP, SIGCHLD])
        let divergence: Divergence?
        var status: Int32 = 0
        var command: ChildCommand?
        do {
            let line = try SimulatorArguments.line(from: parsed)
            let replay = try ModuleReplay(script, parsed.has("--loose") ? .loose : .strict)
            let terminal = try ReplayTerminal(
                replay, line: line, linkPath: parsed.string("--link"),
                outlivesClient: !parsed.command.isEmpty)
            if parsed.command.isEmpty {
                Console.print(terminal.lineName)
            } else {
                do throws(SystemError) {
                    command = try ChildCommand(
                        parsed.command, variables: ["WIFISIM_TTY": line.isOpenedByClients ? terminal.lineName : nil],
                        signals: signals)
                } catch {
                    Console.printError("wifisim: \(error)")
                    return ChildCommand.status(of: error)
                }
            }
            divergence = try terminal.run(until: signals) { command?.handle($0) ?? ($0 != SIGCHLD) }
            status = command?.status ?? 0
            // A client that waits for an answer would wait forever.
            command?.end()
        } catch let error as Divergence {
            divergence = error
        }
        if status != 0 { Console.printError("wifisim: \(parsed.command[0]): exit status \(status)") }
        guard let divergence else {
            Console.printError("wifisim: \(path): no divergence")
            return status
        }
        Console.print(divergence.report(in: script.transcript, file: path))
        return 1
    }
}

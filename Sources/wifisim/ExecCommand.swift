import CPosix
import Glibc
import Synchronization
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
              wifisim exec --speed max --fault 'on CIPSEND the 2nd time answer ERROR' -- ./my_test
            """,
        options: OptionSet(
            options: SimulatorArguments.options + [
                Option("--record", "FILE", "writes the session as a transcript, as wifisim record does"),
                Option("--places", "FILE", "writes the places of the session at which a fault can happen"),
                Option("--result", "FILE", "writes how COMMAND has ended (JSON), and ends when its own parent ends"),
            ], command: "COMMAND")
    ) { parsed in
        guard !parsed.command.isEmpty else {
            throw UsageError("exec needs a command after --", hint: "Try: wifisim exec -- COMMAND")
        }
        var options = try SimulatorArguments.controllableOptions(from: parsed)
        let places = PlaceList()
        if parsed.has("--places") { options.onPlace = { places.add($0) } }
        let faultCount = Counter()
        let resultPath = parsed.string("--result")
        if resultPath != nil {
            // A sweep adds its fault to those that every run has.
            options.onFault = { [last = options.faults.last] fault in
                if fault == last { faultCount.increase() }
            }
            cposix_end_with_parent()
        }
        let signals = try SignalWatch([SIGINT, SIGTERM, SIGHUP, SIGCHLD])
        let log = try Log(path: parsed.string("--log"))
        let modules: any CommandModules
        if let path = parsed.string("--record") {
            guard options.count == 1 else { throw UsageError("--record records one module; leave --count out") }
            modules = try SimulatorRecorder(
                options, path: path, origin: "recorded by wifisim exec", worldPath: parsed.string("--world"), log: log)
        } else {
            modules = try Simulator(options, log: log)
        }
        defer { modules.close() }
        if let signal = try modules.boot(until: signals) { return 128 + signal }
        let command: ChildCommand
        do throws(SystemError) {
            command = try ChildCommand(
                parsed.command, variables: variables(options, lineNames: modules.lineNames), signals: signals)
        } catch {
            Console.printError("wifisim: \(error)")
            return ChildCommand.status(of: error)
        }
        var isEnding = false
        try modules.run(beside: signals) { signal in
            guard signal == SIGTERM, resultPath != nil, !isEnding else { return command.handle(signal) }
            isEnding = true
            // What the command has started is in the process group of this program, which blocks the signal.
            if getpgrp() == getpid() { kill(0, SIGTERM) }
            command.end(patience: .milliseconds(500))
            return true
        }
        if let path = parsed.string("--places") { try places.write(to: path) }
        if let path = resultPath { try CommandResult(command, faultCount: faultCount.value).write(to: path) }
        return command.status ?? EX_SOFTWARE
    }

    /// What the command finds in its environment.
    private static func variables(_ options: SimulatorOptions, lineNames: [String]) -> [String: String?] {
        var variables: [String: String?] = [
            "WIFISIM_CONTROL": options.controlPath, "WIFISIM_MODULE_ADDRESS": "\(options.hostAddress ?? .loopback)",
        ]
        for (index, name) in lineNames.enumerated() {
            // A tty that the module has opened is not the command's.
            let line = options.line.isOpenedByClients ? name : nil
            if index == 0 { variables.updateValue(line, forKey: "WIFISIM_TTY") }
            variables.updateValue(line, forKey: "WIFISIM_TTY\(index)")
        }
        return variables
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

/// A number that another thread may increase.
private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func increase() { count.add(1, ordering: .relaxed) }
}

/// Modules that run beside a command, recorded or not.
private protocol CommandModules {
    var lineNames: [String] { get }
    func boot(until signals: SignalWatch) throws -> Int32?
    func run(beside signals: SignalWatch, onSignal: @escaping (Int32) -> Bool) throws
    func close()
}

extension Simulator: CommandModules {
    fileprivate func boot(until signals: SignalWatch) throws -> Int32? { try boot(until: Optional(signals)) }
    fileprivate func run(beside signals: SignalWatch, onSignal: @escaping (Int32) -> Bool) throws {
        try run(until: signals, onSignal: onSignal)
    }
}

extension SimulatorRecorder: CommandModules {
    fileprivate func run(beside signals: SignalWatch, onSignal: @escaping (Int32) -> Bool) throws {
        try run(until: signals, onSignal: onSignal)
    }
}

import Glibc
import WiFiDriverSim

/// What a test waits for: a session at `--speed max`, and a run of a sweep.
enum TestFigures {
    static func all(_ firmware: Firmware, for duration: Duration) throws -> [Figure] {
        [try session(firmware, for: duration), try sweep(firmware, for: duration)]
    }

    /// The time of a module that boots, joins, connects and sends, at `--speed max` with `--boot instant`. The limit: as
    /// many `AT`, to a module that is there.
    private static func session(_ firmware: Firmware, for duration: Duration) throws -> Figure {
        let port = try LoopbackServer.accepting()
        let commands = [
            "ATE0", "AT+CWMODE=1", "AT+CWJAP=\"wifisim\",\"password\"", "AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(port)",
        ]
        var options = SimulatorOptions()
        options.firmware = firmware
        options.speed = .max
        options.bootsInstantly = true
        let module = try ModuleClient(firmware)
        let measured = try Measure.counts(for: duration) {
            let simulator = try RunningSimulator(options)
            defer { simulator.stop() }
            let client = ModuleClient(on: try RawTerminal(opening: simulator.lineNames[0]))
            for command in commands { try client.command(command) }
            try client.send(blockOf: 1)
        } limit: {
            // A block has two answers.
            for _ in 0..<(commands.count + 2) { try module.command("AT") }
        }
        return Figure(
            name: "session at --speed max", unit: "ms", value: 1000 / measured.value, limitName: "its answers alone",
            limit: 1000 / measured.limit)
    }

    /// Runs a second of a sweep with one job, whose command is a shell that says `AT`. The limit: starts of that shell.
    private static func sweep(_ firmware: Firmware, for duration: Duration) throws -> Figure {
        guard let program = Files.linkTarget("/proc/self/exe") else { throw SystemError("find this program") }
        var template = Array("/tmp/wifisim-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("make a folder in /tmp") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { Folder.remove(folder) }
        let command = ["sh", "-c", client]
        let runner = SweepRunner(
            program: program, options: ["--speed", "max", "--boot", "instant", "--profile", firmware.name], state: nil,
            keepsState: false, command: command, folder: folder, expected: nil, addresses: nil, isStopped: { false })
        let environment = CommandLineTool.environmentVariables()
        let measured = try Measure.counts(for: duration) {
            let run = try runner.run(
                job: 0, extra: ["--fault", "on CWMODE answer ERROR"], limit: .seconds(10))
            guard run.ending == .exited(0) else { throw BenchError("a run has ended with \(run.errors)") }
        } limit: {
            let shell = try ChildProcess(
                ["sh", "-c", "exit 0"], environment: environment, outputPath: "\(folder)/out",
                errorPath: "\(folder)/err")
            _ = try shell.wait(atMost: .seconds(10), grace: .zero) { false }
        }
        return Figure(
            name: "runs of a sweep", unit: "1/s", value: measured.value, limitName: "bare starts of the command",
            limit: measured.limit)
    }

    /// Says `AT` and waits for OK.
    private static let client = """
        exec 3<>"$WIFISIM_TTY"
        printf 'AT\\r\\n' >&3
        while read -r line <&3; do case $line in OK*) exit 0;; esac; done
        exit 1
        """
}

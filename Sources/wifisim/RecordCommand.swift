import Glibc
import WiFiDriverSim

extension CommandLineTool {
    static let recordCommand = Subcommand(
        name: "record", summary: "runs a module, or relays to a real one, and writes the session as a transcript",
        help: """
            Usage: wifisim record FILE [OPTION…]
                   wifisim record FILE --device LINE [--baud N] [--profile NAME] [--origin TEXT]

            Runs a module on a line as wifisim run does, and writes the traffic on it and the actions of the module's
            peers to FILE, a new transcript. With --device, it relays between a real module and a client that opens the
            line. It then passes the client's bit rates on, --profile names the profile in FILE's header, and of the
            other options only --baud, --line and --origin are allowed. Long data goes to files in a
            folder beside FILE. FILE is complete at any time, even if the recorder is killed.

            Examples:
              wifisim record session.at --profile esp32-2.1
              wifisim record session.at --device /dev/ttyUSB0
            """,
        options: OptionSet(
            options: SimulatorArguments.options + [
                Option(
                    "--device", "LINE",
                    "records a real module: the path of a tty, tcp:HOST:PORT, rfc2217:HOST:PORT or unix:PATH"),
                Option("--origin", "TEXT", "the source of the session, for FILE's header"),
            ], operands: "FILE")
    ) { parsed in
        guard parsed.operands.count == 1 else {
            throw UsageError("record needs one file to write", hint: "Try: wifisim record session.at")
        }
        let path = parsed.operands[0]
        if parsed.has("--device") {
            let honoured = ["--profile", "--baud", "--line"]
            try parsed.refuse(
                SimulatorArguments.options.map(\.name).filter { !honoured.contains($0) },
                "has no effect with --device, which accepts --baud, --line, --profile and --origin only")
        }
        var options = try SimulatorArguments.simulatorOptions(from: parsed)
        guard options.count == 1 else { throw UsageError("record runs one module; leave --count out") }
        let signals = try SignalWatch([SIGINT, SIGTERM, SIGHUP])
        if let device = parsed.string("--device") {
            let recorder = try DeviceRecorder(
                device: try SimulatorArguments.device(device), line: options.line,
                speed: options.baud?.value ?? 115_200, path: path, profile: options.firmware.name,
                origin: parsed.string("--origin") ?? "recorded from a module on \(device)")
            Console.print(recorder.lineName)
            try recorder.run(until: signals)
            return 0
        }
        options.controlPath = try parsed.string("--control") ?? ControlClient.ownPath()
        let log = try Log(path: parsed.string("--log"), isHeld: true)
        defer { log.release() }
        let recorder = try SimulatorRecorder(
            options, path: path, origin: parsed.string("--origin") ?? "recorded by wifisim record",
            worldPath: parsed.string("--world"), log: log)
        defer { recorder.close() }
        if try recorder.boot(until: signals) != nil { return 0 }
        for name in recorder.lineNames { Console.print(name) }
        log.release()
        try recorder.run(until: signals)
        return 0
    }
}

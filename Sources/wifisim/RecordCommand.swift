import Glibc
import WiFiDriverSim

extension CommandLineTool {
    static let recordCommand = Subcommand(
        name: "record", summary: "runs a module, or stands before a real one, and writes the session as a transcript",
        help: """
            Usage: wifisim record FILE [OPTION…]
                   wifisim record FILE --device TTY [--baud N] [--profile NAME] [--origin TEXT]

            Runs a module on a pseudo-terminal as wifisim run does, and writes what passes on its line, and what its peers do,
            to FILE, a new transcript. With --device, a real module is on TTY and the client opens the pseudo-terminal
            instead. With --device the client's bit rates are passed on, and --profile names the profile in FILE's header. Of
            the other options only --baud and --origin are allowed. Long data go to files in a folder beside FILE. FILE is
            whole at any time, even if the recorder is killed.

            Examples:
              wifisim record session.at --profile esp32-2.1
              wifisim record session.at --device /dev/ttyUSB0
            """,
        options: OptionSet(
            options: SimulatorArguments.options + [
                Option("--device", "TTY", "records a real module on this serial port"),
                Option("--origin", "TEXT", "what FILE tells of where it comes from"),
            ], operands: "FILE")
    ) { parsed in
        guard parsed.operands.count == 1 else {
            throw UsageError("record needs one file to write", hint: "Try: wifisim record session.at")
        }
        let path = parsed.operands[0]
        if parsed.has("--device") {
            let honoured = ["--profile", "--baud"]
            try parsed.refuse(
                SimulatorArguments.options.map(\.name).filter { !honoured.contains($0) },
                "with --device there is no simulated module; it takes --baud, --profile and --origin")
        }
        var options = try SimulatorArguments.simulatorOptions(from: parsed)
        guard options.count == 1 else { throw UsageError("record takes one module; --count must be left out") }
        let signals = try SignalWatch([SIGINT, SIGTERM, SIGHUP])
        if let device = parsed.string("--device") {
            let recorder = try DeviceRecorder(
                device: device, speed: options.baud?.value ?? 115_200, path: path, profile: options.firmware.name,
                origin: parsed.string("--origin") ?? "recorded from a module on \(device)")
            Console.print(recorder.terminalPath)
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
        Console.print(recorder.terminalPath)
        log.release()
        try recorder.run(until: signals)
        return 0
    }
}

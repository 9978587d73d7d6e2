import Glibc
import WiFiDriverSim

extension CommandLineTool {
    static let runCommand = Subcommand(
        name: "run", summary: "runs modules on pseudo-terminals",
        help: """
            Usage: wifisim run [OPTION…]

            Runs one or more modules, each on a pseudo-terminal of its own, until SIGINT or SIGTERM. The path of each tty is
            printed on a line of standard output once all are ready, before anything else.

            Examples:
              wifisim run
              wifisim run --profile esp8266-1.7 --link /tmp/esp --pace
              wifisim run --hostfwd tcp::8080-:80 --log session.log
            """,
        options: OptionSet(options: SimulatorArguments.options)
    ) { parsed in
        let options = try SimulatorArguments.controllableOptions(from: parsed)
        let signals = try SignalWatch([SIGINT, SIGTERM, SIGHUP])
        // Whoever reads the ttys reads the first lines.
        let log = try Log(path: parsed.string("--log"), isHeld: true)
        defer { log.release() }
        let simulator = try Simulator(options, log: log)
        defer { simulator.close() }
        let modules = options.count == 1 ? "one module" : "\(options.count) modules"
        log.write("\(modules), \(options.firmware.name): \(options.firmware.summary)")
        if try simulator.boot(until: signals) != nil { return 0 }
        for path in simulator.terminalPaths { Console.print(path) }
        log.release()
        try simulator.run(until: signals)
        return 0
    }
}

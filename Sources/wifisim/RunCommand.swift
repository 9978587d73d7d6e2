import Glibc
import WiFiDriverSim

extension CommandLineTool {
    static let runCommand = Subcommand(
        name: "run", summary: "runs modules on pseudo-terminals",
        help: """
            Usage: wifisim run [OPTION…]

            Runs one or more modules, each on its own serial line, until SIGINT or SIGTERM. A line is a pseudo-terminal
            unless --line says otherwise. When all modules are ready, prints the name of each line (the path of a tty,
            socket://ADDRESS:PORT, rfc2217://ADDRESS:PORT or unix:PATH), one on a line of standard output, before
            anything else.

            Examples:
              wifisim run
              wifisim run --profile esp8266-1.7 --link /tmp/esp --pace
              wifisim run --hostfwd tcp::8080-:80 --log session.log
            """,
        options: OptionSet(options: SimulatorArguments.options)
    ) { parsed in
        let options = try SimulatorArguments.controllableOptions(from: parsed)
        let signals = try SignalWatch([SIGINT, SIGTERM, SIGHUP])
        // Log lines are held back, so that the first lines are the ttys even if both outputs go to one reader.
        let log = try Log(path: parsed.string("--log"), isHeld: true)
        defer { log.release() }
        let simulator = try Simulator(options, log: log)
        defer { simulator.close() }
        let modules = options.count == 1 ? "one module" : "\(options.count) modules"
        log.write("\(modules), \(options.firmware.name): \(options.firmware.summary)")
        if try simulator.boot(until: signals) != nil { return 0 }
        for path in simulator.lineNames { Console.print(path) }
        log.release()
        try simulator.run(until: signals)
        return 0
    }
}

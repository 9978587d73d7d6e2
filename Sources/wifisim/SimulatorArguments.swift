import WiFiDriverSim

/// The options that describe modules: those of `run`, and of every command that runs some.
enum SimulatorArguments {
    static let options = [
        Option("--profile", "NAME", "firmware: \(Firmware.all.map(\.name).joined(separator: ", "))"),
        Option("--world", "FILE", "access points and names (JSON); else one AP \"wifisim\", \"password\""),
        Option("--link", "PATH", "a symbolic link to the tty; with --count, PATH0, PATH1, …"),
        Option("--count", "N", "modules, 1 to 1000"),
        Option("--state", "FILE", "keeps the flash; with --count, FILE0, FILE1, …"),
        Option("--baud", "N", "the UART's stored bit rate, 80 to 5000000; else what --state has, or 115200"),
        Option("--pace", nil, "bytes take the time that the bit rate gives them"),
        Option(
            "--host-address", "A", "the module's own loopback address, as 127.0.0.2; with --count the next for each"),
        Option(
            "--hostfwd", "tcp::P-:Q", "leads the host's port P to the module's port Q (tcp or udp); may be repeated"),
        Option("--restrict", "on|off", "on: nothing but the host's loopback is reached"),
        Option(
            "--control", "PATH", "where wifisim ctl reaches it; else a socket of its own in the user's runtime folder"),
        Option("--log", "FILE", "appends what passes on the lines, and what happens, to FILE; - is standard error"),
    ]

    static func simulatorOptions(from parsed: ParsedOptions) throws -> SimulatorOptions {
        var options = SimulatorOptions()
        if let name = parsed.string("--profile") {
            guard let firmware = Firmware.named(name) else {
                throw UsageError("--profile: \(UnknownProfileError(name: name))")
            }
            options.firmware = firmware
        }
        if let path = parsed.string("--world") { options.world = try World.load(path) }
        options.count = try parsed.integer("--count", 1...1000) ?? 1
        options.baud = try parsed.integer("--baud", UARTConfiguration.Baud.range).flatMap(UARTConfiguration.Baud.init)
        options.isPaced = parsed.has("--pace")
        options.linkPath = parsed.string("--link")
        options.statePath = parsed.string("--state")
        if let text = parsed.string("--host-address") {
            guard let address = IPv4Address(text), address.isLoopback else {
                throw UsageError("--host-address \(text): must be in 127.0.0.0/8, as 127.0.0.2")
            }
            guard IPv4Address(rawValue: address.rawValue + UInt32(options.count) - 1).isLoopback,
                address.rawValue + UInt32(options.count) - 1 < IPv4Address(127, 255, 255, 255).rawValue
            else {
                throw UsageError(
                    "--host-address \(text): has not \(options.count) addresses of 127.0.0.0/8 from there on")
            }
            options.hostAddress = address
        }
        options.forwards = try parsed.all("--hostfwd").map { text in
            guard let forward = HostForward(text) else {
                throw UsageError("--hostfwd \(text): must be as tcp::8080-:80 or udp:127.0.0.1:5000-:1112")
            }
            return forward
        }
        switch parsed.string("--restrict") {
        case nil, "off": break
        case "on": options.isRestricted = true
        case let text?: throw UsageError("--restrict \(text): must be on or off")
        }
        return options
    }

    /// The same for a simulator that `wifisim ctl` can reach.
    static func controllableOptions(from parsed: ParsedOptions) throws -> SimulatorOptions {
        var options = try simulatorOptions(from: parsed)
        options.controlPath = try parsed.string("--control") ?? ControlClient.ownPath()
        return options
    }
}

import WiFiDriverSim

/// The options that describe modules, for `run` and all other commands that run modules.
enum SimulatorArguments {
    static let options = [
        Option("--profile", "NAME", "firmware: \(Firmware.all.map(\.name).joined(separator: ", "))"),
        Option("--world", "FILE", "access points and names (JSON); default: one AP \"wifisim\", \"password\""),
        lineOption,
        Option(
            "--reset-line", "HOW", "what resets the module: board (default on rfc2217), rts, dtr, none (default on tty)"
        ),
        Option("--link", "PATH", "a symbolic link to the pseudo-terminal; with --count, PATH0, PATH1, …"),
        Option("--count", "N", "number of modules, 1 to 1000"),
        Option("--state", "FILE", "keeps the flash in FILE; with --count, FILE0, FILE1, …"),
        Option("--baud", "N", "the UART's stored bit rate, 80 to 5000000; default: as in --state, or 115200"),
        Option("--pace", nil, "bytes take the time that the bit rate gives them"),
        Option("--uart", "HOW", "ideal (default), or real: bit rates, FIFO and flow control count, and --pace"),
        Option(
            "--host-address", "A", "the module's own loopback address, such as 127.0.0.2; with --count the next ones"),
        Option(
            "--hostfwd", "tcp::P-:Q", "forwards the computer's port P to the module's port Q (tcp, udp); repeatable"),
        Option("--restrict", "on|off", "on: the modules reach nothing but the computer's loopback"),
        Option("--speed", "N|max", "how fast the simulator's time passes, 0.01 to 1000; max: jumps to the next event"),
        Option("--boot", "HOW", "normal (default), or instant: modules are ready at once"),
        Option(
            "--fault", "TEXT", "a fault of the modules, such as \"on CIPSEND the 2nd time answer ERROR\"; repeatable"),
        Option("--seed", "N", "determines what faults choose at random; default: 0"),
        Option(
            "--control", "PATH", "the socket for wifisim ctl; default: its own socket in the user's runtime folder"),
        Option("--log", "FILE", "appends notices and the bytes on the lines to FILE; - is standard error"),
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
        switch parsed.string("--uart") {
        case nil, "ideal": break
        case "real": options.isUART = true
        case let text?: throw UsageError("--uart \(text): must be ideal or real")
        }
        options.isPaced = parsed.has("--pace") || options.isUART
        try readLine(from: parsed, into: &options)
        options.linkPath = parsed.string("--link")
        options.statePath = parsed.string("--state")
        if let text = parsed.string("--host-address") {
            guard let address = IPv4Address(text), address.isLoopback else {
                throw UsageError("--host-address \(text): must be in 127.0.0.0/8, such as 127.0.0.2")
            }
            guard IPv4Address(rawValue: address.rawValue + UInt32(options.count) - 1).isLoopback,
                address.rawValue + UInt32(options.count) - 1 < IPv4Address(127, 255, 255, 255).rawValue
            else {
                throw UsageError(
                    "--host-address \(text): there are no \(options.count) addresses of 127.0.0.0/8 from there on")
            }
            options.hostAddress = address
        }
        options.forwards = try parsed.all("--hostfwd").map { text in
            guard let forward = HostForward(text) else {
                throw UsageError("--hostfwd \(text): must be like tcp::8080-:80 or udp:127.0.0.1:5000-:1112")
            }
            return forward
        }
        switch parsed.string("--restrict") {
        case nil, "off": break
        case "on": options.isRestricted = true
        case let text?: throw UsageError("--restrict \(text): must be on or off")
        }
        options.faults = try parsed.all("--fault").map { text in
            let fault: Fault
            do throws(FaultSyntaxError) { fault = try Fault(text) } catch { throw UsageError("--fault \(error)") }
            if let name = fault.missingAccessPoint(in: options.world) {
                throw UsageError("--fault \"\(text)\": there is no access point \"\(name)\"")
            }
            return fault
        }
        if let text = parsed.string("--speed") {
            guard let speed = LoopSpeed(text) else {
                throw UsageError("--speed \(text): must be max or a factor from 0.01 to 1000")
            }
            options.speed = speed
        }
        switch parsed.string("--boot") {
        case nil, "normal": break
        case "instant": options.bootsInstantly = true
        case let text?: throw UsageError("--boot \(text): must be normal or instant")
        }
        if let text = parsed.string("--seed") {
            guard let seed = UInt64(text) else { throw UsageError("--seed \(text): must be a whole number") }
            options.seed = seed
        }
        return options
    }

    static let lineOption = Option(
        "--line", "LINE", "pty (default), tcp:[A:]PORT, rfc2217:[A:]PORT, unix:PATH or tty:PATH (docs/Line.md)")

    /// The line of `--line`.
    static func line(from parsed: ParsedOptions, count: Int = 1) throws -> LineAddress {
        guard let text = parsed.string("--line") else { return .pty }
        let line: LineAddress
        do throws(LineAddressError) { line = try LineAddress(text) } catch { throw UsageError("--line \(error)") }
        if let mistake = line.mistake(forCount: count) { throw UsageError("--line \(text): \(mistake)") }
        if line != .pty { try parsed.refuse(["--link"], "a link leads to a pseudo-terminal; leave it or --line out") }
        return line
    }

    /// What `--device` names.
    static func device(_ text: String) throws -> DeviceAddress {
        do throws(LineAddressError) { return try DeviceAddress(text) } catch { throw UsageError("--device \(error)") }
    }

    private static func readLine(from parsed: ParsedOptions, into options: inout SimulatorOptions) throws {
        options.line = try line(from: parsed, count: options.count)
        if let text = parsed.string("--reset-line") {
            guard let resetLine = ResetLine(rawValue: text) else {
                throw UsageError("--reset-line \(text): must be board, rts, dtr or none")
            }
            switch options.line {
            case .rfc2217, .tty: options.resetLine = resetLine
            case .pty, .tcp, .unix:
                throw UsageError("--reset-line \(text): only rfc2217 and tty lines have modem lines")
            }
        }
    }

    /// As `simulatorOptions`, for a simulator that `wifisim ctl` can reach.
    static func controllableOptions(from parsed: ParsedOptions) throws -> SimulatorOptions {
        var options = try simulatorOptions(from: parsed)
        options.controlPath = try parsed.string("--control") ?? ControlClient.ownPath()
        return options
    }
}

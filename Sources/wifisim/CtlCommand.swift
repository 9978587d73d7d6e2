import WiFiDriverSim

extension CommandLineTool {
    static let ctlCommand = Subcommand(
        name: "ctl", summary: "changes the world of a running simulator, and prints its state",
        help: """
            Usage: wifisim ctl [--socket PATH] COMMAND…

            Without --socket it talks to the only running simulator, or to the one in WIFISIM_CONTROL.

            Commands:
              state                             prints every module and access point, as JSON
              module N reset                    pulses the reset pin
              module N power on|off
              module N report LINE              makes the module send LINE
              ap NAME on|off
              ap NAME channel N | rssi DBM | password TEXT
              ap NAME subnet GATEWAY/LENGTH | leases ADDRESS
              ap NAME dhcp on|off|full
              ap NAME dns on|off                name servers answer
              ap NAME route on|off              the gateway forwards packets
              ap NAME wps                       presses its WPS button
              station NAME joins SSID [PASSWORD]
              station NAME leaves
              smartconfig WAY SSID PASSWORD [KEY]
              fault [add] [module N] FAULT      sets a fault, such as: on CIPSEND the 2nd time answer ERROR
              fault list                        prints the faults of each module, and how often they happened
              fault clear

            docs/Control.md describes the commands, and the JSON form; docs/Faults.md the faults.

            Examples:
              wifisim ctl ap wifisim off
              wifisim ctl station phone joins wifisim password
              wifisim ctl state
            """,
        options: OptionSet(
            options: [Option("--socket", "PATH", "the control socket, as in wifisim run --control")],
            operands: "commands")
    ) { parsed in
        guard !parsed.operands.isEmpty else {
            throw UsageError("ctl needs a command", hint: "Try: wifisim ctl --help")
        }
        let client = ControlClient(path: try parsed.string("--socket") ?? theOnlySocket())
        let answer = try client.send(parsed.operands)
        if [["state"], ["fault", "list"]].contains(parsed.operands) { Console.print(JSONText.indented(answer)) }
        return 0
    }

    private static func theOnlySocket() throws -> String {
        if let path = environmentVariables()["WIFISIM_CONTROL"], !path.isEmpty { return path }
        let sockets = ControlClient.running()
        guard let first = sockets.first else {
            throw ControlSocketError(
                description: "no simulator is running; start one with wifisim run, or name a socket with --socket PATH")
        }
        guard sockets.count == 1 else {
            throw ControlSocketError(
                description:
                    "\(sockets.count) simulators are running; use --socket: \(sockets.joined(separator: ", "))"
            )
        }
        return first
    }
}

/// JSON for people to read.
enum JSONText {
    /// Compact JSON with each member of its objects and lists on a line of its own.
    static func indented(_ text: String) -> String {
        var result = ""
        var depth = 0
        var isInString = false
        var previous: Character = " "
        func newLine() { result += "\n" + String(repeating: "  ", count: depth) }
        for character in text {
            defer { previous = previous == "\\" && character == "\\" ? " " : character }
            if isInString {
                isInString = character != "\"" || previous == "\\"
                result.append(character)
                continue
            }
            if previous == "{" || previous == "[", character != "}", character != "]" {
                depth += 1
                newLine()
            }
            if character == "}" || character == "]", previous != "{", previous != "[" {
                depth -= 1
                newLine()
            }
            result.append(character)
            switch character {
            case "\"": isInString = true
            case ",": newLine()
            case ":": result += " "
            default: break
            }
        }
        return result
    }
}

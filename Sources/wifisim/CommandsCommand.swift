import WiFiDriverSim

extension CommandLineTool {
    static let commandsCommand = Subcommand(
        name: "commands", summary: "lists the AT commands of a profile",
        help: """
            Usage: wifisim commands [--profile NAME] [--markdown]

            Lists the AT commands of a profile's firmware, with their forms and parameters. --markdown without a profile
            makes the table of all profiles.

            Example:
              wifisim commands --profile esp8266-1.7
            """,
        options: OptionSet(options: [
            SimulatorArguments.options[0],
            Option("--markdown", nil, "prints a table in Markdown"),
        ])
    ) { parsed in
        if parsed.has("--markdown"), !parsed.has("--profile") {
            Console.print(CommandMatrix.markdown)
            return 0
        }
        let firmware = try SimulatorArguments.simulatorOptions(from: parsed).firmware
        let rows = firmware.commands.map { command in
            [
                command.name + (command.suffixes.isEmpty ? "" : "[\(command.suffixes.joined(separator: "|"))]"),
                command.family, command.forms, command.parameters,
            ]
        }
        let header = ["Command", "Family", "Forms", "Parameters"]
        if parsed.has("--markdown") {
            Console.print(Markdown.table([header] + rows.map { [code($0[0]), $0[1], code($0[2]), code($0[3])] }))
            return 0
        }
        let widths = header.indices.dropLast().map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        for row in [header] + rows {
            Console.print(zip(row, widths).map { $0.padded(to: $1 + 2) }.joined() + row[row.count - 1])
        }
        return 0
    }
}

/// All commands, and the profiles that have them: docs/Commands.md.
private enum CommandMatrix {
    static var markdown: String {
        var order: [CommandSummary] = []
        var holders: [String: Set<String>] = [:]
        // A command is shown in the form of the newest firmware that has it.
        for firmware in Firmware.all.reversed() {
            for command in firmware.commands {
                if holders[command.name] == nil { order.append(command) }
                holders[command.name, default: []].insert(firmware.name)
            }
        }
        let header = ["Command", "Forms", "Parameters"] + Firmware.all.map(\.name)
        let sections = ["Basic", "Wi-Fi", "TCP/IP"].map { family in
            let rows = order.filter { $0.family == family }.map { command in
                [code(command.name), code(command.forms), code(command.parameters)]
                    + Firmware.all.map { holders[command.name, default: []].contains($0.name) ? "✓" : "" }
            }
            return "## \(family)\n\n" + Markdown.table([header] + rows)
        }
        return "# Commands\n\nMade by `wifisim commands --markdown`.\n\n" + sections.joined(separator: "\n\n")
    }
}

private enum Markdown {
    /// A table; its first row is the header.
    static func table(_ rows: [[String]]) -> String {
        let lines = rows.map { row in "| " + row.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
        }
        let rule = "|" + String(repeating: " --- |", count: rows.first?.count ?? 0)
        return (lines.prefix(1) + [rule] + lines.dropFirst()).joined(separator: "\n")
    }
}

/// Text in Markdown's code style; empty for an empty text.
private func code(_ text: String) -> String { text.isEmpty ? "" : "`\(text)`" }

extension CommandSummary {
    /// The forms as they are typed.
    fileprivate var forms: String {
        [(hasTest, "=?"), (hasQuery, "?"), (hasSet, "="), (hasExecute, "execute")]
            .filter(\.0).map(\.1).joined(separator: " ")
    }
}

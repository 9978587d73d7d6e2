import WiFiDriverSim

extension CommandLineTool {
    static let commandsCommand = Subcommand(
        name: "commands", summary: "lists the AT commands of a profile",
        help: """
            Usage: wifisim commands [--profile NAME] [--markdown]

            Lists the AT commands that a profile's firmware answers, with their forms and parameters.

            Example:
              wifisim commands --profile esp8266-1.7
            """,
        options: OptionSet(options: [
            SimulatorArguments.options[0],
            Option("--markdown", nil, "as a table in Markdown"),
        ])
    ) { parsed in
        let firmware = try SimulatorArguments.simulatorOptions(from: parsed).firmware
        let rows = firmware.commands.map { command in
            [
                command.name + (command.suffixes.isEmpty ? "" : "[\(command.suffixes.joined(separator: "|"))]"),
                command.family,
                [
                    (command.hasTest, "=?"), (command.hasQuery, "?"), (command.hasSet, "="),
                    (command.hasExecute, "execute"),
                ]
                .filter(\.0).map(\.1).joined(separator: " "),
                command.parameters,
            ]
        }
        let header = ["Command", "Family", "Forms", "Parameters"]
        if parsed.has("--markdown") {
            Console.print(
                "| \(header.joined(separator: " | ")) |\n|\(String(repeating: " --- |", count: header.count))")
            for row in rows {
                let cells = row.map { $0.isEmpty ? "" : "`\($0.split(separator: "|").joined(separator: "\\|"))`" }
                Console.print("| \(cells[0]) | \(row[1]) | \(cells[2]) | \(cells[3]) |")
            }
        } else {
            let widths = header.indices.dropLast().map { column in (rows + [header]).map { $0[column].count }.max() ?? 0
            }
            for row in [header] + rows {
                Console.print(zip(row, widths).map { $0.padded(to: $1 + 2) }.joined() + row[row.count - 1])
            }
        }
        return 0
    }
}

import WiFiDriverSim

extension CommandLineTool {
    static let benchCommand = Subcommand(
        name: "bench", summary: "measures speed and compares it with its limits",
        help: """
            Usage: wifisim bench [--profile NAME] [--seconds N] [--modules N [--paced]] [--json]

            Measures a module on a pseudo-terminal and over TCP, IoT Socket over a pseudo-terminal, a session at --speed
            max and a sweep. Each figure stands beside the limit that the computer sets in the same run, with their
            ratio: absolute figures differ between computers and between runs.

            With --modules it measures that many modules in one process instead, all joined and idle: the memory of
            each, the processor time of all, and how much the others slow an AT round trip. With --paced they stream at
            115200 bits per second instead: the rate of each, and the processor time of all.

            Build with -c release before you rely on a figure.

            Example:
              swift run -c release wifisim bench
            """,
        options: OptionSet(options: [
            SimulatorArguments.options[0],
            Option("--seconds", "N", "how long each figure is measured, 1 to 60; default: 3"),
            Option("--modules", "N", "measures N modules in one process, 2 to 1000; with --paced from 1 on"),
            Option("--paced", nil, "with --modules: the modules stream at their bit rate"),
            Option("--json", nil, "prints JSON"),
        ])
    ) { parsed in
        let firmware = try SimulatorArguments.simulatorOptions(from: parsed).firmware
        let duration = Duration.seconds(try parsed.integer("--seconds", 1...60) ?? 3)
        let isPaced = parsed.has("--paced")
        if isPaced, !parsed.has("--modules") { throw UsageError("--paced: say how many modules, with --modules N") }
        let figures =
            if isPaced {
                try PacedModules.figures(
                    firmware, count: parsed.integer("--modules", 1...1000) ?? 1, for: duration)
            } else if let count = try parsed.integer("--modules", 2...1000) {
                try ManyModules.figures(firmware, count: count, for: duration)
            } else {
                try [
                    roundTrip(firmware, for: duration),
                    networkRoundTrip("TCP", LineAddress("tcp:0"), firmware, for: duration),
                    networkRoundTrip("RFC 2217", LineAddress("rfc2217:0"), firmware, for: duration),
                    upload(firmware, for: duration),
                    download(firmware, for: duration),
                ] + SocketFigures.all(firmware, for: duration) + TestFigures.all(firmware, for: duration)
            }
        Console.print(parsed.has("--json") ? Figure.json(figures) : Figure.table(figures))
        return 0
    }
}

/// A measured value and its limit.
struct Figure {
    let name: String
    let unit: String
    let value: Double
    let limitName: String
    let limit: Double

    var ratio: Double { value / limit }

    static func table(_ figures: [Figure]) -> String {
        let rows =
            [["figure", "measured", "limit", "", "ratio"]]
            + figures.map { figure in
                [
                    figure.name, "\(rounded(figure.value)) \(figure.unit)", "\(rounded(figure.limit)) \(figure.unit)",
                    figure.limitName, rounded(figure.ratio, 2),
                ]
            }
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in zip(row, widths).map { $0.padded(to: $1 + 2) }.joined() }.joined(separator: "\n")
    }

    static func json(_ figures: [Figure]) -> String {
        let items = figures.map { figure in
            "  {\"name\": \"\(figure.name)\", \"unit\": \"\(figure.unit)\", \"value\": \(rounded(figure.value)), "
                + "\"limitName\": \"\(figure.limitName)\", \"limit\": \(rounded(figure.limit)), "
                + "\"ratio\": \(rounded(figure.ratio, 3))}"
        }
        return "[\n\(items.joined(separator: ",\n"))\n]"
    }

    private static func rounded(_ value: Double, _ digits: Int = 1) -> String {
        guard value.isFinite else { return "0" }
        let scale = digits == 1 ? 10.0 : digits == 2 ? 100.0 : 1000.0
        return "\((value * scale).rounded() / scale)"
    }
}

import WiFiSimHost
import WiFiSimValues

/// A transcript as one self-contained HTML page: the traffic as a sequence diagram, a table of commands with their
/// latencies, and the load of the line over time.
public struct TranscriptReport {
    private let transcript: Transcript
    private let timeline: TranscriptTimeline
    private let title: String

    /// Makes the page of a transcript.
    /// - Parameters:
    ///   - script: the transcript.
    ///   - title: the title, usually the file's name.
    public init(_ script: Transcript.Script, title: String) {
        transcript = script.transcript
        timeline = TranscriptTimeline(script)
        self.title = title
    }

    /// Writes the page to a file that only the user can read, because the traffic may contain passwords.
    /// - Throws: `SystemError` if the file cannot be written.
    public func write(to path: String) throws(SystemError) { try Files.write(Array(html.utf8), to: path, .secret) }

    /// The page.
    public var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(title.xmlEscaped)</title>
        <style>
        \(ReportTemplate.style)
        </style>
        </head>
        <body>
        <header>
        <h1>\(title.xmlEscaped)</h1>
        <p>\((transcript.header.origin ?? "").xmlEscaped)</p>
        <dl>
        \(summary.map { "<div\($0.isBad ? " class=\"bad\"" : "")><dt>\($0.name)</dt><dd>\($0.value.xmlEscaped)</dd></div>" }.joined(separator: "\n"))
        </dl>
        </header>
        <main>
        <section>
        <h2>Line load</h2>
        \(LoadChart(timeline).svg)
        </section>
        <section>
        <h2>Commands</h2>
        \(commandTable)
        </section>
        <section>
        <h2>Session</h2>
        <p><input id="search" type="search" placeholder="Search" aria-label="Search the session">
        <output id="found"></output></p>
        <div class="lanes" role="table">
        <div class="heads" role="row"><span role="columnheader">time</span><b role="columnheader">Host</b>\
        <b role="columnheader">Module</b><b role="columnheader">Network</b></div>
        \(rows)
        </div>
        </section>
        </main>
        <script>
        \(ReportTemplate.script)
        </script>
        </body>
        </html>

        """
    }

    private var summary: [(name: String, value: String, isBad: Bool)] {
        let errors = timeline.entries.count(where: \.isError)
        let seconds = Double(timeline.duration.nanoseconds) / 1e9
        func rate(_ bytes: Int) -> String { seconds > 0 ? ", \(Int(Double(bytes) / seconds)) a second" : "" }
        return [
            ("Profile", transcript.header.profile, false),
            ("Time", timeline.durationText, false),
            ("Commands", "\(timeline.commands.count)", false),
            ("Errors", "\(errors)", errors > 0),
            ("Faults", "\(timeline.firingCount)", timeline.firingCount > 0),
            ("Host to module", "\(timeline.hostBytes) bytes" + rate(timeline.hostBytes), false),
            ("Module to host", "\(timeline.moduleBytes) bytes" + rate(timeline.moduleBytes), false),
        ]
    }

    // MARK: Commands

    private var commandTable: String {
        let longest = timeline.commands.compactMap(\.latency).max()?.nanoseconds ?? 0
        let rows = timeline.commands.map { command in
            let share = longest == 0 ? 0 : Double(command.latency?.nanoseconds ?? 0) / Double(longest) * 100
            let entry = timeline.entries[command.entry]
            return """
                <tr\(command.isError ? " class=\"bad\"" : "")><td><a href="#line\(entry.line)">\(entry.line)</a></td>\
                <td><code>\(command.text.shortened(to: 80).xmlEscaped)</code></td>\
                <td>\((command.result ?? "–").xmlEscaped)</td><td class="number">\(command.latencyText)</td>\
                <td class="bar"><i style="width:\(Int(share))%"></i></td></tr>
                """
        }
        return """
            <div class="scroll"><table>
            <thead><tr><th>Line</th><th>Command</th><th>Result</th><th>Latency</th><th></th></tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            </table></div>
            """
    }

    // MARK: The session

    private var rows: String {
        var rows: [String] = []
        var last = Instant.zero
        for entry in timeline.entries {
            let gap = entry.at - last
            if gap >= Self.shownGap {
                // The height grows with the number of digits, so that a pause of a day stays readable.
                let height = 14 + 8 * gap.milliseconds.description.utf8.count
                rows.append("<div class=\"gap\" style=\"height:\(height)px\"><b>\(gap.roundedText)</b></div>")
            }
            last = entry.at
            rows.append(row(entry))
        }
        return rows.joined(separator: "\n")
    }

    private static let shownGap = Duration.milliseconds(5)

    private func row(_ entry: TranscriptTimeline.Entry) -> String {
        let (lane, text): (String, String) =
            switch entry.content {
            case .event(.host(let payload)): ("out", payload.description)
            case .event(.module(let expectation)): ("in", expectation.payload.description)
            case .event(.peer(let name, let action)): (action.lane, "\(name) \(action)")
            case .event(let event): (event.isOfNetwork ? "net" : "host", event.description)
            case .firing(let text): ("fault", text)
            }
        let error = entry.isError ? " bad" : ""
        return """
            <div class="row \(lane)\(error)" id="line\(entry.line)" role="row"><span>\(timeline.timeText(of: entry))</span>\
            <p title="line \(entry.line)">\(text.shortened(to: 300).xmlEscaped)</p></div>
            """
    }
}

extension Transcript.Event {
    /// Whether it happens on the network's side.
    fileprivate var isOfNetwork: Bool {
        switch self {
        case .world(.faults): false
        case .name, .world: true
        default: false
        }
    }
}

extension Transcript.PeerAction {
    /// The class in the page's style sheet.
    fileprivate var lane: String {
        switch self {
        case .connects, .sends, .closes, .halfCloses, .resets: "netin"
        case .receives, .sees: "netout"
        case .listens, .refuses, .ignores: "net"
        }
    }
}

extension TranscriptTimeline {
    /// Shown for a time that the transcript does not contain.
    fileprivate static let unknown = "?"

    fileprivate var durationText: String { duration == .zero ? Self.unknown : duration.roundedText }

    fileprivate func timeText(of entry: Entry) -> String {
        let time = entry.at - .zero
        return duration == .zero ? Self.unknown : Duration.nanoseconds(time.nanoseconds / 1000 * 1000).text
    }
}

extension TranscriptTimeline.Command {
    fileprivate var latencyText: String {
        latency?.roundedText ?? (result == nil ? "–" : TranscriptTimeline.unknown)
    }
}

extension String {
    fileprivate func shortened(to length: Int) -> String { count <= length ? self : prefix(length - 1) + "…" }
}

/// A chart of the bytes per second on the line over time: the host's above, the module's below.
private struct LoadChart {
    private let timeline: TranscriptTimeline
    private static let binCount = 120
    private static let (width, height) = (960, 160)

    init(_ timeline: TranscriptTimeline) { self.timeline = timeline }

    var svg: String {
        let duration = max(timeline.duration.nanoseconds, 1)
        var host = [Int](repeating: 0, count: Self.binCount)
        var module = host
        for entry in timeline.entries {
            let bin = min(Self.binCount - 1, Int((entry.at - .zero).nanoseconds * Int64(Self.binCount) / duration))
            switch entry.content {
            case .event(.host): host[bin] += entry.count
            case .event(.module): module[bin] += entry.count
            default: break
            }
        }
        let most = max(1, (host + module).max() ?? 1)
        let middle = Self.height / 2
        let binWidth = Self.width / Self.binCount
        func bars(_ counts: [Int], _ kind: String, upwards: Bool) -> String {
            counts.enumerated().filter { $0.element > 0 }.map { bin, count in
                let size = max(1, count * (middle - 12) / most)
                let top = upwards ? middle - size : middle
                return
                    "<rect class=\"\(kind)\" x=\"\(bin * binWidth)\" y=\"\(top)\" width=\"\(binWidth - 1)\" height=\"\(size)\"/>"
            }.joined()
        }
        let perSecond = Int(Double(most) * Double(Self.binCount) / (Double(duration) / 1e9))
        let scale = timeline.duration == .zero ? "" : ", at most \(perSecond) bytes a second a bar"
        return """
            <svg viewBox="0 0 \(Self.width) \(Self.height)" role="img" aria-label="Bytes on the line over time">
            \(bars(host, "out", upwards: true))\(bars(module, "in", upwards: false))
            <line x1="0" y1="\(middle)" x2="\(Self.width)" y2="\(middle)"/>
            <text x="0" y="10">host\(scale)</text>
            <text x="0" y="\(Self.height - 3)">module</text>
            <text x="\(Self.width)" y="\(Self.height - 3)" text-anchor="end">\(timeline.durationText)</text>
            </svg>
            """
    }
}

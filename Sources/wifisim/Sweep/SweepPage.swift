import WiFiDriverSim
import WiFiSimValues

/// The results of a sweep for people: a page with a matrix of places and faults, and the runs that did not pass.
struct SweepPage {
    private let header: SweepHeader
    private let runs: [SweepResult]

    init(_ results: SweepResults) {
        header = results.header
        runs = results.results
    }

    var html: String {
        let details = runs.filter { $0.outcome != .passed }.map(section)
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>wifisim sweep: \(runs.count) runs</title><style>\(Self.style)</style></head><body>
            <h1>\(runs.count) runs, each with one fault</h1>
            <pre>\((header.options + ["--"] + header.command).map(\.shellQuoted).joined(separator: " ").xmlEscaped)</pre>
            <dl>\(summary)</dl>
            <div class="scroll"><table>\(matrix)</table></div>
            <h2>Runs that have not passed</h2>
            \(details.isEmpty ? "<p>There are none.</p>" : details.joined(separator: "\n"))
            </body></html>

            """
    }

    /// The outcomes with their numbers, which explains the symbols too.
    private var summary: String {
        var counts = SweepOutcome.allCases.map { outcome in
            (outcome.rawValue, Self.symbol(outcome), runs.count { $0.outcome == outcome && $0.isTelling })
        }
        counts.append(("idle", Self.idleSymbol, runs.count { !$0.isTelling }))
        return counts.filter { $0.2 > 0 }.map { name, symbol, count in
            "<div class=\"\(name)\"><dt>\(symbol) \(Self.words[name] ?? name)</dt><dd>\(count)</dd></div>"
        }.joined()
    }

    private static let words = ["idle": "the fault did not happen"]

    private var matrix: String {
        let byCell = Dictionary(
            runs.map { ("\($0.place)\n\($0.fault)", $0) }, uniquingKeysWith: { first, _ in first })
        let faults = CatalogueFault.names.filter { name in runs.contains { $0.fault == name } }
        let head = faults.map { "<th scope=\"col\"><span>\($0.xmlEscaped)</span></th>" }.joined()
        var places: [String] = []
        for run in runs where places.last != run.place { places.append(run.place) }
        let rows = places.map { place in
            let cells = faults.map { byCell["\(place)\n\($0)"].map(cell) ?? "<td></td>" }
            return "<tr><th scope=\"row\">\(place.xmlEscaped)</th>\(cells.joined())</tr>"
        }
        return """
            <thead><tr><td></td>\(head)</tr></thead><tbody>\(rows.joined(separator: "\n"))
            </tbody>
            """
    }

    private func cell(_ result: SweepResult) -> String {
        let title = "\(result.sentence)\n\(result.outcome.rawValue), \(result.seconds) s"
        let name = result.isTelling ? result.outcome.rawValue : "idle"
        let symbol = result.isTelling ? Self.symbol(result.outcome) : Self.idleSymbol
        let content = result.outcome == .passed ? symbol : "<a href=\"#run\(result.index)\">\(symbol)</a>"
        return "<td class=\"\(name)\" title=\"\(title.xmlEscaped)\">\(content)</td>"
    }

    private func section(_ result: SweepResult) -> String {
        let status = result.status < 0 ? "" : ", status \(result.status)"
        let idle = result.hasHappened ? "" : ", the fault did not happen"
        return """
            <section id="run\(result.index)" class="\(result.outcome.rawValue)"><h3>\(result.sentence.xmlEscaped)</h3>
            <p>\(result.place.xmlEscaped): \(result.outcome.rawValue)\(status), \(result.seconds) s\(idle), \
            <a href="cells/\(result.index).at">transcript</a></p>
            \(result.message.map { "<p><q>\($0.xmlEscaped)</q></p>" } ?? "")\
            <pre>\(header.repeating(result).xmlEscaped)</pre></section>
            """
    }

    private static let idleSymbol = "·"

    private static func symbol(_ outcome: SweepOutcome) -> String {
        switch outcome {
        case .passed: "✓"
        case .failed: "–"
        case .crashed: "✗"
        case .hung: "∞"
        case .wrong: "≠"
        case .broken: "!"
        }
    }

    private static let style = """
        :root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --rule: #d5dbe3; --good: #d9f2e3;
          --told: #fff1cc; --bad: #ffd5cf; --quiet: #eef1f5; }
        @media (prefers-color-scheme: dark) { :root { --ink: #dde4ee; --paper: #12171f; --rule: #2d3644;
          --good: #173f2b; --told: #4a3c10; --bad: #5c1f18; --quiet: #1d2530; } }
        body { margin: 0 auto; max-width: 80rem; padding: 1rem; background: var(--paper); color: var(--ink);
          font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
        h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; } a { color: inherit; }
        dl { display: flex; flex-wrap: wrap; gap: .5rem; } dl div { border-radius: .4rem; padding: .4rem .8rem; }
        dt { font-size: .8rem; } dd { margin: 0; font-weight: 600; }
        .scroll { overflow: auto; max-height: 80vh; border: 1px solid var(--rule); overflow-wrap: normal; }
        table { border-collapse: separate; border-spacing: 0; } th { font-weight: 400; white-space: nowrap; }
        tbody th { position: sticky; left: 0; background: var(--paper); padding: 0 .6rem; text-align: left;
          border-right: 1px solid var(--rule); }
        thead { position: sticky; top: 0; z-index: 1; background: var(--paper); }
        thead td { position: sticky; left: 0; background: var(--paper); }
        thead th { vertical-align: bottom; padding: .4rem 0; } thead span { writing-mode: vertical-rl; }
        tbody td { border: solid var(--rule); border-width: 1px 1px 0 0; text-align: center; min-width: 1.7rem; }
        td a { display: block; text-decoration: none; }
        .passed { background: var(--good); } .failed { background: var(--told); } .idle { background: var(--quiet); }
        .crashed, .hung, .wrong, .broken { background: var(--bad); }
        section { padding: .5rem .8rem; margin: .5rem 0; border-radius: .4rem; } h3 { font-size: 1rem; margin: 0; }
        section:target { outline: 2px solid var(--ink); }
        section p { margin: 0; } pre { white-space: pre-wrap; margin: .3rem 0; font-size: .85rem; }
        """
}

extension SweepResult {
    /// False if the run passed because its fault did not happen.
    fileprivate var isTelling: Bool { outcome != .passed || hasHappened }
}

import WiFiDriverSim

/// The results of a sweep for people and for CI: a page with a matrix, and JUnit XML.
struct SweepPage {
    let results: [SweepResult]
    /// The command that repeats a run.
    let repeating: (SweepResult) -> String

    private var places: [String] { unique(results.map(\.place)) }
    private var faults: [String] { CatalogueFault.names.filter { name in results.contains { $0.fault == name } } }

    private func unique(_ values: [String]) -> [String] {
        var seen: Set<String> = []
        return values.filter { seen.insert($0).inserted }
    }

    var html: String {
        let byCell = Dictionary(
            results.map { ("\($0.place)\n\($0.fault)", $0) }, uniquingKeysWith: { first, _ in first })
        let head = faults.map { "<th><span>\($0.markup)</span></th>" }.joined()
        let rows = places.map { place in
            let cells = faults.map { fault in
                guard let result = byCell["\(place)\n\(fault)"] else { return "<td></td>" }
                let title = "\(result.sentence)\n\(result.outcome.rawValue), \(Self.rounded(result.seconds)) s"
                let symbol = Self.symbols[result.outcome] ?? "?"
                return """
                    <td class="\(result.outcome.rawValue)" title="\(title.markup)">\
                    <a href="#run\(result.index)">\(symbol)</a></td>
                    """
            }
            return "<tr><th>\(place.markup)</th>\(cells.joined())</tr>"
        }
        let counts = SweepOutcome.allCases.map { outcome in (outcome, results.count { $0.outcome == outcome }) }
        let summary = counts.filter { $0.1 > 0 }.map {
            "<div class=\"\($0.0.rawValue)\"><dt>\($0.0.rawValue)</dt><dd>\($0.1)</dd></div>"
        }
        let details = results.filter { $0.outcome != .passed }.map { result in
            """
            <section id="run\(result.index)" class="\(result.outcome.rawValue)"><h3>\(result.sentence.markup)</h3>
            <p>\(result.outcome.rawValue), status \(result.status), \(Self.rounded(result.seconds)) s, \
            <a href="cells/\(result.index).at">transcript</a></p>
            \(result.message.map { "<p>\($0.markup)</p>" } ?? "")<pre>\(repeating(result).markup)</pre></section>
            """
        }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>wifisim sweep: \(results.count) runs</title><style>\(Self.style)</style></head><body>
            <h1>\(results.count) runs, each with one fault</h1><dl>\(summary.joined())</dl>
            <div class="scroll"><table><thead><tr><td></td>\(head)</tr></thead><tbody>\(rows.joined(separator: "\n"))
            </tbody></table></div>
            <h2>Runs that have not passed</h2>
            \(details.isEmpty ? "<p>There are none.</p>" : details.joined(separator: "\n"))
            </body></html>

            """
    }

    var junit: String {
        let failures = results.count { $0.outcome == .failed || $0.outcome == .wrong }
        let errors = results.count { [.crashed, .hung, .broken].contains($0.outcome) }
        let cases = results.map { result in
            let begin =
                "  <testcase classname=\"\(result.place.markup)\" name=\"\(result.fault.markup)\" "
                + "time=\"\(Self.rounded(result.seconds))\""
            guard result.outcome != .passed else { return begin + "/>" }
            let kind = [.failed, .wrong].contains(result.outcome) ? "failure" : "error"
            let message = "\(result.outcome.rawValue), status \(result.status)"
            return """
                \(begin)>
                    <\(kind) message="\(message)">\((result.message ?? "").markup)
                \(repeating(result).markup)</\(kind)>
                  </testcase>
                """
        }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuite name="wifisim sweep" tests="\(results.count)" failures="\(failures)" errors="\(errors)">
            \(cases.joined(separator: "\n"))
            </testsuite>

            """
    }

    private static func rounded(_ seconds: Double) -> String { "\((seconds * 1000).rounded() / 1000)" }

    private static let symbols: [SweepOutcome: String] = [
        .passed: "✓", .failed: "–", .crashed: "✗", .hung: "∞", .wrong: "≠", .broken: "!",
    ]

    private static let style = """
        :root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --rule: #d5dbe3; --good: #d9f2e3;
          --told: #fff1cc; --bad: #ffd5cf; }
        @media (prefers-color-scheme: dark) { :root { --ink: #dde4ee; --paper: #12171f; --rule: #2d3644;
          --good: #173f2b; --told: #4a3c10; --bad: #5c1f18; } }
        body { margin: 0 auto; max-width: 80rem; padding: 1rem; background: var(--paper); color: var(--ink);
          font: 15px/1.45 system-ui, sans-serif; }
        dl { display: flex; flex-wrap: wrap; gap: .5rem; } dl div { border-radius: .4rem; padding: .4rem .8rem; }
        dt { font-size: .8rem; } dd { margin: 0; font-weight: 600; }
        .scroll { overflow: auto; max-height: 80vh; border: 1px solid var(--rule); }
        table { border-collapse: collapse; } th { font-weight: 400; text-align: left; white-space: nowrap; }
        tbody th { position: sticky; left: 0; background: var(--paper); padding: 0 .6rem; }
        thead { position: sticky; top: 0; background: var(--paper); } thead span { writing-mode: vertical-rl; }
        td { border: 1px solid var(--rule); text-align: center; min-width: 1.6rem; }
        td a { display: block; color: inherit; text-decoration: none; }
        .passed { background: var(--good); } .failed { background: var(--told); }
        .crashed, .hung, .wrong, .broken { background: var(--bad); }
        section { padding: .3rem .8rem; margin: .5rem 0; border-radius: .4rem; } h3 { font-size: 1rem; margin: 0; }
        section p { margin: 0; } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; }
        """
}

extension String {
    /// The text with the characters of markup replaced.
    fileprivate var markup: String {
        replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}

/// The results of a sweep for CI, as JUnit XML: a test case for each run, in a class for each place.
struct SweepJUnit {
    private let results: SweepResults

    init(_ results: SweepResults) { self.results = results }

    var xml: String {
        let runs = results.results
        let failures = runs.count { $0.outcome.isFailure }
        let errors = runs.count { $0.outcome != .passed && !$0.outcome.isFailure }
        let skipped = runs.count { $0.outcome == .passed && !$0.hasHappened }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuite name="wifisim sweep" tests="\(runs.count)" failures="\(failures)" errors="\(errors)" \
            skipped="\(skipped)" time="\(runs.reduce(0) { $0 + $1.seconds }.rounded())">
            \(runs.map(testCase).joined(separator: "\n"))
            </testsuite>

            """
    }

    private func testCase(_ result: SweepResult) -> String {
        let begin =
            "  <testcase classname=\"\(result.place.markup)\" name=\"\(result.fault.markup)\" "
            + "time=\"\(result.seconds)\""
        if result.outcome == .passed {
            return result.hasHappened
                ? "\(begin)/>" : "\(begin)><skipped message=\"the fault did not happen\"/></testcase>"
        }
        let kind = result.outcome.isFailure ? "failure" : "error"
        return """
            \(begin)>
                <\(kind) message="\(result.outcome.rawValue), status \(result.status)">\((result.message ?? "").markup)
            \(results.header.repeating(result).markup)</\(kind)>
              </testcase>
            """
    }
}

extension SweepOutcome {
    /// True if the command itself, or its output, said that it failed.
    fileprivate var isFailure: Bool { self == .failed || self == .wrong }
}

extension String {
    /// The text for XML and HTML. Control characters are not allowed there.
    var markup: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "\n", "\t": text.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": text += "\u{FFFD}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

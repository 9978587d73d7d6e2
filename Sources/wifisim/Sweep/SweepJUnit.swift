import WiFiSimValues

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
            "  <testcase classname=\"\(result.place.xmlEscaped)\" name=\"\(result.fault.xmlEscaped)\" "
            + "time=\"\(result.seconds)\""
        if result.outcome == .passed {
            return result.hasHappened
                ? "\(begin)/>" : "\(begin)><skipped message=\"the fault did not happen\"/></testcase>"
        }
        let kind = result.outcome.isFailure ? "failure" : "error"
        return """
            \(begin)>
                <\(kind) message="\(result.outcome.rawValue), status \(result.status)">\((result.message ?? "").xmlEscaped)
            \(results.header.repeating(result).xmlEscaped)</\(kind)>
              </testcase>
            """
    }
}

extension SweepOutcome {
    /// True if the command itself, or its output, said that it failed.
    fileprivate var isFailure: Bool { self == .failed || self == .wrong }
}

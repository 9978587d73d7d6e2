/// The result of checking one transcript file.
public struct TranscriptCheck: Sendable {
    public var path: String
    /// What is wrong, in lines; `nil` if nothing is.
    public var problem: String?
    public var exchanges = 0
    /// Time on the processor's clock.
    public var elapsed = Duration.zero
    /// Time on the simulation's clock.
    public var simulated = Duration.zero

    /// Reads a transcript and plays it to a simulated module.
    public init(of path: String, delivery: TranscriptPlayer.Delivery = .whole) {
        self.path = path
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let script = try Transcript.Script(contentsOf: path)
            var player = TranscriptPlayer(script)
            player.delivery = delivery
            let outcome = player.play()
            exchanges = outcome.exchanges
            simulated = outcome.duration
            problem = outcome.divergence?.report(in: script.transcript, file: path)
            if problem != nil, !outcome.log.isEmpty {
                problem? += outcome.log.map { "  the module's log: \($0)\n" }.joined()
            }
        } catch {
            problem = "\(error)"
        }
        elapsed = clock.now - start
    }
}

extension Transcript {
    /// The transcripts that a path stands for: the file itself, or all `.at` files in the folder and below, in order.
    public static func files(at path: String) throws(SystemError) -> [String] {
        guard Folder.exists(path) else { return [path] }
        var found: [String] = []
        for name in try Folder.names(in: path) {
            let inner = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            if Folder.exists(inner) {
                found += try files(at: inner)
            } else if name.hasSuffix(".at") {
                found.append(inner)
            }
        }
        return found
    }
}

// MARK: JUnit

extension TranscriptCheck {
    /// Writes results in the XML that build servers read, a test case a transcript.
    public static func writeJUnit(_ checks: [TranscriptCheck], to path: String) throws(SystemError) {
        let failures = checks.count { $0.problem != nil }
        let total = checks.reduce(Duration.zero) { $0 + $1.elapsed }
        var text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites>
              <testsuite name="wifisim check" tests="\(checks.count)" failures="\(failures)" errors="0" time="\(total.decimalSeconds)">

            """
        for check in checks {
            let parts = check.path.split(separator: "/")
            let folder = parts.dropLast().joined(separator: ".")
            let name = parts.last.map(String.init) ?? check.path
            text +=
                "    <testcase classname=\"\(folder.xmlEscaped)\" name=\"\(name.xmlEscaped)\" time=\"\(check.elapsed.decimalSeconds)\""
            if let problem = check.problem {
                let summary = problem.split(separator: "\n").first.map(String.init) ?? ""
                text +=
                    ">\n      <failure message=\"\(summary.xmlEscaped)\">\(problem.xmlEscaped)</failure>\n    </testcase>\n"
            } else {
                text += "/>\n"
            }
        }
        text += "  </testsuite>\n</testsuites>\n"
        try Files.write(Array(text.utf8), to: path)
    }
}

extension Duration {
    /// As 1.250.
    fileprivate var decimalSeconds: String {
        let (whole, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        return "\(whole).\(String(1000 + rest).dropFirst())"
    }
}

extension String {
    /// For XML and HTML: text, or an attribute in double quotes. Characters that XML has no way to write become `?`.
    var xmlEscaped: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "\n", "\t": text.unicodeScalars.append(scalar)
            case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": text += "?"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

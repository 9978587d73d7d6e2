import WiFiSimHost
import WiFiSimValues

/// The result of checking one transcript file.
public struct TranscriptCheck: Sendable {
    public var path: String
    /// Its path from the folder that was asked for.
    public var name: String
    /// What is wrong, in lines; `nil` if nothing is.
    public var problem: String?
    /// What kept it from being played at all.
    public var error: (any Error)?
    /// The line of the transcript that `problem` is about.
    public var line: Int?
    public var exchanges = 0
    /// Time on the processor's clock.
    public var elapsed = Duration.zero
    /// Time on the simulation's clock.
    public var simulated = Duration.zero

    /// Reads a transcript and plays it to a simulated module.
    /// - Parameters:
    ///   - path: the file.
    ///   - name: its path from the folder that was asked for; `nil` is the file's name.
    ///   - delivery: how the host's bytes arrive.
    public init(of path: String, name: String? = nil, delivery: TranscriptPlayer.Delivery = .whole) {
        self.init(of: path, name: name) { script in
            var player = TranscriptPlayer(script)
            player.delivery = delivery
            return player.play()
        }
    }

    /// Reads a transcript and plays it.
    /// - Parameters:
    ///   - path: the file.
    ///   - name: its path from the folder that was asked for; `nil` is the file's name.
    ///   - play: plays it. What it throws is no matter of this transcript.
    public init(
        of path: String, name: String? = nil, by play: (Transcript.Script) throws -> TranscriptPlayer.Outcome
    ) rethrows {
        self.path = path
        self.name = name ?? path.split(separator: "/").last.map(String.init) ?? path
        let clock = ContinuousClock()
        let start = clock.now
        let script: Transcript.Script
        do {
            script = try Transcript.Script(contentsOf: path)
        } catch {
            fail(error)
            elapsed = clock.now - start
            return
        }
        let outcome = try play(script)
        exchanges = outcome.exchanges
        simulated = outcome.duration
        if let divergence = outcome.divergence {
            line = divergence.line
            problem =
                divergence.report(in: script.transcript, file: path)
                + outcome.log.map { "  the module's log: \($0)\n" }.joined()
        }
        elapsed = clock.now - start
    }

    /// A path that transcripts cannot be read from.
    public init(of path: String, failedBy error: any Error) {
        self.path = path
        name = path
        fail(error)
    }

    private mutating func fail(_ error: any Error) {
        self.error = error
        problem = "\(error)"
        if let error = error as? TranscriptError, error.file == path { line = error.line }
    }
}

extension Transcript {
    /// The transcripts that a path stands for: the file itself, or all `.at` files in the folder and below, in order.
    public static func files(at path: String) throws(SystemError) -> [String] {
        guard Folder.exists(path) else { return [path] }
        return try files(inFolder: path, within: [])
    }

    /// The same within these folders, of which a link may lead back to one.
    private static func files(inFolder path: String, within outer: [String]) throws(SystemError) -> [String] {
        let identity = try Files.canonicalPath(of: path)
        if outer.contains(identity) { return [] }
        var found: [String] = []
        for name in try Folder.names(in: path) {
            let inner = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            if Folder.exists(inner) {
                found += try files(inFolder: inner, within: outer + [identity])
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
        let errors = checks.count { $0.error != nil }
        let failures = checks.count { $0.problem != nil } - errors
        let total = checks.reduce(Duration.zero) { $0 + $1.elapsed }
        let text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites>
              <testsuite name="wifisim check" tests="\(checks.count)" failures="\(failures)" errors="\(errors)" time="\(total.decimalSeconds)">
            \(checks.map(\.testCase).joined())  </testsuite>
            </testsuites>

            """
        // What modules and hosts say has passwords in it.
        try Files.write(Array(text.utf8), to: path, .secret)
    }

    private var testCase: String {
        let folder = name.split(separator: "/").dropLast().joined(separator: ".")
        let attributes =
            [
                ("classname", folder.isEmpty ? "transcripts" : folder), ("name", name), ("file", path),
                ("line", line.map(String.init)), ("time", elapsed.decimalSeconds),
            ] as [(String, String?)]
        let tag = attributes.compactMap { key, value in value.map { " \(key)=\"\($0.xmlEscaped)\"" } }.joined()
        guard let problem else { return "    <testcase\(tag)/>\n" }
        let kind = error == nil ? "failure" : "error"
        let summary = problem.split(separator: "\n").first.map(String.init) ?? ""
        return """
                <testcase\(tag)>
                  <\(kind) message="\(summary.xmlEscaped)">\(problem.xmlEscaped)</\(kind)>
                </testcase>

            """
    }
}

extension Duration {
    /// As 1.250000.
    fileprivate var decimalSeconds: String {
        let (whole, rest) = (nanoseconds / 1000).quotientAndRemainder(dividingBy: 1_000_000)
        return "\(whole).\(String(1_000_000 + rest).dropFirst())"
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

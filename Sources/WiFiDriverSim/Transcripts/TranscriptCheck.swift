import WiFiSimHost
import WiFiSimValues

/// The result of checking one transcript file.
public struct TranscriptCheck: Sendable {
    /// The path of the file.
    public var path: String
    /// The path relative to the folder that was checked.
    public var name: String
    /// A report of the problem, in lines; `nil` if there is none.
    public var problem: String?
    /// The error that prevented playing the transcript; `nil` if it was played.
    public var error: (any Error)?
    /// The line of the transcript to which `problem` refers; `nil` if there is none.
    public var line: Int?
    /// The number of the host's lines that were played.
    public var exchanges = 0
    /// The real time that the check took.
    public var elapsed = Duration.zero
    /// The virtual time that the session took.
    public var simulated = Duration.zero

    /// Reads a transcript and plays it to a simulated module.
    /// - Parameters:
    ///   - path: the path of the file.
    ///   - name: the path relative to the folder that was checked; `nil` is the file's name.
    ///   - delivery: how the host's bytes are delivered.
    public init(of path: String, name: String? = nil, delivery: TranscriptPlayer.Delivery = .whole) {
        self.init(of: path, name: name) { script in
            var player = TranscriptPlayer(script)
            player.delivery = delivery
            return player.play()
        }
    }

    /// Reads a transcript and plays it with `play`.
    /// - Parameters:
    ///   - path: the path of the file.
    ///   - name: the path relative to the folder that was checked; `nil` is the file's name.
    ///   - play: plays the transcript.
    /// - Throws: what `play` throws. Errors in reading the transcript are in `error`.
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

    /// Makes the result for a path that cannot be read.
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
    /// The transcript files at a path: the path itself if it is not a folder, otherwise all `.at` files in the folder
    /// and its subfolders, in order.
    /// - Throws: `SystemError` if a folder cannot be read.
    public static func files(at path: String) throws(SystemError) -> [String] {
        guard Folder.exists(path) else { return [path] }
        return try files(inFolder: path, within: [])
    }

    /// The transcript files in a folder. `outer` are the folders around it, to which a link may lead back.
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
    /// Writes results as JUnit XML, which build servers read, with one test case for each transcript.
    /// - Throws: `SystemError` if the file cannot be written.
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
        // The traffic in the reports contains passwords.
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
    /// The duration in seconds, for example `1.250000`.
    fileprivate var decimalSeconds: String {
        let (whole, rest) = (nanoseconds / 1000).quotientAndRemainder(dividingBy: 1_000_000)
        return "\(whole).\(String(1_000_000 + rest).dropFirst())"
    }
}

import FoundationEssentials
import Synchronization
import WiFiDriverSim

/// The first line of a results file: what the sweep runs.
struct SweepHeader: Codable {
    /// The version of the file.
    var sweep = 1
    let command: [String]
    /// The options that repeat a run with `wifisim exec`.
    let options: [String]
    let selection: SweepSelection
    var shard: SweepShard
    /// The places of the session.
    let places: [String]
    /// The longest time of a run in seconds.
    let limit: Double
    /// How many runs the sweep or shard has.
    var runCount: Int

    /// The command that repeats a run.
    func repeating(_ result: SweepResult) -> String {
        (["wifisim", "exec"] + options + ["--fault", result.sentence, "--"] + command).map(\.shellQuoted)
            .joined(separator: " ")
    }

    /// What this sweep has in another way than `other`, for a message; `nil` if their results belong together.
    func difference(from other: SweepHeader) -> String? {
        func quoted(_ words: [String]) -> String { words.map(\.shellQuoted).joined(separator: " ") }
        if command != other.command { return "its command is \(quoted(other.command))" }
        if options != other.options { return "its options are \(quoted(other.options))" }
        if selection != other.selection { return "its --faults, --only, --sample, --seed or --expect are others" }
        return nil
    }
}

/// The results of a sweep: a JSON object on each line, the header first. It is written while the sweep runs.
struct SweepResults {
    var header: SweepHeader
    /// In the order of the session.
    private(set) var results: [SweepResult]

    init(_ header: SweepHeader, _ results: [SweepResult]) {
        self.header = header
        self.results = results.sorted { $0.index < $1.index }
    }

    /// Reads a results file. A line that was cut off, because the sweep was killed, is left out.
    /// - Throws: `SystemError` if it cannot be read, `SweepError` if it is not a results file.
    init(contentsOf path: String) throws {
        let lines = try Files.read(path).split(separator: UInt8(ascii: "\n")).map { Data($0) }
        guard let first = lines.first, let header = try? JSONDecoder().decode(SweepHeader.self, from: first) else {
            throw SweepError("\(path) is not the results.jsonl of a sweep")
        }
        var bySentence: [String: SweepResult] = [:]
        for line in lines.dropFirst() {
            guard let result = try? JSONDecoder().decode(SweepResult.self, from: line) else { continue }
            bySentence[result.sentence] = result
        }
        self.init(header, Array(bySentence.values))
    }

    /// The text of a results file.
    var lines: String {
        get throws { try ([header.line] + results.map { try $0.line }).joined() }
    }

    /// The whole as one JSON object.
    var json: [UInt8] {
        get throws {
            struct Whole: Encodable {
                let command: [String]
                let options: [String]
                let limit: Double
                let runs: [SweepResult]
            }
            let whole = Whole(
                command: header.command, options: header.options, limit: header.limit, runs: results)
            return Array(try JSONEncoder.sorted.encode(whole)) + [UInt8(ascii: "\n")]
        }
    }
}

/// A results file to which the results of a sweep are added.
final class SweepLog: Sendable {
    private let file: Mutex<AppendingFile>

    /// Writes what there is. A line that was cut off disappears.
    /// - Throws: `SystemError` if the file cannot be written.
    init(_ path: String, _ results: SweepResults) throws {
        try Files.write(Array(results.lines.utf8), to: path)
        file = Mutex(try AppendingFile(path))
    }

    /// Adds a result. A disk that is full costs the result, not the sweep.
    func add(_ result: SweepResult) {
        guard let line = try? result.line else { return }
        file.withLock { try? $0.append(line) }
    }
}

/// Why a sweep cannot begin or go on.
struct SweepError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension JSONEncoder {
    static var sorted: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension Encodable {
    /// This value as a line of JSON.
    fileprivate var line: String {
        get throws { String(decoding: try JSONEncoder.sorted.encode(self), as: UTF8.self) + "\n" }
    }
}

extension String {
    /// The word for a shell, in quotes if it needs them.
    var shellQuoted: String {
        let isPlain =
            !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "-_./=:,+@%".utf8.contains(byte)
                }
            }
        return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
    }
}

import Glibc
import WiFiDriverSim

/// Makes one result of those of all shards of a sweep.
struct SweepMerge {
    private let folder: String
    private let paths: [String]
    private let failing: Set<SweepOutcome>

    init(_ parsed: ParsedOptions) throws {
        let others = SweepOptions.own.map(\.name) + SimulatorArguments.options.map(\.name)
        try parsed.refuse(
            others.filter { !["-o", "--merge", "--fail-on"].contains($0) },
            "--merge has no other options than -o and --fail-on")
        guard parsed.command.isEmpty else { throw UsageError("--merge runs no command; leave it out") }
        guard !parsed.operands.isEmpty else {
            throw UsageError("--merge needs the results.jsonl of each shard", hint: "Try: wifisim sweep --help")
        }
        folder = parsed.string("-o") ?? "sweep"
        paths = parsed.operands.map { Folder.exists($0) ? "\($0)/results.jsonl" : $0 }
        failing = try SweepOptions.failing(parsed)
    }

    /// - Returns: the exit status.
    /// - Throws: `SweepError` if the results are not those of one sweep, or not all of it.
    func run() throws -> Int32 {
        let parts = try paths.map { (path: $0, results: try SweepResults(contentsOf: $0)) }
        guard let first = parts.first else { return EX_USAGE }
        for part in parts.dropFirst() {
            if let difference = part.results.header.difference(from: first.results.header) {
                throw SweepError("\(part.path) is of another sweep than \(first.path): \(difference)")
            }
            if part.results.header.places != first.results.header.places {
                Console.printError("wifisim: the session of \(part.path) has other places than that of \(first.path)")
            }
        }
        let folder = try SweepFolder(folder)
        for path in paths where try Files.canonicalPath(of: path) == Files.canonicalPath(of: folder.resultsPath) {
            throw SweepError("\(path) is in the folder of -o, which must be another one")
        }
        try folder.clear()
        var bySentence: [String: SweepResult] = [:]
        for (path, results) in parts {
            let from = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            for result in results.results where bySentence.updateValue(result, forKey: result.sentence) == nil {
                if result.outcome != .passed { try folder.copyTranscript(result.index, from: from) }
            }
        }
        var header = first.results.header
        header.shard = SweepShard()
        header.runCount = bySentence.count
        let whole = SweepResults(header, Array(bySentence.values))
        _ = try SweepLog(folder.resultsPath, whole)
        let status = try folder.conclude(whole, failing: failing)
        try checkCompleteness(parts)
        return status
    }

    /// - Throws: `SweepError` if a shard, or a part of one, is missing.
    private func checkCompleteness(_ parts: [(path: String, results: SweepResults)]) throws {
        let count = parts.map(\.results.header.shard.count).max() ?? 1
        for (path, results) in parts {
            let shard = results.header.shard
            if shard.count != count { throw SweepError("\(path) is a shard of \(shard.count), others are of \(count)") }
            let left = results.header.runCount - results.results.count
            if left > 0 { throw SweepError("\(path) lacks \(left) runs; go on with --resume") }
        }
        let indices = Set(parts.map(\.results.header.shard.index))
        let missing = (1...count).filter { !indices.contains($0) }
        if !missing.isEmpty {
            throw SweepError("shards are missing: \(missing.map { "\($0)/\(count)" }.joined(separator: ", "))")
        }
    }
}

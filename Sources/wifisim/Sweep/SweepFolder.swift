import Glibc
import WiFiDriverSim

/// The folder with the results of a sweep.
final class SweepFolder {
    private let path: String
    private let claim: Claim

    /// Makes the folder if it is missing.
    /// - Throws: `SystemError`; `SweepError` if it has other files; `ClaimError` if another sweep uses it.
    init(_ path: String) throws {
        self.path = path
        try Folder.makeIfMissing(path)
        claim = try Claim(of: "\(path)/results.jsonl", followsLast: false)
        guard !hasResults else { return }
        let others = try Folder.names(in: path).filter { $0 != "cells" && !$0.hasPrefix("job") }
        if let other = others.first {
            throw SweepError("\(path) has no results of a sweep, but \(other); choose another folder with -o")
        }
    }

    var resultsPath: String { "\(path)/results.jsonl" }
    var hasResults: Bool { Files.exists(resultsPath) }

    /// Removes the results of an earlier sweep.
    func clear() throws(SystemError) {
        for name in ["results.jsonl", "results.json", "index.html", "junit.xml"] { Files.remove("\(path)/\(name)") }
        let cells = "\(path)/cells"
        try Folder.makeIfMissing(cells)
        for name in try Folder.names(in: cells) {
            if name.hasSuffix(".at") { Files.remove("\(cells)/\(name)") }
            if name.hasSuffix(".d") { Folder.remove("\(cells)/\(name)") }
        }
    }

    /// Takes over the transcript of a run from another folder.
    func copyTranscript(_ index: Int, from folder: String) throws(SystemError) {
        let from = "\(folder)/cells/\(index)"
        let to = "\(path)/cells/\(index)"
        guard Files.exists("\(from).at") else { return }
        try Files.write(try Files.read("\(from).at"), to: "\(to).at")
        guard Folder.exists("\(from).d") else { return }
        try Folder.makeNew("\(to).d")
        for name in try Folder.names(in: "\(from).d") {
            try Files.write(try Files.read("\(from).d/\(name)"), to: "\(to).d/\(name)")
        }
    }

    /// Writes and prints the results.
    /// - Returns: the exit status.
    func conclude(_ results: SweepResults, failing: Set<SweepOutcome>) throws -> Int32 {
        try Files.write(Array(SweepPage(results).html.utf8), to: "\(path)/index.html")
        try Files.write(Array(SweepJUnit(results).xml.utf8), to: "\(path)/junit.xml")
        try Files.write(try results.json, to: "\(path)/results.json")
        let runs = results.results
        for result in runs where failing.contains(result.outcome) {
            Console.print("\(result.outcome.rawValue): \(results.header.repeating(result))")
        }
        let counts = SweepOutcome.allCases.compactMap { outcome in
            let count = runs.count { $0.outcome == outcome }
            return count == 0 ? nil : "\(count) \(outcome.rawValue)"
        }
        guard !runs.isEmpty else {
            Console.print("no runs; see \(path)/index.html")
            return 0
        }
        let missed = runs.count { !$0.hasHappened && $0.outcome == .passed }
        let note = missed == 0 ? "" : "; in \(missed) of those that passed the fault did not happen"
        Console.print("\(runs.count) runs: \(counts.joined(separator: ", "))\(note); see \(path)/index.html")
        return runs.contains { failing.contains($0.outcome) } ? EXIT_FAILURE : 0
    }
}

import FoundationEssentials
import Synchronization
import WiFiDriverSim

/// The results of a sweep, a JSON object on each line, written while it runs.
final class SweepLog: Sendable {
    private let file: Mutex<AppendingFile>

    /// - Throws: `SystemError` if the file cannot be written.
    init(_ path: String, appends: Bool) throws(SystemError) {
        if !appends { Files.remove(path) }
        file = Mutex(try AppendingFile(path))
    }

    /// Adds a result. A disk that is full costs the result, not the sweep.
    func add(_ result: SweepResult) {
        guard let line = try? JSONEncoder.sorted.encode(result) else { return }
        let text = String(decoding: line, as: UTF8.self) + "\n"
        file.withLock { try? $0.append(text) }
    }
}

enum SweepResults {
    /// Reads the results that are in a file. A line that was cut off, because the sweep was killed, is left out.
    static func read(_ path: String) -> [SweepResult] {
        guard let bytes = try? Files.read(path) else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap {
            try? JSONDecoder().decode(SweepResult.self, from: Data($0))
        }
    }
}

extension JSONEncoder {
    static var sorted: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

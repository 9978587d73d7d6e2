import FoundationEssentials
import WiFiDriverSim

/// How the command of `wifisim exec` has ended, for `wifisim sweep`.
///
/// An exit status alone does not tell a signal from a program that exits with a high status.
struct CommandResult: Codable {
    /// The exit status, as a shell reports it.
    let status: Int32
    /// The signal that ended it.
    let signal: Int32?
    /// How often the last of the faults has happened.
    let faultCount: Int

    init(_ command: ChildCommand, faultCount: Int) {
        status = command.status ?? 0
        signal = command.endingSignal
        self.faultCount = faultCount
    }

    /// Reads what `write` has written; `nil` if it is not there.
    init?(contentsOf path: String) {
        guard let bytes = try? Files.read(path),
            let result = try? JSONDecoder().decode(Self.self, from: Data(bytes))
        else { return nil }
        self = result
    }

    /// - Throws: `SystemError` if the file exists or cannot be written.
    func write(to path: String) throws {
        let text = String(decoding: try JSONEncoder.sorted.encode(self), as: UTF8.self)
        try AppendingFile(new: path).append(text + "\n")
    }
}

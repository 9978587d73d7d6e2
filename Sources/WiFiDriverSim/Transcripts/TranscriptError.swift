/// An error in a transcript, with its place.
public struct TranscriptError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name of the file.
    public var file: String
    /// The line, counted from 1.
    public var line: Int
    /// The byte in the line, counted from 1.
    public var column: Int
    /// What is wrong, and what to write instead.
    public var reason: String

    /// The message, in the form `file:line:column: reason`.
    public var description: String { "\(file):\(line):\(column): \(reason)" }
}

/// What is wrong with a transcript, and where.
public struct TranscriptError: Error, Equatable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1.
    public var line: Int
    /// The byte in the line, from 1.
    public var column: Int
    /// What is wrong and what to write instead.
    public var reason: String

    public var description: String { "\(file):\(line):\(column): \(reason)" }
}

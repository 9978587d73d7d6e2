import WiFiSimValues

/// The first difference between a session and its transcript.
public struct Divergence: Error, Equatable, Sendable {
    /// The line of the transcript; 0 if it is not from a file.
    public var line: Int
    /// The kind of difference.
    public var reason: Reason
    /// The expected content in transcript notation; empty if nothing was expected.
    public var expected: String
    /// The actual bytes from the same place on.
    public var actual: [UInt8]

    /// A kind of difference.
    public enum Reason: Equatable, Sendable {
        /// The byte at this offset differs.
        case differs(at: Int)
        /// No more bytes came within this time.
        case silence(Duration)
        /// Bytes came although none were expected.
        case unexpected
        /// The bytes came after this time, outside their time window.
        case outOfTime(Duration)
        /// The event cannot be carried out.
        case impossible(String)
    }
}

extension Divergence: CustomStringConvertible {
    /// The reason, the expected content and the actual bytes, in several lines.
    public var description: String {
        var text =
            switch reason {
            case .differs(at: let offset): "differs at byte \(offset + 1)"
            case .silence(let duration): "nothing more came within \(duration.text)"
            case .unexpected: "unexpected output"
            case .outOfTime(let duration): "came after \(duration.text), outside its time window"
            case .impossible(let why): why
            }
        if !expected.isEmpty { text += "\n  expected  \(expected)" }
        if !actual.isEmpty {
            text += "\n  came      \(Payload.escaped(actual.prefix(Self.shownBytes)))"
            if actual.count > Self.shownBytes { text += " … (\(actual.count) bytes)" }
        } else if case .silence = reason {
            text += "\n  came      nothing"
        }
        return text
    }

    /// In bytes: the most that a report shows.
    private static let shownBytes = 160

    /// The difference with the file's name and the surrounding lines of the transcript.
    public func report(in transcript: Transcript, file: String) -> String {
        let around = transcript.lines.filter { line in
            line.number >= self.line - Self.contextLines && line.number <= self.line + Self.contextLines
        }
        var text = "\(file):\(line): \(self)\n"
        for shown in around {
            let mark = shown.number == line ? ">" : " "
            text += "  \(mark) \(shown.number.description.leftPadded(to: 5)) | "
            text += shown.content.description.split(separator: "\n").joined(separator: "\n            | ") + "\n"
        }
        return text
    }

    private static let contextLines = 3
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - utf8.count)) + self
    }
}

import WiFiSimValues

/// Where a session is not as its transcript says.
public struct Divergence: Error, Equatable, Sendable {
    /// The line of the transcript; 0 if it is not from a file.
    public var line: Int
    public var reason: Reason
    /// What was to come, in the transcript's spelling; empty where nothing was.
    public var expected: String
    /// What came instead, from the same place on.
    public var actual: [UInt8]

    public enum Reason: Equatable, Sendable {
        /// The byte at this offset is another one.
        case differs(at: Int)
        /// Nothing more came within this time.
        case silence(Duration)
        /// Something came where nothing was to come.
        case unexpected
        /// It came after this time, outside of its window.
        case outOfTime(Duration)
        /// The event could not be brought about.
        case impossible(String)
    }
}

extension Divergence: CustomStringConvertible {
    public var description: String {
        var text =
            switch reason {
            case .differs(at: let offset): "differs at byte \(offset + 1)"
            case .silence(let duration): "nothing more came within \(duration.text)"
            case .unexpected: "something came that was not to come"
            case .outOfTime(let duration): "came after \(duration.text), outside of its time window"
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

    private static let shownBytes = 160

    /// With the file's name and the lines around.
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

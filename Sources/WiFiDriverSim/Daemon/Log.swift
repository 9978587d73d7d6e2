import WiFiSimHost
import WiFiSimValues

/// Writes notices to standard error and, if there is a file, notices and the bytes on the serial lines to the file.
///
/// Belongs to the thread that made it.
public final class Log {
    /// Standard error, for notices; `nil` for a quiet log.
    private let notices: LogOutput?
    /// The file, for notices and bytes; it may be standard error. `nil` without a file.
    private let output: LogOutput?
    /// Joins the bytes of each module's line into log lines; present while bytes wait for the rest of their line.
    private var joiners: [Int: LineJoiner] = [:]

    /// Makes a log that writes to standard error and to a file.
    /// - Parameters:
    ///   - path: the file, which is created or appended to, and which also gets the bytes on the lines; `-` is standard
    ///     error, `nil` is no file.
    ///   - isQuiet: true to write nothing to standard error.
    ///   - isHeld: true to hold back all output until `release`.
    /// - Throws: `SystemError` if the file cannot be opened.
    public init(path: String? = nil, isQuiet: Bool = false, isHeld: Bool = false) throws(SystemError) {
        notices = isQuiet ? nil : .standardError()
        output =
            if path == "-" { notices } else { try path.map { path throws(SystemError) in try LogOutput(path: path) } }
        notices?.isHeld = isHeld
        output?.isHeld = isHeld
    }

    var tracesLines: Bool { output != nil }

    /// Writes the output that was held back, and holds back no more.
    public func release() {
        notices?.isHeld = false
        output?.isHeld = false
    }

    /// Writes a notice.
    public func write(_ text: String) {
        flush()
        notices?.write("wifisim: \(text)\n")
        if output !== notices { output?.write("# \(text)\n") }
    }

    /// Logs bytes on a module's line; they are written line by line.
    func write(module: Int, _ direction: LineDirection, _ bytes: UnsafeRawBufferPointer, at now: Instant) {
        guard output != nil else { return }
        var joiner = joiners.removeValue(forKey: module) ?? LineJoiner()
        tell(joiner.add(bytes, direction, at: now), module)
        if joiner.nextDeadline != nil { joiners[module] = joiner }
    }

    /// When `advance` has something to write.
    var nextDeadline: Instant? { joiners.values.lazy.compactMap(\.nextDeadline).min() }

    /// Writes the incomplete lines whose wait for more bytes is over.
    func advance(to now: Instant) {
        guard let nextDeadline, nextDeadline <= now else { return }
        for (module, joiner) in joiners.sorted(by: { $0.key < $1.key }) {
            var joiner = joiner
            tell(joiner.advance(to: now), module)
            joiners[module] = joiner.nextDeadline == nil ? nil : joiner
        }
    }

    /// Writes all incomplete lines.
    func flush() {
        for (module, joiner) in joiners.sorted(by: { $0.key < $1.key }) {
            var joiner = joiner
            tell(joiner.flush(), module)
        }
        joiners = [:]
        output?.flush()
        notices?.flush()
    }

    // MARK: The text

    private func tell(_ entries: [LineJoiner.Entry], _ module: Int) {
        for entry in entries { output?.write(Self.line(entry, module)) }
    }

    /// One log line: the time in seconds, the module's number, `>` for bytes to the module or `<` for bytes from it,
    /// and the bytes with C escapes. Long data is cut and followed by its length.
    static func line(_ entry: LineJoiner.Entry, _ module: Int) -> String {
        let microseconds = entry.at.nanoseconds / 1000
        let fraction = String(1_000_000 + microseconds % 1_000_000).dropFirst()
        let arrow = entry.direction == .toModule ? ">" : "<"
        let isLong = entry.bytes.count > LongData.threshold
        let shown = isLong ? entry.bytes.prefix(LongData.headLength) : entry.bytes[...]
        let text = String(escaping: shown, special: "\"")
        let length = isLong ? " … (\(entry.bytes.count) bytes)" : ""
        return "\(microseconds / 1_000_000).\(fraction) \(module) \(arrow) \"\(text)\"\(length)\n"
    }
}

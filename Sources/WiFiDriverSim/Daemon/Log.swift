import WiFiSimHost
import WiFiSimValues

/// Says what happens: notices to standard error, and with a file both those and what passes on the lines.
public final class Log {
    /// Standard error, which takes notices.
    private let notices: LogOutput?
    /// The file, which takes all; it may be standard error.
    private let output: LogOutput?
    /// Each module's line, while bytes on it wait for the rest of theirs.
    private var joiners: [Int: LineJoiner] = [:]

    /// A log on standard error, and in a file.
    /// - Parameters:
    ///   - path: the file, which is appended to or made, and takes the bytes on the lines as well; `-` is standard error.
    ///   - isQuiet: leaves standard error alone.
    ///   - isHeld: nothing is said before `release`.
    /// - Throws: `SystemError` if the file cannot be opened.
    public init(path: String? = nil, isQuiet: Bool = false, isHeld: Bool = false) throws(SystemError) {
        notices = isQuiet ? nil : .standardError()
        output =
            if path == "-" { notices } else { try path.map { path throws(SystemError) in try LogOutput(path: path) } }
        notices?.isHeld = isHeld
        output?.isHeld = isHeld
    }

    var tracesLines: Bool { output != nil }

    /// Says what was held back.
    public func release() {
        notices?.isHeld = false
        output?.isHeld = false
    }

    /// A notice.
    public func write(_ text: String) {
        flush()
        notices?.write("wifisim: \(text)\n")
        if output !== notices { output?.write("# \(text)\n") }
    }

    /// Bytes on a module's line, which are told line by line.
    func write(module: Int, _ direction: LineDirection, _ bytes: UnsafeRawBufferPointer, at now: Instant) {
        guard output != nil else { return }
        var joiner = joiners.removeValue(forKey: module) ?? LineJoiner()
        tell(joiner.add(bytes, direction, at: now), module)
        if joiner.nextDeadline != nil { joiners[module] = joiner }
    }

    /// When `advance` has something to tell.
    var nextDeadline: Instant? { joiners.values.lazy.compactMap(\.nextDeadline).min() }

    /// Tells the bytes of which nothing more has come.
    func advance(to now: Instant) {
        guard let nextDeadline, nextDeadline <= now else { return }
        for (module, joiner) in joiners.sorted(by: { $0.key < $1.key }) {
            var joiner = joiner
            tell(joiner.advance(to: now), module)
            joiners[module] = joiner.nextDeadline == nil ? nil : joiner
        }
    }

    /// Tells all that waits.
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

    /// The time in seconds, the module's number, `>` to the module or `<` from it, and the bytes with C's escapes. Long data
    /// are cut, and their length is told.
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

/// Collects the lines of a head: a start line and fields, or the fields of a trailer alone.
///
/// A line ends in CR LF or LF (RFC 9112, section 2.2). All that is kept counts against the limits.
struct HTTPHeadReader {
    private let limits: HTTPLimits
    /// Whether a line that begins with a blank continues the field before it, as only an old server may send it (RFC
    /// 9112, section 5.2).
    private let joinsLines: Bool
    /// The bytes that all lines may still have.
    private var room: Int
    private var line: [UInt8] = []
    private var fields = HTTPFields()

    init(_ limits: HTTPLimits, joinsLines: Bool) {
        self.limits = limits
        self.joinsLines = joinsLines
        room = limits.head
    }

    /// Takes the next line that is not empty; `nil` until it is there. Throws `error` as soon as the line does not begin
    /// with `start`.
    mutating func startLine(
        from bytes: inout ArraySlice<UInt8>, beginning start: StaticString = "", otherwise error: HTTPError
    ) throws(HTTPError) -> [UInt8]? {
        while let line = try line(from: &bytes, check: (start, error)) {
            if !line.isEmpty { return line }
        }
        return nil
    }

    /// Takes the fields up to the empty line; `nil` until it is there.
    mutating func fields(from bytes: inout ArraySlice<UInt8>) throws(HTTPError) -> HTTPFields? {
        while let line = try line(from: &bytes) {
            guard let first = line.first else {
                defer { fields = HTTPFields() }
                return fields
            }
            if first == 0x20 || first == 0x09 {
                guard joinsLines, !fields.isEmpty, !line.contains(0x0D), !line.contains(0) else {
                    throw .badField(String(escaping: line.prefix(80), special: ""))
                }
                fields.extendLast(line)
            } else {
                fields.append(try HTTPField(line: line))
            }
        }
        return nil
    }

    /// Takes a line. Its end is not part of it.
    mutating func line(
        from bytes: inout ArraySlice<UInt8>, check: (start: StaticString, error: HTTPError)? = nil
    ) throws(HTTPError) -> [UInt8]? {
        let end = bytes.firstIndex(of: 0x0A)
        let run = bytes[..<(end.map { $0 + 1 } ?? bytes.endIndex)]
        bytes = bytes[run.endIndex...]
        let lineRoom = limits.line - line.count
        let taken = run.prefix(min(lineRoom, room))
        line += taken
        room -= taken.count
        if let check, taken.count < run.count || end == nil, line != [0x0D],
            zip(line, check.start.bytes).contains(where: { $0 != $1 })
        {
            throw check.error
        }
        guard taken.count == run.count else {
            throw lineRoom <= room + taken.count ? .lineTooLong(limit: limits.line) : .headTooLong(limit: limits.head)
        }
        guard end != nil else { return nil }
        defer { line.removeAll(keepingCapacity: true) }
        return line.dropLast(line.dropLast().last == 0x0D ? 2 : 1)
    }

    /// Makes room for lines that are not part of a head: the sizes of chunks, of which none is kept.
    mutating func renewRoom() { room = limits.head }
}

extension StaticString {
    fileprivate var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}

import WiFiSimValues

/// Receives the output of a `ResponseParser`.
protocol ResponseHandler {
    /// A message. After `.payload`, its bytes come through `payload` until they are complete.
    mutating func message(_ message: ModuleMessage)
    /// The next bytes of the last announced payload.
    mutating func payload(_ bytes: UnsafeRawBufferPointer)
}

/// Splits the bytes from the module into messages. The input may come in pieces of any size, which do not affect the
/// messages.
///
/// Payload is recognized by its announced length and passed on unchanged, so nothing in it is taken for a reply. The
/// caller may read payload from the line itself, past the parser: at most `payloadRemaining` bytes, then it calls
/// `payloadDelivered`.
///
/// A message starts after a line end, after a payload and after the prompt. Control bytes and non-ASCII bytes at that
/// place are noise and are skipped. `+IPD` with a payload is found inside a damaged line too, because otherwise its
/// payload would be taken for replies.
struct ResponseParser {
    private enum State {
        case line
        /// After `+CIPRECVDATA:<count>,`: the bytes of the line from `start` on are the sender or already data.
        case source(start: Int, count: Int)
        case payload(remaining: Int)
        /// A line longer than any line of the firmware. Skipped to its end.
        case overlong
    }

    /// In bytes. Lines of the firmware stay far below.
    static let maximumLine = 1024
    /// In bytes, the largest payload of one `+IPD`: a datagram. A higher number means a damaged header.
    static let maximumPush = 65535

    private var state = State.line
    private var line: [UInt8] = []
    private var inQuotes = false
    /// With CIPDINFO=1, answers to CIPRECVDATA have the sender between length and data.
    var readsShowSource = false
    /// In bytes, the length that CIPRECVDATA asked for. A longer answer is damaged.
    var maximumRead = 0
    /// Bytes and lines that are not messages: noise, damaged lines, lines that are too long.
    private(set) var noiseCount = 0

    init() { line.reserveCapacity(Self.maximumLine) }

    /// Bytes of the current payload that are still to come. 0 between payloads.
    var payloadRemaining: Int {
        if case .payload(let remaining) = state { remaining } else { 0 }
    }

    /// Records payload bytes that the caller has read from the line itself.
    mutating func payloadDelivered(_ count: Int) {
        guard case .payload(let remaining) = state else { return }
        state = count < remaining ? .payload(remaining: remaining - count) : .line
    }

    /// Drops an incomplete line or payload.
    mutating func reset() {
        state = .line
        beginLine()
    }

    /// Takes the next bytes from the line and calls `handler` for each message and each piece of payload.
    mutating func parse(_ bytes: UnsafeRawBufferPointer, into handler: inout some ResponseHandler) {
        var position = 0
        while position < bytes.count {
            switch state {
            case .payload(let remaining):
                let count = min(remaining, bytes.count - position)
                handler.payload(UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
                position += count
                state = count < remaining ? .payload(remaining: remaining - count) : .line
            case .line:
                if !line.isEmpty { position += takePlain(UnsafeRawBufferPointer(rebasing: bytes[position...])) }
                guard position < bytes.count else { return }
                let byte = bytes[position]
                position += 1
                take(byte, into: &handler)
            case .source(let start, let count):
                line.append(bytes[position])
                position += 1
                takeSource(from: start, count: count, into: &handler)
            case .overlong:
                if bytes[position] == UInt8(ascii: "\n") { state = .line }
                position += 1
            }
        }
    }

    /// Takes bytes that cannot end a header or a line, from the second byte of a line on.
    private mutating func takePlain(_ bytes: UnsafeRawBufferPointer) -> Int {
        let room = min(bytes.count, Self.maximumLine - line.count)
        var count = 0
        while count < room {
            switch bytes[count] {
            case UInt8(ascii: "\n"), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "\""):
                line.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                return count
            default: count += 1
            }
        }
        line.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        return count
    }

    private mutating func take(_ byte: UInt8, into handler: inout some ResponseHandler) {
        switch byte {
        case UInt8(ascii: "\n"):
            while line.last == UInt8(ascii: "\r") { line.removeLast() }
            if !line.isEmpty { handler.message(line.withUnsafeBytes { ModuleMessage(line: $0) }) }
            beginLine()
        case UInt8(ascii: ">") where line.isEmpty:
            handler.message(.prompt)
        case 0...0x20 where line.isEmpty, 0x7f... where line.isEmpty:
            if byte != UInt8(ascii: "\r"), byte != UInt8(ascii: " ") { noiseCount += 1 }
        default:
            if line.count == Self.maximumLine {
                noiseCount += 1
                state = .overlong
                beginLine()
                return
            }
            if byte == UInt8(ascii: "\""), line.last != UInt8(ascii: "\\") { inQuotes.toggle() }
            line.append(byte)
            switch byte {
            case UInt8(ascii: ":") where !inQuotes: endPushHeader(into: &handler)
            case UInt8(ascii: ","): endReadHeader(into: &handler)
            default: break
            }
        }
    }

    private mutating func beginLine() {
        line.removeAll(keepingCapacity: true)
        inQuotes = false
    }

    // MARK: Headers

    /// Handles a colon: the end of `+IPD,<link>,<count>[,<ip>,<port>]:`, or of `+CIPRECVDATA,<count>:` in generation 1.
    private mutating func endPushHeader(into handler: inout some ResponseHandler) {
        let found = line.withUnsafeBytes { bytes -> (start: Int, header: PayloadHeader)? in
            let text = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 1)])
            if text.starts(with: "+CIPRECVDATA,") {
                var fields = FieldReader(text, after: 13)
                guard let count = fields.integer(), fields.isAtEnd, (1...max(1, maximumRead)).contains(count) else {
                    return nil
                }
                return (0, PayloadHeader(origin: .read, count: count))
            }
            guard let start = Self.lastPush(in: text) else { return nil }
            var fields = FieldReader(text, after: start + 5)
            guard let link = fields.integer(), (0...9).contains(link), let count = fields.integer(),
                (1...Self.maximumPush).contains(count)
            else { return nil }
            var source: Endpoint?
            if !fields.isAtEnd {
                guard let ip = fields.ip(), let port = fields.port() else { return nil }
                source = Endpoint(ip, port)
            }
            return (start, PayloadHeader(origin: .pushed(link: link), count: count, source: source))
        }
        guard let found else { return }
        if found.start > 0 {
            // The end of the line before the header was lost.
            noiseCount += 1
            let damaged = line.withUnsafeBytes {
                ModuleMessage(line: UnsafeRawBufferPointer(rebasing: $0[..<found.start]))
            }
            handler.message(damaged)
        }
        beginPayload(found.header, into: &handler)
    }

    private static func lastPush(in text: UnsafeRawBufferPointer) -> Int? {
        var start = text.count - 5
        while start >= 0 {
            if text[start] == UInt8(ascii: "+"), UnsafeRawBufferPointer(rebasing: text[start...]).starts(with: "+IPD,")
            {
                return start
            }
            start -= 1
        }
        return nil
    }

    /// Handles a comma: the end of `+CIPRECVDATA:<count>,`.
    private mutating func endReadHeader(into handler: inout some ResponseHandler) {
        let count = line.withUnsafeBytes { bytes -> Int? in
            guard bytes.starts(with: "+CIPRECVDATA:") else { return nil }
            var fields = FieldReader(bytes, after: 13)
            guard let count = fields.integer(), fields.isAtEnd, (1...max(1, maximumRead)).contains(count) else {
                return nil
            }
            return count
        }
        guard let count else { return }
        if readsShowSource {
            state = .source(start: line.count, count: count)
        } else {
            beginPayload(PayloadHeader(origin: .read, count: count), into: &handler)
        }
    }

    /// Decides as early as possible whether the bytes from `start` on are `"<ip>",<port>,` or data.
    private mutating func takeSource(from start: Int, count: Int, into handler: inout some ResponseHandler) {
        let form = line.withUnsafeBytes { Self.sourceForm(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        switch form {
        case .incomplete: return
        case .complete(let source):
            beginPayload(PayloadHeader(origin: .read, count: count, source: source), into: &handler)
        case .none:
            let data = Array(line[start...])
            beginPayload(PayloadHeader(origin: .read, count: count), into: &handler)
            data.withUnsafeBytes { parse($0, into: &handler) }
        }
    }

    private enum SourceForm { case incomplete, complete(Endpoint), none }

    private static func sourceForm(_ text: UnsafeRawBufferPointer) -> SourceForm {
        var quotes = 0
        var commas = 0
        for byte in text {
            switch (quotes, byte) {
            case (0, UInt8(ascii: "\"")), (1, UInt8(ascii: "\"")): quotes += 1
            case (1, UInt8(ascii: "0")...UInt8(ascii: ":")), (1, UInt8(ascii: "a")...UInt8(ascii: "f")),
                (1, UInt8(ascii: "A")...UInt8(ascii: "F")), (1, UInt8(ascii: ".")):
                break
            case (2, UInt8(ascii: ",")): commas += 1
            case (2, UInt8(ascii: "0")...UInt8(ascii: "9")) where commas == 1: break
            default: return .none
            }
        }
        guard commas == 2 else { return text.count < 56 ? .incomplete : .none }
        var fields = FieldReader(text)
        guard let ip = fields.ip(), let port = fields.port() else { return .none }
        return .complete(Endpoint(ip, port))
    }

    private mutating func beginPayload(_ header: PayloadHeader, into handler: inout some ResponseHandler) {
        beginLine()
        state = .payload(remaining: header.count)
        handler.message(.payload(header))
    }
}

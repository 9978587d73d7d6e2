import WiFiSimModule
import WiFiSimValues

/// Scans one line of a transcript from left to right.
struct LineScanner {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    private let end: Int
    /// The offset of the line's start in `bytes`.
    private let start: Int
    /// The line's number, counted from 1.
    let number: Int

    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, number: Int) {
        self.bytes = bytes
        start = range.lowerBound
        position = range.lowerBound
        end = range.upperBound
        self.number = number
    }

    /// An error and its place in the text.
    struct Failure: Error {
        let line: Int
        let column: Int
        let reason: String
    }

    var isAtEnd: Bool { position == end }
    var next: UInt8? { position < end ? bytes[position] : nil }

    /// An error at an offset in `bytes`; by default at the current position.
    func failure(_ reason: String, at place: Int? = nil) -> Failure {
        Failure(line: number, column: (place ?? position) - start + 1, reason: reason)
    }

    mutating func skipIndentation() {
        while let byte = next, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { position += 1 }
    }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    mutating func skip(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard end - position >= count else { return false }
        for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
        position += count
        return true
    }

    mutating func takeByte() -> UInt8? {
        guard position < end else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// Takes the bytes before the next of `stops`, or all that are left.
    mutating func takeText(upTo stops: StaticString = " ") -> String {
        let first = position
        while position < end, !contains(stops, bytes[position]) { position += 1 }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[first..<position]), as: UTF8.self)
    }

    private func contains(_ stops: StaticString, _ byte: UInt8) -> Bool {
        for index in 0..<stops.utf8CodeUnitCount where stops.utf8Start[index] == byte { return true }
        return false
    }

    /// Takes the next word; `what` names it in the error if the line has ended.
    mutating func takeWord(_ what: @autoclosure () -> String) throws(Failure) -> String {
        let word = takeText()
        if word.isEmpty { throw failure("\(what()) is missing") }
        return word
    }

    mutating func takeSpace(before what: @autoclosure () -> String) throws(Failure) {
        guard skip(UInt8(ascii: " ")) else {
            throw failure(isAtEnd ? "\(what()) is missing" : "a space must stand before \(what())")
        }
    }

    func expectEnd() throws(Failure) {
        guard isAtEnd else { throw failure("nothing may follow here") }
    }

    /// Takes the remaining words, each preceded by one space, unquoted or quoted.
    mutating func takeWords() throws(Failure) -> Words {
        var words: [Words.Word] = []
        while !isAtEnd {
            try takeSpace(before: "the next word")
            let place = position
            let text = next == UInt8(ascii: "\"") ? try takeQuoted("the word") : try takeWord("a word")
            words.append(Words.Word(text: text, position: place))
        }
        return Words(words, end: position)
    }

    /// Takes all that is left.
    mutating func takeRest() -> String {
        defer { position = end }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[position..<end]), as: UTF8.self)
    }

    mutating func takeInteger(_ what: String, _ range: ClosedRange<Int>) throws(Failure) -> Int {
        let place = position
        let word = try takeWord(what)
        guard let value = Int(word), range.contains(value) else {
            throw failure("\(what) must be a number from \(range.lowerBound) to \(range.upperBound)", at: place)
        }
        return value
    }

    /// Takes a duration such as `350ms`, `2.5s` or `10min`.
    mutating func takeDuration(upTo stops: StaticString = " ") throws(Failure) -> Duration {
        let place = position
        let text = takeText(upTo: stops)
        guard let duration = Duration(text: text) else {
            throw failure("\"\(text)\" is not a duration such as 350ms, 2.5s or 10min", at: place)
        }
        return duration
    }

    /// Takes an endpoint such as `10.0.2.2:80` or `[fec0::2]:80`.
    mutating func takeEndpoint() throws(Failure) -> Endpoint {
        let place = position
        let word = try takeWord("an address and port, as 10.0.2.2:80,")
        guard let endpoint = Endpoint(transcriptText: word) else {
            throw failure("\"\(word)\" is not an address and port such as 10.0.2.2:80 or [fec0::2]:80", at: place)
        }
        return endpoint
    }

    /// Takes text in double quotes, with the escapes of payloads and `\"`.
    mutating func takeQuoted(_ what: String) throws(Failure) -> String {
        guard skip(UInt8(ascii: "\"")) else { throw failure("\(what) must stand in double quotes") }
        var text: [UInt8] = []
        while let byte = next {
            if byte == UInt8(ascii: "\"") {
                position += 1
                return String(decoding: text, as: UTF8.self)
            }
            text.append(byte == UInt8(ascii: "\\") ? try takeEscape(and: "\"") : byte)
            if byte != UInt8(ascii: "\\") { position += 1 }
        }
        throw failure("the closing double quote of \(what) is missing")
    }

    /// Takes an escape sequence. `more` are the characters that may be escaped in addition to the general escapes.
    mutating func takeEscape(and more: StaticString) throws(Failure) -> UInt8 {
        let place = position
        position += 1
        guard let byte = takeByte() else {
            throw failure("a backslash ends the line; write \\\\ for one", at: place)
        }
        switch byte {
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "\\"): return byte
        case UInt8(ascii: "x"):
            guard let high = takeByte()?.hexDigitValue, let low = takeByte()?.hexDigitValue else {
                throw failure("\\x needs two hexadecimal digits", at: place)
            }
            return high << 4 | low
        default:
            guard contains(more, byte) else {
                throw failure(
                    "there is no such escape; there are \\r \\n \\t \\\\ \\xNN and, in payloads, \\< \\{", at: place)
            }
            return byte
        }
    }
}

extension UInt8 {
    fileprivate var hexDigitValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Endpoint {
    init?(transcriptText text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(String(host)), (address.family == .v6) == isBracketed else { return nil }
        self.init(address, port)
    }
}

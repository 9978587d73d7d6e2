/// Finds where a text stops being JSON (RFC 8259): the decoder only says that it does.
struct JSONSyntax {
    private let bytes: [UInt8]
    private var position = 0

    /// The line, from 1, and what is expected there; `nil` for valid JSON.
    static func firstError(in text: String) -> (line: Int, reason: String)? {
        var syntax = JSONSyntax(bytes: Array(text.utf8))
        do throws(Expectation) {
            try syntax.value()
            syntax.skipBlanks()
            if syntax.current != nil { throw Expectation("the end") }
            return nil
        } catch {
            let line = 1 + syntax.bytes[..<syntax.position].count { $0 == UInt8(ascii: "\n") }
            let found = syntax.current.map { "\"\(Character(Unicode.Scalar($0)))\"" } ?? "the end"
            return (line, "is not valid JSON: \(found) where \(error.what) is expected")
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private struct Expectation: Error {
        let what: String
        init(_ what: String) { self.what = what }
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = current, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(Expectation) {
        skipBlanks()
        switch current {
        case UInt8(ascii: "{"):
            try list(until: "}", what: "a comma or }") { (syntax) throws(Expectation) in try syntax.member() }
        case UInt8(ascii: "["):
            try list(until: "]", what: "a comma or ]") { (syntax) throws(Expectation) in try syntax.value() }
        case UInt8(ascii: "\""): try string()
        case .some: try word()
        case nil: throw Expectation("a value")
        }
    }

    private mutating func list(
        until end: Unicode.Scalar, what: String, _ element: (inout JSONSyntax) throws(Expectation) -> Void
    ) throws(Expectation) {
        position += 1
        skipBlanks()
        if take(end) { return }
        while true {
            try element(&self)
            skipBlanks()
            if take(end) { return }
            guard take(",") else { throw Expectation(what) }
        }
    }

    private mutating func member() throws(Expectation) {
        skipBlanks()
        guard current == UInt8(ascii: "\"") else { throw Expectation("a key in quotes") }
        try string()
        skipBlanks()
        guard take(":") else { throw Expectation("a colon") }
        try value()
    }

    private mutating func string() throws(Expectation) {
        position += 1
        while let byte = current, byte >= 0x20 {
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\"), current != nil { position += 1 }
        }
        throw Expectation("the closing quote")
    }

    /// A number, true, false or null; its form is the decoder's business.
    private mutating func word() throws(Expectation) {
        let start = position
        while let byte = current, Unicode.Scalar(byte).properties.isAlphabetic || "+-.0123456789".utf8.contains(byte) {
            position += 1
        }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        guard ["true", "false", "null"].contains(word) || Double(word) != nil else {
            position = start
            throw Expectation("a value")
        }
    }
}

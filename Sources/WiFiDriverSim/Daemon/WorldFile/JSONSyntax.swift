/// Finds the place where a text stops being JSON (RFC 8259). Foundation's decoder does not report it.
struct JSONSyntax {
    private let bytes: [UInt8]
    private var position = 0
    /// The number of open lists and objects.
    private var depth = 0
    /// The depth limit of Foundation's decoder.
    private static let depthLimit = 512

    /// The line, counted from 1, and the reason of the first error; `nil` for valid JSON.
    static func firstError(in text: String) -> (line: Int, reason: String)? {
        var syntax = JSONSyntax(bytes: Array(text.utf8))
        do throws(Mistake) {
            try syntax.value()
            syntax.skipBlanks()
            if syntax.current != nil { throw .expected("the end") }
            return nil
        } catch {
            let line = 1 + syntax.bytes[..<syntax.position].count { $0 == UInt8(ascii: "\n") }
            switch error {
            case .expected(let what):
                let found = syntax.current.map { "\"\(Character(Unicode.Scalar($0)))\"" } ?? "the end"
                return (line, "is not valid JSON: \(found) where \(what) is expected")
            case .tooDeep: return (line, "is nested more than \(depthLimit) levels deep")
            }
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private enum Mistake: Error {
        case expected(String)
        case tooDeep
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

    private mutating func value() throws(Mistake) {
        skipBlanks()
        switch current {
        case UInt8(ascii: "{"):
            try list(until: "}", what: "a comma or }") { (syntax) throws(Mistake) in try syntax.member() }
        case UInt8(ascii: "["):
            try list(until: "]", what: "a comma or ]") { (syntax) throws(Mistake) in try syntax.value() }
        case UInt8(ascii: "\""): try string()
        case .some: try word()
        case nil: throw .expected("a value")
        }
    }

    private mutating func list(
        until end: Unicode.Scalar, what: String, _ element: (inout JSONSyntax) throws(Mistake) -> Void
    ) throws(Mistake) {
        guard depth < Self.depthLimit else { throw .tooDeep }
        depth += 1
        defer { depth -= 1 }
        position += 1
        skipBlanks()
        if take(end) { return }
        while true {
            try element(&self)
            skipBlanks()
            if take(end) { return }
            guard take(",") else { throw .expected(what) }
        }
    }

    private mutating func member() throws(Mistake) {
        skipBlanks()
        guard current == UInt8(ascii: "\"") else { throw .expected("a key in quotes") }
        try string()
        skipBlanks()
        guard take(":") else { throw .expected("a colon") }
        try value()
    }

    private mutating func string() throws(Mistake) {
        position += 1
        while let byte = current, byte >= 0x20 {
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\"), current != nil { position += 1 }
        }
        throw .expected("the closing quote")
    }

    /// A number, true, false or null. The decoder checks the form of numbers.
    private mutating func word() throws(Mistake) {
        let start = position
        while let byte = current, Unicode.Scalar(byte).properties.isAlphabetic || "+-.0123456789".utf8.contains(byte) {
            position += 1
        }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        guard ["true", "false", "null"].contains(word) || Double(word) != nil else {
            position = start
            throw .expected("a value")
        }
    }
}

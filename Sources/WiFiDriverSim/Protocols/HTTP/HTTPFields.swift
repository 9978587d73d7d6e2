/// A field of a head or a trailer (RFC 9110, section 5).
package struct HTTPField: Equatable, Sendable {
    package let name: String
    /// Without the blanks around it. May have bytes that are not UTF-8.
    package fileprivate(set) var value: [UInt8]

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = Array(value.utf8)
    }

    /// Reads `name: value`, a line without its end.
    /// - Throws: `HTTPError.badField` without a colon, for a name that is no token (as with a blank before the colon),
    ///   and for a CR, LF or NUL.
    package init(line: some BidirectionalCollection<UInt8>) throws(HTTPError) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(\.isTokenByte), !line.contains(where: { [0x0D, 0x0A, 0].contains($0) })
        else { throw .badField(String(escaping: line.prefix(80), special: "")) }
        name = String(decoding: line[..<colon], as: UTF8.self)
        value = Array(line[colon...].dropFirst().trimmingBlanks())
    }

    /// The value as text.
    package var text: String { String(decoding: value, as: UTF8.self) }

    /// `name: value`, without the end of a line.
    package var line: [UInt8] { Array(name.utf8) + [UInt8(ascii: ":"), 0x20] + value }

    fileprivate func isNamed(_ name: String) -> Bool { self.name.lowercased() == name.lowercased() }

    /// Appends a continued line.
    mutating func extend(_ continuation: some BidirectionalCollection<UInt8>) {
        let more = continuation.trimmingBlanks()
        if !value.isEmpty, !more.isEmpty { value.append(0x20) }
        value += more
    }
}

/// Fields in their order. Names are compared without regard to case.
package struct HTTPFields: Equatable, Sendable {
    package private(set) var all: [HTTPField] = []

    package init(_ all: [HTTPField] = []) { self.all = all }

    package var isEmpty: Bool { all.isEmpty }

    /// The first value with this name.
    package subscript(name: String) -> String? { all.first { $0.isNamed(name) }?.text }

    /// All values with this name, split at their commas (RFC 9110, section 5.6.1). Quotes have no meaning here.
    package func list(_ name: String) -> [String] {
        all.filter { $0.isNamed(name) }.flatMap { field in
            field.value.split(separator: UInt8(ascii: ","))
                .map { String(decoding: $0.trimmingBlanks(), as: UTF8.self) }.filter { !$0.isEmpty }
        }
    }

    /// Whether a list has this element, without regard to case.
    package func list(_ name: String, has element: String) -> Bool {
        list(name).contains { $0.lowercased() == element.lowercased() }
    }

    package mutating func append(_ field: HTTPField) { all.append(field) }

    /// Replaces all fields with the name of `field`. Without any, appends it.
    package mutating func set(_ field: HTTPField) {
        guard let index = all.firstIndex(where: { $0.isNamed(field.name) }) else { return all.append(field) }
        all[index] = field
        var seen = false
        all.removeAll { other in
            defer { if other.isNamed(field.name) { seen = true } }
            return other.isNamed(field.name) && seen
        }
    }

    package mutating func remove(_ name: String) { all.removeAll { $0.isNamed(name) } }

    mutating func extendLast(_ continuation: [UInt8]) { all[all.count - 1].extend(continuation) }

    /// The lines of all fields and the empty line after them.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for field in all { bytes += field.line + [0x0D, 0x0A] }
        return bytes + [0x0D, 0x0A]
    }

    /// The value of Content-Length; `nil` without one.
    /// - Throws: `HTTPError` for a value that is no number or too large, and for several that differ.
    package func contentLength() throws(HTTPError) -> Int? {
        var length: Int?
        for field in all where field.isNamed("Content-Length") {
            for element in field.value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                let digits = element.trimmingBlanks()
                guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { throw .badLength }
                guard let number = Int(String(decoding: digits, as: UTF8.self)) else { throw .lengthTooLarge }
                guard length ?? number == number else { throw .contradictoryLengths }
                length = number
            }
        }
        return length
    }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        all = elements.map { HTTPField($0.0, $0.1) }
    }
}

extension BidirectionalCollection<UInt8> {
    /// Without blanks and tabs at both ends.
    func trimmingBlanks() -> SubSequence {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        let start = firstIndex { !isBlank($0) } ?? endIndex
        let end = self[start...].lastIndex { !isBlank($0) }.map(index(after:)) ?? endIndex
        return self[start..<end]
    }
}

extension UInt8 {
    /// Whether a token may have this byte (RFC 9110, section 5.6.2).
    var isTokenByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}

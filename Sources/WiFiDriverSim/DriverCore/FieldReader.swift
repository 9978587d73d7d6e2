import WiFiSimValues

/// Reads the comma-separated fields of a reply, such as `3,"cafe "one"",-60`.
struct FieldReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// Starts after the first `skipped` bytes, the name of the reply.
    init(_ bytes: UnsafeRawBufferPointer, after skipped: Int = 0) {
        self.bytes = bytes
        position = min(skipped, bytes.count)
    }

    var isAtEnd: Bool { position >= bytes.count }

    /// The next field as a number. Nil if it is not a number; the field is skipped anyway.
    mutating func integer() -> Int? {
        let field = raw()
        var digits = field[...]
        let negative = digits.first == UInt8(ascii: "-")
        if negative { digits = digits.dropFirst() }
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return negative ? -value : value
    }

    /// The next field without its quotes. Nil at the end. Firmware does not escape quotes in replies, so a quote closes
    /// the field only before a comma, a parenthesis or the end.
    mutating func text() -> [UInt8]? {
        guard !isAtEnd else { return nil }
        guard bytes[position] == UInt8(ascii: "\"") else { return Array(raw()) }
        position += 1
        var result: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\"")
            where isAtEnd || bytes[position] == UInt8(ascii: ",") || bytes[position] == UInt8(ascii: ")"):
                skipSeparator()
                return result
            default: result.append(byte)
            }
        }
        return result
    }

    /// The next field without its quotes, where `count` more quotes follow it in the line. Safe for a text with quotes
    /// and commas in it, because the end is found from the end of the line.
    mutating func text(quotesAfter count: Int) -> [UInt8]? {
        let quotes = bytes.indices[position...].filter { bytes[$0] == UInt8(ascii: "\"") }
        guard quotes.count >= count + 2, quotes.first == position else { return text() }
        let end = quotes[quotes.count - 1 - count]
        defer {
            position = end + 1
            skipSeparator()
        }
        return Array(bytes[(position + 1)..<end])
    }

    /// The next field as an address, quoted or not.
    mutating func ip() -> IPAddress? { string().flatMap { IPAddress($0) } }

    /// The next field as a port number.
    mutating func port() -> UInt16? { integer().flatMap { UInt16(exactly: $0) } }

    /// The next field as a MAC address, such as `"1a:2b:3c:4d:5e:6f"`.
    mutating func mac() -> MACAddress? { string().flatMap { MACAddress($0) } }

    /// The next field as a string. Invalid UTF-8 is replaced.
    mutating func string() -> String? { text().map { String(decoding: $0, as: UTF8.self) } }

    private mutating func raw() -> Slice<UnsafeRawBufferPointer> {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","), bytes[position] != UInt8(ascii: ")") {
            position += 1
        }
        let field = bytes[start..<position]
        skipSeparator()
        return field
    }

    private mutating func skipSeparator() { if position < bytes.count { position += 1 } }
}

/// A name of DNS (RFC 1035, section 3.1). Two are the same whatever their capitals are.
struct DomainName: Hashable, Sendable {
    /// From the front, without the root's empty one.
    let labels: [String]
    /// As it stands in a message, uncompressed. A label may hold any byte, also what is not UTF-8.
    let bytes: [UInt8]
    /// The same in small letters; no length of a label is that of a capital.
    private let folded: [UInt8]

    /// "Various objects and parameters in the DNS have size limits" (RFC 1035, section 2.3.4). A name counts the length of
    /// each label and the root.
    static let longestLabel = 63
    static let longest = 255

    /// A name of these labels, of which more than 63 bytes do not count.
    init(_ labels: [String]) {
        self.init(labels: labels, bytes: Self.bytes(labels))
    }

    fileprivate init(labels: [String], bytes: [UInt8]) {
        self.labels = labels
        self.bytes = bytes
        folded = bytes.map(Self.smallLetter)
    }

    static func == (left: Self, right: Self) -> Bool { left.folded == right.folded }
    func hash(into hasher: inout Hasher) { hasher.combine(folded) }

    /// With dots between its labels.
    var text: String { labels.joined(separator: ".") }

    /// In small letters, with dots; `nil` where a label has a byte that no host's name has.
    var hostName: String? {
        var name: [UInt8] = []
        for label in labels {
            guard label.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: ".") }) else { return nil }
            if !name.isEmpty { name.append(UInt8(ascii: ".")) }
            name += label.utf8.map(Self.smallLetter)
        }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    private static func bytes(_ labels: [String]) -> [UInt8] {
        labels.flatMap { label in
            let bytes = label.utf8.prefix(longestLabel)
            return [UInt8(bytes.count)] + bytes
        } + [0]
    }

    private static func smallLetter(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
}

/// Reads a message of DNS from the front. Everything it reads may come from anybody: no step costs more than its size.
struct DNSReader {
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Goes on behind what lies between.
    mutating func skip(to position: Int) { self.position = position }

    mutating func number() -> UInt16? {
        guard position + 2 <= bytes.count else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    /// A name, of which a pointer may lead to the rest, ever further to the front (RFC 1035, section 4.1.4); `nil` for one that
    /// is broken, too long, or made of more pointers than a name has labels.
    mutating func name() -> DomainName? {
        var labels: [String] = []
        var bytesOfName: [UInt8] = []
        var place = position
        var end: Int?
        // Each pointer has to lead further to the front than all before it: else a name could have no end.
        var limit = position
        var pointers = 0
        while place < bytes.count {
            let length = Int(bytes[place])
            switch length {
            case 0:
                position = end ?? place + 1
                return DomainName(labels: labels, bytes: bytesOfName + [0])
            case 1...DomainName.longestLabel:
                let next = place + 1 + length
                guard next <= bytes.count, bytesOfName.count + 1 + length < DomainName.longest else { return nil }
                labels.append(String(decoding: bytes[place + 1..<next], as: UTF8.self))
                bytesOfName += bytes[place..<next]
                place = next
            case 0xC0...:
                guard place + 1 < bytes.count else { return nil }
                let target = (length & 0x3F) << 8 | Int(bytes[place + 1])
                pointers += 1
                guard target < limit, pointers <= DomainName.longest / 2 else { return nil }
                end = end ?? place + 2
                place = target
                limit = target
            default: return nil
            }
        }
        return nil
    }
}

extension FixedWidthInteger {
    /// The most significant byte first, as networks have it.
    var networkBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

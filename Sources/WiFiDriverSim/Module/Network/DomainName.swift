/// A DNS name (RFC 1035, section 3.1). Comparison ignores case.
struct DomainName: Hashable, Sendable {
    /// From left to right, without the empty label of the root.
    let labels: [String]
    /// The uncompressed form in a message. A label may contain any byte, including invalid UTF-8.
    let bytes: [UInt8]
    /// `bytes` in lower case. Length bytes are unaffected, because a label's length is below `A`.
    private let folded: [UInt8]

    /// In bytes (RFC 1035, section 2.3.4). The length of a name includes the length byte of each label and the root.
    static let longestLabel = 63
    static let longest = 255

    /// A name of these labels. Each is cut to 63 bytes.
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

    /// The labels with dots between them.
    var text: String { labels.joined(separator: ".") }

    /// In lower case, with dots between the labels. `nil` if a label has a byte that a host name cannot have.
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

/// Reads a DNS message from front to back. The message may come from any host, so no step costs more than its size.
struct DNSReader {
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Continues at `position`.
    mutating func skip(to position: Int) { self.position = position }

    mutating func number() -> UInt16? {
        guard position + 2 <= bytes.count else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    /// Reads a name. Pointers may lead to the rest of it, each to an earlier position (RFC 1035, section 4.1.4). `nil`
    /// if the name is damaged, too long, or uses more pointers than a name can have labels.
    mutating func name() -> DomainName? {
        var labels: [String] = []
        var bytesOfName: [UInt8] = []
        var place = position
        var end: Int?
        // Each pointer must lead to an earlier position than all before it, so that the name has an end.
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
    /// In network byte order: the most significant byte first.
    var networkBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

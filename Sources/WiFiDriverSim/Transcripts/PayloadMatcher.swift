import WiFiSimValues

extension Payload {
    enum Match: Equatable {
        /// The first `count` bytes match, and the placeholders then have these values.
        case matched(count: Int, Bindings)
        /// All bytes match so far, but more are needed.
        case partial
        /// The byte at this offset differs.
        case differs(at: Int)
    }

    /// Compares the payload with the bytes from `start` on; ignores bytes after the payload.
    func match(_ bytes: [UInt8], from start: Int, bindings: Bindings) -> Match {
        var bindings = bindings
        var position = start
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .bytes(let expected):
                for byte in expected {
                    guard position < bytes.count else { return .partial }
                    guard bytes[position] == byte else { return .differs(at: position - start) }
                    position += 1
                }
            case .placeholder(let placeholder):
                let following: UInt8? =
                    if index + 1 < pieces.count, case .bytes(let next) = pieces[index + 1] { next.first } else { nil }
                guard let end = placeholder.kind.end(in: bytes, from: position, following: following) else {
                    return .partial
                }
                let value = Array(bytes[position..<end])
                guard placeholder.kind.accepts(value) else { return .differs(at: position - start) }
                if placeholder.isBound {
                    if let known = bindings[placeholder], known != value { return .differs(at: position - start) }
                    bindings[placeholder] = value
                }
                position = end
            case .reference(let reference):
                guard bytes.count - position >= reference.count else { return .partial }
                let end = position + reference.count
                guard SHA256.hexDigest(of: Array(bytes[position..<end])) == reference.sha256 else {
                    return .differs(at: position - start)
                }
                position = end
            }
        }
        return .matched(count: position - start, bindings)
    }
}

extension Payload.Placeholder.Kind {
    /// Where a value of this kind that starts at `start` ends; `nil` if more bytes could belong to it. `following` is
    /// the next byte of the payload.
    fileprivate func end(in bytes: [UInt8], from start: Int, following: UInt8?) -> Int? {
        if let following, self == .text { return bytes[start...].firstIndex(of: following) }
        guard var end = bytes[start...].firstIndex(where: { !canContain($0) }) else { return nil }
        // A colon or period that follows an address in the payload is not part of the address.
        while end > start, let last = bytes[start..<end].last, last == following, self == .ip { end -= 1 }
        return end
    }

    private func canContain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"): self == .n
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: ":"):
            self == .ip || self == .mac
        case UInt8(ascii: "."): self == .ip
        default: false
        }
    }

    fileprivate func accepts(_ value: [UInt8]) -> Bool {
        let text = String(decoding: value, as: UTF8.self)
        return switch self {
        case .ip: IPAddress(text) != nil
        case .port: UInt16(text) != nil
        case .mac: MACAddress(text) != nil
        case .n: Int(text) != nil
        case .text: true
        }
    }
}

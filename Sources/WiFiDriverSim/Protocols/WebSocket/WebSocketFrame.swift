/// What a frame is for (RFC 6455, section 5.2). Four bits; 3 to 7 and 11 to 15 are reserved.
package struct WebSocketOpcode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8

    /// `nil` above 15.
    package init?(rawValue: UInt8) {
        guard rawValue < 16 else { return nil }
        self.rawValue = rawValue
    }

    private init(_ value: UInt8) { rawValue = value }

    package static let continuation = WebSocketOpcode(0)
    package static let text = WebSocketOpcode(1)
    package static let binary = WebSocketOpcode(2)
    package static let close = WebSocketOpcode(8)
    package static let ping = WebSocketOpcode(9)
    package static let pong = WebSocketOpcode(10)

    package var isControl: Bool { rawValue & 8 != 0 }
    package var isReserved: Bool { !(0...2 ~= rawValue || 8...10 ~= rawValue) }
}

/// The head of a frame (RFC 6455, section 5.2).
package struct WebSocketFrameHead: Equatable, Sendable {
    /// Whether the frame is the last one of its message.
    package var isFinal = true
    /// The three reserved bits, 0 without extensions.
    package var reserved: UInt8 = 0
    package var opcode: WebSocketOpcode
    /// The masking key, first byte in the highest bits; `nil` for a frame without a mask.
    package var mask: UInt32?
    /// In bytes.
    package var length: Int

    package init(_ opcode: WebSocketOpcode, length: Int, isFinal: Bool = true, mask: UInt32? = nil) {
        self.opcode = opcode
        self.length = length
        self.isFinal = isFinal
        self.mask = mask
    }

    /// The longest head in bytes.
    static let longest = 14

    /// The head as bytes, with the shortest form of the length.
    package var encoded: [UInt8] {
        var bytes = [(isFinal ? 0x80 : 0) | (reserved & 7) << 4 | opcode.rawValue]
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        switch length {
        case ..<126: bytes.append(maskBit | UInt8(length))
        case ..<65_536: bytes += [maskBit | 126] + UInt16(length).networkBytes
        default: bytes += [maskBit | 127] + UInt64(length).networkBytes
        }
        return bytes + (mask?.networkBytes ?? [])
    }

    /// The whole frame. `payload` has the length of the head.
    package func encoded(with payload: some Collection<UInt8>) -> [UInt8] {
        var bytes = encoded
        let start = bytes.count
        bytes += payload
        if let mask { WebSocketMask.apply(mask, to: &bytes, from: start, offset: 0) }
        return bytes
    }

    /// Reads a head; `nil` if `bytes` are too few. A length may have a longer form than it needs.
    /// - Throws: `WebSocketError.frameTooLong` for a length of more than 63 bits.
    static func read(_ bytes: [UInt8]) throws(WebSocketError) -> WebSocketFrameHead? {
        guard bytes.count >= 2, let opcode = WebSocketOpcode(rawValue: bytes[0] & 0x0F) else { return nil }
        let shortLength = Int(bytes[1] & 0x7F)
        let lengthBytes = shortLength < 126 ? 0 : shortLength == 126 ? 2 : 8
        let maskBytes = bytes[1] & 0x80 == 0 ? 0 : 4
        guard bytes.count >= 2 + lengthBytes else { return nil }
        let length = lengthBytes == 0 ? UInt64(shortLength) : number(bytes[2..<2 + lengthBytes])
        guard length <= UInt64(Int.max) else { throw .frameTooLong }
        guard bytes.count >= 2 + lengthBytes + maskBytes else { return nil }
        var head = WebSocketFrameHead(opcode, length: Int(length), isFinal: bytes[0] & 0x80 != 0)
        head.reserved = bytes[0] >> 4 & 7
        if maskBytes > 0 { head.mask = UInt32(number(bytes[(2 + lengthBytes)...].prefix(4))) }
        return head
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}

enum WebSocketMask {
    /// Masks or unmasks `bytes` from index `start` on, of which the first is at `offset` in the payload (RFC 6455,
    /// section 5.3).
    static func apply(_ key: UInt32, to bytes: inout [UInt8], from start: Int, offset: Int) {
        let keyBytes = key.networkBytes
        bytes.withUnsafeMutableBufferPointer { bytes in
            keyBytes.withUnsafeBufferPointer { key in
                for index in start..<bytes.count { bytes[index] ^= key[(offset + index - start) & 3] }
            }
        }
    }
}

extension FixedWidthInteger {
    /// The bytes, most significant first.
    fileprivate var networkBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

/// What a close frame says (RFC 6455, section 7.4).
package struct WebSocketClosure: Equatable, Sendable {
    package var code: UInt16
    /// At most 123 bytes are sent.
    package var reason: String

    package init(_ code: UInt16, _ reason: String = "") {
        self.code = code
        self.reason = reason
    }

    package static let normal = WebSocketClosure(1000)

    /// The payload of the frame. A reason that is too long is cut between characters.
    var payload: [UInt8] {
        var text = reason
        while text.utf8.count > 123 { text.removeLast() }
        return code.networkBytes + text.utf8
    }

    /// Reads the payload of a close frame; `nil` for an empty one.
    static func read(_ payload: [UInt8]) throws(WebSocketError) -> WebSocketClosure? {
        guard !payload.isEmpty else { return nil }
        guard payload.count > 1 else { throw .badClose }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        // 1004 to 1006 and 1015 are never sent.
        guard 1000...1003 ~= code || 1007...1014 ~= code || 3000...4999 ~= code else { throw .badClose }
        guard let reason = String(validating: payload[2...], as: UTF8.self) else { throw .badText }
        return WebSocketClosure(code, reason)
    }
}

/// Why the frames of a peer break RFC 6455.
package enum WebSocketError: Error, Equatable, Sendable {
    /// A reserved bit is set, and no extension was agreed.
    case reservedBits(UInt8)
    case reservedOpcode(WebSocketOpcode)
    /// A server has masked a frame.
    case masked
    /// A client has not masked a frame.
    case unmasked
    /// A control frame is fragmented.
    case fragmentedControl
    /// A control frame has more than 125 bytes.
    case longControl
    /// A continuation has no beginning.
    case strayContinuation
    /// A message begins inside another one.
    case unfinishedMessage
    /// A message is longer than the limit.
    case messageTooLong(limit: Int)
    /// A length of more than 63 bits.
    case frameTooLong
    /// A text is not UTF-8.
    case badText
    /// A close frame has one byte, or a code that may not be sent.
    case badClose

    /// The code for the close frame that answers it (RFC 6455, section 7.4.1).
    package var closeCode: UInt16 {
        switch self {
        case .badText: 1007
        case .messageTooLong, .frameTooLong: 1009
        default: 1002
        }
    }
}

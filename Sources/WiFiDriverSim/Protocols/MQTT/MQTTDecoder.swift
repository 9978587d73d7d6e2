import WiFiSimValues

/// Divides the bytes of a connection into packets.
///
/// `receive` takes bytes; `next` returns what they contain, one item a call. What comes out does not depend on how the
/// bytes were cut. After an error there is nothing more: the same error is thrown again, and bytes are ignored.
///
/// The buffer is limited. A longer PUBLISH is an error, or comes in parts as from esp-mqtt: the first part is what the
/// buffer holds beside the head of the packet, later ones fill the buffer, the last one has the rest.
package struct MQTTDecoder {
    package enum Item: Equatable, Sendable {
        case packet(MQTTPacket)
        /// A part of a PUBLISH that is longer than the buffer.
        case part(MQTTPart)
    }

    /// The longest packet in bytes, with its fixed header.
    package let limit: Int
    /// Whether a PUBLISH may be longer than `limit`, and comes in parts then. Its head must not.
    package let dividesPublish: Bool

    private var input = ByteQueue()
    /// The part of a long PUBLISH that was returned last, if it is not the last part.
    private var divided: MQTTPart?
    private var failure: MQTTError?

    /// Makes a decoder for a new connection.
    /// - Parameters:
    ///   - limit: the longest packet in bytes; at least 16.
    ///   - dividesPublish: whether a longer PUBLISH comes in parts.
    package init(limit: Int, dividesPublish: Bool = false) {
        self.limit = max(limit, 16)
        self.dividesPublish = dividesPublish
    }

    /// The bytes that wait for the rest of their packet, or for `next`.
    package var pendingCount: Int { input.count }

    package mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        if failure == nil { input.append(contentsOf: bytes) }
    }

    package mutating func receive(_ bytes: [UInt8]) { bytes.withUnsafeBytes { receive($0) } }

    /// Returns the next packet or part; `nil` if its bytes are not all there.
    package mutating func next() throws(MQTTError) -> Item? {
        if let failure { throw failure }
        do throws(MQTTError) {
            if let divided { return nextPart(after: divided) }
            guard let header = try nextHeader() else { return nil }
            if header.length > limit {
                guard dividesPublish, header.type == .publish else {
                    throw .packetTooLong(header.length, limit: limit)
                }
                return try firstPart(header)
            }
            guard input.count >= header.length else { return nil }
            input.removeFirst(header.count)
            let body = input.take(header.length - header.count)
            return .packet(try MQTTPacket(header.type, flags: header.flags, body: body))
        } catch {
            failure = error
            input.removeAll()
            throw error
        }
    }

    /// A fixed header.
    private struct Header {
        let type: MQTTPacketType
        let flags: UInt8
        /// The bytes of the header.
        let count: Int
        /// The bytes of the packet.
        let length: Int
    }

    private func nextHeader() throws(MQTTError) -> Header? {
        let bytes = input.elements
        guard let first = bytes.first else { return nil }
        guard let type = MQTTPacketType(rawValue: first >> 4) else { throw .reservedType(first >> 4) }
        let flags = first & 0xF
        if let required = type.requiredFlags {
            guard flags == required else { throw .reservedFlags(type, flags) }
        } else {
            guard flags & 6 != 6 else { throw .reservedQoS(3) }
            guard flags & 8 == 0 || flags & 6 != 0 else { throw .duplicateAtQoS0 }
        }
        var length = 0
        for (index, byte) in bytes.dropFirst().prefix(4).enumerated() {
            length |= Int(byte & 0x7F) << (7 * index)
            guard byte & 0x80 != 0 else {
                return Header(type: type, flags: flags, count: index + 2, length: index + 2 + length)
            }
        }
        guard bytes.count < 5 else { throw .endlessLength }
        return nil
    }

    private mutating func firstPart(_ header: Header) throws(MQTTError) -> Item? {
        // The length of the topic comes first.
        guard input.count >= header.count + 2 else { return nil }
        let lengthField = input.elements.dropFirst(header.count).prefix(2)
        let topicCount = lengthField.reduce(0) { $0 << 8 | Int($1) }
        let headCount = header.count + 2 + topicCount + (header.flags & 6 == 0 ? 0 : 2)
        guard headCount <= header.length else { throw .truncated(.publish) }
        guard headCount <= limit else { throw .packetTooLong(headCount, limit: limit) }
        guard input.count >= limit else { return nil }
        input.removeFirst(header.count)
        var reader = MQTTReader(input.take(limit - header.count), of: .publish)
        var publish = try MQTTPublish(head: &reader, flags: header.flags)
        publish.message.payload = reader.remainder()
        let part = MQTTPart(publish: publish, offset: 0, length: header.length - headCount)
        divided = part
        return .part(part)
    }

    private mutating func nextPart(after last: MQTTPart) -> Item? {
        let offset = last.offset + last.publish.message.payload.count
        let count = min(limit, last.length - offset)
        guard input.count >= count else { return nil }
        var part = MQTTPart(publish: last.publish, offset: offset, length: last.length)
        part.publish.message.payload = input.take(count)
        divided = part.isLast ? nil : part
        return .part(part)
    }
}

/// A message as it arrives: the whole, or a part of a message that is longer than the buffer.
package struct MQTTPart: Equatable, Sendable {
    /// The packet, with these bytes of the payload only.
    package var publish: MQTTPublish
    /// The position of these bytes in the payload.
    package let offset: Int
    /// The length of the whole payload.
    package let length: Int

    package init(publish: MQTTPublish, offset: Int, length: Int) {
        self.publish = publish
        self.offset = offset
        self.length = length
    }

    /// A message that arrived in one piece.
    package init(whole publish: MQTTPublish) {
        self.init(publish: publish, offset: 0, length: publish.message.payload.count)
    }

    package var isLast: Bool { offset + publish.message.payload.count == length }
}

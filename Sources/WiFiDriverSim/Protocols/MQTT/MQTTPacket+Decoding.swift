extension MQTTPacket {
    /// Reads a packet. `body` is what follows the fixed header; `flags` are valid for the type.
    init(_ type: MQTTPacketType, flags: UInt8, body: [UInt8]) throws(MQTTError) {
        var reader = MQTTReader(body, of: type)
        switch type {
        case .connect: self = .connect(try MQTTConnect(&reader))
        case .connack:
            let acknowledgeFlags = try reader.byte()
            guard acknowledgeFlags & 0xFE == 0 else { throw .reservedFlags(.connack, acknowledgeFlags) }
            let code = try reader.byte()
            guard let code = MQTTReturnCode(rawValue: code) else { throw .reservedReturnCode(code) }
            self = .connack(code, sessionPresent: acknowledgeFlags == 1)
        case .publish:
            var publish = try MQTTPublish(head: &reader, flags: flags)
            publish.message.payload = reader.remainder()
            self = .publish(publish)
        case .puback: self = .puback(try reader.number())
        case .pubrec: self = .pubrec(try reader.number())
        case .pubrel: self = .pubrel(try reader.number())
        case .pubcomp: self = .pubcomp(try reader.number())
        case .subscribe:
            let id = try reader.number()
            var subscriptions: [MQTTSubscription] = []
            while !reader.isAtEnd {
                subscriptions.append(MQTTSubscription(filter: try reader.text(), qos: try reader.qos()))
            }
            self = .subscribe(id, subscriptions)
        case .suback:
            let id = try reader.number()
            var grants: [MQTTQoS?] = []
            while !reader.isAtEnd { grants.append(try reader.grant()) }
            self = .suback(id, grants)
        case .unsubscribe:
            let id = try reader.number()
            var filters: [MQTTText] = []
            while !reader.isAtEnd { filters.append(try reader.text()) }
            self = .unsubscribe(id, filters)
        case .unsuback: self = .unsuback(try reader.number())
        case .pingreq: self = .pingreq
        case .pingresp: self = .pingresp
        case .disconnect: self = .disconnect
        }
        guard reader.isAtEnd else { throw .trailingBytes(type, reader.remainder().count) }
        try check()
    }
}

extension MQTTConnect {
    fileprivate init(_ reader: inout MQTTReader) throws(MQTTError) {
        let name = try reader.field()
        guard name == Self.protocolName else { throw .unknownProtocol(name) }
        let level = try reader.byte()
        guard level == Self.protocolLevel else { throw .unsupportedLevel(level) }
        let flags = MQTTConnectFlags(rawValue: try reader.byte())
        let hasWill = flags.contains(.will)
        guard !flags.contains(.reserved), hasWill || flags.isDisjoint(with: [.willQoS, .willRetain]) else {
            throw .reservedConnectFlags(flags.rawValue)
        }
        guard let willQoS = MQTTQoS(rawValue: flags.willQoS) else { throw .reservedQoS(flags.willQoS) }
        keepAlive = try reader.number()
        isCleanSession = flags.contains(.cleanSession)
        clientID = try reader.text()
        if hasWill {
            will = MQTTMessage(
                topic: try reader.text(), payload: try reader.field(), qos: willQoS,
                isRetained: flags.contains(.willRetain))
        }
        if flags.contains(.userName) { userName = try reader.text() }
        if flags.contains(.password) { password = try reader.field() }
    }
}

extension MQTTPublish {
    /// Reads all but the payload. `flags` are valid.
    init(head reader: inout MQTTReader, flags: UInt8) throws(MQTTError) {
        let value = flags >> 1 & 3
        guard let qos = MQTTQoS(rawValue: value) else { throw .reservedQoS(value) }
        let topic = try reader.text()
        message = MQTTMessage(topic: topic, payload: [], qos: qos, isRetained: flags & 1 != 0)
        packetID = qos == .atMostOnce ? 0 : try reader.number()
        isDuplicate = flags & 8 != 0
        try check()
    }
}

/// Reads the fields of one packet.
struct MQTTReader {
    private let type: MQTTPacketType
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8], of type: MQTTPacketType) {
        self.bytes = bytes
        self.type = type
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func byte() throws(MQTTError) -> UInt8 {
        guard position < bytes.count else { throw .truncated(type) }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func number() throws(MQTTError) -> UInt16 {
        let high = try byte()
        return UInt16(high) << 8 | UInt16(try byte())
    }

    /// Bytes after their length.
    mutating func field() throws(MQTTError) -> [UInt8] {
        let count = Int(try number())
        guard count <= bytes.count - position else { throw .truncated(type) }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func text() throws(MQTTError) -> MQTTText {
        let text = MQTTText(bytes: try field())
        try text.check()
        return text
    }

    mutating func qos() throws(MQTTError) -> MQTTQoS {
        let value = try byte()
        guard let qos = MQTTQoS(rawValue: value) else { throw .reservedQoS(value) }
        return qos
    }

    /// A code of a SUBACK.
    mutating func grant() throws(MQTTError) -> MQTTQoS? {
        let value = try byte()
        if value == MQTTPacket.refusedFilter { return nil }
        guard let qos = MQTTQoS(rawValue: value) else { throw .reservedReturnCode(value) }
        return qos
    }

    /// All bytes that are left.
    mutating func remainder() -> [UInt8] {
        defer { position = bytes.count }
        return Array(bytes[position...])
    }
}

import WiFiSimValues

extension MQTTPacket {
    /// The rules that the types of Swift do not ensure. A packet that passes can be encoded.
    package func check() throws(MQTTError) {
        switch self {
        case .connect(let connect): try connect.check()
        case .connack(let code, let sessionPresent):
            if code != .accepted, sessionPresent { throw .sessionInRefusal }
        case .publish(let publish): try publish.check()
        case .puback(let id), .pubrec(let id), .pubrel(let id), .pubcomp(let id), .unsuback(let id): try check(id)
        case .subscribe(let id, let subscriptions):
            try check(id)
            guard !subscriptions.isEmpty else { throw .emptyList(type) }
            for subscription in subscriptions { try subscription.filter.checkFilter() }
        case .suback(let id, let grants):
            try check(id)
            guard !grants.isEmpty else { throw .emptyList(type) }
        case .unsubscribe(let id, let filters):
            try check(id)
            guard !filters.isEmpty else { throw .emptyList(type) }
            for filter in filters { try filter.checkFilter() }
        case .pingreq, .pingresp, .disconnect: break
        }
    }

    private func check(_ id: UInt16) throws(MQTTError) { if id == 0 { throw .badPacketID(type) } }

    fileprivate func encode(to output: inout ByteQueue) {
        switch self {
        case .connect(let connect): append(connect.body, to: &output)
        case .connack(let code, let sessionPresent): append([sessionPresent ? 1 : 0, code.rawValue], to: &output)
        case .publish(let publish):
            append(publish.head, flags: publish.flags, payload: publish.message.payload, to: &output)
        case .puback(let id), .pubrec(let id), .pubrel(let id), .pubcomp(let id), .unsuback(let id):
            append(id.bigEndianBytes, to: &output)
        case .subscribe(let id, let subscriptions):
            append(
                id.bigEndianBytes + subscriptions.flatMap { $0.filter.field + [$0.qos.rawValue] }, to: &output)
        case .suback(let id, let grants):
            append(id.bigEndianBytes + grants.map { $0?.rawValue ?? Self.refusedFilter }, to: &output)
        case .unsubscribe(let id, let filters): append(id.bigEndianBytes + filters.flatMap(\.field), to: &output)
        case .pingreq, .pingresp, .disconnect: append([], to: &output)
        }
    }

    /// The code of a filter that a SUBACK refuses.
    static let refusedFilter: UInt8 = 0x80
    /// The longest remaining length in bytes (MQTT 3.1.1, 2.2.3).
    package static let longestBody = 268_435_455

    private func append(_ body: [UInt8], flags: UInt8? = nil, payload: [UInt8] = [], to output: inout ByteQueue) {
        output.append(type.rawValue << 4 | (flags ?? type.requiredFlags ?? 0))
        var length = body.count + payload.count
        repeat {
            output.append(UInt8(length & 0x7F) | (length > 0x7F ? 0x80 : 0))
            length >>= 7
        } while length > 0
        output.append(contentsOf: body)
        output.append(contentsOf: payload)
    }
}

extension Queue<UInt8> {
    /// Appends the bytes of a packet, which must pass `check` and be shorter than 256 MB.
    package mutating func append(_ packet: MQTTPacket) { packet.encode(to: &self) }
}

extension MQTTConnect {
    /// The name and the level of the protocol.
    static let protocolName = Array("MQTT".utf8)
    static let protocolLevel: UInt8 = 4

    func check() throws(MQTTError) {
        try clientID.check()
        try userName?.check()
        if let password {
            guard userName != nil else { throw .passwordWithoutUserName }
            guard password.count <= MQTTText.longest else { throw .textTooLong(password.count) }
        }
        if let will {
            try will.topic.checkTopic()
            guard will.payload.count <= MQTTText.longest else { throw .textTooLong(will.payload.count) }
        }
    }

    fileprivate var body: [UInt8] {
        var flags = MQTTConnectFlags()
        if isCleanSession { flags.insert(.cleanSession) }
        if userName != nil { flags.insert(.userName) }
        if password != nil { flags.insert(.password) }
        if let will { flags.insert(MQTTConnectFlags(will: will)) }
        var body = Self.protocolName.field + [Self.protocolLevel, flags.rawValue]
        body += keepAlive.bigEndianBytes + clientID.field
        if let will { body += will.topic.field + will.payload.field }
        return body + (userName?.field ?? []) + (password?.field ?? [])
    }
}

/// The flags of a CONNECT (MQTT 3.1.1, 3.1.2.3).
struct MQTTConnectFlags: OptionSet {
    let rawValue: UInt8

    static let reserved = Self(rawValue: 1)
    static let cleanSession = Self(rawValue: 1 << 1)
    static let will = Self(rawValue: 1 << 2)
    /// The quality of the will, two bits.
    static let willQoS = Self(rawValue: 3 << 3)
    static let willRetain = Self(rawValue: 1 << 5)
    static let password = Self(rawValue: 1 << 6)
    static let userName = Self(rawValue: 1 << 7)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(will: MQTTMessage) {
        self = [.will, Self(rawValue: will.qos.rawValue << 3)]
        if will.isRetained { insert(.willRetain) }
    }

    var willQoS: UInt8 { rawValue >> 3 & 3 }
}

extension MQTTPublish {
    func check() throws(MQTTError) {
        try message.topic.checkTopic()
        guard (packetID == 0) == (message.qos == .atMostOnce) else { throw .badPacketID(.publish) }
        guard !isDuplicate || message.qos > .atMostOnce else { throw .duplicateAtQoS0 }
    }

    /// The bytes of the packet with its fixed header.
    package var encodedLength: Int {
        let body = 2 + message.topic.bytes.count + (message.qos == .atMostOnce ? 0 : 2) + message.payload.count
        let lengthBytes = body < 1 << 7 ? 1 : body < 1 << 14 ? 2 : body < 1 << 21 ? 3 : 4
        return 1 + lengthBytes + body
    }

    fileprivate var flags: UInt8 {
        (isDuplicate ? 8 : 0) | message.qos.rawValue << 1 | (message.isRetained ? 1 : 0)
    }

    fileprivate var head: [UInt8] {
        message.topic.field + (message.qos == .atMostOnce ? [] : packetID.bigEndianBytes)
    }
}

extension MQTTText {
    fileprivate var field: [UInt8] { bytes.field }
}

extension [UInt8] {
    /// These bytes after their length.
    fileprivate var field: [UInt8] { UInt16(truncatingIfNeeded: count).bigEndianBytes + self }
}

extension UInt16 {
    fileprivate var bigEndianBytes: [UInt8] { [UInt8(self >> 8), UInt8(truncatingIfNeeded: self)] }
}

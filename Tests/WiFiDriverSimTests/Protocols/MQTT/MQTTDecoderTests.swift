import Testing
import WiFiSimValues

@testable import WiFiSimProtocols

/// All that a decoder makes of bytes, with the error that ends it.
struct MQTTDecoded: Equatable {
    var items: [MQTTDecoder.Item] = []
    var error: MQTTError?

    init(_ bytes: [UInt8], cut: InputCut = .whole, limit: Int = 300_000, dividesPublish: Bool = false) {
        var decoder = MQTTDecoder(limit: limit, dividesPublish: dividesPublish)
        do throws(MQTTError) {
            for block in cut.blocks(of: bytes) {
                decoder.receive(block)
                while let item = try decoder.next() { items.append(item) }
            }
        } catch {
            self.error = error
        }
    }

    var packets: [MQTTPacket] { items.compactMap { if case .packet(let packet) = $0 { packet } else { nil } } }
}

private let connectOfEverything = MQTTConnect(
    clientID: "c", userName: "u", password: [0, 0xFF], keepAlive: 0x1234, isCleanSession: false,
    will: MQTTMessage(topic: "w", payload: [], qos: .exactlyOnce, isRetained: true))

@Suite struct `Packets of MQTT` {
    static let onTheWire: [(MQTTPacket, [UInt8])] = [
        (
            .connect(MQTTConnect(clientID: "ab", keepAlive: 10)),
            [0x10, 14, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 2, 0x61, 0x62]
        ),
        (
            .connect(connectOfEverything),
            [0x10, 25, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 0xF4, 0x12, 0x34]
                + [0, 1, 0x63, 0, 1, 0x77, 0, 0, 0, 1, 0x75, 0, 2, 0, 0xFF]
        ),
        (.connack(.accepted, sessionPresent: true), [0x20, 2, 1, 0]),
        (.connack(.notAuthorized, sessionPresent: false), [0x20, 2, 0, 5]),
        (
            .publish(MQTTPublish(MQTTMessage("a/b", "x", .atLeastOnce, isRetained: true), packetID: 0x0A0B)),
            [0x33, 8, 0, 3, 0x61, 0x2F, 0x62, 0x0A, 0x0B, 0x78]
        ),
        (.publish(MQTTPublish(MQTTMessage("a", ""))), [0x30, 3, 0, 1, 0x61]),
        (
            .publish(MQTTPublish(MQTTMessage("a", "", .exactlyOnce), packetID: 1, isDuplicate: true)),
            [0x3C, 5, 0, 1, 0x61, 0, 1]
        ),
        (.puback(0xFFFF), [0x40, 2, 0xFF, 0xFF]), (.pubrec(1), [0x50, 2, 0, 1]), (.pubrel(1), [0x62, 2, 0, 1]),
        (.pubcomp(1), [0x70, 2, 0, 1]),
        (
            .subscribe(
                10, [MQTTSubscription(filter: "a/+", qos: .atLeastOnce), .init(filter: "#", qos: .exactlyOnce)]),
            [0x82, 12, 0, 10, 0, 3, 0x61, 0x2F, 0x2B, 1, 0, 1, 0x23, 2]
        ),
        (.suback(10, [.atMostOnce, .exactlyOnce, nil]), [0x90, 5, 0, 10, 0, 2, 0x80]),
        (.unsubscribe(3, ["a", "b"]), [0xA2, 8, 0, 3, 0, 1, 0x61, 0, 1, 0x62]), (.unsuback(3), [0xB0, 2, 0, 3]),
        (.pingreq, [0xC0, 0]), (.pingresp, [0xD0, 0]), (.disconnect, [0xE0, 0]),
    ]

    @Test(arguments: InputCut.allCases)
    func `have the bytes of the standard`(cut: InputCut) {
        for (packet, bytes) in Self.onTheWire {
            #expect(mqttBytes(packet) == bytes)
            #expect(MQTTDecoded(bytes, cut: cut).packets == [packet])
        }
        let all = MQTTDecoded(Self.onTheWire.flatMap(\.1), cut: cut)
        #expect(all.packets == Self.onTheWire.map(\.0) && all.error == nil)
    }

    @Test func `have lengths of one to four bytes`() throws {
        for length in [0, 1, 123, 124, 125, 126, 16379, 16380, 16381, 2_097_147, 2_097_148, 2_097_149] {
            let publish = MQTTPublish(MQTTMessage(topic: "a", payload: [UInt8](repeating: 7, count: length)))
            let bytes = mqttBytes(.publish(publish))
            #expect(bytes.count == publish.encodedLength)
            #expect(MQTTDecoded(bytes, limit: 3_000_000).packets == [.publish(publish)])
            #expect(MQTTDecoded(bytes, limit: bytes.count).packets == [.publish(publish)])
            guard bytes.count > 17 else { continue }
            #expect(
                MQTTDecoded(bytes, limit: bytes.count - 1).error
                    == .packetTooLong(bytes.count, limit: bytes.count - 1))
        }
    }

    @Test func `come out as they went in, however they are cut`() throws {
        var random = SeededGenerator(1)
        for _ in 0..<300 {
            let packets = (0..<8).map { _ in MQTTPacket.random(using: &random) }
            for packet in packets { try packet.check() }
            let bytes = packets.flatMap { mqttBytes($0) }
            for cut in InputCut.allCases {
                let decoded = MQTTDecoded(bytes, cut: cut)
                #expect(decoded.packets == packets && decoded.error == nil)
            }
        }
    }

    static let malformed: [([UInt8], MQTTError)] = [
        ([0x00, 0], .reservedType(0)), ([0xF0, 0], .reservedType(15)),
        ([0x11], .reservedFlags(.connect, 1)), ([0x60], .reservedFlags(.pubrel, 0)),
        ([0x80], .reservedFlags(.subscribe, 0)), ([0xA0], .reservedFlags(.unsubscribe, 0)),
        ([0x43], .reservedFlags(.puback, 3)), ([0xE8], .reservedFlags(.disconnect, 8)),
        ([0x36], .reservedQoS(3)), ([0x38], .duplicateAtQoS0),
        ([0x30, 0xFF, 0xFF, 0xFF, 0xFF], .endlessLength), ([0xC0, 0x80, 0x80, 0x80, 0x80, 1], .endlessLength),
        ([0x30, 0xFF, 0xFF, 0xFF, 0x7F], .packetTooLong(268_435_460, limit: 300_000)),
        // Fields that exceed the packet, and packets that exceed their fields.
        ([0x40, 1, 0], .truncated(.puback)), ([0x40, 0], .truncated(.puback)), ([0x20, 1, 0], .truncated(.connack)),
        ([0x30, 2, 0, 1], .truncated(.publish)), ([0x30, 1, 0], .truncated(.publish)),
        ([0x32, 4, 0, 1, 0x61, 0], .truncated(.publish)), ([0x82, 5, 0, 1, 0, 1, 0x61], .truncated(.subscribe)),
        ([0xA2, 4, 0, 1, 0, 9], .truncated(.unsubscribe)),
        ([0x10, 10, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 10], .truncated(.connect)),
        ([0x40, 3, 0, 1, 9], .trailingBytes(.puback, 1)), ([0xC0, 2, 0, 0], .trailingBytes(.pingreq, 2)),
        ([0x20, 3, 0, 0, 0], .trailingBytes(.connack, 1)),
        (
            [0x10, 15, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 2, 0x61, 0x62, 1],
            .trailingBytes(.connect, 1)
        ),
        // Texts.
        ([0x30, 3, 0, 1, 0xFF], .notUTF8), ([0x30, 5, 0, 3, 0xED, 0xA0, 0x80], .notUTF8),
        ([0x30, 4, 0, 2, 0xC0, 0x80], .notUTF8), ([0x30, 3, 0, 1, 0], .nullCharacter),
        ([0x30, 2, 0, 0], .emptyTopic), ([0x30, 3, 0, 1, 0x23], .wildcardInTopic("#")),
        ([0x30, 5, 0, 3, 0x61, 0x2F, 0x2B], .wildcardInTopic("a/+")),
        ([0x82, 6, 0, 1, 0, 1, 0xFF, 0], .notUTF8), ([0x82, 5, 0, 1, 0, 0, 0], .emptyTopic),
        ([0x82, 7, 0, 1, 0, 2, 0x61, 0x23, 0], .misplacedWildcard("a#")),
        ([0xA2, 7, 0, 1, 0, 3, 0x23, 0x2F, 0x61], .misplacedWildcard("#/a")),
        // Packet IDs, qualities, lists.
        ([0x32, 5, 0, 1, 0x61, 0, 0], .badPacketID(.publish)), ([0x40, 2, 0, 0], .badPacketID(.puback)),
        ([0x62, 2, 0, 0], .badPacketID(.pubrel)), ([0x82, 6, 0, 0, 0, 1, 0x61, 0], .badPacketID(.subscribe)),
        ([0xB0, 2, 0, 0], .badPacketID(.unsuback)), ([0x90, 3, 0, 0, 0], .badPacketID(.suback)),
        ([0x82, 6, 0, 1, 0, 1, 0x61, 3], .reservedQoS(3)), ([0x82, 6, 0, 1, 0, 1, 0x61, 4], .reservedQoS(4)),
        ([0x90, 3, 0, 1, 3], .reservedReturnCode(3)), ([0x90, 3, 0, 1, 0x81], .reservedReturnCode(0x81)),
        ([0x82, 2, 0, 1], .emptyList(.subscribe)), ([0xA2, 2, 0, 1], .emptyList(.unsubscribe)),
        ([0x90, 2, 0, 1], .emptyList(.suback)),
        // CONNACK.
        ([0x20, 2, 2, 0], .reservedFlags(.connack, 2)), ([0x20, 2, 0, 6], .reservedReturnCode(6)),
        ([0x20, 2, 1, 1], .sessionInRefusal),
    ]

    /// CONNECT of "MQTT" with this level, these flags and these fields.
    static func connect(
        name: String = "MQTT", level: UInt8 = 4, _ flags: UInt8, _ fields: [UInt8] = [0, 1, 0x61]
    ) -> [UInt8] {
        let body = [0, UInt8(name.utf8.count)] + Array(name.utf8) + [level, flags, 0, 10] + fields
        return [0x10, UInt8(body.count)] + body
    }

    static let badConnects: [([UInt8], MQTTError)] = [
        (connect(name: "MQIsdp", level: 3, 2), .unknownProtocol(Array("MQIsdp".utf8))),
        (connect(name: "mqtt", 2), .unknownProtocol(Array("mqtt".utf8))), (connect(level: 5, 2), .unsupportedLevel(5)),
        (connect(3), .reservedConnectFlags(3)), (connect(0x0A), .reservedConnectFlags(0x0A)),
        (connect(0x22), .reservedConnectFlags(0x22)), (connect(0x1E), .reservedQoS(3)),
        (connect(0x42, [0, 1, 0x61, 0, 1, 0x70]), .passwordWithoutUserName),
        (connect(0x06, [0, 1, 0x61, 0, 1, 0x23, 0, 0]), .wildcardInTopic("#")),
        (connect(0x06, [0, 1, 0x61, 0, 0, 0, 0]), .emptyTopic), (connect(0x06), .truncated(.connect)),
        (connect(0x82), .truncated(.connect)), (connect(0x82, [0, 1, 0x61, 0, 1, 0xFE]), .notUTF8),
        (connect(2, [0, 1, 0]), .nullCharacter),
    ]

    @Test(arguments: InputCut.allCases)
    func `are refused with a reason if they are malformed`(cut: InputCut) {
        for (bytes, error) in Self.malformed + Self.badConnects {
            let decoded = MQTTDecoded([0xC0, 0] + bytes + [0xC0, 0], cut: cut)
            #expect(decoded.packets == [.pingreq])
            #expect(decoded.error == error, "\(bytes)")
            #expect(decoded.error?.description.isEmpty == false)
        }
    }

    @Test func `are checked before they are sent`() {
        let long = MQTTText(bytes: [UInt8](repeating: 0x61, count: 65_536))
        let wrong: [(MQTTPacket, MQTTError)] = [
            (.publish(MQTTPublish(MQTTMessage("a/#", ""))), .wildcardInTopic("a/#")),
            (.publish(MQTTPublish(MQTTMessage(long, ""))), .textTooLong(65_536)),
            (.publish(MQTTPublish(MQTTMessage("a", ""), packetID: 1)), .badPacketID(.publish)),
            (.publish(MQTTPublish(MQTTMessage("a", "", .atLeastOnce))), .badPacketID(.publish)),
            (.publish(MQTTPublish(MQTTMessage("a", ""), isDuplicate: true)), .duplicateAtQoS0),
            (.connect(MQTTConnect(clientID: "a", password: [])), .passwordWithoutUserName),
            (.connect(MQTTConnect(clientID: long)), .textTooLong(65_536)),
            (.connect(MQTTConnect(clientID: MQTTText(bytes: [0xFF]))), .notUTF8),
            (.subscribe(1, []), .emptyList(.subscribe)), (.suback(0, [nil]), .badPacketID(.suback)),
        ]
        for (packet, error) in wrong { #expect(throws: error) { try packet.check() } }
    }

    @Test func `are not read after an error`() {
        var decoder = MQTTDecoder(limit: 100)
        decoder.receive([0xF0])
        #expect(throws: MQTTError.reservedType(15)) { try decoder.next() }
        decoder.receive([0xC0, 0])
        #expect(throws: MQTTError.reservedType(15)) { try decoder.next() }
        #expect(decoder.pendingCount == 0)
    }
}

@Suite struct `A long message` {
    /// The lengths of the parts that a message of this length comes in.
    private func parts(_ length: Int, topic: MQTTText, _ qos: MQTTQoS, buffer: Int, cut: InputCut) -> [Int]? {
        let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let message = MQTTMessage(topic: topic, payload: payload, qos: qos)
        let publish = MQTTPublish(message, packetID: qos == .atMostOnce ? 0 : 5)
        let decoded = MQTTDecoded(
            mqttBytes(.publish(publish), .pingresp), cut: cut, limit: buffer, dividesPublish: true)
        var parts: [MQTTPart] = []
        for item in decoded.items.dropLast() {
            switch item {
            case .packet(.publish(let publish)): parts.append(MQTTPart(whole: publish))
            case .part(let part): parts.append(part)
            default: return nil
            }
        }
        guard decoded.items.last == .packet(.pingresp), decoded.error == nil else { return nil }
        guard parts.flatMap(\.publish.message.payload) == payload else { return nil }
        guard parts.map(\.isLast) == [Bool](repeating: false, count: parts.count - 1) + [true] else { return nil }
        guard parts.allSatisfy({ $0.publish.message.topic == topic && $0.publish.packetID == publish.packetID }) else {
            return nil
        }
        return parts.map(\.publish.message.payload.count)
    }

    @Test(arguments: InputCut.allCases)
    func `comes in parts of the buffer`(cut: InputCut) {
        // Header 3, topic 2 + 5, packet ID 2.
        #expect(parts(1014, topic: "a/b/c", .atMostOnce, buffer: 1024, cut: cut) == [1014])
        #expect(parts(1015, topic: "a/b/c", .atMostOnce, buffer: 1024, cut: cut) == [1014, 1])
        #expect(parts(1013, topic: "a/b/c", .atLeastOnce, buffer: 1024, cut: cut) == [1012, 1])
        #expect(parts(1014 + 1024, topic: "a/b/c", .atMostOnce, buffer: 1024, cut: cut) == [1014, 1024])
        #expect(
            parts(5000, topic: "a/b/c", .exactlyOnce, buffer: 512, cut: cut) == [500] + Array(repeating: 512, count: 8)
                + [404])
        // The head fills the buffer.
        #expect(parts(20, topic: "abcdefghijkl", .atMostOnce, buffer: 16, cut: cut) == [0, 16, 4])
    }

    @Test(arguments: InputCut.allCases)
    func `is refused if its head does not fit`(cut: InputCut) {
        let bytes = mqttBytes(.publish(MQTTPublish(MQTTMessage("abcdefghijklm", "1234"))))
        let decoded = MQTTDecoded(bytes, cut: cut, limit: 16, dividesPublish: true)
        #expect(decoded == MQTTDecoded(bytes, limit: 16, dividesPublish: true))
        #expect(decoded.error == .packetTooLong(17, limit: 16) && decoded.items.isEmpty)
        // A topic that is longer than the packet.
        #expect(
            MQTTDecoded([0x30, 20, 0, 99] + bytes, cut: cut, limit: 16, dividesPublish: true).error
                == .truncated(.publish))
        // Other packets must fit.
        let filters = mqttBytes(.unsubscribe(1, ["abcdefghijklm"]))
        #expect(
            MQTTDecoded(filters, cut: cut, limit: 16, dividesPublish: true).error == .packetTooLong(19, limit: 16))
    }
}

extension MQTTPacket {
    static func random(using random: inout SeededGenerator) -> MQTTPacket {
        let id = UInt16.random(in: 1...(.max), using: &random)
        let list = 1...Int.random(in: 1...4, using: &random)
        switch MQTTPacketType.allCases.randomElement(using: &random) ?? .pingreq {
        case .connect:
            let hasUser = Bool.random(using: &random)
            return .connect(
                MQTTConnect(
                    clientID: .random(using: &random), userName: hasUser ? .random(using: &random) : nil,
                    password: hasUser && Bool.random(using: &random) ? .random(300, using: &random) : nil,
                    keepAlive: id, isCleanSession: .random(using: &random),
                    will: Bool.random(using: &random) ? .random(using: &random) : nil))
        case .connack:
            let code = MQTTReturnCode.allCases.randomElement(using: &random) ?? .accepted
            return .connack(code, sessionPresent: code == .accepted && Bool.random(using: &random))
        case .publish:
            let message = MQTTMessage.random(using: &random)
            let hasID = message.qos > .atMostOnce
            return .publish(
                MQTTPublish(
                    message, packetID: hasID ? id : 0, isDuplicate: hasID && Bool.random(using: &random)))
        case .puback: return .puback(id)
        case .pubrec: return .pubrec(id)
        case .pubrel: return .pubrel(id)
        case .pubcomp: return .pubcomp(id)
        case .subscribe:
            return .subscribe(
                id, list.map { _ in MQTTSubscription(filter: .random(using: &random), qos: .random(using: &random)) })
        case .suback:
            return .suback(id, list.map { _ in Bool.random(using: &random) ? .random(using: &random) : nil })
        case .unsubscribe: return .unsubscribe(id, list.map { _ in .random(using: &random) })
        case .unsuback: return .unsuback(id)
        case .pingreq: return .pingreq
        case .pingresp: return .pingresp
        case .disconnect: return .disconnect
        }
    }
}

extension MQTTQoS {
    static func random(using random: inout SeededGenerator) -> MQTTQoS {
        MQTTQoS.allCases.randomElement(using: &random) ?? .atMostOnce
    }
}

extension MQTTMessage {
    static func random(using random: inout SeededGenerator) -> MQTTMessage {
        MQTTMessage(
            topic: .random(using: &random), payload: .random(300, using: &random), qos: .random(using: &random),
            isRetained: .random(using: &random))
    }
}

extension MQTTText {
    /// One to a few characters, of one to four bytes each. No wildcards.
    static func random(using random: inout SeededGenerator) -> MQTTText {
        MQTTText(
            (1...Int.random(in: 1...12, using: &random)).map { _ in
                ["a", "/", "$", "\"", ",", "\\", "é", "\u{FEFF}", "€", "😀"].randomElement(using: &random) ?? ""
            }.joined())
    }
}

extension [UInt8] {
    static func random(_ limit: Int, using random: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: 0...limit, using: &random)).map { _ in .random(in: 0...255, using: &random) }
    }
}

/// What is wrong with a packet, or with a packet at this place. The connection must be closed.
package enum MQTTError: Error, Equatable, Sendable {
    /// Types 0 and 15.
    case reservedType(UInt8)
    case reservedFlags(MQTTPacketType, UInt8)
    /// The remaining length has more than four bytes.
    case endlessLength
    /// The whole packet has this many bytes, more than the owner of the decoder allows.
    case packetTooLong(Int, limit: Int)
    /// The fields need more bytes than the packet has.
    case truncated(MQTTPacketType)
    /// The packet has this many bytes after its last field.
    case trailingBytes(MQTTPacketType, Int)
    case notUTF8
    /// U+0000 in a text.
    case nullCharacter
    /// More than 65,535 bytes, in a packet to be sent.
    case textTooLong(Int)
    case emptyTopic
    case wildcardInTopic(MQTTText)
    case misplacedWildcard(MQTTText)
    /// Packet ID 0 where there must be one, or one where there must be none.
    case badPacketID(MQTTPacketType)
    /// The quality of service is 3, or has reserved bits.
    case reservedQoS(UInt8)
    /// DUP at QoS 0.
    case duplicateAtQoS0
    /// A SUBSCRIBE or UNSUBSCRIBE without a filter, or a SUBACK without a code.
    case emptyList(MQTTPacketType)
    case unknownProtocol([UInt8])
    /// The protocol is MQTT, at another level than 4.
    case unsupportedLevel(UInt8)
    case reservedConnectFlags(UInt8)
    case passwordWithoutUserName
    case reservedReturnCode(UInt8)
    /// A CONNACK that refuses and reports a session.
    case sessionInRefusal
    /// The packet is not allowed now, or not from this side.
    case unexpected(MQTTPacketType)
    /// A SUBACK with another number of codes than filters were sent.
    case wrongGrantCount(Int, expected: Int)
    /// The peer has sent this many messages of QoS 2 without PUBREL.
    case tooManyUnreleased(Int)
}

extension MQTTError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .reservedType(let type): "packet type \(type) is reserved"
        case .reservedFlags(let type, let flags): "flags \(flags) of \(type) are reserved"
        case .endlessLength: "the remaining length has more than four bytes"
        case .packetTooLong(let length, let limit): "a packet of \(length) bytes is longer than \(limit)"
        case .truncated(let type): "the fields of \(type) exceed its length"
        case .trailingBytes(let type, let count): "\(type) has \(count) bytes after its last field"
        case .notUTF8: "a text is not UTF-8"
        case .nullCharacter: "a text contains U+0000"
        case .textTooLong(let length): "a text of \(length) bytes is longer than \(MQTTText.longest)"
        case .emptyTopic: "a topic is empty"
        case .wildcardInTopic(let topic): "the topic \(topic) of a message contains a wildcard"
        case .misplacedWildcard(let filter): "the filter \(filter) has a wildcard in a wrong place"
        case .badPacketID(let type): "the packet ID of \(type) must not be 0, except at QoS 0"
        case .reservedQoS(let value): "\(value) is no quality of service; there are 0, 1 and 2"
        case .duplicateAtQoS0: "a message of QoS 0 has DUP"
        case .emptyList(let type): "\(type) has an empty list"
        case .unknownProtocol(let name): "the protocol is \(String(decoding: name, as: UTF8.self)) instead of MQTT"
        case .unsupportedLevel(let level): "the protocol level is \(level) instead of 4"
        case .reservedConnectFlags(let flags): "flags \(flags) of a CONNECT are reserved"
        case .passwordWithoutUserName: "a CONNECT has a password without a user name"
        case .reservedReturnCode(let code): "the return code \(code) is reserved"
        case .sessionInRefusal: "a CONNACK refuses and reports a session"
        case .unexpected(let type): "\(type) is not allowed here"
        case .wrongGrantCount(let count, let expected): "a SUBACK has \(count) codes for \(expected) filters"
        case .tooManyUnreleased(let count): "\(count) messages of QoS 2 wait for PUBREL"
        }
    }
}

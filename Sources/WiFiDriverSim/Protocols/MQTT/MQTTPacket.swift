/// The types of packets, with their numbers on the wire (MQTT 3.1.1, 2.2.1).
package enum MQTTPacketType: UInt8, CaseIterable, Sendable {
    case connect = 1
    case connack, publish, puback, pubrec, pubrel, pubcomp, subscribe, suback, unsubscribe, unsuback, pingreq, pingresp
    case disconnect

    /// The only flags that a packet of this type may have; `nil` for PUBLISH, whose flags have a meaning.
    package var requiredFlags: UInt8? {
        switch self {
        case .publish: nil
        case .pubrel, .subscribe, .unsubscribe: 2
        default: 0
        }
    }
}

extension MQTTPacketType: CustomStringConvertible {
    /// The standard's name.
    package var description: String {
        switch self {
        case .connect: "CONNECT"
        case .connack: "CONNACK"
        case .publish: "PUBLISH"
        case .puback: "PUBACK"
        case .pubrec: "PUBREC"
        case .pubrel: "PUBREL"
        case .pubcomp: "PUBCOMP"
        case .subscribe: "SUBSCRIBE"
        case .suback: "SUBACK"
        case .unsubscribe: "UNSUBSCRIBE"
        case .unsuback: "UNSUBACK"
        case .pingreq: "PINGREQ"
        case .pingresp: "PINGRESP"
        case .disconnect: "DISCONNECT"
        }
    }
}

/// A control packet of MQTT 3.1.1. The names are the standard's.
package enum MQTTPacket: Equatable, Sendable {
    case connect(MQTTConnect)
    case connack(MQTTReturnCode, sessionPresent: Bool)
    case publish(MQTTPublish)
    case puback(UInt16)
    case pubrec(UInt16)
    case pubrel(UInt16)
    case pubcomp(UInt16)
    case subscribe(UInt16, [MQTTSubscription])
    /// The granted quality for each filter, in order; `nil` for one that was refused (0x80).
    case suback(UInt16, [MQTTQoS?])
    case unsubscribe(UInt16, [MQTTText])
    case unsuback(UInt16)
    case pingreq
    case pingresp
    case disconnect

    package var type: MQTTPacketType {
        switch self {
        case .connect: .connect
        case .connack: .connack
        case .publish: .publish
        case .puback: .puback
        case .pubrec: .pubrec
        case .pubrel: .pubrel
        case .pubcomp: .pubcomp
        case .subscribe: .subscribe
        case .suback: .suback
        case .unsubscribe: .unsubscribe
        case .unsuback: .unsuback
        case .pingreq: .pingreq
        case .pingresp: .pingresp
        case .disconnect: .disconnect
        }
    }
}

/// The quality of service of a message.
package enum MQTTQoS: UInt8, CaseIterable, Comparable, Sendable {
    case atMostOnce, atLeastOnce, exactlyOnce

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The answer to a CONNECT, with its code on the wire (MQTT 3.1.1, 3.2.2.3).
package enum MQTTReturnCode: UInt8, CaseIterable, Sendable {
    case accepted, unacceptableLevel, identifierRejected, serverUnavailable, badUserNameOrPassword, notAuthorized
}

/// What an application publishes.
package struct MQTTMessage: Equatable, Sendable {
    package var topic: MQTTText
    package var payload: [UInt8]
    package var qos: MQTTQoS
    /// To the broker: keep this message. From the broker: it was kept.
    package var isRetained: Bool

    package init(
        topic: MQTTText, payload: [UInt8], qos: MQTTQoS = .atMostOnce, isRetained: Bool = false
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.isRetained = isRetained
    }

    /// The memory of a stored message, in bytes.
    var cost: Int { topic.bytes.count + payload.count + 64 }
}

/// A filter and the highest quality of service wanted for it.
package struct MQTTSubscription: Equatable, Sendable {
    package var filter: MQTTText
    package var qos: MQTTQoS

    package init(filter: MQTTText, qos: MQTTQoS) {
        self.filter = filter
        self.qos = qos
    }
}

package struct MQTTConnect: Equatable, Sendable {
    /// A broker makes an empty ID unique, if the session is clean.
    package var clientID: MQTTText
    package var userName: MQTTText?
    /// At most 65,535 bytes, and only with a user name.
    package var password: [UInt8]?
    /// In seconds; 0 for none.
    package var keepAlive: UInt16
    /// Whether the session starts empty and ends with the connection.
    package var isCleanSession: Bool
    /// What the broker publishes when the connection is lost. Its payload has at most 65,535 bytes.
    package var will: MQTTMessage?

    package init(
        clientID: MQTTText, userName: MQTTText? = nil, password: [UInt8]? = nil, keepAlive: UInt16 = 120,
        isCleanSession: Bool = true, will: MQTTMessage? = nil
    ) {
        self.clientID = clientID
        self.userName = userName
        self.password = password
        self.keepAlive = keepAlive
        self.isCleanSession = isCleanSession
        self.will = will
    }
}

package struct MQTTPublish: Equatable, Sendable {
    package var message: MQTTMessage
    /// 0 at QoS 0, and only there.
    package var packetID: UInt16
    /// The packet may have been sent before (DUP).
    package var isDuplicate: Bool

    package init(_ message: MQTTMessage, packetID: UInt16 = 0, isDuplicate: Bool = false) {
        self.message = message
        self.packetID = packetID
        self.isDuplicate = isDuplicate
    }
}

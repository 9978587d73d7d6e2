/// A text of an MQTT packet: a topic, a filter, a client ID or a user name.
///
/// Compared byte by byte, unlike `String`: MQTT has no normalization. A text made from bytes may break the rules of the
/// standard; `check`, `checkTopic` and `checkFilter` tell.
package struct MQTTText: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: String) { bytes = Array(text.utf8) }

    package var isEmpty: Bool { bytes.isEmpty }

    /// The longest text in bytes: its length has two bytes.
    package static let longest = 65_535

    /// The rules for every text (MQTT 3.1.1, 1.5.3): at most 65,535 bytes of UTF-8 without U+0000. Surrogates are no
    /// UTF-8. Control characters and noncharacters may be refused; they are not.
    package func check() throws(MQTTError) {
        guard bytes.count <= Self.longest else { throw .textTooLong(bytes.count) }
        guard !bytes.contains(0) else { throw .nullCharacter }
        guard bytes.allSatisfy({ $0 < 0x80 }) || String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
    }
}

extension MQTTText: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}

extension MQTTText: CustomStringConvertible {
    /// Ill-formed UTF-8 is shown as U+FFFD.
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}

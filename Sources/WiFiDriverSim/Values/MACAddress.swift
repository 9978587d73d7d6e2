/// A MAC address; an access point's BSSID is one too.
public struct MACAddress: Hashable, Sendable, Codable, LosslessStringConvertible {
    /// The six bytes as a number, most significant first: 02:00:00:00:00:01 is `0x0200_0000_0001`.
    public let rawValue: UInt64

    /// Makes an address from the low 48 bits of a number.
    public init(rawValue: UInt64) { self.rawValue = rawValue & 0xFFFF_FFFF_FFFF }

    /// Parses six pairs of hexadecimal digits separated by colons; `nil` for other text.
    public init?(_ text: String) {
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        guard groups.count == 6 else { return nil }
        var value: UInt64 = 0
        for group in groups {
            guard group.utf8.count == 2, group.allSatisfy(\.isHexDigit), let byte = UInt8(group, radix: 16) else {
                return nil
            }
            value = value << 8 | UInt64(byte)
        }
        rawValue = value
    }

    /// Decodes a string of six pairs of hexadecimal digits.
    /// - Throws: `DecodingError` for any other value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = MACAddress(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not a MAC address such as 02:00:00:00:00:01")
        }
        self = address
    }

    /// Encodes the address as a string in lowercase.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// The six bytes.
    public var bytes: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: rawValue >> (40 - 8 * $0)) } }

    /// True if an interface can have the address: not multicast and not all zeros (ESP-AT docs, Wi-Fi, CIPSTAMAC).
    public var isUnicast: Bool { rawValue != 0 && rawValue >> 40 & 1 == 0 }

    /// Six pairs of lowercase hexadecimal digits separated by colons.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

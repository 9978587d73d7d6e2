import Glibc

/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable, Codable, LosslessStringConvertible, Comparable {
    /// The four bytes as a number, most significant first: 10.0.2.15 is `0x0A00020F`.
    public let rawValue: UInt32

    /// Makes an address from its number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Makes an address from its four bytes: 10, 0, 2, 15 is 10.0.2.15.
    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        rawValue = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// Parses dotted decimal; `nil` for other text.
    public init?(_ text: String) {
        var address = in_addr()
        guard inet_pton(AF_INET, text, &address) == 1 else { return nil }
        rawValue = UInt32(bigEndian: address.s_addr)
    }

    /// Decodes a string in dotted decimal.
    /// - Throws: `DecodingError` for any other value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = IPv4Address(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not an IPv4 address")
        }
        self = address
    }

    /// Encodes the address as a string in dotted decimal.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// 0.0.0.0.
    public static let any = IPv4Address(rawValue: 0)
    /// 255.255.255.255.
    public static let broadcast = IPv4Address(rawValue: .max)
    /// 127.0.0.1.
    public static let loopback = IPv4Address(127, 0, 0, 1)

    /// True for 0.0.0.0.
    public var isAny: Bool { rawValue == 0 }
    /// True for an address in 127.0.0.0/8.
    public var isLoopback: Bool { rawValue >> 24 == 127 }
    /// True for an address in 224.0.0.0/4.
    public var isMulticast: Bool { rawValue >> 28 == 0xE }
    /// True for an address that an interface can have: not in 0.0.0.0/8, not multicast, not reserved.
    package var isUnicast: Bool { 1...223 ~= rawValue >> 24 }

    /// True if this is neither the network address nor the broadcast address of its network with this netmask.
    package func isHost(ofNetwork netmask: IPv4Address) -> Bool {
        let hostBits = rawValue & ~netmask.rawValue
        return hostBits != 0 && hostBits != ~netmask.rawValue
    }

    /// The number of leading ones of a netmask; `nil` if the ones are not contiguous.
    package var prefixLength: Int? {
        let length = (~rawValue).leadingZeroBitCount
        return rawValue.trailingZeroBitCount == 32 - length ? length : nil
    }

    /// The address in dotted decimal.
    public var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 0xFF).\(rawValue >> 8 & 0xFF).\(rawValue & 0xFF)"
    }

    /// Orders addresses by their number.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// An IPv6 address.
public struct IPv6Address: Hashable, Sendable, LosslessStringConvertible {
    /// The first eight bytes, most significant first.
    public let high: UInt64
    /// The last eight bytes, most significant first.
    public let low: UInt64

    /// Makes an address from its two halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Parses the forms of RFC 4291; `nil` for other text.
    public init?(_ text: String) {
        var address = in6_addr()
        guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        self.init(address)
    }

    package init(_ address: in6_addr) {
        (high, low) = withUnsafeBytes(of: address) {
            (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    package var systemAddress: in6_addr {
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) {
            $0.storeBytes(of: high.bigEndian, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }

    /// The unspecified address, `::`.
    public static let any = IPv6Address(high: 0, low: 0)
    /// The loopback address, `::1`.
    public static let loopback = IPv6Address(high: 0, low: 1)

    /// True for `::1`.
    public var isLoopback: Bool { self == .loopback }

    /// The text with all eight groups and all their digits.
    package var allGroups: String {
        [high, low].flatMap { half in
            (0..<4).map { group in
                let digits = String(half >> (48 - 16 * group) & 0xFFFF, radix: 16)
                return String(repeating: "0", count: 4 - digits.count) + digits
            }
        }.joined(separator: ":")
    }

    /// The address in short form, as inet_ntop(3) writes it, for example `fec0::1`.
    public var description: String {
        var address = systemAddress
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            guard let text = inet_ntop(AF_INET6, &address, buffer.baseAddress, socklen_t(buffer.count)) else {
                return "::"
            }
            return String(cString: text)
        }
    }
}

/// An IPv4 or IPv6 address.
public enum IPAddress: Hashable, Sendable, LosslessStringConvertible {
    /// An IPv4 address.
    case v4(IPv4Address)
    /// An IPv6 address.
    case v6(IPv6Address)

    /// Parses an address of either family; `nil` for other text.
    public init?(_ text: String) {
        if let address = IPv4Address(text) {
            self = .v4(address)
        } else if let address = IPv6Address(text) {
            self = .v6(address)
        } else {
            return nil
        }
    }

    /// The address as text.
    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }

    /// True for an address in 127.0.0.0/8 and for `::1`.
    public var isLoopback: Bool {
        switch self {
        case .v4(let address): address.isLoopback
        case .v6(let address): address.isLoopback
        }
    }

    package var isMulticast: Bool {
        switch self {
        case .v4(let address): address.isMulticast
        case .v6(let address): address.high >> 56 == 0xFF
        }
    }

    /// The family of the address.
    /// The wildcard address of a family.
    package static func any(_ family: Family) -> IPAddress { family == .v4 ? .v4(.any) : .v6(.any) }

    /// The address family.
    public var family: Family {
        switch self {
        case .v4: .v4
        case .v6: .v6
        }
    }

    /// An address family.
    public enum Family: String, Codable, Sendable {
        /// IPv4.
        case v4
        /// IPv6.
        case v6

        /// The length of an address in bytes.
        package var byteCount: UInt32 { self == .v4 ? 4 : 16 }
    }
}

/// An address and a port.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// The address.
    public var address: IPAddress
    /// The port.
    public var port: UInt16

    /// Makes an endpoint.
    public init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    /// `address:port`, with an IPv6 address in brackets.
    public var description: String {
        switch address {
        case .v4(let address): "\(address):\(port)"
        case .v6(let address): "[\(address)]:\(port)"
        }
    }
}

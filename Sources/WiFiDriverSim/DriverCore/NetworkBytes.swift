import WiFiSimValues

/// Addresses as the C interface passes them: bytes in network order, 4 for IPv4 and 16 for IPv6.
extension IPAddress {
    /// Takes 4 or 16 bytes. Nil for any other count.
    package init?(networkBytes bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 4: self = .v4(IPv4Address(rawValue: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))))
        case 16:
            let high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
            let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            self = .v6(IPv6Address(high: high, low: low))
        default: return nil
        }
    }

    /// 4 bytes for IPv4, 16 for IPv6.
    package var networkBytes: [UInt8] {
        switch self {
        case .v4(let address): withUnsafeBytes(of: address.rawValue.bigEndian) { Array($0) }
        case .v6(let address):
            withUnsafeBytes(of: address.high.bigEndian) { Array($0) }
                + withUnsafeBytes(of: address.low.bigEndian) { Array($0) }
        }
    }

    /// 0.0.0.0 or ::.
    var isUnspecified: Bool {
        switch self {
        case .v4(let address): address.isAny
        case .v6(let address): address == .any
        }
    }
}

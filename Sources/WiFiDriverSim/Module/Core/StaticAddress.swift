import WiFiSimValues

/// The address of an interface, as CIPSTA and CIPAP set it.
struct StaticAddress: Codable, Equatable, Sendable {
    var address: IPv4Address
    var gateway: IPv4Address
    var netmask: IPv4Address

    /// The values in the order of the commands' parameters.
    enum Part: Int { case address, gateway, netmask }

    /// The first value that an interface cannot have. `nil` if all are valid. The gateway may be any unicast address,
    /// or 0.0.0.0 for none.
    var wrongPart: Part? {
        guard let prefixLength = netmask.prefixLength, 1...30 ~= prefixLength else { return .netmask }
        guard address.isUnicast, !address.isLoopback, address.isHost(ofNetwork: netmask) else { return .address }
        return gateway.isAny || gateway.isUnicast ? nil : .gateway
    }

    /// Whether an address is in the same network.
    func covers(_ other: IPv4Address) -> Bool {
        other.rawValue & netmask.rawValue == address.rawValue & netmask.rawValue
    }

    /// The default addresses of the soft-AP's DHCP server, without CWDHCPS: up to a hundred, on the larger side of its
    /// own address (ESP-IDF, dhcpserver.c, dhcps_poll_set).
    var defaultLeases: ClosedRange<IPv4Address> {
        let first = (address.rawValue & netmask.rawValue) + 1
        let last = (address.rawValue | ~netmask.rawValue) - 1
        let (above, below) = (last - address.rawValue, address.rawValue - first)
        guard above > 0 || below > 0 else { return address...address }
        let range = above > below ? address.rawValue + 1...last : first...address.rawValue - 1
        let end = range.lowerBound + min(UInt32(range.count), 100) - 1
        return IPv4Address(rawValue: range.lowerBound)...IPv4Address(rawValue: end)
    }
}

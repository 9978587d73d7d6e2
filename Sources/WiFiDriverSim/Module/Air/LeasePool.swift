import WiFiSimValues

/// The addresses that the DHCP server of an access point has assigned. A returning station gets its previous address.
struct LeasePool {
    private var leases: [MACAddress: Lease] = [:]

    private struct Lease {
        let address: IPv4Address
        /// When the station left. `nil` while it is joined.
        var unusedSince: Instant?
    }

    /// The address for a station. `nil` if none is free.
    mutating func lease(for station: MACAddress, in subnet: AccessPoint.Subnet, at now: Instant) -> IPv4Address? {
        guard let range = subnet.leases, subnet.dhcp != .off else { return nil }
        if let old = leases[station]?.address, range.contains(old) {
            leases[station]?.unusedSince = nil
            return old
        }
        if subnet.dhcp == .full { return nil }
        // The gateway has a static address.
        let used = Set(leases.values.map(\.address)).union([subnet.gateway])
        let free = (range.lowerBound.rawValue...range.upperBound.rawValue).lazy
            .map { IPv4Address(rawValue: $0) }.first { !used.contains($0) }
        guard let address = free ?? takeExpired(from: range, after: subnet.leaseTime, at: now) else { return nil }
        leases[station] = Lease(address: address)
        return address
    }

    /// The address of a station, also after it has left.
    func address(of station: MACAddress) -> IPv4Address? { leases[station]?.address }

    mutating func stationLeft(_ station: MACAddress, at now: Instant) { leases[station]?.unusedSince = now }

    private mutating func takeExpired(
        from range: ClosedRange<IPv4Address>, after leaseTime: Duration?, at now: Instant
    ) -> IPv4Address? {
        guard let leaseTime else { return nil }
        let expired = leases.filter { _, lease in
            range.contains(lease.address) && lease.unusedSince.map { $0 + leaseTime <= now } ?? false
        }
        guard let (station, lease) = expired.min(by: { $0.value.address < $1.value.address }) else { return nil }
        leases[station] = nil
        return lease.address
    }
}

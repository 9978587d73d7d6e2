import WiFiSimValues

/// The two interfaces of a module, the station and the soft-AP, and the routing between them.
extension Module {
    /// Passes the active interfaces to the network if they have changed.
    func updateInterfaces() {
        // Without power the module sends nothing. The network notices the loss by itself.
        guard !isOff else { return }
        let current = [stationInterface, softAPInterface].compactMap { $0 }
        guard current != interfaces else { return }
        interfaces = current
        request(.interfaces(current))
    }

    private var stationInterface: NetworkInterface? {
        guard let lease = station.lease, let accessPoint = station.accessPoint else { return nil }
        let addresses6 = [stationIPv6.linkLocal, stationIPv6.global].compactMap { $0.map(IPAddress.v6) }
        return NetworkInterface(
            accessPoint: accessPoint.bssid, addresses: [.v4(lease.address)] + addresses6, netmask: lease.netmask)
    }

    private var softAPInterface: NetworkInterface? {
        guard let accessPoint = softAP.accessPoint else { return nil }
        return NetworkInterface(
            accessPoint: accessPoint.bssid, addresses: [.v4(accessPoint.network.gateway)],
            netmask: accessPoint.network.netmask, isSoftAP: true)
    }

    /// Whether an address can be reached. With a lease of the station, every address, including `nil`, one that still
    /// has to be resolved. With the soft-AP only, the addresses of its network, and 0.0.0.0 for a UDP link that waits
    /// for its peer there.
    func reaches(_ address: IPAddress?) -> Bool {
        if station.lease != nil { return true }
        guard let subnet = softAP.accessPoint?.network, let address else { return false }
        return address == .v4(.any) || address == .v4(.broadcast) || subnet.contains(address) || address.isMulticast
    }

    /// Whether the server accepts a peer, depending on the interface that it listens on (ESP-AT docs, TCP-IP,
    /// CIPSERVER). Without a station network, every peer comes over the soft-AP.
    func isServing(on interface: Links.Server.Interface, to peer: IPAddress) -> Bool {
        let isOnSoftAP = softAP.accessPoint.map { station.lease == nil || $0.network.contains(peer) } ?? false
        return switch interface {
        case .all: isOnSoftAP || station.lease != nil
        case .station: !isOnSoftAP && station.lease != nil
        case .softAP: isOnSoftAP
        }
    }

    /// Whether a link ends with the station's network. Links to peers on the soft-AP stay, and so does a UDP link that
    /// waits there for its peer.
    func endsWithStation(_ link: Link) -> Bool {
        guard let subnet = softAP.accessPoint?.network else { return true }
        return link.remote.address != .v4(.any) && !subnet.contains(link.remote.address)
    }
}

extension AccessPoint.Subnet {
    func contains(_ address: IPAddress) -> Bool {
        if case .v4(let address) = address { contains(address) } else { false }
    }
}

import WiFiSimValues

/// The soft-AP as it is on the air, and the stations on it.
struct SoftAP {
    /// `nil` while the mode has none.
    var accessPoint: AccessPoint?
    /// In the order in which they came.
    var stations: [Station] = []

    struct Station {
        let mac: MACAddress
        /// From the soft-AP's DHCP server; `nil` until then.
        var address: IPv4Address?
    }
}

extension Module {
    /// The mode or a setting of the soft-AP may have changed: tells the air what there is now.
    func updateSoftAP() {
        let old = softAP.accessPoint
        let new = session.hasWiFi && settings.wifiMode.hasSoftAP ? settings.softAPOnAir : nil
        guard new != old else { return }
        if let subnet = old?.network, subnet.gateway != new?.network.gateway || subnet.netmask != new?.network.netmask {
            closeLinks { subnet.contains($0.remote.address) }
        }
        softAP.accessPoint = new
        request(new.map(AirRequest.announce) ?? .silence)
    }

    /// A station has come, has its address or is gone. The lines are those of the core libraries of ESP-AT.
    func handleSoftAP(_ event: AirEvent) {
        switch event {
        case .stationJoined(let mac):
            softAP.stations.append(SoftAP.Station(mac: mac))
            report("+STA_CONNECTED:\"\(mac)\"")
        case .stationLeased(let mac, let address):
            guard let index = softAP.stations.firstIndex(where: { $0.mac == mac }) else { return }
            softAP.stations[index].address = address
            report("+DIST_STA_IP:\"\(mac)\",\"\(address)\"")
        case .stationLeft(let mac):
            guard let index = softAP.stations.firstIndex(where: { $0.mac == mac }) else { return }
            let station = softAP.stations.remove(at: index)
            report("+STA_DISCONNECTED:\"\(mac)\"")
            if let address = station.address {
                closeLinks { $0.transport == .tcp && $0.remote.address == .v4(address) }
            }
        default: break
        }
    }
}

extension Settings {
    /// The soft-AP as the settings have it.
    fileprivate var softAPOnAir: AccessPoint {
        var accessPoint = AccessPoint(ssid: softAP.ssid, bssid: softAPMAC)
        accessPoint.isHidden = softAP.isHidden
        accessPoint.channel = softAP.channel.value
        accessPoint.security = softAP.security
        accessPoint.password = softAP.password
        accessPoint.stationLimit = softAP.stationLimit.value
        accessPoint.hasWPS = false
        accessPoint.network.gateway = softAPAddress.address
        accessPoint.network.prefixLength = softAPAddress.netmask.prefixLength ?? 24
        let server = leasesInUse
        accessPoint.network.leases = softAPUsesDHCP ? server.first...server.last : nil
        accessPoint.network.leaseTime = .seconds(60 * server.leaseMinutes.value)
        // As ESP-IDF's server does unless it is given another (ESP-IDF, Kconfig, LWIP_DHCPS_ADD_DNS).
        accessPoint.network.dns = [softAPAddress.address]
        accessPoint.network.ipv6Prefix = nil
        accessPoint.network.hasRouter = false
        return accessPoint
    }

    /// What CWDHCPS has set, while it is in the soft-AP's network; else a hundred addresses for two hours.
    var leasesInUse: DHCPServer {
        if let server = dhcpServer, softAPAddress.covers(server.first), softAPAddress.covers(server.last) {
            return server
        }
        let leases = softAPAddress.defaultLeases
        return DHCPServer(leaseMinutes: 120, first: leases.lowerBound, last: leases.upperBound)
    }
}

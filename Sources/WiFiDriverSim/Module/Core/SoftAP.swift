import WiFiSimValues

/// The soft-AP in the air, and its stations.
struct SoftAP {
    /// `nil` if the mode has no soft-AP.
    var accessPoint: AccessPoint?
    /// In the order in which they joined.
    var stations: [Station] = []

    struct Station {
        let mac: MACAddress
        /// Assigned by the soft-AP's DHCP server; `nil` before that.
        var address: IPv4Address?
    }
}

extension Module {
    /// Updates the soft-AP in the air after a change of the mode or of its settings.
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

    /// Handles a station that has joined, got its address, or left. The lines are those of ESP-AT's core libraries.
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
    /// The soft-AP that the settings describe.
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
        // As ESP-IDF's DHCP server does by default (ESP-IDF, Kconfig, LWIP_DHCPS_ADD_DNS).
        accessPoint.network.dns = [softAPAddress.address]
        accessPoint.network.ipv6Prefix = nil
        accessPoint.network.hasRouter = false
        return accessPoint
    }

    /// The setting of CWDHCPS if it is in the soft-AP's network, otherwise up to a hundred addresses for two hours.
    var leasesInUse: DHCPServer {
        if let server = dhcpServer, softAPAddress.covers(server.first), softAPAddress.covers(server.last) {
            return server
        }
        let leases = softAPAddress.defaultLeases
        return DHCPServer(leaseMinutes: 120, first: leases.lowerBound, last: leases.upperBound)
    }
}

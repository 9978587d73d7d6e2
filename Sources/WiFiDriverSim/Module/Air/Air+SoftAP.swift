import WiFiSimValues

/// Soft-APs: access points that a module's radio owns.
extension Air {
    func softAP(of radio: RadioID) -> Int? { cells.firstIndex { $0.owner == radio } }

    /// Starts a radio's soft-AP or changes it. Other leases are told as they are asked for; any other change restarts the
    /// AP, which its stations see as its end.
    func announce(_ accessPoint: AccessPoint, by radio: RadioID, at now: Instant) {
        var new = accessPoint
        if let joined = membership(of: radio).joined, let cell = cell(of: joined.bssid) {
            new.channel = cells[cell].accessPoint.channel
        }
        guard let index = softAP(of: radio) else {
            // One that is back already knows its stations no more.
            expel(nil, from: new.bssid, at: now)
            cells.append(Cell(accessPoint: new, owner: radio))
            return
        }
        let old = cells[index].accessPoint
        // How well it is heard is the world's to say.
        (new.isOn, new.rssi, new.latency) = (old.isOn, old.rssi, old.latency)
        var kept = old
        kept.network.leases = new.network.leases
        kept.network.leaseTime = new.network.leaseTime
        if kept != new { expel(nil, from: old.bssid, at: now) }
        if !old.network.hasAddresses(of: new.network) { cells[index].leases = LeasePool() }
        cells[index].accessPoint = new
    }

    func endSoftAP(_ index: Int, at now: Instant) {
        expel(nil, from: cells[index].accessPoint.bssid, at: now)
        cells.remove(at: index)
    }

    /// Sends a station off an access point, or all.
    func expel(_ station: MACAddress?, from bssid: MACAddress, at now: Instant) {
        for (radio, state) in members(of: bssid) where station == nil || state.joined?.station == station {
            setStation(.idle, of: radio, at: now)
            emit(.lost, to: radio)
        }
    }

    /// A radio has one channel: its soft-AP goes where its station is, and takes its own stations along
    /// (ESP-IDF docs, Wi-Fi Driver, Wi-Fi channel).
    func followChannel(of accessPoint: AccessPoint, _ radio: RadioID) {
        if let index = softAP(of: radio) { cells[index].accessPoint.channel = accessPoint.channel }
    }
}

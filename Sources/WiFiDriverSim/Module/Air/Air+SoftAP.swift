import WiFiSimValues

/// Soft-APs: access points that a module's radio owns.
extension Air {
    func softAP(of radio: RadioID) -> Int? { cells.firstIndex { $0.owner == radio } }

    /// Starts or changes a radio's soft-AP. Changed leases apply to later requests. Any other change restarts the
    /// access point, and its stations lose it.
    func announce(_ accessPoint: AccessPoint, by radio: RadioID, at now: Instant) {
        var new = accessPoint
        if let joined = membership(of: radio).joined, let cell = cell(of: joined.bssid) {
            new.channel = cells[cell].accessPoint.channel
        }
        guard let index = softAP(of: radio) else {
            // Stations that still list a previous soft-AP with this BSSID lose it.
            expel(nil, from: new.bssid, at: now)
            cells.append(Cell(accessPoint: new, owner: radio))
            return
        }
        let old = cells[index].accessPoint
        // The world decides whether the soft-AP is heard and how well.
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

    /// Disconnects a station from an access point, or all of them.
    func expel(_ station: MACAddress?, from bssid: MACAddress, at now: Instant) {
        for (radio, state) in members(of: bssid) where station == nil || state.joined?.station == station {
            setStation(.idle, of: radio, at: now)
            emit(.lost, to: radio)
        }
    }

    /// Moves the stations of an access point to the strongest other one with its SSID.
    func roam(from accessPoint: AccessPoint, at now: Instant) throws(WorldChangeError) {
        let others = accessPoints.filter { $0.isOn && $0.ssid == accessPoint.ssid && $0.bssid != accessPoint.bssid }
        guard let target = others.max(by: { $0.rssi < $1.rssi }) else {
            throw WorldChangeError(description: "there is no other access point \"\(accessPoint.ssid)\" to roam to")
        }
        for case (let radio, .associated(let join, _)) in members(of: accessPoint.bssid) {
            setStation(.associated(join, bssid: target.bssid), of: radio, at: now)
            emit(.roamed(.init(target)), to: radio)
        }
    }

    /// A radio has one channel: the soft-AP moves to the channel of the station, together with its own stations
    /// (ESP-IDF docs, Wi-Fi Driver, Wi-Fi channel).
    func followChannel(of accessPoint: AccessPoint, _ radio: RadioID) {
        if let index = softAP(of: radio) { cells[index].accessPoint.channel = accessPoint.channel }
    }
}

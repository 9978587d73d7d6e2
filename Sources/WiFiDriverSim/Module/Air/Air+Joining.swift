import WiFiSimValues

/// How a station joins: search, authentication, address.
extension Air {
    /// The next state of a station whose deadline has come.
    func step(_ state: Membership, of radio: RadioID, at now: Instant) -> Membership {
        switch state {
        case .idle, .associated:
            return state
        case .searching(let join, _):
            switch find(join, by: radio) {
            case .failure(let failure):
                emit(.joinFailed(failure), to: radio)
                return .idle
            case .success(let accessPoint):
                let time = accepts(join, accessPoint) ? Timing.authentication : Timing.wrongPassword
                return .authenticating(join, bssid: accessPoint.bssid, until: now + time + accessPoint.joinDelay)
            }
        case .authenticating(let join, let bssid, _):
            guard let cell = audible(bssid), !isFull(cells[cell].accessPoint) else {
                emit(.joinFailed(.refused), to: radio)
                return .idle
            }
            guard accepts(join, cells[cell].accessPoint) else {
                emit(.joinFailed(.wrongPassword), to: radio)
                return .idle
            }
            emit(.associated(.init(cells[cell].accessPoint)), to: radio)
            return join.usesDHCP
                ? .askingForAddress(join, bssid: bssid, until: now + addressTime(at: cells[cell]))
                : .associated(join, bssid: bssid)
        case .askingForAddress(let join, let bssid, _):
            guard let cell = audible(bssid) else {
                emit(.lost, to: radio)
                return .idle
            }
            let network = cells[cell].accessPoint.network
            guard let address = cells[cell].leases.lease(for: join.station, in: network, at: now) else {
                // The DHCP client repeats its request until the station leaves.
                return .askingForAddress(join, bssid: bssid, until: now + .seconds(1))
            }
            emit(
                .leased(
                    AirEvent.Lease(
                        address: address, gateway: network.gateway, netmask: network.netmask, dns: network.dns)),
                to: radio)
            if let owner = cells[cell].owner { emit(.stationLeased(join.station, address), to: owner) }
            return .associated(join, bssid: bssid)
        case .missingBeacons:
            emit(.lost, to: radio)
            return .idle
        }
    }

    /// The access point that this join selects.
    private func find(_ join: AirRequest.Join, by radio: RadioID) -> Result<AccessPoint, JoinFailure> {
        let candidates = cells.filter { $0.owner != radio }.map(\.accessPoint).filter {
            $0.isOn && $0.ssid == join.ssid && (join.bssid ?? $0.bssid) == $0.bssid
                && join.channels.contains($0.channel)
        }
        let found =
            join.scansAll
            ? candidates.max { $0.rssi < $1.rssi } : candidates.min { $0.channel < $1.channel }
        guard let found else { return .failure(.notFound) }
        let isKnown = (found.security == .wpa2Enterprise) == (join.enterprise != nil)
        return found.security.rawValue >= join.threshold.rawValue && isKnown && found.pmf.admits(join.pmf)
            ? .success(found) : .failure(.refused)
    }

    /// A fast scan ends at the access point's channel. A full scan, or a search without a result, covers all channels.
    func searchTime(for join: AirRequest.Join, of radio: RadioID) -> Duration {
        guard !join.scansAll, case .success(let accessPoint) = find(join, by: radio) else {
            return Timing.activeScan * join.channels.count
        }
        return Timing.activeScan * (accessPoint.channel - join.channels.lowerBound + 1)
    }

    func addressTime(at cell: Cell) -> Duration { Timing.dhcp + cell.accessPoint.latency * 2 }

    private func accepts(_ join: AirRequest.Join, _ accessPoint: AccessPoint) -> Bool {
        switch accessPoint.security {
        case .open: true
        case .wpa2Enterprise: accessPoint.enterprise != nil && accessPoint.enterprise == join.enterprise
        default: join.password == accessPoint.password
        }
    }

    private func isFull(_ accessPoint: AccessPoint) -> Bool {
        accessPoint.stationLimit.map { members(of: accessPoint.bssid).count >= $0 } ?? false
    }
}

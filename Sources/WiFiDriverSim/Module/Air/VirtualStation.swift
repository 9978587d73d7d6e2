import WiFiSimValues

/// A station of the world that is no module, as a phone.
struct VirtualStation {
    let radio: Air.RadioID
    let address: MACAddress
}

extension Air {
    /// Lets a virtual station join an access point, by its name; one that is on another leaves that first. It asks for an
    /// address by DHCP. What becomes of it, its access point tells, and `address(ofStation:)`.
    /// - Parameters:
    ///   - name: the station's; one of an unknown name is made, with a MAC address of its own.
    ///   - ssid: the access point's.
    ///   - password: empty for an open one.
    ///   - now: the time.
    func stationJoins(_ name: String, ssid: String, password: String = "", at now: Instant) {
        let station = station(named: name)
        handle(
            .join(
                AirRequest.Join(
                    ssid: ssid, password: password, threshold: .open, scansAll: true, channels: 1...14,
                    station: station.address, usesDHCP: true)), from: station.radio, at: now)
    }

    /// Lets a virtual station leave its access point, or give up joining one.
    func stationLeaves(_ name: String, at now: Instant) {
        guard let station = stations[name] else { return }
        handle(.leave, from: station.radio, at: now)
    }

    /// The IPv4 address that a virtual station has; `nil` if it is on no access point or has none.
    func address(ofStation name: String) -> IPv4Address? { stations[name].flatMap(address) }

    /// The access point that a virtual station with this address is on; `nil` if none has it.
    func accessPoint(ofStationAt address: IPv4Address) -> MACAddress? {
        for station in stations.values where self.address(of: station) == address {
            return membership(of: station.radio).joined?.bssid
        }
        return nil
    }

    private func address(of station: VirtualStation) -> IPv4Address? {
        guard case .associated(_, let bssid) = membership(of: station.radio), let cell = cell(of: bssid) else {
            return nil
        }
        return cells[cell].leases.address(of: station.address)
    }

    private func station(named name: String) -> VirtualStation {
        if let station = stations[name] { return station }
        // Addresses of local administration, different from those that a world file makes up.
        let station = VirtualStation(
            radio: addRadio(), address: MACAddress(rawValue: 0x02_00_00_00_03_01 + UInt64(stations.count)))
        stations[name] = station
        return station
    }
}

import WiFiSimValues

/// A station of the world that is not a module, such as a phone.
struct VirtualStation {
    let radio: Air.RadioID
    let address: MACAddress
}

extension Air {
    /// Makes a virtual station join an access point. If it has joined another one, it leaves that first. It requests an
    /// address by DHCP. The result is visible in the events of the access point and in `address(ofStation:)`.
    /// - Parameters:
    ///   - name: the name of the station. An unknown name creates a station with a MAC address of its own.
    ///   - ssid: the SSID of the access point.
    ///   - password: the password, empty for an open network.
    ///   - now: the time.
    func stationJoins(_ name: String, ssid: String, password: String = "", at now: Instant) {
        let station = station(named: name)
        handle(
            .join(
                AirRequest.Join(
                    ssid: ssid, password: password, threshold: .open, scansAll: true, channels: 1...14,
                    station: station.address, usesDHCP: true)), from: station.radio, at: now)
    }

    /// Makes a virtual station leave its access point, or stop joining one.
    func stationLeaves(_ name: String, at now: Instant) {
        guard let station = stations[name] else { return }
        handle(.leave, from: station.radio, at: now)
    }

    /// The IPv4 address of a virtual station. `nil` if it has not joined, or has no address.
    func address(ofStation name: String) -> IPv4Address? { stations[name].flatMap(address) }

    /// The access point of the virtual station with this address. `nil` if there is no such station.
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
        // Locally administered addresses, different from those that a world file generates.
        let station = VirtualStation(
            radio: addRadio(), address: MACAddress(rawValue: 0x02_00_00_00_03_01 + UInt64(stations.count)))
        stations[name] = station
        return station
    }
}

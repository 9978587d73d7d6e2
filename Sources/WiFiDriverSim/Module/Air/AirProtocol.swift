import WiFiSimValues

/// A request of a module's radio to the air.
package enum AirRequest: Equatable, Sendable {
    case scan(Scan)
    case join(Join)
    case leave
    /// The station, which has joined, requests an address by DHCP.
    case askForAddress
    /// Starts the radio's soft-AP, or changes it to these properties.
    case announce(AccessPoint)
    /// Ends the radio's soft-AP.
    case silence
    /// Disconnects a station from the radio's soft-AP; `nil` disconnects all.
    case expel(MACAddress?)
    /// The station waits for credentials; `nil` ends that.
    case learn(Provisioning?)
    /// The radio stops without notice. Stations of its soft-AP miss its beacons.
    case stop
    /// The world changes, because of a fault.
    case change(WorldChange)

    package struct Scan: Equatable, Sendable {
        var ssid: String?
        var bssid: MACAddress?
        /// How long to listen on each channel.
        var timePerChannel: Duration
        /// The channels to listen on, of those that the country permits.
        var channels: [Int]
    }

    package struct Join: Equatable, Sendable {
        var ssid: String
        var password: String
        var bssid: MACAddress?
        /// The lowest security to accept.
        var threshold: Security
        /// Scans all channels and takes the strongest access point. Otherwise takes the first one found.
        var scansAll: Bool
        var channels: ClosedRange<Int>
        var station: MACAddress
        /// Requests an address by DHCP.
        var usesDHCP: Bool
        /// The station's account for an enterprise network.
        var enterprise: Enterprise?
        /// CWJAP's `<pmf>`: bit 0 means capable of protected management frames, bit 1 means required.
        var pmf = 1
        /// The station gives up the access point after this time without a beacon.
        var beaconTimeout = Duration.seconds(6)
    }
}

/// An event for a module's radio.
package enum AirEvent: Equatable, Sendable {
    case scanned([Sighting])
    case associated(Sighting)
    case leased(Lease)
    case joinFailed(JoinFailure)
    /// The access point is out of reach, or has disconnected the station.
    case lost
    /// The station has moved to another access point of its network.
    case roamed(Sighting)
    case learned(Credentials)
    /// WPS ended without credentials after two minutes.
    case learnedNothing
    /// A station has joined the radio's soft-AP.
    case stationJoined(MACAddress)
    /// The soft-AP's DHCP server has given it an address.
    case stationLeased(MACAddress, IPv4Address)
    case stationLeft(MACAddress)
    /// Faults of the module are set or cleared.
    case faults(FaultChange)

    /// An access point in the result of a scan.
    package struct Sighting: Equatable, Sendable {
        var ssid: String
        var bssid: MACAddress
        var channel: Int
        var rssi: Int
        var security: Security
        var pmf: ManagementFrameProtection
        var hasWPS: Bool
        /// Round trip between the module and the network's gateway.
        var latency: Duration
        /// The network behind it. The module reads this once it has associated.
        var network: AccessPoint.Subnet
    }

    package struct Lease: Equatable, Sendable {
        var address: IPv4Address
        var gateway: IPv4Address
        var netmask: IPv4Address
        var dns: [IPv4Address]
    }
}

/// Why a join failed. Raw values are the numbers of `+CWJAP:` (ESP-AT docs, Wi-Fi, CWJAP).
package enum JoinFailure: Int, Error, Equatable, Sendable {
    case timeout = 1
    case wrongPassword, notFound, refused
}

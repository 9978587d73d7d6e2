import WiFiSimValues

/// What a module's radio asks of the air.
package enum AirRequest: Equatable, Sendable {
    case scan(Scan)
    case join(Join)
    case leave
    /// A station that is on an AP asks for an address by DHCP.
    case askForAddress
    /// The radio's soft-AP is there, or is so from now on; its BSSID, channel and all else as given.
    case announce(AccessPoint)
    /// The radio's soft-AP ends.
    case silence
    /// Sends a station off the radio's soft-AP; `nil` sends all.
    case expel(MACAddress?)
    /// The station waits for credentials; `nil` no longer.
    case learn(Provisioning?)
    /// The radio stops without a goodbye: those on its soft-AP miss its beacons.
    case stop

    package struct Scan: Equatable, Sendable {
        var ssid: String?
        var bssid: MACAddress?
        /// How long each channel is listened to.
        var timePerChannel: Duration
        /// The channels to listen on, of those that the country allows.
        var channels: [Int]
    }

    package struct Join: Equatable, Sendable {
        var ssid: String
        var password: String
        var bssid: MACAddress?
        /// The least security to accept.
        var threshold: Security
        /// All channels are scanned and the strongest taken, else the first found.
        var scansAll: Bool
        var channels: ClosedRange<Int>
        var station: MACAddress
        /// An address is asked for by DHCP.
        var usesDHCP: Bool
        /// What the station shows an enterprise network.
        var enterprise: Enterprise?
        /// CWJAP's `<pmf>`: bit 0 is capable of protected management frames, bit 1 demands them.
        var pmf = 1
        /// The AP is given up when no beacon has come for so long.
        var beaconTimeout = Duration.seconds(6)
    }
}

/// What a module's radio hears from the air.
package enum AirEvent: Equatable, Sendable {
    case scanned([Sighting])
    case associated(Sighting)
    case leased(Lease)
    case joinFailed(JoinFailure)
    /// The access point is gone, or has sent the station off.
    case lost
    case learned(Credentials)
    /// WPS has waited for two minutes.
    case learnedNothing
    /// A station has joined the radio's soft-AP.
    case stationJoined(MACAddress)
    /// The soft-AP's DHCP server has given it an address.
    case stationLeased(MACAddress, IPv4Address)
    case stationLeft(MACAddress)

    /// An access point as a scan shows it.
    package struct Sighting: Equatable, Sendable {
        var ssid: String
        var bssid: MACAddress
        var channel: Int
        var rssi: Int
        var security: Security
        var pmf: ManagementFrameProtection
        var hasWPS: Bool
        /// Round trip to the network's gateway.
        var latency: Duration
        /// What the network behind it offers by itself; the module reads it once it is associated.
        var network: AccessPoint.Subnet
    }

    package struct Lease: Equatable, Sendable {
        var address: IPv4Address
        var gateway: IPv4Address
        var netmask: IPv4Address
        var dns: [IPv4Address]
    }
}

/// Why a join ended; raw values are the numbers of `+CWJAP:` (ESP-AT docs, Wi-Fi, CWJAP).
package enum JoinFailure: Int, Error, Equatable, Sendable {
    case timeout = 1
    case wrongPassword, notFound, refused
}

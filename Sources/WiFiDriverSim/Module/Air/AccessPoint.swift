import WiFiSimValues

/// How an access point protects its network. Raw values are ESP-AT's `<ecn>` (ESP-AT docs, Wi-Fi, CWLAP).
public enum Security: Int, Sendable, Codable, CaseIterable {
    /// No password.
    case open = 0
    /// WEP.
    case wep
    /// WPA with a pre-shared key.
    case wpa
    /// WPA2 with a pre-shared key.
    case wpa2
    /// WPA and WPA2 in mixed mode.
    case wpaWPA2
    /// WPA2 with an account: see ``Enterprise``.
    case wpa2Enterprise
    /// WPA3 with a pre-shared key.
    case wpa3
    /// WPA2 and WPA3 in mixed mode.
    case wpa2WPA3

    /// Whether a station joins with a password. An enterprise network needs more than a password.
    package var takesPassword: Bool { self != .open && self != .wpa2Enterprise }

    /// The permitted lengths of a password, in bytes.
    package var passwordLengths: ClosedRange<Int> { (self == .wep ? 5 : 8)...64 }

    /// The value in a world file.
    public var name: String {
        switch self {
        case .open: "open"
        case .wep: "wep"
        case .wpa: "wpa"
        case .wpa2: "wpa2"
        case .wpaWPA2: "wpa/wpa2"
        case .wpa2Enterprise: "wpa2-enterprise"
        case .wpa3: "wpa3"
        case .wpa2WPA3: "wpa2/wpa3"
        }
    }

    /// CWLAP's number for the pairwise and group cipher.
    var cipher: Int {
        switch self {
        case .open: 0
        case .wep: 1
        case .wpa: 3
        case .wpaWPA2: 5
        case .wpa2, .wpa2Enterprise, .wpa3, .wpa2WPA3: 4
        }
    }
}

/// Whether an access point protects management frames (IEEE 802.11w). WPA3 requires it.
public enum ManagementFrameProtection: String, Sendable, CaseIterable {
    /// Not protected.
    case off
    /// Protected for stations that can.
    case optional
    /// Protected. Stations that cannot do not join.
    case required

    /// The default for `security`.
    init(of security: Security) {
        self =
            switch security {
            case .wpa3: .required
            case .wpa2WPA3: .optional
            case .open, .wep, .wpa, .wpa2, .wpaWPA2, .wpa2Enterprise: .off
            }
    }

    /// Whether a station can join with this `<pmf>` of CWJAP: bit 0 means capable, bit 1 means required.
    func admits(_ station: Int) -> Bool {
        switch self {
        case .off: station & 2 == 0
        case .optional: true
        case .required: station != 0
        }
    }
}

/// An access point of the world and the network behind it.
public struct AccessPoint: Sendable, Equatable {
    /// At most 32 bytes of UTF-8.
    public var ssid: String
    /// The MAC address of its radio, which identifies it in the world.
    public var bssid: MACAddress
    /// Does not announce its SSID. A station finds it by its name.
    public var isHidden = false
    /// The channel, 1 to 14.
    public var channel = 6
    /// Signal strength at the modules, in dBm.
    public var rssi = -45
    /// How the network is protected.
    public var security = Security.wpa2
    /// Protection of management frames. The default depends on `security`.
    public var pmf: ManagementFrameProtection {
        get { chosenPMF ?? ManagementFrameProtection(of: security) }
        set { chosenPMF = newValue }
    }
    private var chosenPMF: ManagementFrameProtection?
    /// The password, 8 to 64 bytes of UTF-8 (WEP: 5 to 64). Unused by an open or enterprise network.
    public var password = ""
    /// The account that may join an enterprise network. With `nil`, no station can join.
    public var enterprise: Enterprise?
    /// Sends beacons, and answers probes and data.
    public var isOn = true
    /// Supports WPS.
    public var hasWPS = true
    /// The most stations at the same time. `nil` means no limit.
    public var stationLimit: Int?
    /// Round trip between a module and any other host on this network or beyond it.
    public var latency = Duration.milliseconds(2)
    /// How much longer than usual a station takes to join.
    public var joinDelay = Duration.zero
    /// The network behind the access point.
    public var network = Subnet()

    /// The IPv4 network behind an access point.
    public struct Subnet: Sendable, Equatable {
        /// The address of the gateway, which is also the computer's loopback for connections.
        public var gateway = IPv4Address(10, 0, 2, 2)
        /// Number of leading one bits of the netmask, 0 to 32.
        public var prefixLength = 24
        /// The addresses that DHCP assigns, in this order. `nil` if no DHCP server answers.
        public var leases: ClosedRange<IPv4Address>? = IPv4Address(10, 0, 2, 15)...IPv4Address(10, 0, 2, 254)
        /// How long the address of a station that has left stays reserved for it. `nil` means without limit.
        public var leaseTime: Duration?
        /// The name servers that DHCP announces.
        public var dns = [IPv4Address(10, 0, 2, 3)]
        /// The /64 prefix of the router advertisements. `nil` without global IPv6.
        public var ipv6Prefix = IPv6Address("fec0::")
        /// How the DHCP server behaves.
        public var dhcp = DHCP.on
        /// Whether the name servers answer.
        public var answersNames = true
        /// Whether packets pass the gateway. If not, connections beyond it receive nothing until they do.
        public var leadsOn = true
        /// Whether the gateway is a router to the rest of the world. That of a module's soft-AP is not.
        public var hasRouter = true

        /// The behavior of the DHCP server.
        public enum DHCP: String, Sendable, CaseIterable {
            /// Assigns addresses.
            case on
            /// Does not answer.
            case off
            /// Has no address left for a station that it does not know.
            case full
        }

        /// Makes 10.0.2.0/24 with its gateway at 10.0.2.2.
        public init() {}

        /// The netmask of `prefixLength`.
        public var netmask: IPv4Address {
            IPv4Address(rawValue: prefixLength == 0 ? 0 : ~0 << (32 - UInt32(prefixLength)))
        }

        /// Widens the network until DHCP has `count` addresses. The first address stays the same.
        mutating func makeRoom(forStations count: Int) {
            guard let first = leases?.lowerBound else { return }
            var last: IPv4Address { IPv4Address(rawValue: (gateway.rawValue | ~netmask.rawValue) - 1) }
            while prefixLength > 8, Int(last.rawValue) - Int(first.rawValue) + 1 < count { prefixLength -= 1 }
            leases = first...last
        }

        /// Whether the address belongs to the router, or to a name server on this network.
        func answersPings(to address: IPv4Address) -> Bool {
            hasRouter && (address == gateway || (dns.contains(address) && contains(address)))
        }

        /// Whether the address is in this network.
        public func contains(_ address: IPv4Address) -> Bool {
            address.rawValue & netmask.rawValue == gateway.rawValue & netmask.rawValue
        }

        /// Whether the address can belong to a host of this network: not the network address, not the broadcast
        /// address.
        package func hasHost(_ address: IPv4Address) -> Bool {
            contains(address) && address.isHost(ofNetwork: netmask)
        }
    }

    /// Creates an access point with WPA2 and an empty password. `ssid` is at most 32 bytes of UTF-8.
    public init(ssid: String, bssid: MACAddress) {
        self.ssid = ssid
        self.bssid = bssid
    }
}

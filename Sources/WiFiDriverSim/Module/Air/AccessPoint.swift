import WiFiSimValues

/// How an access point protects its network; raw values are ESP-AT's `<ecn>` (ESP-AT docs, Wi-Fi, CWLAP).
public enum Security: Int, Sendable, Codable, CaseIterable {
    case open = 0
    case wep, wpa, wpa2, wpaWPA2, wpa2Enterprise, wpa3, wpa2WPA3

    /// Whether a station with a password can join (an enterprise network wants more than that).
    package var takesPassword: Bool { self != .open && self != .wpa2Enterprise }

    /// How long a password is, in bytes.
    package var passwordLengths: ClosedRange<Int> { (self == .wep ? 5 : 8)...64 }

    /// The word for it in a world file.
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

    /// CWLAP's number for the cipher of unicast and group frames.
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

/// Whether an access point protects management frames (IEEE 802.11w): WPA3 wants it.
public enum ManagementFrameProtection: String, Sendable, CaseIterable {
    case off, optional, required

    /// What an access point does that is not told otherwise.
    init(of security: Security) {
        self =
            switch security {
            case .wpa3: .required
            case .wpa2WPA3: .optional
            case .open, .wep, .wpa, .wpa2, .wpaWPA2, .wpa2Enterprise: .off
            }
    }

    /// Whether a station can join with CWJAP's `<pmf>`: bit 0 is capable of it, bit 1 demands it.
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
    public var bssid: MACAddress
    /// Does not announce its SSID; a station that names it finds it.
    public var isHidden = false
    /// 1 to 14.
    public var channel = 6
    /// Signal strength at the modules, in dBm.
    public var rssi = -45
    public var security = Security.wpa2
    public var pmf: ManagementFrameProtection {
        get { chosenPMF ?? ManagementFrameProtection(of: security) }
        set { chosenPMF = newValue }
    }
    private var chosenPMF: ManagementFrameProtection?
    public var password = ""
    /// Who may join an enterprise network; `nil` lets nobody.
    public var enterprise: Enterprise?
    /// The AP answers to probes and data.
    public var isOn = true
    /// Does WPS.
    public var hasWPS = true
    /// Stations that it takes at a time; `nil` takes all.
    public var stationLimit: Int?
    /// Round trip between a module and everything else on this network or beyond it.
    public var latency = Duration.milliseconds(2)
    public var network = Subnet()

    /// The IPv4 network behind an access point.
    public struct Subnet: Sendable, Equatable {
        public var gateway = IPv4Address(10, 0, 2, 2)
        /// Leading one bits of the netmask, 0 to 32.
        public var prefixLength = 24
        /// The addresses that DHCP hands out, in order; `nil` where nothing answers DHCP.
        public var leases: ClosedRange<IPv4Address>? = IPv4Address(10, 0, 2, 15)...IPv4Address(10, 0, 2, 254)
        /// How long the address of a station that has left is kept for it; `nil` keeps it for ever.
        public var leaseTime: Duration?
        public var dns = [IPv4Address(10, 0, 2, 3)]
        /// The /64 that router advertisements announce; `nil` without global IPv6.
        public var ipv6Prefix = IPv6Address("fec0::")
        public var dhcp = DHCP.on
        /// Its name servers answer.
        public var answersNames = true
        /// Packets go beyond its gateway. Where they don't, connections there are silent until they do.
        public var leadsOn = true
        /// The gateway is a router, with the rest of the world behind it. A module's soft-AP has none.
        public var hasRouter = true

        /// What the DHCP server does.
        public enum DHCP: String, Sendable, CaseIterable {
            /// Gives addresses.
            case on
            /// Does not answer.
            case off
            /// Has no address left for stations that it does not know.
            case full
        }

        public init() {}

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

        /// Its router, and a name server that is on it.
        func answersPings(to address: IPv4Address) -> Bool {
            hasRouter && (address == gateway || (dns.contains(address) && contains(address)))
        }

        public func contains(_ address: IPv4Address) -> Bool {
            address.rawValue & netmask.rawValue == gateway.rawValue & netmask.rawValue
        }

        /// Whether a host of this network can have an address: the network's own and its broadcast address it cannot.
        package func hasHost(_ address: IPv4Address) -> Bool {
            contains(address) && address.isHost(ofNetwork: netmask)
        }
    }

    public init(ssid: String, bssid: MACAddress) {
        self.ssid = ssid
        self.bssid = bssid
    }
}

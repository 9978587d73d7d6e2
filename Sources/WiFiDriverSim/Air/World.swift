/// What surrounds the modules: access points, and the names that resolve.
public struct World: Sendable, Equatable {
    public var accessPoints: [AccessPoint]
    /// Host names, in lower case, that resolve before the system's resolver is asked.
    public var names: [String: [IPAddress]]

    /// What changes by itself, in any order.
    public var timeline: [TimedChange] = []

    /// A change and when it happens, counted from the start.
    public struct TimedChange: Sendable, Equatable {
        public var at: Duration
        public var change: WorldChange

        public init(at: Duration, _ change: WorldChange) {
            self.at = at
            self.change = change
        }
    }

    public init(
        accessPoints: [AccessPoint], names: [String: [IPAddress]] = [:], timeline: [TimedChange] = []
    ) {
        self.accessPoints = accessPoints
        self.names = names
        self.timeline = timeline
    }

    /// One access point, `wifisim` with the password `password`, on the addresses that QEMU's user network has.
    public static let standard: World = {
        // The BSSID is the one that Arm's WiFi validation suite sets unless it is configured otherwise.
        var accessPoint = AccessPoint(ssid: "wifisim", bssid: MACAddress(rawValue: 0x1E_30_6C_A2_45_5E))
        accessPoint.password = "password"
        return World(
            accessPoints: [accessPoint],
            names: ["gateway.wifisim": [.v4(accessPoint.network.gateway)]])
    }()
}

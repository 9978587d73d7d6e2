import WiFiSimValues

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

    /// The server that modules get new firmware from.
    public var updates: UpdateServer?

    /// The names that resolve, with those of public time servers, which are the first gateway: it tells the time; and of the update
    /// server.
    package var knownNames: [String: [IPAddress]] {
        guard let gateway = accessPoints.first?.network.gateway else { return names }
        var known = Dictionary(uniqueKeysWithValues: Self.timeServers.map { ($0, [IPAddress.v4(gateway)]) })
        // Without a server in the world, none beyond it is asked.
        known[UpdateServer.host] = updates == nil ? [] : [UpdateServer.endpoint.address]
        return names.merging(known) { stated, _ in stated }
    }

    private static let timeServers = [
        "cn.ntp.org.cn", "ntp.sjtu.edu.cn", "us.pool.ntp.org", "pool.ntp.org", "0.pool.ntp.org", "1.pool.ntp.org",
        "2.pool.ntp.org", "3.pool.ntp.org", "time.google.com", "time.nist.gov", "time.windows.com",
        "time.cloudflare.com",
    ]

    public init(
        accessPoints: [AccessPoint], names: [String: [IPAddress]] = [:], timeline: [TimedChange] = [],
        updates: UpdateServer? = nil
    ) {
        self.accessPoints = accessPoints
        self.names = names
        self.timeline = timeline
        self.updates = updates
    }

    /// The same, where nothing that passes an access point takes any time.
    public var withoutLatency: World {
        var world = self
        for index in accessPoints.indices { world.accessPoints[index].latency = .zero }
        return world
    }

    /// This world, with the standard networks widened to `count` addresses. Networks that the file gives stay as they are.
    package func withRoom(forStations count: Int) -> World {
        var world = self
        for index in accessPoints.indices where accessPoints[index].network == AccessPoint.Subnet() {
            world.accessPoints[index].network.makeRoom(forStations: count)
        }
        return world
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

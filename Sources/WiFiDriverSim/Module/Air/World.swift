import WiFiSimValues

/// The surroundings of the modules: access points, names, the timeline of changes and the update server.
public struct World: Sendable, Equatable {
    /// The access points. Their BSSIDs differ.
    public var accessPoints: [AccessPoint]
    /// Host names in lower case, with their addresses. They have precedence over the system's resolver.
    public var names: [String: [IPAddress]]

    /// The changes to come, in any order.
    public var timeline: [TimedChange] = []

    /// A change and its time, counted from the start of the simulation.
    public struct TimedChange: Sendable, Equatable {
        /// The time of the change since the start of the simulation.
        public var at: Duration
        /// The change.
        public var change: WorldChange

        /// Makes a change that happens `at` after the start of the simulation.
        public init(at: Duration, _ change: WorldChange) {
            self.at = at
            self.change = change
        }
    }

    /// The faults of all modules, from the start on.
    public var faults: [Fault] = []

    /// The server for firmware updates. `nil` if there is none.
    public var updates: UpdateServer?

    /// `names`, and the names of public time servers, which resolve to the first gateway, and of the update server.
    package var knownNames: [String: [IPAddress]] {
        let names = Dictionary(names.map { ($0.lowercased(), $1) }) { first, _ in first }
        guard let gateway = accessPoints.first?.network.gateway else { return names }
        var known = Dictionary(uniqueKeysWithValues: Self.timeServers.map { ($0, [IPAddress.v4(gateway)]) })
        // Without an update server in the world, its name does not resolve, so that no real server is asked.
        known[UpdateServer.host] = updates == nil ? [] : [UpdateServer.endpoint.address]
        return names.merging(known) { stated, _ in stated }
    }

    private static let timeServers = [
        "cn.ntp.org.cn", "ntp.sjtu.edu.cn", "us.pool.ntp.org", "pool.ntp.org", "0.pool.ntp.org", "1.pool.ntp.org",
        "2.pool.ntp.org", "3.pool.ntp.org", "time.google.com", "time.nist.gov", "time.windows.com",
        "time.cloudflare.com",
    ]

    /// Creates a world. Without access points, no module can join a network.
    public init(
        accessPoints: [AccessPoint], names: [String: [IPAddress]] = [:], timeline: [TimedChange] = [],
        updates: UpdateServer? = nil, faults: [Fault] = []
    ) {
        self.accessPoints = accessPoints
        self.names = names
        self.timeline = timeline
        self.updates = updates
        self.faults = faults
    }

    /// The name in a change that is not one of an access point here; `nil` if there is none. A module's soft-AP, which
    /// may appear later, does not count.
    package func missingAccessPoint(of change: WorldChange) -> String? {
        guard case .accessPoint(let name, _) = change else { return nil }
        return accessPoints.contains { $0.ssid == name || $0.bssid == MACAddress(name) } ? nil : name
    }

    /// This world, with no latency at any access point.
    public var withoutLatency: World {
        var world = self
        for index in accessPoints.indices { world.accessPoints[index].latency = .zero }
        return world
    }

    /// This world, with default networks widened to `count` addresses. Networks that the world file defines stay the
    /// same.
    package func withRoom(forStations count: Int) -> World {
        var world = self
        for index in accessPoints.indices where accessPoints[index].network == AccessPoint.Subnet() {
            world.accessPoints[index].network.makeRoom(forStations: count)
        }
        return world
    }

    /// One access point, SSID `wifisim`, password `password`, with the addresses of QEMU's user network.
    public static let standard: World = {
        // The BSSID is the default of Arm's WiFi validation suite.
        var accessPoint = AccessPoint(ssid: "wifisim", bssid: MACAddress(rawValue: 0x1E_30_6C_A2_45_5E))
        accessPoint.password = "password"
        return World(
            accessPoints: [accessPoint],
            names: ["gateway.wifisim": [.v4(accessPoint.network.gateway)]])
    }()
}

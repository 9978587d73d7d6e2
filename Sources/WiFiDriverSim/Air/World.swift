/// What surrounds the modules: access points, and the names that resolve.
public struct World: Sendable, Equatable {
    public var accessPoints: [AccessPoint]
    /// Host names, in lower case, that resolve before the system's resolver is asked.
    public var names: [String: [IPAddress]]

    public init(accessPoints: [AccessPoint], names: [String: [IPAddress]] = [:]) {
        self.accessPoints = accessPoints
        self.names = names
    }

    /// One access point, `wifisim` with the password `password`, on the addresses that QEMU's user network has.
    public static let standard: World = {
        var accessPoint = AccessPoint(ssid: "wifisim", bssid: MACAddress(rawValue: 0x02_00_00_00_02_02))
        accessPoint.password = "password"
        return World(
            accessPoints: [accessPoint],
            names: ["gateway.wifisim": [.v4(accessPoint.network.gateway)]])
    }()
}

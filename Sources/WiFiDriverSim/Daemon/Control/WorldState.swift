import WiFiSimModule
import WiFiSimValues

/// The modules and access points as the control socket reports them; docs/Control.md lists the fields.
struct WorldState: Encodable {
    let modules: [ModuleState]
    let accessPoints: [AccessPointState]
}

struct AccessPointState: Encodable {
    let ssid: String
    let bssid: String
    let on: Bool
    let channel: Int
    let rssi: Int
    let security: String
    let gateway: String
    let dhcp: String
    let dns: Bool
    let route: Bool
    /// True for the soft-AP of a module.
    let softAP: Bool
    let stations: [String]
}

extension AccessPointState {
    init(_ accessPoint: AccessPoint, isSoftAP: Bool, stations: [String]) {
        ssid = accessPoint.ssid
        bssid = "\(accessPoint.bssid)"
        on = accessPoint.isOn
        channel = accessPoint.channel
        rssi = accessPoint.rssi
        security = accessPoint.security.name
        gateway = "\(accessPoint.network.gateway)/\(accessPoint.network.prefixLength)"
        dhcp = accessPoint.network.leases == nil ? "off" : accessPoint.network.dhcp.rawValue
        dns = accessPoint.network.answersNames
        route = accessPoint.network.leadsOn && accessPoint.network.hasRouter
        softAP = isSoftAP
        self.stations = stations
    }
}

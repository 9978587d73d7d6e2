/// What the control socket tells of the modules and the air; docs/Control.md lists the fields.
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
    /// A module's soft-AP.
    let softAP: Bool
    let stations: [String]
}

struct ModuleState: Encodable {
    let index: Int
    let tty: String?
    let profile: String
    let power: String
    let mode: Int
    let station: StationState?
    let softAP: SoftAPState?
    let links: [LinkState]
    let server: UInt16?
    let multiplexes: Bool
    let passthrough: Bool
    let sleep: Int
    let baud: Int
    /// Bytes for the line that it has not taken.
    let waiting: Int

    struct StationState: Encodable {
        let mac: String
        let state: String
        let ssid: String?
        let bssid: String?
        let ip: String?
        let gateway: String?
    }

    struct SoftAPState: Encodable {
        let mac: String
        let ssid: String
        let channel: Int
        let ip: String
    }

    struct LinkState: Encodable {
        let id: Int
        let type: String
        let remote: String
        let local: String
        let served: Bool
        /// Bytes that came in and are not read.
        let waiting: Int
    }
}

extension ModuleState {
    init(_ module: Module, index: Int, tty: String?) {
        self.index = index
        self.tty = tty
        profile = module.firmware.name
        power = module.powerState
        let settings = module.settings
        mode = settings.wifiMode.rawValue
        station = settings.wifiMode.hasStation ? StationState(module) : nil
        softAP =
            settings.wifiMode.hasSoftAP
            ? SoftAPState(
                mac: "\(settings.softAPMAC)", ssid: settings.softAP.ssid,
                channel: module.softAP.accessPoint?.channel ?? settings.softAP.channel.value,
                ip: "\(settings.softAPAddress.address)") : nil
        links = module.links.open.map { id, link in
            LinkState(
                id: id, type: link.typeName, remote: "\(link.remote)", local: "\(link.local)", served: link.isServed,
                waiting: link.received.count)
        }
        server = module.links.server?.port
        multiplexes = module.session.multiplexes
        passthrough = module.isPassthrough
        sleep = module.session.sleepMode
        baud = settings.uart.baud.value
        waiting = module.output.count
    }
}

extension ModuleState.StationState {
    fileprivate init(_ module: Module) {
        mac = "\(module.settings.stationMAC)"
        let station = module.station
        state =
            switch station {
            case .idle: "idle"
            case .joining: "joining"
            case .associated: "associated"
            case .connected: "connected"
            case .disconnected: "disconnected"
            }
        ssid = station.target?.ssid
        bssid = station.accessPoint.map { "\($0.bssid)" }
        ip = station.lease.map { "\($0.address)" }
        gateway = station.lease.map { "\($0.gateway)" }
    }
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

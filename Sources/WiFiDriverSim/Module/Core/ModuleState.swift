import WiFiSimValues

/// The state of a module for observers; docs/Control.md lists the fields.
package struct ModuleState: Encodable {
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
    /// Bytes of output that the line has not taken.
    let waiting: Int
    let faults: [FaultEntry]
    /// Present if the line behaves like a UART.
    let uart: UARTCounts?

    /// What has gone wrong on the receiving side of a UART.
    package struct UARTCounts: Encodable, Sendable {
        let lost: Int
        let overruns: Int
        let framingErrors: Int
        let parityErrors: Int

        package init(lost: Int, overruns: Int, framingErrors: Int, parityErrors: Int) {
            self.lost = lost
            self.overruns = overruns
            self.framingErrors = framingErrors
            self.parityErrors = parityErrors
        }
    }

    package struct FaultEntry: Encodable {
        let fault: String
        /// How often its moment has come.
        let seen: Int
        /// How often it has happened.
        let fired: Int
    }

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
        /// Bytes that have been received and not read.
        let waiting: Int
    }
}

extension ModuleState {
    package init(_ module: Module, index: Int, tty: String?, uart: UARTCounts? = nil) {
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
        faults = module.faultStates
        self.uart = uart
    }
}

extension Module {
    /// The faults that are set, for observers.
    package var faultStates: [ModuleState.FaultEntry] {
        faults.entries.map { ModuleState.FaultEntry(fault: "\($0.fault)", seen: $0.seen, fired: $0.fired) }
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

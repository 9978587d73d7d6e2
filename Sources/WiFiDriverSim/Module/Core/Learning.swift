/// The progress of WPS or SmartConfig.
enum LearningState: Equatable {
    case none
    /// Waits for credentials of an access point with at least this security.
    case waiting(floor: StationSettings.Threshold)
    /// Joins with the credentials from a phone, and reports when it is connected.
    case joining
}

extension Module {
    /// Starts to wait for credentials. `floor` is the lowest security that is accepted, as in CWJAP.
    func startLearning(_ provisioning: Provisioning, floor: StationSettings.Threshold) {
        learning = .waiting(floor: floor)
        request(.learn(provisioning))
    }

    func stopLearning() {
        learning = .none
        request(.learn(nil))
    }

    /// Handles received credentials, or the end of the wait. The firmware reports SmartConfig on the line, WPS only in
    /// its log (ESP-AT docs, Network Provisioning Examples; format strings of the core libraries).
    func handleLearning(_ event: AirEvent) {
        guard case .waiting(let floor) = learning else { return }
        guard case .learned(let credentials) = event else {
            learning = .none
            return
        }
        if let type = credentials.smartConfig {
            report("smartconfig type:\(type.name)")
            report("Smart get wifi info")
            report("ssid:\(credentials.ssid)")
            report("password:\(credentials.password)")
        }
        learning = credentials.smartConfig == nil ? .none : .joining
        var target = StationSettings(ssid: credentials.ssid, password: credentials.password)
        target.threshold = floor
        set(\.station, to: target, .stored(if: session.storesSettings))
        if station.accessPoint != nil { leave() }
        join(target, .automatic(1))
    }

    /// Reports the end of SmartConfig, once the station has an address.
    func tellSmartConfig() {
        guard learning == .joining else { return }
        learning = .none
        report("smartconfig connected wifi")
    }
}

extension SmartConfig {
    fileprivate var name: String {
        switch self {
        case .espTouch: "ESPTOUCH"
        case .airKiss: "AIRKISS"
        case .espTouchV2: "ESPTOUCH_V2"
        }
    }
}

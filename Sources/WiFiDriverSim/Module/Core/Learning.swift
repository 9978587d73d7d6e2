/// How far the module is with WPS or SmartConfig.
enum LearningState: Equatable {
    case none
    /// Waits for credentials, of an AP that has this security at least.
    case waiting(floor: StationSettings.Threshold)
    /// Has them from a phone, and tells that it is connected by them.
    case joining
}

extension Module {
    /// Starts to wait for credentials; `floor` is the least security that an AP must have to be joined, as CWJAP's.
    func startLearning(_ provisioning: Provisioning, floor: StationSettings.Threshold) {
        learning = .waiting(floor: floor)
        request(.learn(provisioning))
    }

    func stopLearning() {
        learning = .none
        request(.learn(nil))
    }

    /// Credentials have come, or time is over. Of WPS the firmware tells its log alone, of SmartConfig the line too
    /// (ESP-AT docs, Network Provisioning Examples; format strings of the core libraries).
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

    /// The station has an address.
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

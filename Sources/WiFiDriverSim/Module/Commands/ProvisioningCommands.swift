import WiFiSimValues

/// ESP-AT docs, Wi-Fi AT Commands: joining an access point that the host does not know.
let provisioningCommands: [Command] = [
    Command(
        name: "WPS", family: .wifi,
        set: .init(Flag("enable"), authFloor) { (call, enables, floor) throws(CommandError) in
            try call.requireStation()
            let floor = try check(floor, position: 1, call)
            guard enables else {
                if floor != nil { throw .count(1) }
                call.module.stopLearning()
                return .ok
            }
            call.module.startLearning(.wps(channels: call.settings.country.channels), floor: floor ?? 0)
            return .ok
        }),

    Command(
        name: "CWSTARTSMART", family: .wifi,
        set: .init(
            Integer("type", 1...4), authFloor,
            Optionally(Text("esptouch v2 key", 16...16), since: .v3_3)
        ) { (call, type, floor, key) throws(CommandError) in
            guard call.firmware.smartConfigTypes.contains(type) else { throw CommandError(kind: .invalid, position: 0) }
            let floor = try check(floor, position: 1, call)
            let types: Set<SmartConfig> =
                switch type {
                case 1: [.espTouch]
                case 2: [.airKiss]
                case 3: [.espTouch, .airKiss]
                default: [.espTouchV2]
                }
            return try start(types, key: key, floor: floor ?? 0, call)
        },
        execute: { (call) throws(CommandError) in try start([.espTouch, .airKiss], key: nil, floor: 0, call) }),

    Command(
        name: "CWSTOPSMART", family: .wifi,
        execute: { call in
            call.module.stopLearning()
            return .ok
        }),
]

private let authFloor = Optionally(Number("auth floor", as: StationSettings.Threshold.self), since: .esp8266_2_2)

private func check(
    _ floor: StationSettings.Threshold?, position: Int, _ call: Call
) throws(CommandError) -> StationSettings.Threshold? {
    guard let floor else { return nil }
    guard floor.value <= call.firmware.highestSecurityFloor else {
        throw CommandError(kind: .invalid, position: position)
    }
    return floor
}

private func start(
    _ types: Set<SmartConfig>, key: String?, floor: StationSettings.Threshold, _ call: Call
) throws(CommandError) -> CommandOutcome {
    try call.requireStation()
    // A running one has to be stopped first (ESP-IDF docs, SmartConfig, esp_smartconfig_start).
    guard call.module.learning == .none else { throw .failed }
    call.module.startLearning(.smartConfig(types, key: key), floor: floor)
    return .ok
}

import WiFiSimValues

/// ESP-AT docs, TCP/IP AT Commands: firmware updates.
let updateCommands: [Command] = [
    Command(
        name: "CIPFWVER", family: .tcpIP, firmware: .since(.v3_3),
        query: { (call) throws(CommandError) in
            try start(FirmwareUpdate(.list(call.name), giveUpAt: call.module.now + .seconds(10)), call)
        }),

    Command(
        name: "CIUPDATE", family: .tcpIP, newForms: [.query: .esp8266_2_2, .set: .esp32_2_1],
        query: { call in call.answer("\(call.session.updateState.rawValue)") },
        set: .init(
            Flag("ota mode"), Optionally(Text("version", 0...64)),
            Optionally(Text("firmware name", 0...64), since: .esp8266_2_2),
            Optionally(Flag("nonblocking"), since: .esp8266_2_2)
        ) { (call, isSecure, version, partition, isInBackground) throws(CommandError) in
            guard partition ?? "" == "" || partition == "ota" else {
                call.module.emit(.log("only the firmware itself is updated: AT+CIUPDATE refused"))
                throw .failed
            }
            return try install(version == "" ? nil : version, isSecure: isSecure, blocks: isInBackground != true, call)
        },
        execute: { (call) throws(CommandError) in try install(nil, blocks: true, call) }),
]

private func install(_ version: String?, isSecure: Bool = false, blocks: Bool, _ call: Call) throws(CommandError)
    -> CommandOutcome
{
    try start(
        FirmwareUpdate(
            .install(blocks: blocks), isSecure: isSecure, version: version,
            giveUpAt: call.module.now + FirmwareUpdate.patience), call)
}

private func start(_ update: FirmwareUpdate, _ call: Call) throws(CommandError) -> CommandOutcome {
    guard call.module.update == nil, call.module.reaches(nil) else { throw .failed }
    call.module.start(update)
    return update.purpose == .install(blocks: false) ? .ok : .running(UpdateOperation())
}

/// Waits until the module's update ends the command.
private struct UpdateOperation: Operation {
    let deadline: Instant? = nil
    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? { nil }
}

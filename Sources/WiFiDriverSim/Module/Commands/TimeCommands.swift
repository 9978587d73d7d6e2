import WiFiSimValues

/// ESP-AT docs, Basic and TCP/IP AT Commands: the time.
let timeCommands: [Command] = [
    Command(
        name: "SYSTIMESTAMP", family: .basic, firmware: .since(.esp32_2_1),
        query: { call in call.answer("\(call.module.unixTime)") },
        set: .init(Integer("Unix timestamp", 0...Int(UInt32.max))) { call, timestamp in
            call.module.setUnixTime(.seconds(timestamp))
            return .ok
        }),

    // On one firmware, the execute form removes the servers.
    Command(
        name: "CIPSNTPCFG", family: .tcpIP, firmware: .in(.esp32_2_1 ... .esp32_2_1), query: answerTimeServers,
        set: timeServerForm,
        execute: { call in
            call.module.synchronizeTime(by: nil)
            return .ok
        }),
    Command(
        name: "CIPSNTPCFG", family: .tcpIP, firmware: .except(.esp32_2_1), query: answerTimeServers,
        set: timeServerForm),

    Command(
        name: "CIPSNTPTIME", family: .tcpIP,
        query: { call in
            let zone = call.module.timeClient.configuration?.zone ?? .utc
            let time = CalendarTime(unixTime: call.module.unixTime + zone.seconds)
            return call.answer(time.asctime(padding: call.firmware.padsDayOfMonth ? "0" : " "))
        }),

    Command(
        name: "CIPSNTPINTV", family: .tcpIP, firmware: .since(.v3_3),
        query: { call in call.answer("\(call.module.timeClient.interval.components.seconds)") },
        set: .init(Integer("interval second", 15...4_294_967)) { call, seconds in
            call.module.setTimeInterval(.seconds(seconds))
            return .ok
        }),
]

private let answerTimeServers: @Sendable (Call) throws(CommandError) -> CommandOutcome = { call in
    guard let configuration = call.module.timeClient.configuration else {
        return call.answer(call.firmware.disabledTimeClient)
    }
    let servers = configuration.servers.map { ",\"\($0)\"" }.joined()
    return call.answer("1,\(configuration.zone.hours)\(servers)")
}

private let timeServerForm = Command.SetForm(
    Flag("enable"), Optionally(Integer("timezone", -1259...1459)), Optionally(Text("SNTP server1", 0...64)),
    Optionally(Text("SNTP server2", 0...64)), Optionally(Text("SNTP server3", 0...64))
) { (call, enables, number, first, second, third) throws(CommandError) in
    if enables, number == nil, call.firmware.needsTimeZone { throw .count(2) }
    let takesMinutes = call.firmware.timeZoneTakesMinutes
    guard let zone = TimeZone(number ?? 0, takesMinutes: takesMinutes, hours: takesMinutes ? -12...14 : -11...13)
    else { throw CommandError(kind: .invalid, position: 1) }
    let servers = [first, second, third].compactMap { $0 }.filter { !$0.isEmpty }
    call.module.synchronizeTime(
        by: enables
            ? .init(zone: zone, servers: servers.isEmpty ? call.firmware.timeServers : servers) : nil)
    return .ok
}

import WiFiSimValues

/// ESP-AT docs, Wi-Fi AT Commands: configuration of the radio.
let radioCommands: [Command] =
    [
        Command(
            name: "CWINIT", family: .wifi, firmware: .since(.v3_3),
            query: { call in call.answer(call.session.hasWiFi ? "1" : "0") },
            set: .init(Flag("init")) { call, starts in
                guard starts != call.session.hasWiFi else { return .ok }
                call.module.write("\r\nOK\r\n")
                if starts { call.module.startWiFi() } else { call.module.stopWiFi() }
                return .answered
            }),

        Command(
            name: "CWCONFIG", family: .wifi, firmware: .since(.v4_1), storing: .chosen,
            query: { (call) throws(CommandError) in
                try call.requireWiFi()
                let times = call.settings.inactivity ?? Inactivity()
                return call.answer("\(times.softAP),\(times.station),\(times.listenInterval)")
            },
            set: .init(
                Optionally(Number("ap_inactive_time", as: Inactivity.SoftAP.self)),
                Optionally(Number("sta_inactive_time", as: Inactivity.Station.self)),
                Optionally(Number("listen_interval", as: StationSettings.ListenInterval.self))
            ) { (call, softAP, station, listenInterval) throws(CommandError) in
                try call.requireWiFi()
                var times = call.settings.inactivity ?? Inactivity()
                if let softAP { times.softAP = softAP }
                if let station { times.station = station }
                if let listenInterval { times.listenInterval = listenInterval }
                call.set(\.inactivity, to: times)
                return .ok
            }),

        // The chip has no 5 GHz band, so the query answers 0 for it.
        Command(
            name: "CWBANDWIDTH", family: .wifi, firmware: .since(.v5_0), storing: .chosen,
            query: { (call) throws(CommandError) in
                try call.requireWiFi()
                for (netif, bandwidth) in call.settings.bandwidths.enumerated() {
                    call.reply("\(netif),\(bandwidth),0")
                }
                return .ok
            },
            set: .init(Integer("netif", 0...1), Number("bandwidth_2ghz", as: Settings.Bandwidth.self)) {
                (call, netif, bandwidth) throws(CommandError) in
                if netif == 0 { try call.requireStation() } else { try call.requireSoftAP() }
                var bandwidths = call.settings.bandwidths
                bandwidths[netif] = bandwidth
                call.set(\.bandwidth, to: bandwidths)
                return .ok
            }),
    ]
    + protocolCommands(
        "CWSTAPROTO", \.stationProtocols,
        requiring: { call throws(CommandError) in
            try call.requireStation()
        })
    + protocolCommands(
        "CWAPPROTO", \.softAPProtocols,
        requiring: { call throws(CommandError) in
            try call.requireSoftAP()
        })

/// The 802.11 standards of an interface. Only later firmware stores them.
private func protocolCommands(
    _ name: String, _ key: any WritableKeyPath<Settings, RadioProtocols?> & Sendable,
    requiring require: @escaping @Sendable (Call) throws(CommandError) -> Void
) -> [Command] {
    let query: @Sendable (Call) throws(CommandError) -> CommandOutcome = { call throws(CommandError) in
        try require(call)
        return call.answer("\(call.settings[keyPath: key] ?? call.firmware.radioProtocols)")
    }
    func set(_ names: ClosedRange<Int>, isAllowed: @escaping @Sendable (Int) -> Bool) -> Command.SetForm {
        .init(Integer("protocol", names)) { (call, protocols) throws(CommandError) in
            try require(call)
            guard isAllowed(protocols), let protocols = RadioProtocols(protocols) else {
                throw CommandError(kind: .invalid, position: 0)
            }
            call.set(key, to: protocols)
            return .ok
        }
    }
    // "Currently ESP devices only support 802.11b or 802.11bg or 802.11bgn mode"; bit 3 is Espressif's long range.
    let asDocumented = set(1...7) { [1, 3, 7].contains($0) }
    let withLongRange = set(1...15) { _ in true }
    return [
        Command(
            name: name, family: .wifi, firmware: .in(.esp32_2_1 ... .esp8266_2_2), query: query, set: asDocumented),
        Command(name: name, family: .wifi, firmware: .in(.v3_3 ... .v3_3), query: query, set: withLongRange),
        Command(
            name: name, family: .wifi, firmware: .since(.v4_1), storing: .chosen, query: query, set: withLongRange),
    ]
}

extension Module {
    /// Starts the radio as after power-up.
    fileprivate func startWiFi() {
        session.hasWiFi = true
        radioBooted()
    }

    /// Switches the radio off until it is started again. The mode and all settings are kept.
    fileprivate func stopWiFi() {
        leave()
        closeLinks { _ in true }
        session.hasWiFi = false
        updateSoftAP()
    }
}

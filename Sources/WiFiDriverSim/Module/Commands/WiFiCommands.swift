import WiFiSimValues

/// ESP-AT docs, Wi-Fi AT Commands.
let wifiCommands: [Command] =
    stationCommands + scanCommands + softAPCommands + addressCommands + provisioningCommands

private let stationCommands: [Command] = [
    Command(
        name: "CWMODE", family: .wifi, storing: .chosen,
        query: { call in call.answer("\(call.settings.wifiMode.rawValue)") },
        set: .init(
            Choice("mode", 0...3, as: WiFiMode.self).limited { $0.wifiModes },
            Optionally(Flag("auto connect"), since: .esp32_2_1)
        ) { (call, mode, autoConnect) throws(CommandError) in
            try call.requireWiFi()
            let hadStation = call.settings.wifiMode.hasStation
            call.set(\.wifiMode, to: mode)
            if hadStation, !mode.hasStation {
                call.module.stopLearning()
                call.module.leave()
            }
            call.module.updateSoftAP()
            if mode == .off { call.module.closeLinks { _ in true } }
            if !hadStation, mode.hasStation, autoConnect ?? true, let known = call.settings.station {
                call.module.join(known, .automatic(1))
            }
            return .ok
        }),

    Command(
        name: "CWSTATE", family: .wifi, firmware: .since(.esp8266_2_2),
        query: { call in
            let station = call.module.station
            return call.answer("\(station.number),\"\(station.target?.ssid ?? "")\"")
        }),

    Command(
        name: "CWJAP", family: .wifi, newForms: [.execute: .esp8266_2_2], storing: .chosen,
        query: { (call) throws(CommandError) in
            try call.requireStation()
            guard let accessPoint = call.module.station.accessPoint, let target = call.module.station.target else {
                if call.firmware.explainsRefusals { call.module.writeLine("No AP") }
                return .ok
            }
            let interval = call.settings.reconnect.interval
            let fields: [String] = [
                // Only commands use escapes (ESP-AT docs, AT command set, index).
                "\"\(accessPoint.ssid)\"", "\"\(accessPoint.bssid)\"", "\(accessPoint.channel)",
                "\(accessPoint.rssi)", target.threshold > 0 ? "1" : "0",
                "\(call.firmware.joinTakesInterval ? interval.value : min(1, interval.value))",
                "\(target.listenInterval)", target.scansAll ? "1" : "0", "\(target.pmf)",
            ]
            return call.answer(fields.prefix(call.firmware.joinFields).joined(separator: ","))
        },
        set: .init(
            Optionally(Text("ssid", StationSettings.ssidLength)),
            Optionally(Text("pwd", StationSettings.passwordLength)),
            Optionally(Quoted("bssid", as: MACAddress.self)),
            Optionally(Flag("pci_en")),
            Optionally(Number("reconn interval", as: ReconnectInterval.self), since: .esp32_2_1),
            Optionally(Number("listen interval", as: StationSettings.ListenInterval.self), since: .esp32_2_1),
            Optionally(Flag("scan mode"), since: .esp32_2_1),
            Optionally(Integer("jap timeout", 3...600), since: .esp8266_2_2),
            Optionally(Number("pmf", as: StationSettings.PMF.self), since: .esp8266_2_2)
        ) {
            (call, ssid, password, bssid, wantsEncryption, reconnectInterval, listenInterval, scansAll, timeout, pmf)
                throws(CommandError) in
            try call.requireStation()
            if !call.firmware.joinsStoredNetwork, ssid == nil || password == nil {
                throw .count(2)
            }
            guard let ssid = ssid ?? call.settings.station?.ssid, !ssid.isEmpty else {
                throw CommandError(kind: .invalid, position: 0)
            }
            if let reconnectInterval, reconnectInterval > 1, !call.firmware.joinTakesInterval {
                throw CommandError(kind: .invalid, position: 4)
            }
            var target = StationSettings(ssid: ssid, password: password ?? "")
            if password == nil, let known = call.settings.station, known.ssid == ssid {
                target.password = known.password
            }
            target.bssid = bssid
            // `pci_en` (PCI DSS): refuse open and WEP networks.
            target.threshold = wantsEncryption == true ? 2 : 0
            target.listenInterval = listenInterval ?? 3
            target.scansAll = scansAll ?? false
            target.pmf = pmf ?? 1
            call.set(\.station, to: target)
            call.set(\.reconnect.interval, to: reconnectInterval ?? 1)
            return join(target, timeout: timeout ?? 15, call)
        },
        execute: { (call) throws(CommandError) in
            try call.requireStation()
            guard let target = call.settings.station else { throw .failed }
            return join(target, timeout: 15, call)
        }),

    Command(
        name: "CWRECONNCFG", family: .wifi, firmware: .since(.esp8266_2_2), storing: .chosen,
        query: { call in call.answer("\(call.settings.reconnect.interval),\(call.settings.reconnect.count)") },
        set: .init(
            Number("interval second", as: ReconnectInterval.self), Number("repeat count", as: Reconnect.Count.self)
        ) { call, interval, count in
            call.set(\.reconnect, to: Reconnect(interval: interval, count: count))
            return .ok
        }),

    Command(
        name: "CWQAP", family: .wifi, emptyTest: .until(.nonOS1_7),
        execute: { (call) throws(CommandError) in
            try call.requireStation()
            call.module.write("\r\nOK\r\n")
            call.module.leave()
            return .answered
        }),

    Command(
        name: "CWAUTOCONN", family: .wifi, storing: .stored,
        query: { call in call.answer(call.settings.joinsAtPowerUp ? "1" : "0") },
        set: .init(Flag("enable")) { call, joins in
            call.set(\.joinsAtPowerUp, to: joins)
            return .ok
        }),

    Command(
        name: "CWHOSTNAME", family: .wifi,
        query: { (call) throws(CommandError) in
            try call.requireStation()
            return call.answer(call.session.hostName)
        },
        set: .init(Text("hostname", 0...32)) { (call, name) throws(CommandError) in
            try call.requireStation()
            call.module.session.hostName = name
            return .ok
        }),

    // The oldest firmware stores it with `_DEF`. Later firmware does not store it.
    Command(
        name: "CWCOUNTRY", family: .wifi, firmware: .until(.nonOS1_7), storing: .chosen, query: answerCountry,
        set: countryForm),
    Command(name: "CWCOUNTRY", family: .wifi, firmware: .since(.esp32_2_1), query: answerCountry, set: countryForm),
]

private let answerCountry: @Sendable (Call) throws(CommandError) -> CommandOutcome = { call in
    let country = call.settings.country
    return call.answer("\(country.isFixed ? 1 : 0),\"\(country.code)\",\(country.firstChannel),\(country.channelCount)")
}

private let countryForm = Command.SetForm(
    Flag("country policy"), Text("country code", Country.codeLength), Number("start channel", as: WiFiChannel.self),
    Number("total channel count", as: WiFiChannel.self)
) { (call, isFixed, code, first, count) throws(CommandError) in
    let country = Country(isFixed: isFixed, code: code, firstChannel: first, channelCount: count)
    guard country.channels.upperBound <= WiFiChannel.highest else { throw CommandError(kind: .invalid, position: 3) }
    call.set(\.country, to: country)
    return .ok
}

// MARK: Joining

private func join(_ target: StationSettings, timeout: Int, _ call: Call) -> CommandOutcome {
    if call.module.station.accessPoint != nil { call.module.leave() }
    call.module.join(target, .command)
    return .running(JoinOperation(deadline: call.module.now + .seconds(timeout)))
}

/// Waits for CWJAP until the station has an address, the join fails or the time is over.
private struct JoinOperation: Operation {
    let deadline: Instant?

    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        if module.station.lease != nil { return .ok }
        switch event {
        case .air(.joinFailed(let failure)): return fail(failure, on: module)
        case .air(.lost): return fail(.refused, on: module)
        case .deadline:
            defer { module.leave() }
            return fail(.timeout, on: module)
        case .air, .network: return nil
        }
    }

    /// The report always has the bare name, also with CWJAP_CUR (mbed-os, ESP8266.cpp, connect).
    private func fail(_ failure: JoinFailure, on module: Module) -> CommandOutcome {
        module.writeLine("+CWJAP:\(failure.rawValue)")
        if module.firmware.joinFailure == "ERROR" {
            module.answer(.failed)
        } else {
            module.write("\r\n\(module.firmware.joinFailure)\r\n")
        }
        return .answered
    }
}

// MARK: Scanning

private let scanCommands: [Command] = [
    Command(
        name: "CWLAPOPT", family: .wifi,
        set: .init(
            Optionally(Integer("reserved", 0...Int(Int32.max))),
            Integer("print mask", 0...0x7FF).limited { 0...$0.scanFields },
            Optionally(Integer("rssi filter", -100...40), since: .esp8266_2_2),
            Optionally(Integer("authmode mask", 0...0xFFFF), since: .esp8266_2_2)
        ) { call, sorts, fields, weakest, securities in
            call.module.session.scanOptions = .init(
                sortsByStrength: sorts != 0, fields: fields, weakest: weakest ?? -100, securities: securities ?? 0xFFFF)
            return .ok
        }),

    Command(
        name: "CWLAP", family: .wifi,
        set: .init(
            Optionally(Text("ssid", 0...32)), Optionally(Filter("mac", as: MACAddress.self)),
            Optionally(Integer("channel", 0...14)), Optionally(Flag("scan type")),
            Optionally(Integer("scan time min", 0...1500)), Optionally(Integer("scan time max", 0...1500)),
            Optionally(Integer("2.4 GHz channel bitmap", 0...0x7FFE), since: .v4_1)
        ) { (call, ssid, bssid, channel, passive, leastTime, longestTime, bitmap) throws(CommandError) in
            // A passive scan has no minimum (ESP-AT docs, Wi-Fi, CWLAP, `<scan_time_min>`).
            if passive != true, let leastTime, let longestTime, longestTime > 0, leastTime > longestTime {
                throw CommandError(kind: .invalid, position: 5)
            }
            var scan = try call.scan()
            // An empty SSID does not filter (mbed-os, ESP8266.cpp, rssi).
            scan.ssid = ssid == "" ? nil : ssid
            scan.bssid = bssid ?? nil
            if let channel, channel != 0 {
                scan.channels = scan.channels.filter { $0 == channel }
            } else if let bitmap {
                scan.channels = scan.channels.filter { bitmap >> $0 & 1 == 1 }
            }
            scan.timePerChannel =
                switch (longestTime ?? 0, passive ?? false) {
                case (0, true): Air.Timing.passiveScan
                case (0, false): Air.Timing.activeScan
                case (let milliseconds, _): .milliseconds(milliseconds)
                }
            return call.run(scan)
        },
        execute: { (call) throws(CommandError) in call.run(try call.scan()) }),
]

/// Waits for CWLAP until the radio has scanned all channels.
private struct ScanOperation: Operation {
    let name: String
    let deadline: Instant? = nil

    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        guard case .air(.scanned(let sightings)) = event else { return nil }
        let options = module.session.scanOptions
        let shown = sightings.filter {
            $0.rssi >= options.weakest && options.securities >> $0.security.rawValue & 1 == 1
        }
        for sighting in options.sortsByStrength ? shown : shown.sorted(by: { $0.channel < $1.channel }) {
            module.writeLine("+\(name):(\(sighting.fields(options.fields)))")
        }
        return .ok
    }
}

extension AirEvent.Sighting {
    /// `<ecn>`. The firmware does not know WPA2/WPA3 with required management frame protection (esp-at issue 498).
    private var shownSecurity: Int { security == .wpa2WPA3 && pmf == .required ? 0 : security.rawValue }

    /// The fields of `+CWLAP:` whose bits are set in CWLAPOPT's mask (ESP-AT docs, Wi-Fi, CWLAPOPT).
    fileprivate func fields(_ mask: Int) -> String {
        [
            "\(shownSecurity)", "\"\(ssid)\"", "\(rssi)", "\"\(bssid)\"", "\(channel)", "-1", "-1",
            "\(security.cipher)", "\(security.cipher)", "7", hasWPS ? "1" : "0",
        ].enumerated().filter { mask >> $0.offset & 1 == 1 }.map(\.element).joined(separator: ",")
    }
}

extension Call {
    fileprivate func scan() throws(CommandError) -> AirRequest.Scan {
        try requireStation()
        return AirRequest.Scan(timePerChannel: Air.Timing.activeScan, channels: Array(settings.country.channels))
    }

    fileprivate func run(_ scan: AirRequest.Scan) -> CommandOutcome {
        module.request(.scan(scan))
        return .running(ScanOperation(name: name))
    }

    /// Throws an error if CWINIT has switched Wi-Fi off.
    func requireWiFi() throws(CommandError) {
        guard session.hasWiFi else { throw .failed }
    }

    func requireStation() throws(CommandError) {
        try requireWiFi()
        guard settings.wifiMode.hasStation else { throw .failed }
    }

    func requireSoftAP() throws(CommandError) {
        try requireWiFi()
        guard settings.wifiMode.hasSoftAP else { throw .failed }
    }
}

// MARK: Soft-AP

private let softAPCommands: [Command] = [
    Command(
        name: "CWSAP", family: .wifi, storing: .chosen,
        query: { (call) throws(CommandError) in
            try call.requireSoftAP()
            let softAP = call.settings.softAP
            return call.answer(
                "\"\(softAP.ssid)\",\"\(softAP.password)\",\(softAP.channel),\(softAP.security.rawValue),"
                    + "\(softAP.stationLimit),\(softAP.isHidden ? 1 : 0)")
        },
        set: .init(
            Text("ssid", SoftAPSettings.ssidLength), Text("pwd", SoftAPSettings.passwordLength),
            Number("channel", as: WiFiChannel.self), Integer("ecn", 0...4),
            Optionally(Number("max conn", as: SoftAPSettings.StationLimit.self)), Optionally(Flag("ssid hidden"))
        ) { (call, ssid, password, channel, security, limit, isHidden) throws(CommandError) in
            try call.requireSoftAP()
            // WEP is not supported, and a password has at least 8 bytes.
            guard security != 1, let kind = Security(rawValue: security) else {
                throw CommandError(kind: .invalid, position: 3)
            }
            guard kind == .open || 8...call.firmware.longestSoftAPPassword ~= password.utf8.count else {
                throw CommandError(kind: .length, position: 1)
            }
            guard call.settings.country.channels.contains(channel.value) else {
                throw CommandError(kind: .invalid, position: 2)
            }
            call.set(
                \.softAP,
                to: SoftAPSettings(
                    ssid: ssid, password: password, channel: channel, security: kind, stationLimit: limit ?? 4,
                    isHidden: isHidden ?? false))
            call.module.updateSoftAP()
            return .ok
        }),

    // "This command cannot get a static IP."
    Command(
        name: "CWLIF", family: .wifi,
        execute: { (call) throws(CommandError) in
            try call.requireSoftAP()
            for station in call.module.softAP.stations {
                guard let address = station.address else { continue }
                call.module.writeLine(call.firmware.stationLine(call.name, address: address, mac: station.mac))
            }
            return .ok
        }),

    Command(
        name: "CWQIF", family: .wifi,
        set: .init(Quoted("mac", as: MACAddress.self)) { (call, mac) throws(CommandError) in
            try call.requireSoftAP()
            guard call.module.softAP.stations.contains(where: { $0.mac == mac }) else { throw .failed }
            call.module.request(.expel(mac))
            return .ok
        },
        execute: { (call) throws(CommandError) in
            try call.requireSoftAP()
            call.module.request(.expel(nil))
            return .ok
        }),
]

import WiFiSimValues

/// ESP-AT docs, Wi-Fi AT Commands, CWJEAP.
let enterpriseCommands: [Command] = [
    Command(
        name: "CWJEAP", family: .wifi, firmware: .except(.esp8266_2_2), storing: .chosen,
        query: { (call) throws(CommandError) in
            try call.requireStation()
            guard let target = call.settings.station, let enterprise = target.enterprise else {
                throw CommandError(.noConfiguration)
            }
            return call.answer(
                "\"\(target.ssid)\",\(enterprise.method.rawValue),\"\(enterprise.identity)\",\"\(enterprise.username)\","
                    + "\"\(enterprise.password)\",\(target.certificates ?? 0)")
        },
        set: .init(
            Text("ssid", StationSettings.ssidLength), Choice("method", 0...2, as: Enterprise.Method.self),
            Text("identity"),
            Optionally(Text("username")), Optionally(Text("password")),
            Number("security", as: StationSettings.Certificates.self),
            Optionally(Integer("jeap_timeout", 3...600), since: .esp8266_2_2)
        ) { (call, ssid, method, identity, username, password, certificates, timeout) throws(CommandError) in
            guard call.settings.wifiMode.hasStation else { throw CommandError(.noStation) }
            guard 1...Enterprise.longestText ~= identity.utf8.count else { throw CommandError(.identityLength) }
            if method == .tls {
                // The client needs its certificate, because it has nothing else to present.
                guard certificates.value & 1 != 0 else { throw CommandError(.methodAndSecurity) }
            } else {
                guard let username, 1...Enterprise.longestText ~= username.utf8.count else {
                    throw CommandError(.usernameLength)
                }
                guard let password, 1...Enterprise.longestText ~= password.utf8.count else {
                    throw CommandError(.passwordLength)
                }
            }
            var target = StationSettings(ssid: ssid, password: "")
            target.enterprise = Enterprise(
                method: method, identity: identity, username: username ?? "", password: password ?? "")
            target.certificates = certificates
            call.set(\.station, to: target)
            if call.module.station.accessPoint != nil { call.module.leave() }
            call.module.join(target, .command)
            return .running(
                EnterpriseJoinOperation(deadline: call.module.now + .seconds(timeout ?? 15)))
        })
]

/// Waits for CWJEAP until the station has an address or the time is over. Any other failure is reported only as the
/// time-out.
private struct EnterpriseJoinOperation: Operation {
    let deadline: Instant?

    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        if module.station.lease != nil { return .ok }
        guard case .deadline = event else { return nil }
        module.writeLine("+CWJEAP:Timeout")
        module.answer(CommandError(.timeout))
        module.leave()
        return .answered
    }
}

/// The error numbers of CWJEAP in SYSLOG (ESP-AT docs, Wi-Fi, CWJEAP, error code).
private enum EnterpriseError: UInt32 {
    case noConfiguration = 0x8002
    case timeout = 0x8016
    case identityLength = 0x8018
    case usernameLength = 0x801A
    case passwordLength = 0x801C
    case methodAndSecurity = 0x801F
    case noStation = 0x8022
}

extension CommandError {
    fileprivate init(_ error: EnterpriseError) { self.init(kind: .failed, number: error.rawValue) }
}

import WiFiSimValues

/// ESP-AT docs, Basic and TCP/IP AT Commands: passthrough.
let passthroughCommands: [Command] = [
    Command(
        name: "CIPMODE", family: .tcpIP,
        query: { call in call.answer(call.session.passesThrough ? "1" : "0") },
        set: .init(Flag("mode")) { (call, passesThrough) throws(CommandError) in
            if passesThrough || call.firmware.locksPassthrough { try requireOneLink(call) }
            call.module.session.passesThrough = passesThrough
            call.module.session.awaitsPassthroughClient = false
            return .ok
        }),

    Command(
        name: "SAVETRANSLINK", family: .basic, firmware: .until(.v4_1), storing: .stored,
        set: .init(Flag("mode"), Rest(powerUpLinkParameters)) { (call, enables, rest) throws(CommandError) in
            enables ? try savePowerUpLink(rest, call) : try forgetPowerUp(rest, call)
        }),
    // Mode 2 is for Bluetooth LE.
    Command(
        name: "SAVETRANSLINK", family: .basic, firmware: .since(.v5_0), storing: .stored,
        set: .init(Integer("mode", 0...3), Rest(powerUpLinkParameters)) { (call, mode, rest) throws(CommandError) in
            switch mode {
            case 0: return try forgetPowerUp(rest, call)
            case 1: return try savePowerUpLink(rest, call)
            case 3:
                var rest = rest
                let port = try Optionally(Integer("port", 1...65_535)).read(from: &rest) ?? 333
                let type = try Optionally(Quoted("type", as: LinkType.self)).read(from: &rest) ?? .tcp
                call.set(\.powerUpServer, to: try Links.Server(port: port, type: type, rest, call))
                call.set(\.powerUpLink, to: nil)
                return .ok
            default: throw .failed
            }
        }),

    Command(
        name: "TRANSINTVL", family: .basic, firmware: .since(.v3_3),
        query: { call in call.answer("\(call.session.transmitInterval)") },
        set: .init(Integer("interval", 0...1000)) { call, milliseconds in
            call.module.session.transmitInterval = milliseconds
            return .ok
        }),

    Command(
        name: "CIPRECONNINTV", family: .tcpIP, firmware: .since(.esp32_2_1), storing: .chosen,
        query: { call in call.answer("\(call.settings.passthroughReconnectInterval)") },
        set: .init(Number("interval", as: Settings.ReconnectTenths.self)) { call, tenths in
            call.set(\.passthroughReconnectInterval, to: tenths)
            return .ok
        }),
]

/// Passthrough needs a single link.
private func requireOneLink(_ call: Call) throws(CommandError) {
    let links = call.module.links
    guard call.firmware.passesThroughServedLink else {
        guard !call.session.multiplexes, links.server == nil else {
            throw call.refusal("CIPMUX and CIPSERVER must be 0")
        }
        return
    }
    guard links.open.count <= 1, links.server == nil || call.session.serverLimit == 1 else { throw .failed }
    guard links.server == nil || links.open.allSatisfy(\.link.isServed) else { throw .failed }
}

/// The execute form of CIPSEND.
func startPassthrough(_ call: Call) throws(CommandError) -> CommandOutcome {
    guard call.session.passesThrough else { throw .failed }
    try requireOneLink(call)
    guard let link = call.module.links[0], link.phase == .open else { throw call.refusal("link is not valid") }
    guard !link.hasTLS || call.firmware.passesThroughSSL else { throw .failed }
    // "For UDP Wi-Fi passthrough, the <mode> parameter has to be 0."
    guard link.transport == .tcp || (link.peerRule == .fixed && link.remote.port != 0) else { throw .failed }
    return .receiving(Passthrough(link.plan, on: call.module))
}

// MARK: SAVETRANSLINK

private let powerUpLinkParameters = "remote host>,<remote port>,<type>,<keep alive or local port"

private func forgetPowerUp(_ rest: Arguments, _ call: Call) throws(CommandError) -> CommandOutcome {
    if call.firmware.refusesExcessPowerUpParameters { try rest.end() }
    call.set(\.powerUpLink, to: nil)
    call.set(\.powerUpServer, to: nil)
    return .ok
}

private func savePowerUpLink(_ rest: Arguments, _ call: Call) throws(CommandError) -> CommandOutcome {
    var rest = rest
    let host = try Text("remote host", PowerUpLink.hostLength).read(from: &rest)
    guard call.firmware.savesBroadcastLink || IPAddress(host) != .v4(.broadcast) else {
        throw CommandError(kind: .invalid, position: 1)
    }
    let port = try Integer("remote port", 1...65_535).read(from: &rest)
    let type = try Optionally(Quoted("type", as: LinkType.self)).read(from: &rest) ?? .tcp
    let number = try Optionally(Integer("keep alive or local port", 0...65_535)).read(from: &rest)
    try rest.end()
    guard !type.hasTLS || call.firmware.passesThroughSSL else {
        throw CommandError(kind: .invalid, position: 3)
    }
    var link = PowerUpLink(transport: type, host: host, port: UInt16(port))
    switch type.transport {
    case .tcp:
        link.keepAlive = number.flatMap(TCPOptions.KeepAlive.init)
        guard (link.keepAlive == nil) == (number == nil) else { throw CommandError(kind: .invalid, position: 4) }
    case .udp: link.localPort = UInt16(number ?? 0)
    }
    let operation = SavePowerUpLink(link: link, deadline: call.module.now + .seconds(10))
    guard call.firmware.resolvesPowerUpLink, IPAddress(host) == nil else { return operation.save(on: call.module) }
    guard call.module.reaches(nil) else { throw .failed }
    call.module.resolve(host, type.family)
    return .running(operation)
}

/// Waits for SAVETRANSLINK until the host name has been resolved.
private struct SavePowerUpLink: Operation {
    let link: PowerUpLink
    let deadline: Instant?

    func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch event {
        case .network(.resolved(_, let addresses)): addresses.isEmpty ? .failed(.failed) : save(on: module)
        case .deadline, .air(.lost): .failed(.failed)
        case .network, .air: nil
        }
    }

    func save(on module: Module) -> CommandOutcome {
        module.set(\.powerUpLink, to: link, .stored)
        module.set(\.powerUpServer, to: nil, .stored)
        return .ok
    }
}

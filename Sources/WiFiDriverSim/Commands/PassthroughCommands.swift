/// The parts of ESP-AT docs, Basic and TCP/IP AT Commands, that are about passthrough.
let passthroughCommands: [Command] = [
    Command(
        name: "CIPMODE", family: .tcpIP,
        query: { call in call.answer(call.session.passesThrough ? "1" : "0") },
        set: .init(Flag("mode")) { (call, passesThrough) throws(CommandError) in
            if passesThrough { try requireOneLink(call) }
            call.module.session.passesThrough = passesThrough
            return .ok
        }),

    Command(
        name: "SAVETRANSLINK", family: .basic, storing: .stored,
        set: .init(
            Flag("mode"), Optionally(Text("remote host", 1...64)), Optionally(Integer("remote port", 1...65_535)),
            Optionally(Text("type")), Optionally(Integer("keep alive or local port", 0...65_535))
        ) { (call, enables, host, port, type, number) throws(CommandError) in
            guard enables else {
                call.set(\.powerUpLink, to: nil)
                return .ok
            }
            guard let host, let port = port.flatMap(UInt16.init(exactly:)) else { throw CommandError(kind: .count) }
            call.set(\.powerUpLink, to: try powerUpLink(type ?? "TCP", host, port, number, call))
            return .ok
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
        set: .init(Integer("interval", 1...36_000)) { call, tenths in
            call.set(\.passthroughReconnectInterval, to: tenths)
            return .ok
        }),
]

/// Passthrough leads from point to point: from newer firmware it may also be the only connection of a server.
private func requireOneLink(_ call: Call) throws(CommandError) {
    let links = call.module.links
    guard call.firmware.generation > .nonOS1_7 else {
        guard !call.session.multiplexes, links.server == nil else {
            throw call.refusal("CIPMUX and CIPSERVER must be 0")
        }
        return
    }
    guard links.open.count <= 1, links.server == nil || call.session.serverLimit == 1 else { throw .failed }
    guard links.server == nil || links.open.allSatisfy(\.link.isServed) else { throw .failed }
}

/// CIPSEND's execute form.
func startPassthrough(_ call: Call) throws(CommandError) -> CommandOutcome {
    guard call.session.passesThrough else { throw .failed }
    try requireOneLink(call)
    guard let link = call.module.links[0], link.phase == .open else { throw call.refusal("link is not valid") }
    guard !link.hasTLS || call.firmware.passesThroughSSL else { throw .failed }
    // "For UDP Wi-Fi passthrough, the <mode> parameter has to be 0."
    guard link.transport == .tcp || (link.peerRule == .fixed && link.remote.port != 0) else { throw .failed }
    return .receiving(Passthrough(link.plan, on: call.module))
}

private func powerUpLink(
    _ type: String, _ host: String, _ port: UInt16, _ number: Int?, _ call: Call
) throws(CommandError) -> PowerUpLink {
    var link = PowerUpLink(transport: type, host: host, port: port)
    switch type {
    case "SSL", "SSLv6":
        guard call.firmware.passesThroughSSL else { throw CommandError(kind: .invalid, position: 3) }
        fallthrough
    case "TCP", "TCPv6":
        guard (number ?? 0) <= 7200 else { throw CommandError(kind: .invalid, position: 4) }
        link.keepAlive = number
    case "UDP", "UDPv6": link.localPort = UInt16(number ?? 0)
    default: throw CommandError(kind: .invalid, position: 3)
    }
    return link
}

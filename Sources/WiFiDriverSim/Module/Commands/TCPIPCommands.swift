import WiFiSimValues

/// ESP-AT docs, TCP/IP AT Commands.
let tcpIPCommands: [Command] =
    linkCommands + sendCommands + passthroughCommands + serverCommands + receiveCommands + nameCommands + updateCommands
    + serviceCommands
    + sslCommands

private let linkCommands: [Command] = [
    Command(
        name: "CIPSTATUS", family: .tcpIP, emptyTest: .until(.nonOS1_7),
        execute: { call in
            call.module.writeLine("STATUS:\(call.module.statusNumber)")
            replyLinks(call)
            return .ok
        }),

    Command(
        name: "CIPSTATE", family: .tcpIP, firmware: .since(.v3_3),
        query: { call in
            replyLinks(call)
            return .ok
        }),

    Command(
        name: "CIPSTART", family: .tcpIP,
        set: .init(
            LinkID().saying("ID ERROR", of: [.invalid]), linkType, linkHost, linkPort, linkTail, linkAddress,
            linkTimeout, requires: requireAddress
        ) { (call, id, type, host, port, rest, _, _) throws(CommandError) in
            try open(id, type, host, port, rest, call)
        }),

    Command(
        name: "CIPSTARTEX", family: .tcpIP, firmware: .since(.esp32_2_1),
        set: .init(linkType, linkHost, linkPort, linkTail, linkAddress, linkTimeout) {
            (call, type, host, port, rest, _, _) throws(CommandError) in
            guard call.session.multiplexes else { return try open(0, type, host, port, rest, call) }
            guard let id = call.module.links.firstFree() else { throw .failed }
            return try open(id, type, host, port, rest, call)
        }),

    Command(
        name: "CIPCLOSE", family: .tcpIP,
        set: .init(LinkID(all: true, orSays: "MUX=0")) { (call, id) throws(CommandError) in
            guard call.session.multiplexes else { throw CommandError(kind: .wrongForm) }
            let isOpen = id == Links.limit || call.module.links[id] != nil
            // mbed-os waits for this text (ESP8266.cpp, AT 1.0 to 1.7).
            guard isOpen else { throw call.refusal("UNLINK") }
            for id in id == Links.limit ? 0..<Links.limit : id..<id + 1 {
                call.module.closeLink(id, aborting: call.settings.tcpOptions[id].linger == 0)
            }
            return .ok
        },
        execute: { (call) throws(CommandError) in
            guard !call.session.multiplexes else { throw call.refusal("MUX=1") }
            guard call.module.links[0] != nil else { throw .failed }
            call.module.closeLink(0, aborting: call.settings.tcpOptions[0].linger == 0)
            return .ok
        }),

    Command(
        name: "CIPCONNPERSIST", family: .tcpIP, firmware: .since(.v5_0),
        query: { call in
            let links = call.session.keepsLink.prefix(call.session.multiplexes ? Links.limit : 1)
            return call.answer(links.map { $0 ? "1" : "0" }.joined(separator: ","))
        },
        set: .init(LinkID(all: true), Flag("persist_link")) { call, id, keeps in
            for id in id == Links.limit ? 0..<Links.limit : id..<id + 1 { call.module.session.keepsLink[id] = keeps }
            return .ok
        }),

    Command(
        name: "CIPMUX", family: .tcpIP,
        query: { call in call.answer(call.session.multiplexes ? "1" : "0") },
        set: .init(Flag("mode")) { (call, multiplexes) throws(CommandError) in
            try requireFreeLinks(toSet: multiplexes, call)
            call.module.session.multiplexes = multiplexes
            return .ok
        }),

    Command(
        name: "CIPTCPOPT", family: .tcpIP, firmware: .since(.esp32_2_1), storing: .chosen,
        query: { call in
            for id in 0..<(call.session.multiplexes ? Links.limit : 1) {
                let options = call.settings.tcpOptions[id]
                let keepAlive = call.firmware.reportsKeepAlive ? ",\(options.keepAlive)" : ""
                call.reply("\(id),\(options.linger),\(options.noDelay ? 1 : 0),\(options.sendTimeout)\(keepAlive)")
            }
            return .ok
        },
        set: .init(
            LinkID(all: true), Optionally(Number("so_linger", as: TCPOptions.Linger.self)),
            Optionally(Flag("tcp_nodelay")),
            Optionally(Number("so_sndtimeo", as: TCPOptions.SendTimeout.self)),
            Optionally(Number("keep_alive", as: TCPOptions.KeepAlive.self), since: .v3_3)
        ) { call, id, linger, noDelay, sendTimeout, keepAlive in
            var all = call.settings.tcpOptions
            for id in id == Links.limit ? 0..<Links.limit : id..<id + 1 {
                if let linger { all[id].linger = linger }
                if let noDelay { all[id].noDelay = noDelay }
                if let sendTimeout { all[id].sendTimeout = sendTimeout }
                if let keepAlive { all[id].keepAlive = keepAlive }
                if let link = call.module.links[id], link.transport == .tcp {
                    call.module.request(.setOptions(link.socket, all[id]))
                }
            }
            call.set(\.tcpOptions, to: all)
            return .ok
        }),
]

/// CIPMUX changes only while there is no link.
private func requireFreeLinks(toSet multiplexes: Bool, _ call: Call) throws(CommandError) {
    let links = call.module.links
    let isHeld =
        call.firmware.locksMultiplexing
        ? links.open.contains { $0.link.transport == .tcp }
        : multiplexes != call.session.multiplexes && !links.isEmpty
    guard !isHeld else { throw call.refusal("link is builded") }
    guard !multiplexes || !call.session.passesThrough else { throw call.refusal("IPMODE must be 0") }
    guard multiplexes || links.server == nil else { throw call.refusal("CIPSERVER must be 0") }
    guard multiplexes || !call.session.multiplexes || links.isEmpty else { throw call.refusal("Connection exists") }
}

private func replyLinks(_ call: Call) {
    for (id, link) in call.module.links.open {
        call.reply(
            "\(id),\"\(link.typeName)\",\"\(link.remote.address)\",\(link.remote.port),\(link.local.port),"
                + "\(link.isServed ? 1 : 0)")
    }
}

extension Module {
    /// CIPSTATUS's `<stat>`, for all kinds of links (ESP-AT docs, TCP-IP, CIPSTATUS: "TCP, UDP or SSL").
    fileprivate var statusNumber: Int {
        if !links.open.isEmpty { return 3 }
        guard station.lease != nil else {
            if firmware.reportsIdleStation {
                if settings.wifiMode == .off { return 0 }
                if case .idle = station { return 1 }
            }
            return 5
        }
        return links.hadConnection ? 4 : 2
    }
}

// MARK: Opening

private let linkType = LinkTypeParameter().saying("Link type ERROR", of: [.parse, .invalid, .count])
private let linkHost = Text("remote host", 0...64).saying("IP ERROR")
private let linkPort = Integer("remote port", 0...65_535).saying("ENTRY ERROR", of: [.count])
private let linkTail = Rest("keep alive or local port, mode")
private let linkAddress = Rest("local IP", since: .esp32_2_1)
private let linkTimeout = Rest("timeout", since: .v4_1)

/// The oldest firmware requires an address before it checks anything else (ESP8266_AT, at_setupCmdCipstart).
private let requireAddress: Command.SetForm.Condition = { (call) throws(CommandError) in
    guard call.firmware.explainsRefusals, call.settings.wifiMode == .station else { return }
    guard call.module.station.lease != nil else { throw call.refusal("no ip") }
}

/// CIPSTART and CIPSTARTEX, from the type on.
private func open(
    _ id: Int, _ type: LinkType, _ host: String, _ port: Int, _ rest: Arguments, _ call: Call
) throws(CommandError) -> CommandOutcome {
    var (rest, host) = (rest, host)
    let module = call.module
    let kind: LinkPlan.Kind
    guard let port = UInt16(exactly: port) else { throw call.invalid("remote port") }
    switch type.transport {
    case .tcp:
        guard !host.isEmpty else { throw call.refusal("IP ERROR", .length, of: "remote host") }
        guard port != 0 else { throw call.invalid("remote port") }
        if let keepAlive = try Optionally(Number("keep_alive", as: TCPOptions.KeepAlive.self)).read(from: &rest) {
            var options = call.settings.tcpOptions
            options[id].keepAlive = keepAlive
            module.set(\.tcpOptions, to: options, .inUse)
        }
        kind = .tcp(call.settings.tcpOptions[id], type.hasTLS ? module.clientTLS(id) : nil)
    case .udp:
        let (localPort, rule) =
            call.firmware.explainsRefusals
            ? try readOldestUDP(&host, port, &rest, call) : try readUDP(host, &rest, call)
        kind = .udp(localPort: localPort, rule)
    }
    let localAddress = try Optionally(Text("local IP"), since: .esp32_2_1).read(from: &rest)
    let timeout = try Optionally(Integer("timeout", 0...60_000), since: .v4_1).read(from: &rest)
    try rest.end()
    guard module.links[id] == nil else { throw call.refusal("ALREADY CONNECTED") }
    var plan = LinkPlan(id: id, kind: kind, family: type.family, host: host, port: port)
    if type.hasTLS {
        if let limit = call.firmware.sslLinkLimit, module.links.sslCount >= limit { throw .failed }
        plan.timeout = LinkPlan.sslTimeout
    }
    if let timeout, timeout > 0 { plan.timeout = .milliseconds(timeout) }
    let address = plan.address
    guard module.reaches(address) else { throw call.refusal("no ip") }
    if let localAddress, !localAddress.isEmpty {
        guard let address = IPAddress(localAddress), module.ownAddresses.contains(address) else { throw .failed }
    }
    if let address, address.family != type.family { throw call.invalid("remote host") }
    return .running(ConnectOperation(plan, on: module))
}

private func readUDP(
    _ host: String, _ rest: inout Arguments, _ call: Call
) throws(CommandError) -> (localPort: UInt16, Link.PeerRule) {
    guard !host.isEmpty else { throw CommandError(kind: .length, position: call.position(of: "remote host")) }
    let localPort = try Optionally(Integer("local port", 0...65_535)).read(from: &rest) ?? 0
    let rule = try Optionally(Choice("mode", 0...2, as: Link.PeerRule.self)).read(from: &rest)
    // "To use the parameter <mode>, parameter <local port> must be set first". The default mode does not need it.
    if let rule, rule != .fixed, localPort == 0 { throw rest.error(.invalid) }
    return (UInt16(localPort), rule ?? .fixed)
}

/// A link without a remote host needs a local port, and broadcasts until it receives a datagram (ESP8266_AT,
/// at_setupCmdCipstart).
private func readOldestUDP(
    _ host: inout String, _ port: UInt16, _ rest: inout Arguments, _ call: Call
) throws(CommandError) -> (localPort: UInt16, Link.PeerRule) {
    guard !rest.isAtEnd else {
        guard port != 0, !host.isEmpty else { throw call.refusal("Miss param") }
        return (0, .fixed)
    }
    guard let localPort = try Optionally(Integer("local port", 0...65_535)).read(from: &rest), localPort > 0 else {
        throw call.refusal("Miss param2")
    }
    if host.isEmpty { host = "255.255.255.255" }
    let rule = try Optionally(Choice("mode", 0...2, as: Link.PeerRule.self)).read(from: &rest)
    return (UInt16(localPort), rule ?? .fixed)
}

extension Module {
    /// The permitted values of `<local IP>`.
    fileprivate var ownAddresses: [IPAddress] {
        [.v4(stationAddress.address), .v4(settings.softAPAddress.address)]
            + [stationIPv6.linkLocal, stationIPv6.global].compactMap { $0.map(IPAddress.v6) }
    }
}

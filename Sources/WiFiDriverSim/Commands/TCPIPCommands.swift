/// ESP-AT docs, TCP/IP AT Commands.
let tcpIPCommands: [Command] =
    linkCommands + sendCommands + passthroughCommands + serverCommands + receiveCommands + nameCommands + updateCommands
    + serviceCommands
    + sslCommands

private let linkCommands: [Command] = [
    Command(
        name: "CIPSTATUS", family: .tcpIP,
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
            LinkID(), Text("type"), Text("remote host", 1...64), Integer("remote port", 0...65_535), linkTail
        ) { (call, id, type, host, port, rest) throws(CommandError) in
            guard call.module.links[id] == nil else { throw call.refusal("ALREADY CONNECTED") }
            return try open(id, type, host, port, rest, call)
        }),

    Command(
        name: "CIPSTARTEX", family: .tcpIP, firmware: .since(.esp32_2_1),
        set: .init(
            Text("type"), Text("remote host", 1...64), Integer("remote port", 0...65_535), linkTail
        ) { (call, type, host, port, rest) throws(CommandError) in
            guard call.session.multiplexes else {
                guard call.module.links[0] == nil else { throw call.refusal("ALREADY CONNECTED") }
                return try open(0, type, host, port, rest, call)
            }
            guard let id = call.module.links.firstFree() else { throw .failed }
            return try open(id, type, host, port, rest, call)
        }),

    Command(
        name: "CIPCLOSE", family: .tcpIP,
        set: .init(LinkID(all: true)) { (call, id) throws(CommandError) in
            guard call.session.multiplexes else { throw CommandError(kind: .wrongForm) }
            let isOpen = id == Links.limit || call.module.links[id] != nil
            guard isOpen else { throw call.refusal("link is not") }
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
            guard call.module.links.isEmpty || multiplexes == call.session.multiplexes else {
                throw call.refusal("link is builded")
            }
            guard !multiplexes || !call.session.passesThrough else { throw call.refusal("CIPMODE must be 0") }
            guard multiplexes || call.module.links.server == nil else { throw call.refusal("CIPSERVER must be 0") }
            call.module.session.multiplexes = multiplexes
            return .ok
        }),

    Command(
        name: "CIPTCPOPT", family: .tcpIP, firmware: .since(.esp32_2_1), storing: .chosen,
        query: { call in
            for id in 0..<(call.session.multiplexes ? Links.limit : 1) {
                let options = call.settings.tcpOptions[id]
                let keepAlive = call.firmware.generation >= .v3_3 ? ",\(options.keepAlive)" : ""
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

private func replyLinks(_ call: Call) {
    for (id, link) in call.module.links.open {
        call.reply(
            "\(id),\"\(link.typeName)\",\"\(link.remote.address)\",\(link.remote.port),\(link.local.port),"
                + "\(link.isServed ? 1 : 0)")
    }
}

extension Module {
    /// CIPSTATUS's `<stat>`.
    fileprivate var statusNumber: Int {
        if links.open.contains(where: { $0.link.transport == .tcp }) { return 3 }
        guard station.lease != nil else {
            if firmware.generation != .nonOS1_7 {
                if settings.wifiMode == .off { return 0 }
                if case .idle = station { return 1 }
            }
            return 5
        }
        return links.hadConnection ? 4 : 2
    }
}

// MARK: Opening

private let linkTail = Rest("keep alive or local port, mode>,<local IP>,<timeout")

/// CIPSTART and CIPSTARTEX from the type on.
private func open(
    _ id: Int, _ type: String, _ host: String, _ port: Int, _ rest: Arguments, _ call: Call
) throws(CommandError) -> CommandOutcome {
    var rest = rest
    let module = call.module
    let family: IPAddress.Family = type.hasSuffix("v6") ? .v6 : .v4
    guard let port = UInt16(exactly: port), ["TCP", "TCPv6", "UDP", "UDPv6", "SSL", "SSLv6"].contains(type) else {
        throw CommandError(kind: .invalid, position: 1)
    }
    let hasTLS = type.hasPrefix("SSL")
    let kind: LinkPlan.Kind
    if hasTLS || type.hasPrefix("TCP") {
        guard port != 0 else { throw CommandError(kind: .invalid, position: 3) }
        if let keepAlive = try Optionally(Number("keep_alive", as: TCPOptions.KeepAlive.self)).read(from: &rest) {
            var options = call.settings.tcpOptions
            options[id].keepAlive = keepAlive
            module.set(\.tcpOptions, to: options, .inUse)
        }
        kind = .tcp(call.settings.tcpOptions[id], hasTLS ? module.clientTLS(id) : nil)
    } else {
        let localPort = try Optionally(Integer("local port", 0...65_535)).read(from: &rest) ?? 0
        let rule = try Optionally(Choice("mode", 0...2, as: Link.PeerRule.self)).read(from: &rest)
        // "To use the parameter <mode>, parameter <local port> must be set first"; the default mode needs none.
        if let rule, rule != .fixed, localPort == 0 { throw CommandError(kind: .invalid, position: 4) }
        kind = .udp(localPort: UInt16(localPort), rule ?? .fixed)
    }
    let localAddress = try Optionally(Text("local IP")).read(from: &rest)
    let timeout = try Optionally(Integer("timeout", 0...60_000), since: .v4_1).read(from: &rest)
    try rest.end()
    if family == .v6, !call.settings.ipv6 { throw .failed }
    var plan = LinkPlan(id: id, kind: kind, family: family, host: host, port: port)
    if hasTLS {
        if let limit = call.firmware.sslLinkLimit, module.links.sslCount >= limit { throw .failed }
        plan.timeout = LinkPlan.sslTimeout
    }
    if let timeout, timeout > 0 { plan.timeout = .milliseconds(timeout) }
    let address = plan.address
    guard module.reaches(address) else { throw call.refusal("no ip") }
    if let localAddress, !localAddress.isEmpty {
        guard let address = IPAddress(localAddress), module.ownAddresses.contains(address) else { throw .failed }
    }
    if let address, address.family != family { throw CommandError(kind: .invalid, position: 2) }
    return .running(ConnectOperation(plan, on: module))
}

extension Module {
    /// What `<local IP>` can be.
    fileprivate var ownAddresses: [IPAddress] {
        [.v4(stationAddress.address), .v4(settings.softAPAddress.address)]
            + [stationIPv6.linkLocal, stationIPv6.global].compactMap { $0.map(IPAddress.v6) }
    }
}

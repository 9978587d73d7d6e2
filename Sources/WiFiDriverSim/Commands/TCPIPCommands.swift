/// ESP-AT docs, TCP/IP AT Commands.
let tcpIPCommands: [Command] = linkCommands + serverCommands + receiveCommands + nameCommands + sslCommands

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
            guard call.module.links[id] == nil else { throw .failed(saying: "ALREADY CONNECTED") }
            return try open(id, type, host, port, rest, call)
        }),

    Command(
        name: "CIPSTARTEX", family: .tcpIP, firmware: .since(.esp32_2_1),
        set: .init(
            Text("type"), Text("remote host", 1...64), Integer("remote port", 0...65_535), linkTail
        ) { (call, type, host, port, rest) throws(CommandError) in
            guard call.session.multiplexes else {
                guard call.module.links[0] == nil else { throw .failed(saying: "ALREADY CONNECTED") }
                return try open(0, type, host, port, rest, call)
            }
            guard let id = call.module.links.firstFree() else { throw .failed }
            return try open(id, type, host, port, rest, call)
        }),

    Command(
        name: "CIPSEND", family: .tcpIP,
        set: .init(
            LinkID(), Integer("length", 1...8192), Optionally(Text("remote host", 1...64)),
            Optionally(Integer("remote port", 1...65_535))
        ) { (call, id, length, host, port) throws(CommandError) in
            guard length <= call.firmware.longestSend else { throw CommandError(kind: .invalid, position: 1) }
            guard let link = call.module.links[id], link.phase == .open else { throw call.refusal("link is not valid") }
            var target: SendTarget = .linkRemote
            if let host {
                guard link.transport == .udp, let port = port.flatMap(UInt16.init(exactly:)) else {
                    throw CommandError(kind: .invalid, position: 2)
                }
                target = IPAddress(host).map { .endpoint(Endpoint($0, port)) } ?? .name(host, port)
            } else if link.transport == .udp, link.remote.port == 0 {
                throw .failed
            }
            return .collecting(DataEntry(length: length) { module, bytes in send(bytes, on: id, to: target, module) })
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
        name: "CIPMUX", family: .tcpIP,
        query: { call in call.answer(call.session.multiplexes ? "1" : "0") },
        set: .init(Flag("mode")) { (call, multiplexes) throws(CommandError) in
            guard call.module.links.isEmpty || multiplexes == call.session.multiplexes else {
                throw call.refusal("link is builded")
            }
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
            LinkID(all: true), Optionally(Integer("so_linger", -1...Int(Int32.max))), Optionally(Flag("tcp_nodelay")),
            Optionally(Integer("so_sndtimeo", 0...Int(Int32.max))), Optionally(Integer("keep_alive", 0...7200))
        ) { (call, id, linger, noDelay, sendTimeout, keepAlive) throws(CommandError) in
            if keepAlive != nil, call.firmware.generation < .v3_3 { throw CommandError(kind: .count, position: 4) }
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

/// How long a connection may take to come about where the command does not say.
private let connectTimeout = Duration.seconds(10)

/// CIPSTART and CIPSTARTEX from the type on.
private func open(
    _ id: Int, _ type: String, _ host: String, _ port: Int, _ rest: Arguments, _ call: Call
) throws(CommandError) -> CommandOutcome {
    var rest = rest
    let module = call.module
    let family: IPAddress.Family = type.hasSuffix("v6") ? .v6 : .v4
    guard let port = UInt16(exactly: port), ["TCP", "TCPv6", "UDP", "UDPv6"].contains(type) else {
        if type.hasPrefix("SSL") { module.emit(.log("SSL links are not simulated: AT+CIPSTART refused")) }
        throw CommandError(kind: .invalid, position: 1)
    }
    let plan: ConnectOperation.Plan
    if type.hasPrefix("TCP") {
        guard port != 0 else { throw CommandError(kind: .invalid, position: 3) }
        if let keepAlive = try Optionally(Integer("keep_alive", 0...7200)).read(from: &rest) {
            var options = call.settings.tcpOptions
            options[id].keepAlive = keepAlive
            module.set(\.tcpOptions, to: options, .inUse)
        }
        plan = .tcp(call.settings.tcpOptions[id])
    } else {
        let localPort = try Optionally(Integer("local port", 0...65_535)).read(from: &rest) ?? 0
        let rule = try Optionally(Choice("mode", 0...2, as: Link.PeerRule.self)).read(from: &rest)
        // "To use the parameter <mode>, parameter <local port> must be set first"; the default mode needs none.
        if let rule, rule != .fixed, localPort == 0 { throw CommandError(kind: .invalid, position: 4) }
        plan = .udp(localPort: UInt16(localPort), rule ?? .fixed)
    }
    let localAddress = try Optionally(Text("local IP")).read(from: &rest)
    let timeout = try Optionally(Integer("timeout", 0...60_000)).read(from: &rest)
    try rest.end()
    if timeout != nil, call.firmware.generation < .v4_1 { throw CommandError(kind: .count) }
    if family == .v6, !call.settings.ipv6 { throw .failed }
    let address = IPAddress(host) ?? (host == "0" ? .v4(.any) : nil)
    guard module.reaches(address) else { throw .failed(saying: "no ip") }
    if let localAddress, !localAddress.isEmpty {
        guard let address = IPAddress(localAddress), module.ownAddresses.contains(address) else { throw .failed }
    }
    let operation = ConnectOperation(
        id: id, family: family, port: port, plan: plan,
        deadline: module.now + (timeout.map { $0 == 0 ? connectTimeout : .milliseconds($0) } ?? connectTimeout))
    if let address {
        guard address.family == family else { throw CommandError(kind: .invalid, position: 2) }
        operation.open(address, on: module)
    } else {
        operation.reserve(on: module)
        module.request(.resolve(name: host, family))
    }
    return .running(operation)
}

/// CIPSTART from the resolver's answer to the link.
private struct ConnectOperation: Operation {
    let id: Int
    let family: IPAddress.Family
    let port: UInt16
    let plan: Plan
    let deadline: Instant?

    enum Plan {
        case tcp(TCPOptions)
        case udp(localPort: UInt16, Link.PeerRule)
    }

    /// Takes the link while its name is resolved, so that no accepted connection gets its number.
    func reserve(on module: Module) {
        let nowhere = Endpoint(family == .v4 ? .v4(.any) : .v6(.any), port)
        module.links[id] = Link(
            transport: .tcp, family: family, socket: module.links.newSocket(), isServed: false, remote: nowhere,
            local: nowhere, lastActivity: module.now)
    }

    func open(_ address: IPAddress, on module: Module) {
        let socket = module.links.newSocket()
        let remote = Endpoint(address, port)
        let anyAddress: IPAddress = family == .v4 ? .v4(.any) : .v6(.any)
        var link = Link(
            transport: .tcp, family: family, socket: socket, isServed: false, remote: remote,
            local: Endpoint(anyAddress, 0), lastActivity: module.now)
        switch plan {
        case .tcp(let options):
            module.request(.connect(socket, to: remote, options))
        case .udp(let localPort, let rule):
            link = Link(
                transport: .udp, family: family, socket: socket, isServed: false, remote: remote,
                local: Endpoint(anyAddress, localPort), peerRule: rule, lastActivity: module.now)
            module.request(.openUDP(socket, peer: remote, localPort: localPort))
        }
        module.links[id] = link
    }

    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch event {
        case .network(.resolved(let addresses)):
            guard let address = addresses.first else {
                module.links[id] = nil
                return .failed(module.firmware.unknownHost)
            }
            open(address, on: module)
            return nil
        case .network(.connected): return module.links[id]?.phase == .open ? .ok : nil
        case .network(.connectFailed): return module.links[id] == nil ? fail(on: module) : nil
        case .air(.lost), .deadline:
            module.abandonOpening(id)
            return fail(on: module)
        case .network, .air: return nil
        }
    }

    /// The firmware tells the link's end before the command's.
    private func fail(on module: Module) -> CommandOutcome {
        module.reportClosed(id)
        return .failed(.failed)
    }
}

extension Module {
    /// Gives up a link that was not open yet; nothing is said of it.
    fileprivate func abandonOpening(_ id: Int) {
        guard let link = links[id], link.phase == .opening else { return }
        request(.close(link.socket, aborting: true))
        links[id] = nil
    }

    /// What `<local IP>` can be.
    fileprivate var ownAddresses: [IPAddress] {
        [.v4(stationAddress.address), .v4(settings.softAPAddress.address)]
            + [stationIPv6.linkLocal, stationIPv6.global].compactMap { $0.map(IPAddress.v6) }
    }
}

// MARK: Sending

private enum SendTarget {
    case linkRemote
    case endpoint(Endpoint)
    case name(String, UInt16)
}

private func send(_ bytes: [UInt8], on id: Int, to target: SendTarget, _ module: Module) -> CommandOutcome {
    module.write("\r\nRecv \(bytes.count) bytes\r\n")
    guard let link = module.links[id], link.phase == .open else { return SendOperation.failure(on: module) }
    module.links.update(id) { $0.lastActivity = module.now }
    let timeout = module.settings.tcpOptions[id].sendTimeout
    var operation = SendOperation(
        socket: link.socket, state: .sending, deadline: timeout > 0 ? module.now + .milliseconds(timeout) : nil)
    switch target {
    case .linkRemote:
        module.request(.send(link.socket, bytes, to: link.transport == .udp ? link.remote : nil))
    case .endpoint(let endpoint):
        module.request(.send(link.socket, bytes, to: endpoint))
    case .name(let name, let port):
        operation.state = .resolving(port, bytes)
        module.request(.resolve(name: name, link.family))
    }
    return .running(operation)
}

/// CIPSEND from its data to `SEND OK`.
private struct SendOperation: Operation {
    let socket: SocketID
    var state: State
    let deadline: Instant?

    enum State {
        case resolving(UInt16, [UInt8])
        case sending
    }

    static func failure(on module: Module) -> CommandOutcome {
        module.write("\r\nSEND FAIL\r\n")
        return .answered
    }

    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch (event, state) {
        case (.network(.resolved(let addresses)), .resolving(let port, let bytes)):
            guard let address = addresses.first else { return Self.failure(on: module) }
            state = .sending
            module.request(.send(socket, bytes, to: Endpoint(address, port)))
            return nil
        case (.network(.sent(socket)), .sending):
            module.write("\r\nSEND OK\r\n")
            return .answered
        case (.network(.sendFailed(socket)), .sending):
            return Self.failure(on: module)
        case (.deadline, _):
            module.request(.abandonSend(socket))
            return Self.failure(on: module)
        case (.network, _), (.air, _):
            // The link may have gone with its AP or by its peer.
            return module.links.id(of: socket) == nil ? Self.failure(on: module) : nil
        }
    }
}

import WiFiSimValues

/// ESP-AT docs, TCP/IP AT Commands: the module as a server.
let serverCommands: [Command] = [
    Command(
        name: "CIPSERVER", family: .tcpIP, newForms: [.query: .esp32_2_1],
        query: { call in
            guard let server = call.module.links.server else { return call.answer("0") }
            let netif = call.firmware.serverTakesInterface ? ",\(server.interface.rawValue)" : ""
            return call.answer("1,\(server.port),\"\(server.typeName)\",\(server.wantsCertificates ? 1 : 0)\(netif)")
        },
        set: .init(
            Flag("mode"), Optionally(Integer("port or close all", 0...65_535)),
            Optionally(Quoted("type", as: LinkType.self), since: .esp32_2_1), Rest("CA enable", since: .esp32_2_1),
            Rest("netif", since: .v4_1)
        ) { (call, starts, number, type, rest, _) throws(CommandError) in
            guard call.session.multiplexes else { throw .failed }
            guard starts else {
                // "Parameters <type> and <CA enable> must be omitted when delete a server."
                if type != nil { throw .count(2) }
                guard let closesAll = [nil: false, 0: false, 1: true][number] else {
                    throw call.invalid("port or close all")
                }
                return stopServer(closingLinks: closesAll, call)
            }
            return start(try Links.Server(port: number ?? 333, type: type ?? .tcp, rest, call), call)
        }),

    Command(
        name: "CIPSERVERMAXCONN", family: .tcpIP,
        query: { call in call.answer("\(call.session.serverLimit)") },
        set: .init(Integer("num", 1...Links.limit)) { (call, limit) throws(CommandError) in
            // "You should call the command before creating a server."
            guard call.module.links.server == nil else { throw .failed }
            call.module.session.serverLimit = limit
            return .ok
        }),

    Command(
        name: "CIPSTO", family: .tcpIP,
        query: { call in call.answer("\(call.session.serverTimeout)") },
        set: .init(Integer("time", 0...7200)) { (call, seconds) throws(CommandError) in
            guard call.module.links.server != nil else { throw .failed }
            call.module.session.serverTimeout = seconds
            return .ok
        }),
]

extension Links.Server {
    /// Reads the parameters that CIPSERVER and SAVETRANSLINK share, from the port on.
    init(port: Int, type: LinkType, _ rest: Arguments, _ call: Call) throws(CommandError) {
        var rest = rest
        guard let port = UInt16(exactly: port), port > 0 else { throw CommandError(kind: .invalid, position: 1) }
        guard type.transport == .tcp, type.family == .v4 || call.settings.ipv6 else {
            throw CommandError(kind: .invalid, position: 2)
        }
        family = type.family
        self.port = port
        hasTLS = type.hasTLS
        guard !hasTLS || call.firmware.hasSSLServer else { throw CommandError(kind: .invalid, position: 2) }
        if hasTLS || call.firmware.plainServerTakesCA {
            wantsCertificates = try Optionally(Flag("CA enable")).read(from: &rest) ?? false
        }
        if call.firmware.serverTakesInterface {
            interface = try Optionally(Choice("netif", 0...2, as: Interface.self)).read(from: &rest) ?? .all
        }
        try rest.end()
        switch interface {
        case .all: break
        case .station: guard call.module.station.lease != nil else { throw .failed }
        case .softAP: guard call.settings.wifiMode.hasSoftAP else { throw .failed }
        }
    }
}

private func start(_ server: Links.Server, _ call: Call) -> CommandOutcome {
    if let running = call.module.links.server {
        guard call.firmware.explainsRefusals else {
            // A second, different server is refused (core library of 4.1, at_setup_cmd_cipserver).
            return server == running ? .ok : .failed(.failed)
        }
        call.module.writeLine("no change")
        return .ok
    }
    let tls = server.hasTLS ? call.module.serverTLS(wantsCertificates: server.wantsCertificates) : nil
    call.module.request(.listen(port: server.port, server.family, tls))
    return .running(ListenOperation(server: server))
}

private func stopServer(closingLinks closesLinks: Bool, _ call: Call) -> CommandOutcome {
    guard let server = call.module.links.server else {
        if call.firmware.explainsRefusals { call.module.writeLine("no change") }
        return .ok
    }
    call.module.links.server = nil
    call.module.session.awaitsPassthroughClient = false
    call.module.request(.stopListening(port: server.port))
    if closesLinks { call.module.closeLinks { $0.isServed } }
    return .ok
}

/// Waits for CIPSERVER until the network reports whether the port is free.
private struct ListenOperation: Operation {
    let server: Links.Server
    let deadline: Instant? = nil

    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch event {
        case .network(.listening(server.port)):
            module.links.server = server
            return .ok
        case .network(.listenFailed(server.port)):
            module.explain(.addressInUse)
            return .failed(.failed)
        case .network, .air, .deadline: return nil
        }
    }
}

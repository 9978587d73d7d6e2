import WiFiSimValues

/// ESP-AT docs, TCP/IP AT Commands, MDNS. Details that it does not describe are as in the core library of 4.1
/// (at_setup_cmd_mdns).
let serviceCommands: [Command] = [
    Command(
        name: "MDNS", family: .tcpIP, firmware: .until(.v3_3),
        set: .init(
            Flag("enable"), Optionally(Text("hostname", 1...63)), Optionally(Text("service_name", 1...63)),
            Optionally(Integer("port", 1...65_535))
        ) { (call, enables, host, type, port) throws(CommandError) in
            guard enables else {
                guard host == nil else { throw .count(1) }
                call.module.stopAnnouncing()
                return .ok
            }
            guard let host, let type, let port = port.flatMap(UInt16.init(exactly:)) else {
                throw .count(4)
            }
            return announce(
                MulticastDNS.Service(
                    host: host, type: call.firmware.marksServices ? "_" + type : type, port: port,
                    instance: call.firmware.serviceInstance(host: host, type: type), proto: "_tcp",
                    texts: standardTexts), call)
        }),

    Command(
        name: "MDNS", family: .tcpIP, firmware: .since(.v4_1),
        set: .init(
            Integer("mode", 0...2),
            Rest("hostname>,<service_type>,<port>,<instance>,<proto>,<txt_number>,<key>,<value")
        ) { (call, mode, rest) throws(CommandError) in
            switch mode {
            case 0:
                if call.module.responder != nil { try rest.end() }
                call.module.stopAnnouncing()
                return .ok
            case 1:
                // An existing service stays unchanged, whatever the parameters are.
                if call.module.responder != nil { return .ok }
                return announce(try service(rest, call), call)
            default: return try look(rest, call)
            }
        }),
]

private let standardTexts = ["vendor=Espressif", "module=AT", "version=1.0"]

private func announce(_ service: MulticastDNS.Service, _ call: Call) -> CommandOutcome {
    call.module.announce(service)
    return .running(ServiceOperation(deadline: nil))
}

private func service(_ rest: Arguments, _ call: Call) throws(CommandError) -> MulticastDNS.Service {
    var rest = rest
    let host = try Text("hostname", 1...63).read(from: &rest)
    let type = try Text("service_type", 1...63).read(from: &rest)
    let port = try Integer("port", 1...65_535).read(from: &rest)
    let instance = try Optionally(Text("instance", 1...63)).read(from: &rest)
    let proto = try Optionally(Text("proto", 1...63)).read(from: &rest)
    var texts = standardTexts
    if !rest.isAtEnd {
        texts = []
        for _ in 0..<(try Integer("txt_number", 1...call.firmware.longestServiceText).read(from: &rest)) {
            texts.append("\(try Text("key").read(from: &rest))=\(try Text("value").read(from: &rest))")
        }
    }
    try rest.end()
    return MulticastDNS.Service(
        host: host, type: type, port: UInt16(port),
        instance: instance ?? call.firmware.serviceInstance(host: host, type: type), proto: proto ?? "_tcp",
        texts: texts)
}

extension Firmware {
    /// The name of an instance that the command does not name.
    fileprivate func serviceInstance(host: String, type: String) -> String {
        namesInstanceAfterService ? type : host
    }
}

// MARK: Looking for services

private func look(_ rest: Arguments, _ call: Call) throws(CommandError) -> CommandOutcome {
    var rest = rest
    // "Maximum length: 64 bytes, any length exceeding this will be automatically truncated"; DNS takes 63.
    func label(_ name: String) throws(CommandError) -> String {
        var label = try Text(name, 1...LineBuffer.limit).read(from: &rest)
        while label.utf8.count > 63 { label.removeLast() }
        return label
    }
    let search: MulticastDNS.Search
    switch try Integer("type", 0...6).read(from: &rest) {
    case 0: search = .services(type: try label("service"), proto: try label("proto"))
    case let kind where kind <= 3:
        search = .instance(
            try label("instance"), type: try label("service"), proto: try label("proto"), wantsTexts: kind != 2,
            wantsServer: kind != 1)
    case let kind: search = .host(try label("hostname"), wantsIPv4: kind != 5, wantsIPv6: kind != 4)
    }
    let timeout = try Optionally(Integer("timeout", 1000...180_000)).read(from: &rest) ?? 5000
    let limit = try Optionally(Integer("max_results", 1...255)).read(from: &rest) ?? 1
    try rest.end()
    call.module.look(for: search, limit: limit)
    return .running(ServiceOperation(deadline: call.module.now + .milliseconds(timeout)))
}

/// Waits for MDNS until the module's responder or search ends it, or the time of the search is over.
private struct ServiceOperation: Operation {
    let deadline: Instant?

    func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        guard case .deadline = event else { return nil }
        return module.endSearch()
    }
}

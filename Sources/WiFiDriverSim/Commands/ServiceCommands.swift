/// ESP-AT docs, TCP/IP AT Commands, MDNS.
let serviceCommands: [Command] = [
    Command(
        name: "MDNS", family: .tcpIP,
        set: .init(
            Flag("enable"), Optionally(Text("hostname", 1...63)), Optionally(Text("service_type", 1...63)),
            Optionally(Integer("port", 1...65_535)), Optionally(Text("instance", 0...63), since: .v4_1),
            Optionally(Text("proto", 0...63), since: .v4_1), Optionally(Integer("txt_number", 1...20), since: .v4_1),
            Rest("key>,<value", since: .v4_1)
        ) { (call, enables, host, type, port, instance, proto, count, rest) throws(CommandError) in
            var rest = rest
            guard enables else {
                guard host == nil else { throw CommandError(kind: .count, position: 1) }
                call.module.stopAnnouncing()
                return .ok
            }
            guard let host, let type, let port = port.flatMap(UInt16.init(exactly:)) else {
                throw CommandError(kind: .count, position: 3)
            }
            if let count, count > call.firmware.longestServiceText { throw CommandError(kind: .invalid, position: 6) }
            var texts = call.firmware.generation < .v4_1 ? ["vendor=Espressif", "module=AT", "version=1.0"] : []
            for _ in 0..<(count ?? 0) {
                texts.append("\(try Text("key").read(from: &rest))=\(try Text("value").read(from: &rest))")
            }
            try rest.end()
            call.module.announce(
                MulticastDNS.Service(
                    host: host, type: type, port: port, instance: instance.flatMap { $0.isEmpty ? nil : $0 } ?? host,
                    proto: proto.flatMap { $0.isEmpty ? nil : $0 } ?? "_tcp", texts: texts))
            return .running(ServiceOperation())
        })
]

/// MDNS until the module's responder ends it.
private struct ServiceOperation: Operation {
    let deadline: Instant? = nil
    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? { nil }
}

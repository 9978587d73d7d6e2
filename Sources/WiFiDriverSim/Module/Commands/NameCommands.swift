import WiFiSimValues

/// ESP-AT docs, TCP/IP AT Commands: names and reachability.
let nameCommands: [Command] = [
    Command(
        name: "CIPDOMAIN", family: .tcpIP,
        set: .init(
            Text("domain name", 1...LineBuffer.limit).saying("IP ERROR"),
            Optionally(Integer("ip network", 1...3), since: .esp8266_2_2),
            Optionally(Integer("timeout", 0...60_000), since: .v4_1)
        ) { (call, name, network, timeout) throws(CommandError) in
            guard call.module.reaches(nil) else { throw call.firmware.unknownHost }
            if network == 3, !call.settings.ipv6 { throw .failed }
            call.module.resolve(name, network == 3 ? .v6 : network == 1 && call.settings.ipv6 ? nil : .v4)
            return .running(
                ResolveOperation(
                    name: call.name, deadline: call.module.now + resolveTimeout(timeout, name, call.module)))
        }),

    Command(
        name: "PING", family: .tcpIP,
        set: .init(Text("host", 1...LineBuffer.limit)) { (call, host) throws(CommandError) in
            guard call.module.reaches(IPAddress(host)) else { throw .failed }
            let module = call.module
            var operation = PingOperation(deadline: module.now + resolveTimeout(nil, host, module))
            if let address = IPAddress(host) {
                operation.ping(address, on: module)
            } else {
                module.resolve(host, call.settings.ipv6 ? nil : .v4)
            }
            return .running(operation)
        }),

    Command(
        name: "CIPDNS", family: .tcpIP, storing: .chosen,
        query: { call in
            let servers =
                call.settings.dnsServers ?? call.module.station.lease?.dns.map(\.description) ?? call.firmware.publicDNS
            guard call.firmware.dnsOnOneLine else {
                for server in servers { call.reply(server) }
                return .ok
            }
            let list = servers.map { ",\"\($0)\"" }.joined()
            return call.answer("\(call.settings.dnsServers == nil ? 0 : 1)\(list)")
        },
        set: .init(
            Flag("enable"), Optionally(Quoted("DNS IP1", as: IPAddress.self)),
            Optionally(Quoted("DNS IP2", as: IPAddress.self)), Optionally(Quoted("DNS IP3", as: IPAddress.self))
        ) { (call, enables, first, second, third) throws(CommandError) in
            let servers = [first, second, third].compactMap { $0 }
            guard servers.count <= call.firmware.longestDNSList else { throw .count(call.firmware.longestDNSList + 1) }
            guard enables else {
                guard servers.isEmpty else { throw .count(1) }
                call.set(\.dnsServers, to: nil)
                return .ok
            }
            // "The three parameters cannot be set to the same server."
            guard Set(servers).count == servers.count || call.firmware.takesSameDNSServers else {
                throw CommandError(kind: .invalid, position: 2)
            }
            call.set(\.dnsServers, to: servers.isEmpty ? call.firmware.publicDNS : servers.map(\.description))
            return .ok
        }),
]

/// The time-out for resolving a name. The default is 10 s, and more if a fault makes the name slow.
private func resolveTimeout(_ milliseconds: Int?, _ name: String, _ module: Module) -> Duration {
    guard let milliseconds, milliseconds > 0 else { return .seconds(10) + module.delay(ofName: name) }
    return .milliseconds(milliseconds)
}

extension Firmware {
    /// The refusal of a name that does not resolve.
    var unknownHost: CommandError { explainsRefusals ? .failed(saying: "DNS Fail") : .failed }
}

private struct ResolveOperation: Operation {
    let name: String
    let deadline: Instant?

    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch event {
        case .network(.resolved(_, let addresses)):
            guard let address = addresses.first else { return .failed(module.firmware.unknownHost) }
            module.writeLine("+\(name):\(module.quoted(address))")
            return .ok
        case .deadline, .air(.lost): return .failed(module.firmware.unknownHost)
        case .network, .air: return nil
        }
    }
}

private struct PingOperation: Operation {
    var deadline: Instant?
    /// When the access point's own network answers. `nil` if another host has to answer.
    private var ownAnswer: Duration?
    /// A longer round trip counts as a loss.
    private static let timeout = Duration.seconds(1)

    init(deadline: Instant) { self.deadline = deadline }

    mutating func ping(_ address: IPAddress, on module: Module) {
        deadline = module.now + Self.timeout
        if case .v4(let address) = address, let accessPoint = module.station.accessPoint,
            accessPoint.network.answersPings(to: address)
        {
            if accessPoint.latency < Self.timeout { ownAnswer = accessPoint.latency }
            deadline = module.now + min(accessPoint.latency, Self.timeout)
        } else {
            module.ping(address)
        }
    }

    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch event {
        case .network(.resolved(_, let addresses)):
            guard let address = addresses.first else { return timedOut(on: module) }
            ping(address, on: module)
            return nil
        case .network(.pinged(_, let roundTrip)):
            guard let roundTrip else { return timedOut(on: module) }
            return answered(roundTrip, on: module)
        case .deadline: return ownAnswer.map { answered($0, on: module) } ?? timedOut(on: module)
        case .air(.lost): return timedOut(on: module)
        case .network, .air: return nil
        }
    }

    private func answered(_ roundTrip: Duration, on module: Module) -> CommandOutcome {
        module.writeLine(module.firmware.pingReply("\(max(1, roundTrip.milliseconds))"))
        return .ok
    }

    private func timedOut(on module: Module) -> CommandOutcome {
        module.writeLine(module.firmware.pingReply(nil))
        return .failed(.failed)
    }
}

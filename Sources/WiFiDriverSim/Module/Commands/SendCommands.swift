import WiFiSimValues

/// ESP-AT docs, TCP/IP AT Commands: sending.
let sendCommands: [Command] = [
    Command(
        name: "CIPSEND", family: .tcpIP, set: sendBlockForm(hasEscapes: false),
        execute: { (call) throws(CommandError) in try startPassthrough(call) }),

    Command(name: "CIPSENDEX", family: .tcpIP, set: sendBlockForm(hasEscapes: true)),

    Command(
        name: "CIPSENDL", family: .tcpIP, firmware: .since(.v3_3),
        set: sendForm { (call, id, length, target) throws(CommandError) in
            guard let link = call.module.links[id] else { throw .failed }
            return .receiving(
                LongSend(length: length, socket: link.socket, to: target, name: call.name, session: call.session))
        }),

    Command(
        name: "CIPSENDLCFG", family: .tcpIP, firmware: .since(.v3_3),
        query: { call in call.answer("\(call.session.longSend.reportSize),\(call.session.longSend.blockSize)") },
        set: .init(Integer("report size", 100...1 << 20), Optionally(Integer("transmit size", 100...2920))) {
            call, reportSize, blockSize in
            call.module.session.longSend.reportSize = reportSize
            if let blockSize { call.module.session.longSend.blockSize = blockSize }
            return .ok
        }),
]

/// The destination of a command's data.
enum SendTarget {
    /// The link's peer.
    case peer
    case endpoint(Endpoint)
    case name(String, UInt16)
}

private func sendForm(
    _ run: @escaping @Sendable (Call, Int, Int, SendTarget) throws(CommandError) -> CommandOutcome
) -> Command.SetForm {
    .init(
        LinkID().checked { (id, module) throws(CommandError) in
            guard module.links[id]?.phase == .open else { throw .failed(saying: "link is not valid") }
        },
        SendLength(),
        Optionally(Text("remote host", 1...64).saying("ip error")),
        Optionally(
            Integer("remote port", 1...65_535).saying("port error", of: [.parse]).saying(
                "port range error", of: [.invalid])),
        requires: { (call) throws(CommandError) in
            guard !call.session.passesThrough else { throw call.refusal("IPMODE=1") }
        }
    ) { (call, id, length, host, port) throws(CommandError) in
        guard let link = call.module.links[id], link.phase == .open else { throw call.refusal("link is not valid") }
        guard let host else {
            guard link.transport == .tcp || link.remote.port != 0 else { throw .failed }
            return try run(call, id, length, .peer)
        }
        guard link.transport == .udp else { throw call.refusal("no tail", .invalid, of: "remote host") }
        guard let port = port.flatMap(UInt16.init(exactly:)) else {
            throw call.refusal("no port", .invalid, of: "remote port")
        }
        return try run(call, id, length, IPAddress(host).map { .endpoint(Endpoint($0, port)) } ?? .name(host, port))
    }
}

/// The number of bytes to send. The oldest firmware checks whether the number is too large before it checks its syntax
/// (ESP8266_AT, at_setupCmdCipsend).
private struct SendLength: Parameter {
    private var integer: Integer { Integer("length", 1...Int(Int32.max)) }
    var description: ParameterDescription { integer.description }

    func read(from arguments: inout Arguments) throws(CommandError) -> Int {
        guard arguments.explainsRefusals else { return try integer.read(from: &arguments) }
        do throws(CommandError) {
            let length = try integer.saying("type error", of: [.parse, .count]).read(from: &arguments)
            guard length <= arguments.module.firmware.longestSend else { throw arguments.error(.invalid) }
            return length
        } catch {
            guard arguments.leadingNumber > arguments.module.firmware.longestSend else { throw error }
            throw CommandError(kind: .invalid, position: error.position, explanation: "too long")
        }
    }
}

/// A block whose length is announced.
private func sendBlockForm(hasEscapes: Bool) -> Command.SetForm {
    sendForm { (call, id, length, target) throws(CommandError) in
        guard length <= call.firmware.longestSend else { throw call.invalid("length") }
        return .receiving(
            DataEntry(length: length, hasEscapes: hasEscapes, escape: cancelSend(call)) { module, bytes in
                // An empty block counts as sent at once.
                bytes.isEmpty ? SendOperation.success : send(bytes, on: id, to: target, module)
            })
    }
}

/// What the escape sequence does in the middle of a block; `nil` takes it for data.
private func cancelSend(_ call: Call) -> ((Module) -> CommandOutcome)? {
    guard call.firmware.cancelsSends else { return nil }
    return { _ in .final("SEND Canceled") }
}

private func send(_ bytes: [UInt8], on id: Int, to target: SendTarget, _ module: Module) -> CommandOutcome {
    module.write("\r\nRecv \(bytes.count) bytes\r\n")
    guard let link = module.links[id], link.phase == .open else { return SendOperation.failure }
    link.lastActivity = module.now
    let timeout = module.settings.tcpOptions[id].sendTimeout
    var operation = SendOperation(
        socket: link.socket, state: .sending, deadline: timeout > 0 ? module.now + .milliseconds(timeout.value) : nil)
    switch target {
    case .peer:
        module.request(.send(link.socket, bytes, to: link.transport == .udp ? link.remote : nil))
    case .endpoint(let endpoint):
        module.request(.send(link.socket, bytes, to: endpoint))
    case .name(let name, let port):
        operation.state = .resolving(port, bytes)
        module.resolve(name, link.family)
    }
    return .running(operation)
}

/// CIPSEND from the end of its data to `SEND OK`.
struct SendOperation: Operation {
    let socket: SocketID
    var state: State
    let deadline: Instant?
    let isSending = true

    enum State {
        case resolving(UInt16, [UInt8])
        case sending
    }

    static var success: CommandOutcome { .final("SEND OK") }
    static var failure: CommandOutcome { .final("SEND FAIL") }

    mutating func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch (event, state) {
        case (.network(.resolved(_, let addresses)), .resolving(let port, let bytes)):
            guard let address = addresses.first else { return Self.failure }
            state = .sending
            module.request(.send(socket, bytes, to: Endpoint(address, port)))
            return nil
        case (.network(.sent(socket)), .sending): return Self.success
        case (.network(.sendFailed(socket)), .sending):
            return Self.failure
        case (.deadline, _):
            module.request(.abandonSend(socket))
            return Self.failure
        case (.network, _), (.air, _):
            // The link may have been closed by its peer, or with its access point.
            return module.links.id(of: socket) == nil ? Self.failure : nil
        }
    }
}

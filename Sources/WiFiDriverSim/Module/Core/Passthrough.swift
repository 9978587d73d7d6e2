import WiFiSimValues

/// Passthrough: bytes from the line go to the only link in blocks, and received bytes go to the line (ESP-AT docs,
/// TCP-IP, CIPSEND; Basic, TRANSINTVL and SAVETRANSLINK).
final class Passthrough: DataOperation {
    /// How to open the link again. `nil` for a connection that the server accepted, which its client opens.
    private let plan: LinkPlan?
    /// Whether passthrough ends with the network, so that later links are ordinary ones (ESP-AT docs, Basic,
    /// SAVETRANSLINK, TCP/SSL server).
    private let endsWithNetwork: Bool
    private var buffer = ByteQueue()
    /// When a block that is not full is sent.
    private var flushAt: Instant?
    private var link: LinkState
    private let limits: Limits
    private var dropCount = 0

    private struct Limits {
        let block: Int
        let buffer: Int
    }

    private enum LinkState {
        case open
        /// The stack has not taken the block yet.
        case sending(SocketID)
        case connecting(ConnectOperation)
        /// There is no link. A client tries to open one at `retryAt`.
        case closed(retryAt: Instant?)
    }

    /// Starts passthrough over the open link, or over one that is still to be opened.
    init(_ plan: LinkPlan?, endsWithNetwork: Bool = false, on module: Module) {
        self.plan = plan
        self.endsWithNetwork = endsWithNetwork
        limits = Limits(block: module.firmware.passthroughBlock, buffer: module.firmware.passthroughBuffer)
        link = module.links[0] == nil ? .closed(retryAt: module.now) : .open
    }

    let isPassthrough = true
    let remaining: Int? = nil

    /// Without a link, bytes that do not fit into the buffer are lost. The line is still read, for the escape sequence.
    var room: Int {
        switch link {
        case .open, .sending: limits.buffer - buffer.count
        case .connecting, .closed: 1
        }
    }

    var deadline: Instant? {
        switch link {
        case .open: flushAt
        case .sending: nil
        case .connecting(let operation): operation.deadline
        case .closed(let retryAt): retryAt
        }
    }

    func receive(_ bytes: inout Slice<UnsafeRawBufferPointer>, on module: Module) -> CommandOutcome? {
        var part = bytes[...]
        switch link {
        case .open, .sending: break
        // Bytes written without a client must not go to the next client.
        case .closed where plan == nil: part = bytes.prefix(0)
        case .connecting, .closed: part = bytes.prefix(max(0, limits.buffer - buffer.count))
        }
        buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: part))
        if part.count < bytes.count { drop(bytes.count - part.count, on: module) }
        bytes = bytes.dropFirst(bytes.count)
        if flushAt == nil { flushAt = module.now + .milliseconds(module.session.transmitInterval) }
        sendWhatIsDue(on: module)
        return nil
    }

    private func drop(_ count: Int, on module: Module) {
        if dropCount == 0 {
            let reason = plan == nil ? "there is no client" : "the buffer is full"
            module.emit(.log("passthrough: bytes from the line are dropped, \(reason)"))
        }
        dropCount += count
    }

    /// Sends a block that is full or due.
    private func sendWhatIsDue(on module: Module) {
        guard case .open = link, !buffer.isEmpty, let target = module.links[0] else { return }
        let isDue = flushAt.map { $0 <= module.now } ?? false
        guard isDue || buffer.count >= limits.block else { return }
        let block = buffer.take(limits.block)
        if buffer.isEmpty { flushAt = nil }
        link = .sending(target.socket)
        target.lastActivity = module.now
        module.request(.send(target.socket, block, to: target.transport == .udp ? target.remote : nil))
    }

    func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch (link, event) {
        case (.sending(let socket), .network(.sent(let sender))) where sender == socket: link = .open
        case (.sending(let socket), .network(.sendFailed(let sender))) where sender == socket: link = .open
        case (.connecting(let operation), _):
            guard let outcome = operation.resume(event, on: module) else { return nil }
            if case .ok = outcome { link = .open } else { lose(on: module) }
        case (.closed(let retryAt?), .deadline) where retryAt <= module.now: connect(on: module)
        case (.closed, .network(.accepted)) where module.links[0] != nil: link = .open
        // "When the underlying network interface is stopped", the server accepts ordinary connections again.
        case (_, .air(.lost)) where endsWithNetwork && module.links[0] == nil: return leave(module)
        default: break
        }
        switch link {
        case .open, .sending: if module.links[0] == nil { lose(on: module) }
        case .connecting, .closed: break
        }
        sendWhatIsDue(on: module)
        return nil
    }

    /// Handles the loss of the link. A client opens it again after CIPRECONNINTV's time, without limit.
    private func lose(on module: Module) {
        let interval = Duration.milliseconds(100 * module.settings.passthroughReconnectInterval.value)
        link = .closed(retryAt: plan == nil ? nil : module.now + interval)
        if plan == nil { buffer.removeAll() }
    }

    private func connect(on module: Module) {
        guard let plan, module.reaches(plan.address) else { return lose(on: module) }
        link = .connecting(ConnectOperation(plan, on: module))
    }

    var escape: ((Module) -> CommandOutcome)? { leave }

    /// Returns to command mode. The link stays open, and the buffer is still sent.
    private func leave(_ module: Module) -> CommandOutcome {
        switch link {
        case .open, .sending:
            if let target = module.links[0], !buffer.isEmpty {
                module.request(
                    .send(target.socket, buffer.take(.max), to: target.transport == .udp ? target.remote : nil))
            }
        case .connecting(let operation): operation.abandon(on: module)
        case .closed: break
        }
        if endsWithNetwork { module.session.passesThrough = false }
        if module.settings.systemMessages.tellsEndOfPassthrough { module.write("\r\n+QUITT\r\n") }
        return .answered
    }
}

extension Module {
    /// Starts passthrough as SAVETRANSLINK configures it. The link opens once the station has its address, or a client
    /// connects.
    func startPassthroughAtPowerUp() {
        if let server = settings.powerUpServer {
            session.multiplexes = true
            session.serverLimit = 1
            session.awaitsPassthroughClient = true
            links.server = server
            let tls = server.hasTLS ? serverTLS(wantsCertificates: server.wantsCertificates) : nil
            request(.listen(port: server.port, server.family, tls))
        }
        guard let plan = settings.powerUpLink?.plan(on: self) else { return }
        session.passesThrough = true
        enter(Passthrough(plan, on: self))
    }

    /// Starts passthrough with the first client of SAVETRANSLINK's server, unless a command is in progress.
    func passThroughFirstClient() {
        guard session.awaitsPassthroughClient else { return }
        session.awaitsPassthroughClient = false
        guard case .idle = state, links.open.count == 1, links[0]?.isServed ?? false else { return }
        session.passesThrough = true
        enter(Passthrough(nil, endsWithNetwork: true, on: self))
    }
}

/// SAVETRANSLINK: the client link for passthrough at power-up.
struct PowerUpLink: Codable, Equatable, Sendable {
    var transport: LinkType
    var host: String
    var port: UInt16
    /// For a TCP link.
    var keepAlive: TCPOptions.KeepAlive?
    /// For a UDP link. 0 means any port.
    var localPort = 0 as UInt16

    /// In bytes (ESP-AT docs, Basic, SAVETRANSLINK).
    static let hostLength = 1...64

    func plan(on module: Module) -> LinkPlan {
        var options = module.settings.tcpOptions[0]
        if let keepAlive { options.keepAlive = keepAlive }
        let kind: LinkPlan.Kind =
            switch transport.transport {
            case .udp: .udp(localPort: localPort, .fixed)
            case .tcp: .tcp(options, transport.hasTLS ? module.clientTLS(0) : nil)
            }
        return LinkPlan(kind: kind, family: transport.family, host: host, port: port)
    }
}

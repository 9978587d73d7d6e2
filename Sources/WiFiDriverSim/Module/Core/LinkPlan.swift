import WiFiSimValues

/// How the module opens a link: the parameters of CIPSTART.
struct LinkPlan: Equatable {
    var id = 0
    var kind: Kind
    var family: IPAddress.Family
    /// A name or an address.
    var host: String
    var port: UInt16
    /// How long the module waits for the connection.
    var timeout = LinkPlan.standardTimeout

    enum Kind: Equatable {
        /// TCP, with TLS for an SSL link.
        case tcp(TCPOptions, TLSConfiguration? = nil)
        case udp(localPort: UInt16, Link.PeerRule)
    }

    /// The firmware's time-out if the command has none.
    static let standardTimeout = Duration.seconds(10)

    /// "the timeout of each packet is 10 s, the total timeout will be much longer" (ESP-AT docs, TCP-IP, CIPSTART): one
    /// packet for the connection and two for the handshake.
    static let sslTimeout = Duration.seconds(30)

    /// The address of the host, if `host` is an address. `0` means any address.
    var address: IPAddress? { IPAddress(host) ?? (host == "0" ? .v4(.any) : nil) }
}

extension Module {
    /// Reports the stack's error number, on newer firmware with SYSLOG=1 (ESP-AT docs, AT Messages, `+ERRNO`).
    func explain(_ failure: ConnectFailure) {
        guard session.logsErrors, firmware.tellsErrorNumbers else { return }
        writeLine("+ERRNO:0x" + String(failure.number, radix: 16))
    }
}

extension ConnectFailure {
    /// The numbers of newlib for lwIP's errors, and of ESP-TLS for its own.
    fileprivate var number: Int {
        switch self {
        // ECONNRESET, lwIP's error for a refusal.
        case .refused: 104
        case .addressInUse: 112
        // ECONNABORTED.
        case .timedOut: 113
        case .unreachable: 118
        // ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED (ESP-IDF, esp_tls_errors.h).
        case .handshake: 0x801A
        }
    }
}

/// Opens a link, from resolving the name to the connection.
struct ConnectOperation: Operation {
    private let plan: LinkPlan
    let deadline: Instant?

    /// Starts to open the link. Its ID must be free.
    init(_ plan: LinkPlan, on module: Module) {
        self.plan = plan
        deadline = module.now + plan.timeout + (plan.address == nil ? module.delay(ofName: plan.host) : .zero)
        if let address = plan.address {
            open(address, on: module)
        } else {
            reserve(on: module)
            module.resolve(plan.host, plan.family)
        }
    }

    /// Occupies the link while the name is resolved, so that no accepted connection gets its number.
    private func reserve(on module: Module) {
        module.links[plan.id] = Link(
            LinkType(.tcp, plan.family), socket: module.links.newSocket(), plan: plan,
            remote: Endpoint(.any(plan.family), plan.port), local: Endpoint(.any(plan.family), 0),
            lastActivity: module.now)
    }

    private func open(_ address: IPAddress, on module: Module) {
        let socket = module.links.newSocket()
        let remote = Endpoint(address, plan.port)
        switch plan.kind {
        case .tcp(let options, let tls):
            module.links[plan.id] = Link(
                LinkType(.tcp, hasTLS: tls != nil, plan.family), socket: socket, plan: plan, remote: remote,
                local: Endpoint(.any(plan.family), 0), lastActivity: module.now)
            module.request(.connect(socket, to: remote, options, tls))
        case .udp(let localPort, let rule):
            module.links[plan.id] = Link(
                LinkType(.udp, plan.family), socket: socket, plan: plan, remote: remote,
                local: Endpoint(.any(plan.family), localPort), peerRule: rule, lastActivity: module.now)
            module.request(.openUDP(socket, peer: remote, localPort: localPort))
        }
    }

    func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch event {
        case .network(.resolved(_, let addresses)):
            guard let address = addresses.first else {
                module.links[plan.id] = nil
                return .failed(module.firmware.unknownHost)
            }
            open(address, on: module)
            return nil
        case .network(.connected): return module.links[plan.id]?.phase == .open ? .ok : nil
        case .network(.connectFailed(_, let failure)):
            return module.links[plan.id] == nil ? fail(failure, on: module) : nil
        case .air(.lost):
            guard module.links[plan.id].map(module.endsWithStation) ?? true else { return nil }
            abandon(on: module)
            return fail(.unreachable, on: module)
        case .deadline:
            abandon(on: module)
            return fail(.timedOut, on: module)
        case .network, .air: return nil
        }
    }

    /// Gives up a link that is still opening, without a report.
    func abandon(on module: Module) {
        guard let link = module.links[plan.id], link.phase == .opening else { return }
        module.request(.close(link.socket, aborting: true))
        module.links[plan.id] = nil
    }

    /// The command is answered before the link is reported as closed (WiFiEspAT issue 94 and esp-at issue 590, logs of
    /// AT 1.7 and 2.x).
    private func fail(_ failure: ConnectFailure, on module: Module) -> CommandOutcome {
        module.explain(failure)
        module.answer(.failed)
        module.reportClosed(plan.id)
        return .answered
    }
}

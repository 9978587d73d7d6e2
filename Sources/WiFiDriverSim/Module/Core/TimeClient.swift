import WiFiSimValues

/// The module's SNTP client: asks the configured servers in turn, over UDP, and sets the clock from the first answer.
struct TimeClient {
    /// CIPSNTPCFG.
    private(set) var configuration: Configuration?
    /// CIPSNTPINTV.
    var interval = Duration.seconds(3600)
    fileprivate(set) var phase = Phase.idle
    /// The index of the server to ask.
    fileprivate var server = 0
    /// Whether to report the next answer: the first one after CIPSNTPCFG (ESP-AT docs, AT Messages, `+TIME_UPDATED`).
    fileprivate var tellsUpdate = false

    struct Configuration: Equatable {
        var zone: TimeZone
        /// At least one.
        var servers: [String]
    }

    enum Phase: Equatable {
        case idle
        case waiting(until: Instant)
        case resolving(QueryID, giveUpAt: Instant)
        case opening(SocketID, server: Endpoint)
        case asking(SocketID, giveUpAt: Instant)

        var deadline: Instant? {
            switch self {
            case .idle, .opening: nil
            case .waiting(let at), .resolving(_, let at), .asking(_, let at): at
            }
        }

        var socket: SocketID? {
            switch self {
            case .idle, .waiting, .resolving: nil
            case .opening(let socket, _), .asking(let socket, _): socket
            }
        }
    }

    /// How long to wait for an answer, as lwIP does.
    fileprivate static let patience = Duration.seconds(15)

    fileprivate var serverName: String? {
        guard let servers = configuration?.servers, servers.indices.contains(server) else { return nil }
        return servers[server]
    }

    /// Moves to the next server; after the last one to the first, with a delay.
    fileprivate mutating func moveOn(at now: Instant) {
        server += 1
        let isLast = server >= configuration?.servers.count ?? 0
        if isLast { server = 0 }
        phase = .waiting(until: isLast ? now + Self.patience : now)
    }

    fileprivate mutating func configure(_ configuration: Configuration?, at now: Instant) {
        self.configuration = configuration
        server = 0
        tellsUpdate = configuration != nil
        phase = configuration == nil ? .idle : .waiting(until: now)
    }
}

/// CIPSNTPCFG's time zone (ESP-AT docs, TCP-IP, CIPSNTPCFG): whole hours, or hours and minutes such as 1245.
struct TimeZone: Equatable {
    let hours: Int
    let minutes: Int

    static let utc = TimeZone(hours: 0, minutes: 0)

    /// Takes hours, usually -12 to 14, or hours times a hundred plus minutes. `nil` for other numbers.
    init?(_ number: Int, takesMinutes: Bool, hours range: ClosedRange<Int>) {
        if range.contains(number) {
            self.init(hours: number, minutes: 0)
        } else if takesMinutes, range.contains(number / 100), abs(number % 100) < 60 {
            self.init(hours: number / 100, minutes: number % 100)
        } else {
            return nil
        }
    }

    private init(hours: Int, minutes: Int) {
        self.hours = hours
        self.minutes = minutes
    }

    /// In seconds, to add to UTC.
    var seconds: Int { hours * 3600 + minutes * 60 }
}

extension BackgroundClient {
    /// CIPSNTPCFG.
    static let timeClient = BackgroundClient(
        takes: { $0.timeClientTakes($1) }, deadline: { $0.timeDeadline }, advance: { $0.advanceTimeClient() })
}

extension Module {
    /// The Unix time in seconds.
    var unixTime: Int { Int((clockOffset + (now - .zero)).nanoseconds / 1_000_000_000) }

    func setUnixTime(_ time: Duration) { clockOffset = time - (now - .zero) }

    /// Starts the SNTP client with CIPSNTPCFG's configuration; `nil` stops it.
    func synchronizeTime(by configuration: TimeClient.Configuration?) {
        stopAskingTime()
        timeClient.configure(configuration, at: now)
    }

    /// Changes the interval, counted from now.
    func setTimeInterval(_ interval: Duration) {
        timeClient.interval = interval
        if case .waiting(let at) = timeClient.phase { timeClient.phase = .waiting(until: min(at, now + interval)) }
    }

    /// When the time client has something to do. `nil` without a network.
    fileprivate var timeDeadline: Instant? {
        guard let deadline = timeClient.phase.deadline, station.lease != nil else { return nil }
        return deadline
    }

    fileprivate func advanceTimeClient() {
        guard let due = timeDeadline, due <= now else { return }
        switch timeClient.phase {
        case .idle, .opening: break
        case .waiting: askTime()
        case .resolving, .asking:
            stopAskingTime()
            timeClient.moveOn(at: now)
        }
    }

    private func askTime() {
        guard let name = timeClient.serverName else { return }
        if let address = IPAddress(name) {
            askTime(of: address)
        } else {
            timeClient.phase = .resolving(resolveInBackground(name), giveUpAt: now + TimeClient.patience)
        }
    }

    private func askTime(of address: IPAddress) {
        let socket = links.newSocket()
        let server = Endpoint(address, SNTPMessage.port)
        timeClient.phase = .opening(socket, server: server)
        request(.openUDP(socket, peer: server, localPort: 0))
    }

    private func stopAskingTime() {
        if case .resolving(let query, _) = timeClient.phase { request(.cancelQuery(query)) }
        if let socket = timeClient.phase.socket { request(.close(socket, aborting: true)) }
    }

    /// - Returns: whether the event belongs to the time client.
    fileprivate func timeClientTakes(_ event: NetworkEvent) -> Bool {
        switch (event, timeClient.phase) {
        case (.resolved(let query, let addresses), .resolving(let own, _)) where query == own:
            if let address = addresses.first { askTime(of: address) } else { timeClient.moveOn(at: now) }
        case (.connected(let socket, _), .opening(let own, let server)) where socket == own:
            timeClient.phase = .asking(socket, giveUpAt: now + TimeClient.patience)
            request(.allow(socket, bytes: 1024))
            request(.send(socket, SNTPMessage.question, to: server))
        case (.connectFailed(let socket, _), .opening(let own, _)) where socket == own:
            timeClient.moveOn(at: now)
        case (.received(let socket, let bytes, _), .asking(let own, _)) where socket == own:
            if let time = SNTPMessage.time(in: bytes) { timeArrived(time) }
        case (.sent(let socket), .asking(let own, _)) where socket == own,
            (.sendFailed(let socket), .asking(let own, _)) where socket == own:
            break
        default: return false
        }
        return true
    }

    private func timeArrived(_ time: Duration) {
        stopAskingTime()
        setUnixTime(time)
        timeClient.phase = .waiting(until: now + timeClient.interval)
        if timeClient.tellsUpdate, firmware.tellsTimeUpdate { report("+TIME_UPDATED") }
        timeClient.tellsUpdate = false
    }
}

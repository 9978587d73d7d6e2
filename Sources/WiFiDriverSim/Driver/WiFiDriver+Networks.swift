import CDriverWiFi

/// Scan, joining a network, the module's own access point, names and ping.
extension WiFiDriver {
    /// What Activate takes, copied from the caller's memory.
    struct NetworkConfiguration {
        enum WPS: Equatable { case none, pushButton, pin }

        var ssid: [UInt8]
        var password: [UInt8]
        var security: UInt8
        var channel: UInt8
        var wps: WPS
    }

    /// One line of CWLAP.
    struct ScannedNetwork {
        var ssid: [UInt8]
        var bssid: MACAddress
        var security: UInt8
        var channel: UInt8
        var rssi: Int8
    }

    func scan(limit: Int) throws(DriverFailure) -> [ScannedNetwork] {
        try perform { () throws(DriverFailure) in
            try requirePower()
            let reply = run(CommandText("CWLAP"), timeout: .seconds(15), isLong: true)
            switch reply.outcome {
            case .done: break
            case .timedOut, .stillBusy: throw .timedOut
            default: throw .unspecified
            }
            return reply.fields("+CWLAP:").compactMap(Self.scannedNetwork).prefix(limit).map { $0 }
        }
    }

    private static func scannedNetwork(_ line: [UInt8]) -> ScannedNetwork? {
        line.withUnsafeBytes { bytes in
            // (<ecn>,<"ssid">,<rssi>,<"mac">,<channel>,…)
            var fields = FieldReader(bytes, after: bytes.first == UInt8(ascii: "(") ? 1 : 0)
            guard let encryption = fields.integer(), let ssid = fields.text(quotesAfter: 2),
                let rssi = fields.integer(),
                let bssid = fields.mac(), let channel = fields.integer()
            else { return nil }
            let securities = [
                ARM_WIFI_SECURITY_OPEN, ARM_WIFI_SECURITY_WEP, ARM_WIFI_SECURITY_WPA, ARM_WIFI_SECURITY_WPA2,
            ]
            // 4 and 7 are the mixed modes that WPA2 joins.
            let security =
                switch encryption {
                case 0...3: securities[encryption]
                case 4, 7: ARM_WIFI_SECURITY_WPA2
                default: ARM_WIFI_SECURITY_UNKNOWN
                }
            return ScannedNetwork(
                ssid: Array(ssid.prefix(32)), bssid: bssid, security: UInt8(security),
                channel: UInt8(clamping: channel),
                rssi: Int8(clamping: rssi))
        }
    }

    // MARK: Activate and Deactivate

    func activate(interface: UInt32, _ configuration: NetworkConfiguration?) throws(DriverFailure) {
        guard let interface = DriverOptions.Interface(rawValue: interface), let configuration else {
            throw .invalidParameter
        }
        try perform { () throws(DriverFailure) in
            try requirePower()
            switch (interface, configuration.wps) {
            case (.station, .none): try join(configuration)
            case (.station, .pushButton): try joinByPushButton()
            case (.accessPoint, .none): try startAccessPoint(configuration)
            // No AT firmware has a command for these.
            case (.station, .pin), (.accessPoint, .pushButton), (.accessPoint, .pin): throw .unsupported
            }
        }
    }

    private func join(_ configuration: NetworkConfiguration) throws(DriverFailure) {
        var command = CommandText(dialect.volatile("CWJAP")).quoted(configuration.ssid)
            .quoted(configuration.security == ARM_WIFI_SECURITY_OPEN ? [] : configuration.password)
        let bssid = MACAddress(bytes: options[ARM_WIFI_BSSID, .station])
        if bssid.rawValue != 0 { command = command.quoted(bssid.description) }
        let reply = withSlot(isLong: true) { () -> Reply in
            applyStaticAddress()
            return transact(command, timeout: .seconds(30))
        } otherwise: {
            Reply(outcome: $0, lines: [])
        }
        try conclude(reply)
        station.ssid = configuration.ssid
        station.password = configuration.password
        station.security = configuration.security
        completeJoin()
    }

    private func conclude(_ reply: Reply) throws(DriverFailure) {
        switch reply.outcome {
        case .done: return
        case .timedOut, .stillBusy: throw .timedOut
        case .refused:
            // 1 is a time-out; the others a wrong password, no such network, any other failure (ESP-AT docs, CWJAP).
            // Generation 1 tells it by either name.
            let reasons = reply.fields("+CWJAP:") + reply.fields("+CWJAP_CUR:")
            // To try, the module has left the network that it was in.
            if !reasons.isEmpty { forgetNetwork() }
            if reasons.first == Array("1".utf8) { throw .timedOut }
            throw .unspecified
        case .notDelivered, .moduleReset, .lineLost: throw .unspecified
        }
    }

    private func completeJoin() {
        station.isConnected = true
        station.addressIsStale = options.number(ARM_WIFI_IP_DHCP, of: .station) != 0 || dialect.hasIPv6
        refreshAddresses()
    }

    private func joinByPushButton() throws(DriverFailure) {
        // OK comes at once; the join is told by WIFI GOT IP (ESP-AT docs, Wi-Fi, WPS).
        let isAccepted = run(CommandText("WPS").field(1)).isDone
        guard isAccepted else { throw .unsupported }
        let deadline = RealTime.now + .seconds(120)
        while !station.isConnected, waitForProgress(on: .command, until: deadline) {}
        guard station.isConnected else {
            _ = run(CommandText("WPS").field(0))
            throw .timedOut
        }
        station.password = []
        if let network = queryNetwork() {
            station.ssid = network.ssid
            let found = run(CommandText("CWLAP").quoted(network.ssid), timeout: .seconds(15), isLong: true)
            station.security =
                found.fields("+CWLAP:").compactMap(Self.scannedNetwork).first?.security
                ?? UInt8(ARM_WIFI_SECURITY_UNKNOWN)
        }
        completeJoin()
    }

    private func startAccessPoint(_ configuration: NetworkConfiguration) throws(DriverFailure) {
        // CWSAP knows no WEP (ESP-AT docs, Wi-Fi, CWSAP).
        if configuration.security == ARM_WIFI_SECURITY_WEP { throw .unsupported }
        let channel = configuration.channel == 0 ? 1 : configuration.channel
        let command = CommandText(dialect.volatile("CWSAP")).quoted(configuration.ssid)
            .quoted(configuration.security == ARM_WIFI_SECURITY_OPEN ? [] : configuration.password)
            .field(channel).field(configuration.security)
        let outcome = withSlot(isLong: true) { () -> CommandExchange.Outcome in
            let both = transact(CommandText(dialect.volatile("CWMODE")).field(3))
            guard both.isDone else { return both.outcome }
            mode = 3
            accessPointIsActive = true
            applyOptions(of: .accessPoint)
            let reply = transact(command, timeout: .seconds(10))
            if reply.isDone {
                if options.isChosen(ARM_WIFI_IP_DHCP_POOL_BEGIN, of: .accessPoint) { applyPool() }
            } else {
                stopAccessPoint()
            }
            return reply.outcome
        } otherwise: {
            $0
        }
        switch outcome {
        case .done: break
        case .timedOut, .stillBusy: throw .timedOut
        default: throw .unspecified
        }
    }

    private func stopAccessPoint() {
        accessPointIsActive = false
        if transact(CommandText(dialect.volatile("CWMODE")).field(1)).isDone { mode = 1 }
    }

    func deactivate(interface: UInt32) throws(DriverFailure) {
        guard let interface = DriverOptions.Interface(rawValue: interface) else { throw .invalidParameter }
        try perform { () throws(DriverFailure) in
            try requirePower()
            switch interface {
            case .station:
                let reply = run(CommandText("CWQAP"))
                forgetNetwork()
                guard reply.isDone else { throw .unspecified }
            case .accessPoint:
                guard accessPointIsActive else { return }
                withSlot {
                    stopAccessPoint()
                } otherwise: { _ in
                }
            }
        }
    }

    func isConnected() -> Bool {
        perform {
            guard power == .full || power == .low else { return false }
            return station.isConnected
        }
    }

    /// What `CWJAP?` says.
    private struct JoinedNetwork {
        var ssid: [UInt8]
        var channel: Int
        var rssi: Int
    }

    private func queryNetwork() -> JoinedNetwork? {
        let name = dialect.volatile("CWJAP")
        guard let line = run(.query(name)).fields("+\(name):").first else { return nil }
        return line.withUnsafeBytes { bytes in
            // <"ssid">,<"bssid">,<channel>,<rssi>,…
            var fields = FieldReader(bytes)
            guard let ssid = fields.text(quotesAfter: 2), fields.text() != nil, let channel = fields.integer(),
                let rssi = fields.integer()
            else { return nil }
            return JoinedNetwork(ssid: ssid, channel: channel, rssi: rssi)
        }
    }

    func networkInformation() throws(DriverFailure) -> (
        ssid: [UInt8], password: [UInt8], security: UInt8, channel: UInt8, rssi: Int8
    ) {
        try perform { () throws(DriverFailure) in
            try requirePower()
            guard station.isConnected, let network = queryNetwork() else { throw .unspecified }
            return (
                network.ssid, station.password, station.security, UInt8(clamping: network.channel),
                Int8(clamping: network.rssi)
            )
        }
    }

    // MARK: Names and ping

    func resolve(_ name: String, _ family: IPAddress.Family) throws(SocketFailure) -> IPAddress {
        try perform { () throws(SocketFailure) in
            guard power == .full else { throw .unspecified }
            if let literal = IPAddress(name) {
                guard literal.family == family else { throw .hostNotFound }
                return literal
            }
            // The line's limit is 256 bytes (ESP-AT docs, AT command set).
            guard !name.isEmpty, name.utf8.count <= 220 else { throw .invalidArgument }
            if family == .v6, !dialect.hasIPv6 { throw .notSupported }
            var command = CommandText("CIPDOMAIN").quoted(name)
            // 3 is IPv6 only; without the field IPv4 is preferred.
            if family == .v6 { command = command.field(3) }
            let start = RealTime.now
            let reply = run(command, timeout: Self.resolveTimeout, isLong: true)
            switch reply.outcome {
            case .done:
                let found = reply.fields("+CIPDOMAIN:").compactMap { line in
                    line.withUnsafeBytes { bytes -> IPAddress? in
                        var fields = FieldReader(bytes)
                        return fields.ip()
                    }
                }
                guard let ip = found.first(where: { $0.family == family }) else { throw .hostNotFound }
                return ip
            case .refused where !isInNetwork: throw .unspecified
            // The firmware does not say why: a server says no at once, and one that is silent is asked again first.
            case .refused: throw .now - start < Self.denialLimit ? .hostNotFound : .timedOut
            case .timedOut, .stillBusy: throw .timedOut
            case .notDelivered, .moduleReset, .lineLost: throw .unspecified
            }
        }
    }

    private static let resolveTimeout = Duration.seconds(20)
    private static let denialLimit = Duration.seconds(3)

    /// Answers within two seconds; a ping that takes longer goes on without anybody waiting.
    func ping(_ ip: IPAddress) throws(DriverFailure) {
        try perform { () throws(DriverFailure) in
            try requirePower()
            final class Answer { var outcome: CommandExchange.Outcome? }
            let answer = Answer()
            enqueue { [self] in
                answer.outcome = run(CommandText("PING").quoted(ip), timeout: .seconds(10), isLong: true).outcome
                notify(.answer)
            }
            let deadline = RealTime.now + .milliseconds(1900)
            while answer.outcome == nil, waitForProgress(on: .answer, until: deadline) {}
            switch answer.outcome {
            case .done: return
            case nil, .refused, .timedOut, .stillBusy: throw .timedOut
            case .notDelivered, .moduleReset, .lineLost: throw .unspecified
            }
        }
    }
}

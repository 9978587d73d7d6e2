import WiFiSimDaemon
import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

/// Lines that begin with a keyword: the header, and the events other than bytes on the line.
extension TranscriptParser {
    mutating func readStatement(_ scanner: inout LineScanner) throws(Failure) {
        let place = scanner.position
        let keyword = scanner.takeText()
        switch keyword {
        case "profile", "world", "seed", "start", "uart", "origin": try readHeader(keyword, &scanner, at: place)
        case "wait":
            try scanner.takeSpace(before: "a duration")
            try finish(.wait(try readTime(&scanner)), scanner)
        case "quiet":
            try scanner.takeSpace(before: "a duration")
            try finish(.quiet(try readTime(&scanner)), scanner)
        case "baud":
            try scanner.takeSpace(before: "a bit rate")
            try finish(.baud(try scanner.takeInteger("the bit rate", 80...5_000_000)), scanner)
        case "reset": try finish(.reset, scanner)
        case "pin":
            try scanner.takeSpace(before: "the number of the pin")
            let number = try scanner.takeInteger("the number of the pin", 0...48)
            try scanner.takeSpace(before: "high or low")
            switch scanner.takeText() {
            case "high": try finish(.pin(number, isHigh: true), scanner)
            case "low": try finish(.pin(number, isHigh: false), scanner)
            default: throw scanner.failure("a pin is high or low", at: place)
            }
        case "power":
            try scanner.takeSpace(before: "on or off")
            switch scanner.takeText() {
            case "on": try finish(.power(isOn: true), scanner)
            case "off": try finish(.power(isOn: false), scanner)
            default: throw scanner.failure("power is on or off", at: place)
            }
        case "unordered":
            try scanner.expectEnd()
            if group != nil { throw scanner.failure("a group cannot hold another; end the first", at: place) }
            isInHeader = false
            group = ([], scanner.number)
        case "end":
            try scanner.expectEnd()
            guard let (items, line) = group else {
                throw scanner.failure("there is no unordered group to end", at: place)
            }
            guard !items.isEmpty else { throw scanner.failure("the unordered group is empty", at: place) }
            group = nil
            transcript.lines.append(Transcript.Line(.event(.unordered(items)), number: line))
        case "peer": try readPeer(&scanner)
        case "name": try readName(&scanner)
        case _ where WorldChange.keywords.contains(keyword): try readWorldChange(keyword, at: place, &scanner)
        default:
            throw scanner.failure(
                "there is no event \"\(keyword)\"; there are > < wait quiet baud reset pin power unordered end peer name ap station smartconfig",
                at: place)
        }
    }

    private mutating func readTime(_ scanner: inout LineScanner) throws(Failure) -> Duration {
        let place = scanner.position
        let duration = try scanner.takeDuration()
        try addTime(duration, scanner, at: place)
        return duration
    }

    /// Adds an event, which must end its line.
    private mutating func finish(_ event: Transcript.Event, _ scanner: LineScanner) throws(Failure) {
        try scanner.expectEnd()
        try add(.event(event), scanner)
    }

    private mutating func readHeader(_ key: String, _ scanner: inout LineScanner, at place: Int) throws(Failure) {
        guard isInHeader else {
            throw scanner.failure("\(key) belongs above the first event, comment or blank line", at: place)
        }
        guard headerKeys.insert(key).inserted else { throw scanner.failure("\(key) is already given", at: place) }
        try scanner.takeSpace(before: "the \(key)")
        let valuePlace = scanner.position
        let value = scanner.takeRest()
        if value.isEmpty { throw scanner.failure("the \(key) is missing") }
        switch key {
        case "profile":
            guard Firmware.named(value) != nil else {
                throw scanner.failure(UnknownProfileError(name: value).description, at: valuePlace)
            }
            transcript.header.profile = value
        case "world": transcript.header.world = value == "standard" ? nil : value
        case "seed":
            guard let seed = UInt64(value) else {
                throw scanner.failure("the seed must be a whole number", at: valuePlace)
            }
            transcript.header.seed = seed
        case "start":
            switch value {
            case "ready": transcript.header.start = .ready
            case "power": transcript.header.start = .power
            default: throw scanner.failure("the start is ready or power", at: valuePlace)
            }
        case "uart":
            guard value == "real" || value == "ideal" else {
                throw scanner.failure("the uart is ideal or real", at: valuePlace)
            }
            transcript.header.isUART = value == "real"
        default: transcript.header.origin = value
        }
    }

    // MARK: Events around the line

    private mutating func readPeer(_ scanner: inout LineScanner) throws(Failure) {
        try scanner.takeSpace(before: "the peer's name")
        let place = scanner.position
        let name = try scanner.takeWord("the peer's name")
        guard name.isTranscriptName else {
            throw scanner.failure("a peer's name is made of letters, digits, - and _", at: place)
        }
        try scanner.takeSpace(before: "what the peer does")
        let verbPlace = scanner.position
        let verb = scanner.takeText()
        let action: Transcript.PeerAction
        switch verb {
        case "listens":
            let (transport, endpoint, isTLS) = try readTransportAndEndpoint(&scanner)
            var tls = isTLS ? TLSPeer() : nil
            if isTLS, scanner.skip(" untrusted") { tls?.isTrusted = false }
            if isTLS, scanner.skip(" mutual") { tls?.wantsCertificate = true }
            var delay = Duration.zero
            if scanner.skip(" after ") { delay = try scanner.takeDuration() }
            action = .listens(transport, endpoint, after: delay, tls)
        case "refuses":
            let (transport, endpoint, isTLS) = try readTransportAndEndpoint(&scanner)
            action =
                isTLS
                ? .listens(transport, endpoint, after: .zero, TLSPeer(refuses: true)) : .refuses(transport, endpoint)
        case "ignores":
            let place = scanner.position
            let (transport, endpoint, isTLS) = try readTransportAndEndpoint(&scanner)
            if isTLS { throw scanner.failure("a peer that ignores connections has no ssl; write tcp", at: place) }
            action = .ignores(transport, endpoint)
        case "connects":
            let (transport, isTLS) = try readTransport(&scanner)
            try scanner.takeSpace(before: "the module's port")
            let port = UInt16(try scanner.takeInteger("the module's port", 1...65_535))
            guard scanner.skip(" from ") else {
                throw scanner.failure("from and the peer's address and port are missing")
            }
            let endpoint = try scanner.takeEndpoint()
            var tls = isTLS ? TLSPeer() : nil
            if isTLS, scanner.skip(" untrusted") { tls?.isTrusted = false }
            action = .connects(transport, port: port, from: endpoint, tls)
        case "sends":
            try scanner.takeSpace(before: "what it sends")
            action = .sends(try readPayload(&scanner, isSent: true))
        case "receives":
            try scanner.takeSpace(before: "what it receives")
            action = .receives(try readPayload(&scanner, isSent: false))
        case "closes": action = .closes
        case "half-closes": action = .halfCloses
        case "resets": action = .resets
        case "sees":
            try scanner.takeSpace(before: "what it sees")
            guard let ending = Transcript.Ending(rawValue: scanner.takeText()) else {
                throw scanner.failure("a peer sees close, reset or refusal", at: verbPlace)
            }
            action = .sees(ending)
        default:
            throw scanner.failure(
                "a peer listens, refuses, ignores, connects, sends, receives, closes, half-closes, resets or sees",
                at: verbPlace)
        }
        switch action {
        case .listens, .connects, .refuses, .ignores: peers.insert(name)
        case .sends, .receives, .closes, .halfCloses, .resets, .sees:
            guard peers.contains(name) else {
                throw scanner.failure("the peer \(name) must listen or connect first", at: place)
            }
        }
        try finish(.peer(name: name, action), scanner)
    }

    private func readTransport(
        _ scanner: inout LineScanner
    ) throws(Failure) -> (transport: Transport, isTLS: Bool) {
        try scanner.takeSpace(before: "tcp, udp or ssl")
        let place = scanner.position
        switch scanner.takeText() {
        case "tcp": return (.tcp, false)
        case "udp": return (.udp, false)
        case "ssl": return (.tcp, true)
        default: throw scanner.failure("tcp, udp or ssl is missing", at: place)
        }
    }

    private func readTransportAndEndpoint(
        _ scanner: inout LineScanner
    ) throws(Failure) -> (transport: Transport, endpoint: Endpoint, isTLS: Bool) {
        let (transport, isTLS) = try readTransport(&scanner)
        try scanner.takeSpace(before: "an address and port")
        return (transport, try scanner.takeEndpoint(), isTLS)
    }

    private mutating func readName(_ scanner: inout LineScanner) throws(Failure) {
        try scanner.takeSpace(before: "a host name")
        let name = try scanner.takeWord("a host name")
        guard scanner.skip(" is ") else { throw scanner.failure("is and an address, unknown or silent are missing") }
        let place = scanner.position
        let value = scanner.takeRest()
        switch value {
        case "unknown": try finish(.name(name, .addresses([])), scanner)
        case "silent": try finish(.name(name, .silent), scanner)
        default:
            var addresses: [IPAddress] = []
            for text in value.split(separator: ",", omittingEmptySubsequences: false) {
                guard let address = IPAddress(String(text)) else {
                    throw scanner.failure(
                        "\"\(text)\" is not an address; a name is ADDRESS[,ADDRESS…], unknown or silent", at: place)
                }
                addresses.append(address)
            }
            try finish(.name(name, .addresses(addresses)), scanner)
        }
    }

    private mutating func readWorldChange(
        _ keyword: String, at place: Int, _ scanner: inout LineScanner
    ) throws(Failure) {
        let words = try scanner.takeWords().preceded(by: keyword, at: place)
        let change: WorldChange
        do throws(WordError) {
            change = try WorldChange(words)
        } catch {
            throw scanner.failure(error.reason, at: error.position)
        }
        try finish(.world(change), scanner)
    }
}

import WiFiSimValues

/// CIUPDATE and CIPFWVER: asks the update server for its versions, and downloads an image from it
/// (components/at/src/at_ota_cmd.c of ESP-AT).
struct FirmwareUpdate {
    let purpose: Purpose
    let isSecure: Bool
    let giveUpAt: Instant
    fileprivate var version: String?
    fileprivate var phase = Phase.idle
    fileprivate var response = HTTPResponse()

    enum Purpose: Equatable {
        /// CIPFWVER. The value is the name for the answer.
        case list(String)
        /// CIUPDATE.
        case install(blocks: Bool)
    }

    fileprivate enum Phase: Equatable {
        case idle
        case resolving(QueryID)
        case connecting(SocketID)
        case receiving(SocketID)

        var socket: SocketID? {
            switch self {
            case .idle, .resolving: nil
            case .connecting(let socket), .receiving(let socket): socket
            }
        }
    }

    fileprivate var server: Endpoint?

    /// The limit of an update: "The timeout of OTA process is 3 minutes" (ESP-AT docs, TCP-IP, CIUPDATE).
    static let patience = Duration.seconds(180)

    /// Creates an update. `isSecure` selects HTTPS, without verification of the server's certificate.
    init(_ purpose: Purpose, isSecure: Bool = false, version: String? = nil, giveUpAt: Instant) {
        self.purpose = purpose
        self.isSecure = isSecure
        self.version = version
        self.giveUpAt = giveUpAt
    }

    /// The values of CIUPDATE's `<state>`.
    enum State: Int { case failed = -1, idle, foundServer, connected, gotVersion, done }

    fileprivate var endpoint: Endpoint { isSecure ? UpdateServer.secureEndpoint : UpdateServer.endpoint }

    fileprivate var path: String {
        switch (purpose, version) {
        case (.list, _): UpdateServer.listPath
        case (.install, nil): UpdateServer.latestPath
        case (.install, let version?): UpdateServer.imagePath(version: version, file: "ota")
        }
    }
}

/// A response of an HTTP server, as far as an update needs it. Only the first `keptBody` bytes of a body are kept. A
/// head longer than `longestHead` makes the response invalid.
struct HTTPResponse {
    private var head: [UInt8] = []
    private(set) var body: [UInt8] = []
    private var bodyCount = 0
    private var hasHead = false
    /// The length of the body according to the head. `nil` until the head is complete, or if it does not contain the
    /// length.
    private var length: Int?
    private static let keptBody = 8192
    private static let longestHead = 8192

    /// Whether the response is invalid, whatever follows.
    private(set) var isBroken = false

    mutating func receive(_ bytes: [UInt8]) {
        var rest = bytes[...]
        if !hasHead {
            let known = head.count
            head += rest.prefix(Self.longestHead - known)
            // The end of the head may have begun in earlier bytes.
            guard let end = head[max(0, known - 3)...].firstRange(of: Array("\r\n\r\n".utf8)) else {
                isBroken = head.count == Self.longestHead
                return
            }
            rest = rest.dropFirst(end.upperBound - known)
            head.removeSubrange(end.upperBound...)
            hasHead = true
            length = text(head).components(after: "content-length: ", before: "\r\n").first.flatMap { Int($0) }
        }
        bodyCount += rest.count
        body += rest.prefix(Self.keptBody - body.count)
    }

    var isSuccess: Bool {
        let words = text(head).prefix { $0 != "\r\n" }.split(separator: " ")
        return words.count > 1 && words[1].hasPrefix("2")
    }

    var isComplete: Bool { length.map { bodyCount >= $0 } ?? false }

    /// The values of all `"key": "value"` pairs in the body with this key.
    func values(of key: String) -> [String] {
        String(decoding: body, as: UTF8.self).components(after: "\"\(key)\": \"", before: "\"")
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).lowercased() }
}

extension String {
    fileprivate func components(after start: String, before end: String) -> [String] {
        var found: [String] = []
        var rest = self[...]
        while let head = rest.firstRange(of: start), let tail = rest[head.upperBound...].firstRange(of: end) {
            found.append(String(rest[head.upperBound..<tail.lowerBound]))
            rest = rest[tail.upperBound...]
        }
        return found
    }
}

extension BackgroundClient {
    /// CIUPDATE and CIPFWVER.
    static let update = BackgroundClient(
        takes: { $0.updateTakes($1) }, deadline: { $0.update?.giveUpAt }, advance: { $0.advanceUpdate() })
}

extension Module {
    func start(_ update: FirmwareUpdate) {
        self.update = update
        session.updateState = .idle
        self.update?.phase = .resolving(resolveInBackground(UpdateServer.host))
    }

    fileprivate func advanceUpdate() {
        guard let update, update.giveUpAt <= now else { return }
        failUpdate()
    }

    /// - Returns: whether the event belongs to the update.
    fileprivate func updateTakes(_ event: NetworkEvent) -> Bool {
        guard let update else { return false }
        switch event {
        case .resolved(let query, let addresses) where update.phase == .resolving(query):
            guard let address = addresses.first else { return fail() }
            self.update?.server = Endpoint(address, update.endpoint.port)
            tell(.foundServer)
            connectToUpdateServer()
        case .connected(let socket, _) where socket == update.phase.socket:
            if update.version == nil { tell(.connected) }
            self.update?.phase = .receiving(socket)
            self.update?.response = HTTPResponse()
            request(.allow(socket, bytes: Self.updateWindow))
            let head = "GET \(update.path) HTTP/1.0\r\nHost: \(UpdateServer.host):\(update.endpoint.port)\r\n\r\n"
            request(.send(socket, Array(head.utf8), to: nil))
        case .received(let socket, let bytes, _) where socket == update.phase.socket:
            self.update?.response.receive(bytes)
            if self.update?.response.isBroken ?? false { return fail() }
            request(.allow(socket, bytes: bytes.count))
            if self.update?.response.isComplete ?? false { responseArrived() }
        case .connectFailed(let socket, _) where socket == update.phase.socket,
            .sendFailed(let socket) where socket == update.phase.socket,
            .closed(let socket) where socket == update.phase.socket:
            // A complete response has closed the connection already, so this one is incomplete.
            return fail()
        case .sent(let socket) where socket == update.phase.socket: break
        default: return false
        }
        return true
    }

    private static let updateWindow = 65_536

    private func fail() -> Bool {
        failUpdate()
        return true
    }

    private func connectToUpdateServer() {
        guard let update, let server = update.server else { return }
        let socket = links.newSocket()
        self.update?.phase = .connecting(socket)
        request(.connect(socket, to: server, TCPOptions(), update.isSecure ? TLSConfiguration() : nil))
    }

    private func responseArrived() {
        guard let update else { return }
        closeUpdateSocket()
        guard update.response.isSuccess else { return failUpdate() }
        switch (update.purpose, update.version) {
        case (.list(let name), _):
            for version in update.response.values(of: "version") { writeLine("+\(name):\"\(version)\"") }
            endUpdate(.ok)
        case (.install, nil):
            guard let version = update.response.values(of: "rom_version").first,
                FirmwareImages.versionLength.contains(version.utf8.count),
                version.utf8.allSatisfy({ (0x20..<0x7F).contains($0) })
            else { return failUpdate() }
            tell(.gotVersion)
            self.update?.version = version
            connectToUpdateServer()
        case (.install(let blocks), let version?):
            // The magic number of an image.
            guard update.response.body.first == 0xE9 else { return failUpdate() }
            tell(.done)
            let images = settings.images ?? FirmwareImages()
            set(
                \.images,
                to: FirmwareImages(
                    runsSecond: !images.runsSecond, running: version, other: images.running ?? firmware.version),
                .stored)
            self.update = nil
            guard blocks else { return }
            write("\r\nOK\r\n")
            restart()
        }
    }

    /// Ends the update with a failure: of the server, of the network, or because of the time limit.
    func failUpdate() {
        guard let update else { return }
        if case .resolving(let query) = update.phase { request(.cancelQuery(query)) }
        closeUpdateSocket()
        session.updateState = .failed
        if update.purpose == .install(blocks: false) { writeLine("+CIPUPDATE:-1") }
        endUpdate(.failed(.failed))
    }

    private func endUpdate(_ outcome: CommandOutcome) {
        let awaited = update?.purpose != .install(blocks: false)
        update = nil
        if awaited { finishCommand(outcome) }
    }

    private func closeUpdateSocket() {
        if let socket = update?.phase.socket { request(.close(socket, aborting: false)) }
        update?.phase = .idle
    }

    private func tell(_ state: FirmwareUpdate.State) {
        guard case .install = update?.purpose else { return }
        session.updateState = state
        writeLine("+CIPUPDATE:\(state.rawValue)")
    }
}

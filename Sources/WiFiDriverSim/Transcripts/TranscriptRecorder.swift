import WiFiSimSimulation
import WiFiSimValues

/// Makes a transcript of what passes on a line, as it happens. Sans-IO: bytes, events and the time go in, text and files
/// come out; each text is whole lines, so that a file to which they are appended can be read at any time.
struct TranscriptRecorder {
    /// Whose bytes are waiting, from when on, and when the last of them came.
    private var burst: (isHost: Bool, since: Instant, lastAt: Instant, bytes: [UInt8])?
    /// After so long, what the host sends is another line: the pauses around an escape sequence count, and in passthrough
    /// those between blocks.
    private static let hostPause = Duration.milliseconds(20)
    private var lines: [Transcript.Content] = []
    private var files: [(path: String, bytes: [UInt8])] = []
    private let payloadFolder: String
    private var payloadCount = 0
    /// The transcript tells of time up to here.
    private var toldUntil: Instant
    private var header: Transcript.Header
    /// The start that the header had when it was taken.
    private var takenStart: Simulation.Start?
    /// All that was taken, as long as a line could still change the header to `start power`.
    private var opening: String? = ""
    /// In bytes. A module that starts says so long before it has said as much.
    private static let longestOpening = 64 * 1024
    /// Ports that will be others when the session is played again.
    private var localPorts: [String: Payload.Placeholder] = [:]
    /// Something that belongs before the lines from here on is not known yet, since then.
    private var hold: (index: Int, count: Int, since: Instant)?

    /// A recorder that has heard nothing yet.
    /// - Parameters:
    ///   - header: the transcript's.
    ///   - payloadFolder: where long payloads go, from the transcript's folder.
    ///   - now: when the session begins.
    init(header: Transcript.Header, payloadFolder: String, at now: Instant) {
        self.payloadFolder = payloadFolder
        toldUntil = now
        self.header = header
    }

    /// Bytes from the host, or else from the module.
    mutating func record(_ bytes: [UInt8], fromHost isHost: Bool, at now: Instant) {
        if let burst, burst.isHost != isHost || isHost && now - burst.lastAt >= Self.hostPause { flush() }
        if burst == nil { burst = (isHost, now, now, []) }
        burst?.bytes += bytes
        burst?.lastAt = now
        guard var waiting = burst else { return }
        // What is sure to be whole can be said already; a host's data can look like anything.
        let whole =
            isHost
            ? (waiting.bytes.last == 0x0A ? waiting.bytes.count : 0) : LineCutter.completeCount(of: waiting.bytes)
        guard whole > 0 else { return }
        say(Array(waiting.bytes[..<whole]), isHost: isHost, at: waiting.since)
        waiting.bytes.removeFirst(whole)
        waiting.since = now
        burst = waiting.bytes.isEmpty ? nil : waiting
    }

    /// Something that happens at this moment.
    mutating func record(_ event: Transcript.Event, at now: Instant) {
        flush()
        tell(now)
        lines.append(.event(event))
    }

    /// Something that is so from here on, whenever it came to be known.
    mutating func record(timeless event: Transcript.Event) { lines.append(.event(event)) }

    /// Says what was not sure to be whole.
    mutating func flush() {
        guard let burst else { return }
        self.burst = nil
        say(burst.bytes, isHost: burst.isHost, at: burst.since)
    }

    private mutating func say(_ bytes: [UInt8], isHost: Bool, at now: Instant) {
        tell(now)
        if isHost {
            opening = nil
        } else if opening != nil, LineCutter.pieces(of: bytes).contains(where: \.isBootReport) {
            // The module has started under the recorder's eyes.
            header.start = .power
        }
        for piece in isHost ? [bytes] : LineCutter.pieces(of: bytes) {
            let payload = isHost ? stored(piece) : withPlaceholders(piece) ?? stored(piece)
            lines.append(.event(isHost ? .host(payload) : .module(Transcript.Expectation(payload))))
        }
    }

    /// Bytes as a line holds them; long ones go to a file.
    mutating func stored(_ bytes: [UInt8]) -> Payload {
        var payload = Payload(recording: bytes)
        guard case .reference(var reference) = payload.pieces.last else { return payload }
        payloadCount += 1
        let path = "\(payloadFolder)/\(payloadCount).bin"
        reference.path = path
        payload.pieces[payload.pieces.count - 1] = .reference(reference)
        files.append((path, Array(bytes.suffix(reference.count))))
        return payload
    }

    /// The module chose this port by chance.
    mutating func nameLocalPort(_ port: UInt16, _ name: String) {
        localPorts["\(port)"] = Payload.Placeholder(.port, name: name)
    }

    /// A line about a link, with a placeholder for its local port; `nil` for any other line.
    private func withPlaceholders(_ bytes: [UInt8]) -> Payload? {
        guard !localPorts.isEmpty, ["+CIPSTA", "+LINK_CONN:"].contains(where: { bytes.starts(with: $0.utf8) }) else {
            return nil
        }
        let fields = bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        var pieces: [Payload.Piece] = []
        var literal: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { literal.append(UInt8(ascii: ",")) }
            let digits = field.prefix { (0x30...0x39).contains($0) }
            // The peer's port, which may happen to be the same, comes right behind its address.
            let isPeers = index > 0 && fields[index - 1].last == UInt8(ascii: "\"")
            guard !isPeers, let placeholder = localPorts[String(decoding: digits, as: UTF8.self)] else {
                literal += field
                continue
            }
            pieces += [.bytes(literal), .placeholder(placeholder)]
            literal = Array(field.dropFirst(digits.count))
        }
        guard !pieces.isEmpty, !literal.isEmpty else { return nil }
        return Payload(pieces + [.bytes(literal)])
    }

    /// Lets the transcript's time come up to now, in whole microseconds. Less than a millisecond waits for more.
    private mutating func tell(_ now: Instant) {
        let microseconds = (now - toldUntil).nanoseconds / 1000
        guard microseconds >= 1000 else { return }
        toldUntil = toldUntil + .microseconds(microseconds)
        lines.append(.event(.wait(.microseconds(microseconds))))
    }

    // MARK: What is known late

    /// Lines from here on wait until `insert` has told what belongs before them.
    mutating func beginHold(at now: Instant) {
        if let hold {
            self.hold = (hold.index, hold.count + 1, hold.since)
        } else {
            hold = (lines.count, 1, now)
        }
    }

    /// Tells what belongs before the lines that wait.
    mutating func endHold(_ event: Transcript.Event?) {
        guard let held = hold else {
            if let event { lines.append(.event(event)) }
            return
        }
        if let event { lines.insert(.event(event), at: held.index) }
        hold = held.count == 1 ? nil : (held.index + (event == nil ? 0 : 1), held.count - 1, held.since)
    }

    private static let longestHold = Duration.seconds(20)

    // MARK: Output

    /// What is to be written.
    struct Output {
        /// These come first: a line never refers to a file that is not there.
        var files: [(path: String, bytes: [UInt8])]
        /// Whole lines, to be appended.
        var text: String
        /// The lines stand for all that were taken before: the header has changed.
        var replacesAll = false
    }

    /// The files and lines since the last call.
    mutating func take(at now: Instant) -> Output {
        if let hold, now - hold.since > Self.longestHold { self.hold = nil }
        let count = hold?.index ?? lines.count
        var text = lines[..<count].map { "\($0)\n" }.joined()
        lines.removeFirst(count)
        if let hold { self.hold = (0, hold.count, hold.since) }
        defer { files = [] }
        opening?.append(text)
        let replacesAll = takenStart != nil && takenStart != header.start
        if replacesAll, let opening { text = opening }
        if header.start == .power || opening?.utf8.count ?? 0 > Self.longestOpening { opening = nil }
        if takenStart != header.start { text = "\(header)\n" + text }
        takenStart = header.start
        return Output(files: files, text: text, replacesAll: replacesAll)
    }

    /// The same, with all that still waits.
    mutating func finish(at now: Instant) -> Output {
        flush()
        hold = nil
        return take(at: now)
    }
}

extension [UInt8] {
    /// The line by which a module tells that it has started.
    fileprivate var isBootReport: Bool { drop { $0 < 0x20 }.elementsEqual("ready\r\n".utf8) }
}

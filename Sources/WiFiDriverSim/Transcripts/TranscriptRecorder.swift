import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

/// Makes a transcript of a session while it runs. Sans-IO: bytes, events and times go in; text and files come out. Each
/// piece of text is whole lines, so that the file to which it is appended can be read at any time.
struct TranscriptRecorder {
    /// Bytes that may not be complete yet: their sender, when the first and the last of them came, and the bytes.
    private var burst: (isHost: Bool, since: Instant, lastAt: Instant, bytes: [UInt8])?
    /// After a pause this long, the host's bytes form a new line. The pauses around an escape sequence matter, and in
    /// passthrough those between blocks.
    private static let hostPause = Duration.milliseconds(20)
    private var lines: [Transcript.Content] = []
    private var files: [(path: String, bytes: [UInt8])] = []
    private let payloadFolder: String
    private var payloadCount = 0
    /// The time up to which the recorded lines account for it.
    private var toldUntil: Instant
    private var header: Transcript.Header
    /// The `start` of the header that was last output; `nil` before the first output.
    private var takenStart: Simulation.Start?
    /// All text output so far, while the header may still change to `start power`; `nil` after that.
    private var opening: String? = ""
    /// In bytes. A module that boots reports it long before it has sent this much.
    private static let longestOpening = 64 * 1024
    /// Ports that will differ when the session is played again, and their placeholders.
    private var localPorts: [String: Payload.Placeholder] = [:]
    /// Set while the outcome of a request is unknown: the index before which its line belongs, the number of such
    /// requests, and when the first began.
    private var hold: (index: Int, count: Int, since: Instant)?

    /// Makes a recorder.
    /// - Parameters:
    ///   - header: the transcript's header.
    ///   - payloadFolder: the folder for long payloads, relative to the transcript's folder.
    ///   - now: when the session begins.
    init(header: Transcript.Header, payloadFolder: String, at now: Instant) {
        self.payloadFolder = payloadFolder
        toldUntil = now
        self.header = header
    }

    /// Records bytes from the host, or from the module if `isHost` is false.
    mutating func record(_ bytes: [UInt8], fromHost isHost: Bool, at now: Instant) {
        if let burst, burst.isHost != isHost || isHost && now - burst.lastAt >= Self.hostPause { flush() }
        if burst == nil { burst = (isHost, now, now, []) }
        burst?.bytes += bytes
        burst?.lastAt = now
        guard var waiting = burst else { return }
        // Record what is certainly complete. The host's data can contain anything, so only a line end at its end
        // counts.
        let whole =
            isHost
            ? (waiting.bytes.last == 0x0A ? waiting.bytes.count : 0) : LineCutter.completeCount(of: waiting.bytes)
        guard whole > 0 else { return }
        say(Array(waiting.bytes[..<whole]), isHost: isHost, at: waiting.since)
        waiting.bytes.removeFirst(whole)
        waiting.since = now
        burst = waiting.bytes.isEmpty ? nil : waiting
    }

    /// Records an event that happens at `now`.
    mutating func record(_ event: Transcript.Event, at now: Instant) {
        flush()
        tell(now)
        lines.append(.event(event))
    }

    /// Records that a fault happens, as a comment.
    mutating func note(_ fault: Fault, at now: Instant) {
        flush()
        tell(now)
        lines.append(.comment(" fault: \(fault)"))
    }

    /// Records a fact that holds from here on, without a time.
    mutating func record(timeless event: Transcript.Event) { lines.append(.event(event)) }

    /// Records the bytes that were not certain to be complete.
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
            // The module has booted during the recording.
            header.start = .power
        }
        for piece in isHost ? [bytes] : LineCutter.pieces(of: bytes) {
            let payload = isHost ? stored(piece) : withPlaceholders(piece) ?? stored(piece)
            lines.append(.event(isHost ? .host(payload) : .module(Transcript.Expectation(payload))))
        }
    }

    /// The payload for a line; long data goes to a file.
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

    /// Gives a placeholder to a port that the module chose at random.
    mutating func nameLocalPort(_ port: UInt16, _ name: String) {
        localPorts["\(port)"] = Payload.Placeholder(.port, name: name)
    }

    /// A line about a link, with placeholders for local ports; `nil` for any other line.
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
            // A field after an address is the peer's port, which may equal a local port.
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

    /// Adds a `wait` up to `now`, in whole microseconds. Less than a millisecond is kept for the next one.
    private mutating func tell(_ now: Instant) {
        let microseconds = (now - toldUntil).nanoseconds / 1000
        guard microseconds >= 1000 else { return }
        toldUntil = toldUntil + .microseconds(microseconds)
        lines.append(.event(.wait(.microseconds(microseconds))))
    }

    // MARK: What is known late

    /// Holds back the lines from here on until `endHold` gives the line that belongs before them.
    mutating func beginHold(at now: Instant) {
        if let hold {
            self.hold = (hold.index, hold.count + 1, hold.since)
        } else {
            hold = (lines.count, 1, now)
        }
    }

    /// Inserts a line before those held back, and ends a hold.
    mutating func endHold(_ event: Transcript.Event?) {
        guard let held = hold else {
            if let event { lines.append(.event(event)) }
            return
        }
        if let event { lines.insert(.event(event), at: held.index) }
        hold = held.count == 1 ? nil : (held.index + (event == nil ? 0 : 1), held.count - 1, held.since)
    }

    /// After this time a hold ends without its line.
    private static let longestHold = Duration.seconds(20)

    // MARK: Output

    /// The files and text to write.
    struct Output {
        /// The files to write first, so that no line refers to a missing file.
        var files: [(path: String, bytes: [UInt8])]
        /// Whole lines to append.
        var text: String
        /// True if `text` replaces all earlier text, because the header has changed.
        var replacesAll = false
    }

    /// Takes the files and lines since the last call.
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

    /// Takes all that is left, including lines held back.
    mutating func finish(at now: Instant) -> Output {
        flush()
        hold = nil
        return take(at: now)
    }
}

extension [UInt8] {
    /// True for the line with which a module reports that it has booted.
    fileprivate var isBootReport: Bool { drop { $0 < 0x20 }.elementsEqual("ready\r\n".utf8) }
}

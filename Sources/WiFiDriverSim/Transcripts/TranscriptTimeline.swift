import WiFiSimSimulation
import WiFiSimValues

/// The times of a transcript's events, and the results of its commands.
struct TranscriptTimeline {
    struct Entry {
        let content: Content
        let line: Int
        let at: Instant
        /// The number of bytes on the line; 0 for other events.
        var count = 0
        /// True for an error, a failure or `busy p...` of the module.
        var isError = false

        enum Content {
            case event(Transcript.Event)
            /// A fault happens.
            case firing(String)
        }
    }

    struct Command {
        let text: String
        /// The index of its entry.
        let entry: Int
        /// `nil` if there is no answer, or if the transcript contains no times.
        var latency: Duration?
        /// The module's line that ended the command.
        var result: String?
        var isError = false
    }

    private(set) var entries: [Entry] = []
    private(set) var commands: [Command] = []
    /// Zero if the transcript contains no times.
    private(set) var duration = Duration.zero
    private(set) var hostBytes = 0
    private(set) var moduleBytes = 0
    /// How often faults have happened.
    var firingCount: Int { entries.count { if case .firing = $0.content { true } else { false } } }

    /// Takes the times from the transcript's `wait` lines. A transcript with fewer waits than half its host lines was
    /// written by hand; it is played to a simulated module to get times.
    /// Firings of faults are comments in a recording, and come from the simulated module otherwise.
    init(_ script: Transcript.Script) {
        let events = script.transcript.events
        let waits = events.count { if case .wait = $0.event { true } else { false } }
        let hostLines = events.count { if case .host = $0.event { true } else { false } }
        let hasTimes = waits * 2 >= hostLines
        let stage = hasTimes ? nil : TranscriptStage(script, delivery: .whole, patience: .seconds(120))
        let start = stage?.simulation.now ?? .zero
        var now = Instant.zero
        var isPlaying = true
        var logCount = 0
        for line in script.transcript.lines {
            guard case .event(let event) = line.content else {
                if case .comment(let text) = line.content, stage == nil, text.hasPrefix(Self.firingMark) {
                    add(Entry(content: .firing(String(text.dropFirst())), line: line.number, at: now))
                }
                continue
            }
            if case .wait(let duration) = event { now = now + duration }
            if let stage, isPlaying {
                do throws(Divergence) { try stage.play(event, line: line.number) } catch { isPlaying = false }
                now = .zero + (stage.simulation.now - start)
            }
            add(event, line: line.number, at: now)
            guard let log = stage?.simulation.log else { continue }
            for text in log[logCount...] where text.hasPrefix(Self.firingMark.dropFirst()) {
                add(Entry(content: .firing(text), line: line.number, at: now))
            }
            logCount = log.count
        }
        duration = now - .zero
    }

    /// How a comment begins that tells that a fault happens (`TranscriptRecorder.note`).
    private static let firingMark = " fault: "

    private mutating func add(_ event: Transcript.Event, line: Int, at now: Instant) {
        switch event {
        case .host(let payload):
            add(Entry(content: .event(event), line: line, at: now, count: payload.count))
            if payload.description.hasPrefix("AT") {
                let text = payload.description.replacing("\\r\\n", with: "")
                commands.append(Command(text: text, entry: entries.count - 1))
            }
        case .module(let expectation): addModule(expectation, line: line, at: now)
        case .unordered(let items):
            for item in items { addModule(item, line: item.number == 0 ? line : item.number, at: now) }
        case .wait: break
        case .quiet, .baud, .reset, .pin, .power, .peer, .name, .world:
            add(Entry(content: .event(event), line: line, at: now))
        }
    }

    private mutating func add(_ entry: Entry) {
        entries.append(entry)
        switch entry.content {
        case .event(.host): hostBytes += entry.count
        case .event(.module): moduleBytes += entry.count
        default: break
        }
    }

    private mutating func addModule(_ expectation: Transcript.Expectation, line: Int, at now: Instant) {
        let word = expectation.payload.finalWord
        let isError = ["ERROR", "FAIL", "SEND FAIL", "busy p..."].contains(word)
        add(
            Entry(
                content: .event(.module(expectation)), line: line, at: now, count: expectation.payload.count,
                isError: isError))
        guard let word, word != "busy p...", var command = commands.last else { return }
        // After OK, SEND OK ends the command.
        guard command.result == nil || word.hasPrefix("SEND") else { return }
        let latency = now - entries[command.entry].at
        command.latency = latency == .zero ? nil : latency
        command.result = word
        command.isError = isError
        commands[commands.count - 1] = command
    }
}

extension Payload {
    /// The number of bytes; a placeholder counts as one.
    var count: Int {
        pieces.reduce(0) { count, piece in
            switch piece {
            case .bytes(let bytes): count + bytes.count
            case .placeholder: count + 1
            case .reference(let reference): count + reference.count
            }
        }
    }

    /// The final result of a command, if this is one.
    fileprivate var finalWord: String? {
        guard let literal else { return nil }
        let word = String(decoding: literal.drop { $0 < 0x20 }.prefix { $0 >= 0x20 }, as: UTF8.self)
        return ["OK", "ERROR", "FAIL", "SEND OK", "SEND FAIL", "busy p..."].contains(word) ? word : nil
    }
}

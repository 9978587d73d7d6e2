import WiFiSimValues

/// Plays the module's side of a transcript to whoever plays the host's. Sans-IO: the host's bytes and the time go in, the
/// module's bytes come out.
package struct ModuleReplay {
    package enum Strictness: Sendable {
        /// The host's bytes come in the transcript's order, and the module's take their time.
        case strict
        /// The host may send its lines in another order, and nothing takes time.
        case loose
    }

    /// What the host sends and what the module answers until the host sends again.
    private struct Exchange {
        var host: [UInt8] = []
        var line = 0
        var answer: [Step] = []
        var isOver = false
    }

    private enum Step {
        case say([UInt8])
        case pause(Duration)
    }

    private let strictness: Strictness
    /// The first has nothing of the host's: what the module says unasked.
    private var exchanges: [Exchange] = [Exchange()]
    /// The exchange whose answer is given, how far it is, and when it goes on.
    private var current = 0
    private var nextStep = 0
    private var resumeAt: Instant?
    /// What the host has sent and no exchange has taken.
    private var received: [UInt8] = []
    private var output: [UInt8] = []
    private(set) var divergence: Divergence?

    /// - Throws: `Divergence` for something that the module says and that cannot be said again, as data that the transcript
    ///   holds only the digest of.
    package init(_ script: Transcript.Script, _ strictness: Strictness = .strict) throws(Divergence) {
        self.strictness = strictness
        var bindings: Payload.Bindings = [:]
        for (event, line) in script.transcript.events {
            for case .placeholder(let placeholder) in event.payloads.flatMap(\.pieces)
            where bindings[placeholder] == nil {
                bindings[placeholder] = Array(placeholder.kind.example.utf8)
            }
            do throws(PayloadError) {
                switch event {
                case .host(let payload):
                    var exchange = Exchange()
                    exchange.host = try payload.bytes(bindings: bindings, contents: script.contents)
                    exchange.line = line
                    exchanges.append(exchange)
                case .module(let expectation):
                    if let earliest = expectation.window?.earliest { append(.pause(earliest)) }
                    append(.say(try expectation.payload.bytes(bindings: bindings, contents: script.contents)))
                case .unordered(let items):
                    for item in items {
                        append(.say(try item.payload.bytes(bindings: bindings, contents: script.contents)))
                    }
                case .wait(let duration), .quiet(let duration): append(.pause(duration))
                case .baud, .reset, .power, .peer, .name, .world: break
                }
            } catch {
                throw Divergence(line: line, reason: .impossible(error.reason), expected: "", actual: [])
            }
        }
    }

    private mutating func append(_ step: Step) { exchanges[exchanges.count - 1].answer.append(step) }

    /// All lines have been played.
    var isComplete: Bool {
        divergence == nil && received.isEmpty && isAnswered && exchanges.dropFirst().allSatisfy(\.isOver)
    }

    private var isAnswered: Bool { nextStep == exchanges[current].answer.count }

    /// When `advance` has something to do.
    var nextDeadline: Instant? { resumeAt }

    /// Takes bytes from the host.
    mutating func receive(_ bytes: [UInt8], at now: Instant) {
        guard divergence == nil else { return }
        received += bytes
        advance(to: now)
        // A wrong byte is told at once, even while an answer is being given.
        if strictness == .strict { comparePending() }
    }

    /// Says what is due by now.
    mutating func advance(to now: Instant) {
        while divergence == nil {
            if let resumeAt {
                guard resumeAt <= now else { return }
                self.resumeAt = nil
            }
            if nextStep < exchanges[current].answer.count {
                switch exchanges[current].answer[nextStep] {
                case .say(let bytes): output += bytes
                case .pause(let duration): if strictness == .strict { resumeAt = now + duration }
                }
                nextStep += 1
            } else if !beginExchange() {
                return
            }
        }
    }

    /// The bytes for the host since the last call.
    mutating func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }

    /// The host sends no more.
    /// - Returns: what is missing, or the divergence of before.
    func finish() -> Divergence? {
        if isComplete || divergence != nil { return divergence }
        guard let missing = exchanges.dropFirst().first(where: { !$0.isOver }) else {
            return received.isEmpty
                ? nil : Divergence(line: exchanges[current].line, reason: .unexpected, expected: "", actual: received)
        }
        return Divergence(
            line: missing.line, reason: .impossible("the host ended before it sent this"),
            expected: Payload.escaped(missing.host), actual: received)
    }

    // MARK: The host's bytes

    /// Finds the exchange that the host has begun.
    /// - Returns: whether there is one.
    private mutating func beginExchange() -> Bool {
        guard !received.isEmpty else { return false }
        var isPossible = false
        for offset in 1..<max(2, exchanges.count) {
            let index = (current + offset) % exchanges.count
            guard index != 0, !exchanges[index].isOver else { continue }
            let expected = exchanges[index].host
            if received.starts(with: expected) {
                received.removeFirst(expected.count)
                exchanges[index].isOver = true
                current = index
                nextStep = 0
                return true
            }
            isPossible = isPossible || expected.starts(with: received)
            if strictness == .strict { break }
        }
        guard !isPossible else { return false }
        let next = exchanges.dropFirst().first { !$0.isOver }
        diverge(from: next?.host ?? [], line: next?.line ?? exchanges[exchanges.count - 1].line)
        return false
    }

    /// Compares what waits with all that the host is still to send.
    private mutating func comparePending() {
        guard divergence == nil else { return }
        var rest = received[...]
        for exchange in exchanges.dropFirst() where !exchange.isOver && !rest.isEmpty {
            let part = rest.prefix(exchange.host.count)
            guard exchange.host.starts(with: part) else {
                received = Array(rest)
                return diverge(from: exchange.host, line: exchange.line)
            }
            rest = rest.dropFirst(part.count)
        }
        if !rest.isEmpty {
            received = Array(rest)
            diverge(from: [], line: exchanges[exchanges.count - 1].line)
        }
    }

    private mutating func diverge(from expected: [UInt8], line: Int) {
        let offset = zip(expected, received).prefix { $0 == $1 }.count
        divergence = Divergence(
            line: line, reason: expected.isEmpty ? .unexpected : .differs(at: offset),
            expected: Payload.escaped(expected),
            actual: received)
    }
}

extension Payload.Placeholder.Kind {
    /// What stands in its place where no module says it.
    fileprivate var example: String {
        switch self {
        case .ip: "10.0.2.15"
        case .port: "49152"
        case .mac: "02:00:00:00:00:01"
        case .n: "1"
        case .text: "text"
        }
    }
}

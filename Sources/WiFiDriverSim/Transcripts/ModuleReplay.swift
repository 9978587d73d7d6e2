import WiFiSimValues

/// Plays the module's side of a transcript to a host. Sans-IO.
///
/// The host's bytes go in through `receive`, time through `advance`, and the module's bytes come out of `takeOutput`.
/// Call `advance` when `nextDeadline` has passed, and `finish` when the host has ended. Time only moves forward.
package struct ModuleReplay {
    package enum Strictness: Sendable {
        /// The host's bytes must come in the transcript's order, and the module's pauses take their time.
        case strict
        /// The host may send its lines in any order, and nothing takes time.
        case loose
    }

    /// Bytes of the host, and the module's answer up to the host's next bytes.
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
    /// The first exchange has no bytes of the host: it holds what the module sends on its own at the start.
    private var exchanges: [Exchange] = [Exchange()]
    /// The index of the exchange in progress, the index of its next step, and when that step is due.
    private var current = 0
    private var nextStep = 0
    private var resumeAt: Instant?
    /// Bytes of the host that no exchange has taken yet.
    private var received: [UInt8] = []
    private var output: [UInt8] = []
    private(set) var divergence: Divergence?

    /// Makes a replay of a transcript.
    /// - Throws: `Divergence` if the module's bytes cannot be reproduced, for example data of which the transcript only
    ///   holds the digest.
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
                case .baud, .reset, .pin, .power, .peer, .name, .world: break
                }
            } catch {
                throw Divergence(line: line, reason: .impossible(error.reason), expected: "", actual: [])
            }
        }
    }

    private mutating func append(_ step: Step) { exchanges[exchanges.count - 1].answer.append(step) }

    /// True if all lines have been played.
    var isComplete: Bool {
        divergence == nil && received.isEmpty && isAnswered && exchanges.dropFirst().allSatisfy(\.isOver)
    }

    private var isAnswered: Bool { nextStep == exchanges[current].answer.count }

    /// When `advance` has something to do; `nil` if there is nothing.
    var nextDeadline: Instant? { resumeAt }

    /// Takes bytes from the host.
    mutating func receive(_ bytes: [UInt8], at now: Instant) {
        guard divergence == nil else { return }
        received += bytes
        advance(to: now)
        // Report a wrong byte at once, even in the middle of an answer.
        if strictness == .strict { comparePending() }
    }

    /// Produces the output that is due by `now`.
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

    /// Takes the bytes for the host.
    mutating func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }

    /// Ends the replay: the host sends no more.
    /// - Returns: the first divergence, or what the host should still have sent; `nil` if the replay is complete.
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

    /// Finds the exchange that the received bytes begin.
    /// - Returns: false if there is none yet.
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

    /// Compares the received bytes with all that the host still has to send.
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
    /// The value that a replay sends for an unbound placeholder.
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

import WiFiSimValues

/// The host's end of a module's line, for a transcript to be played on.
protocol TranscriptLine: AnyObject {
    /// The time on the line's clock.
    var now: Instant { get }
    func send(_ bytes: [UInt8])
    /// Takes the module's output since the last call.
    func takeBytes() -> [UInt8]
    /// Lets time pass until there may be output, but not past `end`.
    /// - Returns: false if `end` was reached first.
    func wait(until end: Instant) -> Bool
}

/// Compares a module's output with the lines of a transcript.
final class ModuleListener {
    let line: any TranscriptLine
    /// How long to wait for a line that has no time window.
    let patience: Duration
    /// The values that placeholders have so far.
    var bindings: Payload.Bindings = [:]
    /// When the previous event happened.
    var lastEvent: Instant
    /// The module's output; the bytes from `saidHead` on are not matched yet.
    private var said: [UInt8] = []
    private var saidHead = 0

    init(_ line: any TranscriptLine, patience: Duration) {
        self.line = line
        self.patience = patience
        lastEvent = line.now
    }

    /// The number of output bytes that are not matched yet.
    var unsaid: Int { said.count - saidHead }

    func collect() {
        let bytes = line.takeBytes()
        if bytes.isEmpty { return }
        if saidHead == said.count {
            said = bytes
            saidHead = 0
        } else {
            said += bytes
        }
    }

    func run(for duration: Duration) {
        let end = line.now + duration
        collect()
        while line.wait(until: end) { collect() }
        collect()
    }

    /// Throws if there is output that no line has matched.
    func expectNothing(at number: Int) throws(Divergence) {
        collect()
        guard unsaid == 0 else {
            throw Divergence(line: number, reason: .unexpected, expected: "", actual: Array(said[saidHead...]))
        }
    }

    /// Waits until the output has matched all of these, in any order.
    func expect(_ items: [Transcript.Expectation], at number: Int) throws(Divergence) {
        var items = items
        while !items.isEmpty {
            collect()
            var isPossible = false
            var furthest = 0
            var matched = false
            for (index, item) in items.enumerated() {
                switch item.payload.match(said, from: saidHead, bindings: bindings) {
                case .matched(let count, let newBindings):
                    let elapsed = line.now - lastEvent
                    if let window = item.window, !window.contains(elapsed) {
                        throw Divergence(
                            line: item.number == 0 ? number : item.number, reason: .outOfTime(elapsed),
                            expected: item.description, actual: Array(said[saidHead..<saidHead + count]))
                    }
                    saidHead += count
                    bindings = newBindings
                    items.remove(at: index)
                    matched = true
                case .partial: isPossible = true
                case .differs(let offset): furthest = max(furthest, offset)
                }
                if matched { break }
            }
            if matched { continue }
            let expected = items.map { $0.payload.description }.joined(separator: "  or  ")
            guard isPossible else {
                throw Divergence(
                    line: number, reason: .differs(at: furthest), expected: expected, actual: Array(said[saidHead...]))
            }
            let limit = items.compactMap { $0.window?.latest }.min() ?? patience
            guard line.wait(until: lastEvent + limit) else {
                throw Divergence(
                    line: number, reason: .silence(limit), expected: expected, actual: Array(said[saidHead...]))
            }
        }
    }

    /// Takes the output that no line has matched.
    func takeSaid() -> [UInt8] {
        collect()
        defer { saidHead = said.count }
        return Array(said[saidHead...])
    }

    /// Lets time pass, and throws if there is output.
    func expectSilence(for duration: Duration, at number: Int) throws(Divergence) {
        try expectNothing(at: number)
        let end = line.now + duration
        repeat { collect() } while unsaid == 0 && line.wait(until: end)
        try expectNothing(at: number)
    }
}

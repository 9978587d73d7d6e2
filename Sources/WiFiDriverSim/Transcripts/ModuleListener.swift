import WiFiSimValues

/// The host's end of a module's line, for a transcript to be played on.
protocol TranscriptLine: AnyObject {
    /// The time on the line's clock.
    var now: Instant { get }
    func send(_ bytes: [UInt8])
    /// What the module has said since the last call.
    func takeBytes() -> [UInt8]
    /// Lets time pass until the module may have said something, at most until `end`.
    /// - Returns: whether that was before the end.
    func wait(until end: Instant) -> Bool
}

/// Listens to a module and compares what it says.
final class ModuleListener {
    let line: any TranscriptLine
    /// How long the module may take over a line without a time window.
    let patience: Duration
    /// What placeholders stand for by now.
    var bindings: Payload.Bindings = [:]
    /// When the event before came about.
    var lastEvent: Instant
    /// What the module has said and no line of the transcript has taken.
    private var said: [UInt8] = []
    private var saidHead = 0

    init(_ line: any TranscriptLine, patience: Duration) {
        self.line = line
        self.patience = patience
        lastEvent = line.now
    }

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

    /// The module must have said nothing that the lines so far did not take.
    func expectNothing(at number: Int) throws(Divergence) {
        collect()
        guard unsaid == 0 else {
            throw Divergence(line: number, reason: .unexpected, expected: "", actual: Array(said[saidHead...]))
        }
    }

    /// Waits until the module has said all of these, in any order.
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

    /// What was said and not taken, which is taken so.
    func takeSaid() -> [UInt8] {
        collect()
        defer { saidHead = said.count }
        return Array(said[saidHead...])
    }

    /// Lets time pass in which the module says nothing.
    func expectSilence(for duration: Duration, at number: Int) throws(Divergence) {
        try expectNothing(at: number)
        let end = line.now + duration
        repeat { collect() } while unsaid == 0 && line.wait(until: end)
        try expectNothing(at: number)
    }
}

import WiFiSimValues

/// Name queries and pings, and their answers, that a fault holds back.
struct HeldQueries {
    enum Step {
        case ask(NetworkRequest)
        case answer(NetworkEvent)
    }

    private var entries: [(query: QueryID, due: Instant, step: Step, cause: NetworkFault?)] = []

    var isEmpty: Bool { entries.isEmpty }
    var nextDue: Instant? { entries.lazy.map(\.due).min() }

    /// Holds a step until `due`, because of a fault or, if that is `nil`, of the latency.
    mutating func hold(_ step: Step, of query: QueryID, until due: Instant, because cause: NetworkFault? = nil) {
        entries.append((query, due, step, cause))
    }

    mutating func cancel(_ query: QueryID) { entries.removeAll { $0.query == query } }

    /// Removes the earliest step that is due by `now`.
    mutating func popFirst(dueBy now: Instant) -> (query: QueryID, step: Step)? {
        guard let due = nextDue, due <= now, let index = entries.firstIndex(where: { $0.due == due })
        else { return nil }
        let entry = entries.remove(at: index)
        return (entry.query, entry.step)
    }

    /// Makes due at `now` what these faults do not hold.
    /// - Parameters:
    ///   - now: the time.
    ///   - faults: the faults that there are now.
    ///   - keepsLatency: whether the latency is as it was.
    mutating func release(at now: Instant, faults: [NetworkFault], keepsLatency: Bool) {
        for index in entries.indices {
            let isHeld = entries[index].cause.map(faults.contains) ?? (keepsLatency && !faults.isEmpty)
            if !isHeld { entries[index].due = min(entries[index].due, now) }
        }
    }
}

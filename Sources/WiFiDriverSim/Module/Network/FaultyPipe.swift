import WiFiSimValues

/// What the faults of one direction of a connection amount to.
struct PathConditions: Equatable {
    var latency = Duration.zero
    /// The longest random addition to the latency.
    var jitter = Duration.zero
    /// How much longer than data the end of a connection takes.
    var closeDelay = Duration.zero
    /// `nil` is no limit.
    var bytesPerSecond: Int?
    var slice: Slice?
    /// Nothing arrives, except that the connection is made.
    var isStopped = false

    struct Slice: Equatable {
        let bytes: Int
        let delay: Duration
    }

    /// A latency with its jitter.
    func drawLatency(_ random: inout SeededGenerator) -> Duration {
        guard jitter > .zero else { return latency }
        return latency + .nanoseconds(Int64.random(in: 0...jitter.nanoseconds, using: &random))
    }

    /// The time that the bandwidth gives to `count` bytes; `nil` if there is no limit.
    fileprivate func transmissionTime(of count: Int) -> Duration? {
        guard let bytesPerSecond, count > 0 else { return nil }
        let (whole, rest) = (count * 1_000_000_000).quotientAndRemainder(dividingBy: bytesPerSecond)
        return .nanoseconds(whole + (rest > 0 ? 1 : 0))
    }
}

/// One direction of a faulty connection: what has been sent and has not arrived.
///
/// Content waits until the bandwidth lets it depart, is then under way for the latency, and leaves a stream in slices.
/// It keeps its order. Call `append`, then `depart` and `popFirst` until that returns `nil`, and both again at `nextDue`.
/// Sans-IO: the time is a parameter and only moves forward.
struct FaultyPipe<Signal> {
    enum Content {
        /// A part of a stream.
        case bytes(ArraySlice<UInt8>)
        /// A datagram, and its sender or target.
        case datagram([UInt8], Endpoint?)
        /// Makes the connection.
        case opening(Signal)
        /// Ends the connection.
        case closing(Signal)

        /// In bytes.
        fileprivate var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .datagram(let bytes, _): bytes.count
            case .opening, .closing: 0
            }
        }

        fileprivate func closeDelay(_ conditions: PathConditions) -> Duration {
            if case .closing = self { conditions.closeDelay } else { .zero }
        }

        /// The part that departs at once, and what stays. Only a stream is divided.
        fileprivate func split(_ conditions: PathConditions) -> (part: Content, rest: Content?) {
            guard case .bytes(let bytes) = self, let rate = conditions.bytesPerSecond else { return (self, nil) }
            let length = max(1, rate / FaultyPipe.partsPerSecond)
            guard length < bytes.count else { return (self, nil) }
            return (.bytes(bytes.prefix(length)), .bytes(bytes.dropFirst(length)))
        }
    }

    /// What has not departed, since when it waits, and how long it takes besides.
    private var waiting = Queue<(content: Content, since: Instant, extra: Duration)>()
    private var underWay = Queue<(content: Content, at: Instant)>()
    private var bytesUnderWay = 0
    /// The datagram that the next one overtakes.
    private var overtaken: (content: Content, until: Instant)?
    private var lastDeparture = Instant.zero
    private var lastArrival = Instant.zero
    private var nextSlice = Instant.zero

    /// How long an overtaken datagram waits for the next one.
    private static var patience: Duration { .milliseconds(100) }
    /// A stream departs in parts of a second, so that a low bandwidth still lets it flow.
    private static var partsPerSecond: Int { 50 }

    var isEmpty: Bool { waiting.isEmpty && underWay.isEmpty && overtaken == nil }

    /// True while something has not departed. Until then its sender is held back.
    var isWaiting: Bool { !waiting.isEmpty }

    /// The other end of the datagram that departs next.
    var nextPeer: Endpoint? {
        guard case .datagram(_, let peer)? = waiting.first?.content else { return nil }
        return peer
    }

    // MARK: In

    /// Adds content. It takes `extra` longer than the conditions say.
    mutating func append(_ content: Content, extra: Duration = .zero, at now: Instant) {
        waiting.append((content, now, extra))
        releaseOvertaken(at: now)
    }

    /// Adds a datagram that the next one overtakes. Only one at a time: another one is added as usual.
    mutating func appendOvertaken(_ content: Content, at now: Instant) {
        guard overtaken == nil else { return append(content, at: now) }
        overtaken = (content, now + Self.patience)
    }

    private mutating func releaseOvertaken(at now: Instant) {
        guard let (content, _) = overtaken else { return }
        overtaken = nil
        waiting.append((content, now, .zero))
    }

    // MARK: On the way

    /// Lets depart what the bandwidth permits by `now`, unless `room` bytes or more are under way.
    mutating func depart(
        by now: Instant, _ conditions: PathConditions, room: Int, _ random: inout SeededGenerator
    ) {
        if let until = overtaken?.until, until <= now { releaseOvertaken(at: until) }
        while let (content, since, extra) = waiting.first {
            // Without room the line stands still; it does not catch up later.
            guard bytesUnderWay < room else { return lastDeparture = max(lastDeparture, now) }
            let (part, rest) = content.split(conditions)
            let at = departure(of: part, since: since, conditions) ?? now
            guard at <= now else { return }
            if let rest { waiting.replaceFirst(with: (rest, since, extra)) } else { waiting.removeFirst(1) }
            lastDeparture = at
            let arrival = at + conditions.drawLatency(&random) + part.closeDelay(conditions) + extra
            lastArrival = max(lastArrival, arrival)
            bytesUnderWay += part.count
            underWay.append((part, lastArrival))
        }
    }

    /// When this has passed the bandwidth; `nil` if there is no bandwidth to pass.
    private func departure(of content: Content, since: Instant, _ conditions: PathConditions) -> Instant? {
        conditions.transmissionTime(of: content.count).map { max(since, lastDeparture) + $0 }
    }

    /// The conditions have changed: nothing that is under way takes longer than it would from now on.
    mutating func hasten(at now: Instant, _ conditions: PathConditions) {
        if overtaken != nil { releaseOvertaken(at: now) }
        let latest = now + conditions.latency + conditions.jitter
        let entries = underWay.elements
        underWay = Queue()
        for (content, at) in entries {
            underWay.append((content, min(at, latest + content.closeDelay(conditions))))
        }
        lastArrival = min(lastArrival, latest)
        nextSlice = min(nextSlice, now + (conditions.slice?.delay ?? .zero))
    }

    // MARK: Out

    /// Removes the next content that has arrived by `now`.
    mutating func popFirst(dueBy now: Instant, _ conditions: PathConditions) -> Content? {
        guard let due = arrival(conditions), due <= now, let content = underWay.first?.content else { return nil }
        if case .bytes(let bytes) = content, let slice = conditions.slice {
            nextSlice = now + slice.delay
            if bytes.count > slice.bytes {
                bytesUnderWay -= slice.bytes
                underWay.replaceFirst(with: (.bytes(bytes.dropFirst(slice.bytes)), due))
                return .bytes(bytes.prefix(slice.bytes))
            }
        }
        bytesUnderWay -= content.count
        underWay.removeFirst(1)
        return content
    }

    private func arrival(_ conditions: PathConditions) -> Instant? {
        guard let (content, at) = underWay.first else { return nil }
        switch content {
        case .opening: return at
        case _ where conditions.isStopped: return nil
        case .bytes where conditions.slice != nil: return max(at, nextSlice)
        case .bytes, .datagram, .closing: return at
        }
    }

    /// Drops what has not departed.
    mutating func removeWaiting() { waiting.removeAll() }

    mutating func removeAll() {
        waiting.removeAll()
        underWay.removeAll()
        bytesUnderWay = 0
        overtaken = nil
    }

    /// When to call `depart` and `popFirst` again.
    /// - Parameters:
    ///   - conditions: as for `depart`.
    ///   - room: as for `depart`.
    ///   - isOpen: whether the other end takes what arrives.
    /// - Returns: the time; `nil` is never.
    func nextDue(_ conditions: PathConditions, room: Int, isOpen: Bool) -> Instant? {
        var next = isOpen ? arrival(conditions) : nil
        if let first = waiting.first, bytesUnderWay < room {
            let part = first.content.split(conditions).part
            next = .earlier(next, departure(of: part, since: first.since, conditions) ?? first.since)
        }
        return .earlier(next, overtaken?.until)
    }
}

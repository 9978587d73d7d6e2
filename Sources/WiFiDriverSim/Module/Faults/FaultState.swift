import WiFiSimValues

/// The faults of one module: which are set, how often their moments have come, and what they have done so far.
struct FaultState {
    /// A fault that is set, and how often its moment has come and it has happened.
    struct Entry {
        let fault: Fault
        var seen = 0
        var fired = 0

        /// When it happens, if it waits for a time.
        fileprivate var dueTime: Instant? {
            if case .at(let time) = fault.trigger, seen == 0 { .zero + time } else { nil }
        }
    }

    private(set) var entries: [Entry] = []
    /// Whether the places of a session are reported, for a sweep.
    var tellsPlaces = false { didSet { updateActivity() } }
    /// False while nothing here can have an effect.
    private(set) var isActive = false
    var random = SeededGenerator(0)

    // MARK: The command in progress

    /// The effects that were chosen for the command in progress.
    var chosen: [Fault.Effect] = []
    /// What is being said.
    var phase = Fault.Phase.report
    private var filters: [Fault.Phase: ByteFilter] = [:]
    private(set) var place: FaultPlace?
    private var placeCounts: [String: Int] = [:]
    /// The phases of the command in progress that have been reported as places.
    private var toldPhases: Set<Fault.Phase> = []

    // MARK: What lasts

    /// Every line is refused until then.
    var busyUntil: Instant?
    /// How often the module is to restart before it boots.
    var bootLoops = 0
    var flashIsDamaged = false
    /// Nothing passes on the line until then.
    private var mutedUntil: [LineDirection: Instant] = [:]
    /// Echoed bytes of a line that is not complete.
    var heldEcho: [UInt8] = []
    /// Output that comes later, and when.
    private var late: [(at: Instant, bytes: [UInt8])] = []
    /// Lines that were refused and run all the same.
    var deferred: [[UInt8]] = []
    private var refusedLine: [UInt8] = []
    /// True while changed data are given to a command, which must not be changed again.
    var isGivingData = false

    private mutating func updateActivity() { isActive = tellsPlaces || !entries.isEmpty }

    mutating func add(_ fault: Fault) {
        entries.append(Entry(fault: fault))
        updateActivity()
    }

    /// Clears all faults. Returns the output that they have held back.
    mutating func clear() -> [UInt8] {
        defer {
            let (random, tells) = (random, tellsPlaces)
            let counts = placeCounts
            self = FaultState()
            self.random = random
            placeCounts = counts
            tellsPlaces = tells
        }
        return late.flatMap(\.bytes) + heldEcho
    }

    /// A restart ends what belongs to a command. Late output has left the module.
    mutating func restart() {
        chosen = []
        filters = [:]
        phase = .report
        busyUntil = nil
        heldEcho = []
        deferred = []
        refusedLine = []
        place = nil
    }

    // MARK: Choosing

    /// Notes that a fault's moment has come. Returns whether the fault happens.
    private mutating func comes(_ index: Int, _ occurrence: Fault.Occurrence) -> Bool {
        entries[index].seen += 1
        guard occurrence.includes(entries[index].seen, &random) else { return false }
        entries[index].fired += 1
        return true
    }

    mutating func countFiring(of effect: Fault.Effect) {
        for index in entries.indices where entries[index].fault.effect == effect {
            if case .always = entries[index].fault.trigger { entries[index].seen += 1 }
            entries[index].fired += 1
        }
    }

    /// Chooses the effects for a command line. Returns the faults that happen.
    mutating func begin(_ line: [UInt8]) -> [Fault] {
        var fired: [Fault] = []
        chosen = []
        filters = [:]
        toldPhases = []
        for index in entries.indices {
            guard case .command(let pattern, let occurrence) = entries[index].fault.trigger, pattern.matches(line),
                comes(index, occurrence)
            else { continue }
            fired.append(entries[index].fault)
            chosen.append(entries[index].fault.effect)
        }
        let name = CommandPattern.name(of: line)
        placeCounts[name, default: 0] += 1
        place = FaultPlace(name: name, number: placeCounts[name] ?? 1, phase: .echo)
        return fired
    }

    /// Chooses the effects for a report. Returns the faults that happen.
    mutating func beginReport(_ text: String) -> [Fault] {
        var fired: [Fault] = []
        for index in entries.indices {
            guard case .report(let start, let occurrence) = entries[index].fault.trigger, text.hasPrefix(start),
                comes(index, occurrence)
            else { continue }
            fired.append(entries[index].fault)
        }
        return fired
    }

    /// The place of a report, counted.
    mutating func reportPlace(_ name: String) -> FaultPlace {
        placeCounts["<" + name, default: 0] += 1
        return FaultPlace(name: name, number: placeCounts["<" + name] ?? 1, phase: .report)
    }

    /// The place that the command in progress has reached; `nil` if it was told before, or there is no command.
    mutating func reach(_ phase: Fault.Phase) -> FaultPlace? {
        guard var place, toldPhases.insert(phase).inserted else { return nil }
        place.phase = phase
        return place
    }

    mutating func endCommand() {
        chosen = []
        filters = [:]
        phase = .report
        place = nil
    }

    // MARK: Bytes

    func effects(of phase: Fault.Phase) -> [Fault.ByteEffect] {
        chosen.compactMap { if case .bytes(let effect, phase) = $0 { effect } else { nil } }
    }

    /// How long the begin of a phase is delayed, and takes that delay out of the effects.
    mutating func takeDelay(of phase: Fault.Phase) -> Duration? {
        for (index, effect) in chosen.enumerated() {
            if case .bytes(.delay(let time), phase) = effect {
                chosen.remove(at: index)
                return time
            }
        }
        return nil
    }

    /// Changes bytes of a phase of the command in progress.
    mutating func filter(_ bytes: [UInt8], of phase: Fault.Phase) -> [ByteFilter.Piece] {
        var filter = filters[phase] ?? ByteFilter(effects(of: phase))
        defer { filters[phase] = filter }
        return filter.isEmpty ? [.bytes(bytes)] : filter.pass(bytes, &random)
    }

    /// What follows the last byte of a phase.
    mutating func endFilter(of phase: Fault.Phase) -> [ByteFilter.Piece] {
        var filter = filters.removeValue(forKey: phase)
        return filter?.end() ?? []
    }

    /// Whether a fault concerns the echo, so that the echo waits for the whole line.
    var holdsEcho: Bool {
        tellsPlaces
            || entries.contains {
                switch $0.fault.effect {
                case .bytes(_, of: .echo), .module(_, at: .echo): true
                default: false
                }
            }
    }

    // MARK: Times

    /// When the next fault that waits for a time happens.
    var nextTimed: Instant? { entries.compactMap(\.dueTime).min() }

    /// The faults whose time has come.
    mutating func takeTimed(at now: Instant) -> [Fault] {
        var due: [Fault] = []
        for index in entries.indices where entries[index].dueTime.map({ $0 <= now }) ?? false {
            entries[index].seen += 1
            entries[index].fired += 1
            due.append(entries[index].fault)
        }
        return due
    }

    // MARK: The line

    func isMuted(_ direction: LineDirection, at now: Instant) -> Bool {
        mutedUntil[direction].map { now < $0 } ?? false
    }

    mutating func mute(_ direction: LineDirection?, until end: Instant) {
        for each in direction.map({ [$0] }) ?? [.toHost, .toModule] { mutedUntil[each] = end }
    }

    /// Passes bytes over a line that fails.
    mutating func overLine(_ bytes: [UInt8], _ direction: LineDirection, at now: Instant) -> [UInt8] {
        if isMuted(direction, at: now) { return [] }
        let effects: [Fault.LineEffect] = entries.compactMap { entry in
            guard case .always = entry.fault.trigger, case .line(let effect, let only) = entry.fault.effect,
                only.map({ $0 == direction }) ?? true
            else { return nil }
            return effect
        }
        return effects.isEmpty ? bytes : LineNoise(effects: effects).pass(bytes, &random)
    }

    // MARK: Late output

    var nextDeadline: Instant? { late.first?.at }
    var isLate: Bool { !late.isEmpty }
    /// When output that is said now comes, if earlier output is late.
    var latestOutput: Instant? { late.last?.at }

    mutating func hold(_ bytes: [UInt8], until time: Instant) { late.append((max(time, late.last?.at ?? time), bytes)) }

    mutating func takeLate(at now: Instant) -> [UInt8] {
        let count = late.prefix { $0.at <= now }.count
        defer { late.removeFirst(count) }
        return late[..<count].flatMap(\.bytes)
    }

    // MARK: Refused lines

    /// Notes bytes that are refused while a command runs. A whole line that a fault runs later is kept.
    mutating func noteRefused(_ bytes: Slice<UnsafeRawBufferPointer>) -> [Fault] {
        var fired: [Fault] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                if refusedLine.count < LineBuffer.limit { refusedLine.append(byte) }
                continue
            }
            let line = refusedLine.last == UInt8(ascii: "\r") ? refusedLine.dropLast() : refusedLine
            refusedLine = []
            for index in entries.indices {
                guard case .runLater = entries[index].fault.effect,
                    case .command(let pattern, let occurrence) = entries[index].fault.trigger, pattern.matches(line),
                    comes(index, occurrence)
                else { continue }
                fired.append(entries[index].fault)
                deferred.append(line)
            }
        }
        return fired
    }
}

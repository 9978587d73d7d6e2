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

    /// Decide which occurrences are chosen, which bytes of a part are changed, and what the line does with each byte of
    /// a direction. There is one for each, so that what is chosen does not depend on how the input is divided.
    private var choices = SeededGenerator(0)
    private var changes = SeededGenerator(0)
    private var noise = [LineDirection.toModule: SeededGenerator(0), .toHost: SeededGenerator(0)]

    // MARK: The command in progress

    /// The effects that were chosen for the command in progress.
    private(set) var chosen: [Fault.Effect] = []
    /// What is being said.
    var phase = Fault.Phase.report
    private var filters: [Fault.Phase: ByteFilter] = [:]
    /// The data that the host has announced and not sent yet; `.max` without a number.
    var dataLeft = Int.max
    private var place: FaultPlace?
    private var placeCounts: [String: Int] = [:]
    /// The phases of the command in progress that have been reported as places.
    private var toldPhases: Set<Fault.Phase> = []
    /// A failure of the module in the middle of what it says. The module carries it out as soon as it has returned from
    /// there, and until then says nothing.
    var failure: Fault.ModuleEffect?

    // MARK: What lasts

    /// Every line is refused until then.
    var busyUntil: Instant?
    /// How many boots are still to fail; `.max` is all.
    var bootLoops = 0
    var flashIsDamaged = false
    /// Nothing passes on the line until then.
    private var mutedUntil: [LineDirection: Instant] = [:]
    /// Echoed bytes of a line that is not complete.
    private var heldEcho: [UInt8] = []
    /// Output that comes later, and when.
    private var late: [(at: Instant, bytes: [UInt8])] = []
    /// Lines that were refused and run all the same.
    private var deferred: [[UInt8]] = []
    private var refusedLine: [UInt8] = []
    /// Faults of the line whose effects have not been told yet.
    private var untold: [Fault] = []

    private mutating func updateActivity() { isActive = tellsPlaces || !entries.isEmpty }

    /// Determines what is chosen at random.
    mutating func seed(_ seed: UInt64) {
        var seeds = SeededGenerator(seed)
        choices = SeededGenerator(seeds.next())
        changes = SeededGenerator(seeds.next())
        noise[.toModule] = SeededGenerator(seeds.next())
        noise[.toHost] = SeededGenerator(seeds.next())
    }

    mutating func add(_ fault: Fault) {
        entries.append(Entry(fault: fault))
        updateActivity()
    }

    /// Clears all faults. Returns the output that they have held back.
    mutating func clear() -> [UInt8] {
        let held = late.flatMap(\.bytes) + heldEcho
        entries = []
        chosen = []
        filters = [:]
        failure = nil
        busyUntil = nil
        bootLoops = 0
        flashIsDamaged = false
        mutedUntil = [:]
        heldEcho = []
        late = []
        deferred = []
        refusedLine = []
        untold = []
        updateActivity()
        return held
    }

    /// A restart ends what belongs to a command, and what it would have said later if `isAbrupt`.
    mutating func restart(isAbrupt: Bool) {
        endCommand()
        failure = nil
        busyUntil = nil
        heldEcho = []
        deferred = []
        if isAbrupt { late = [] }
    }

    /// Drops what belongs to a line that is not complete.
    mutating func dropLines() {
        heldEcho = []
        refusedLine = []
    }

    // MARK: Choosing

    /// Notes that a fault's moment has come. Returns whether the fault happens.
    private mutating func comes(_ index: Int, _ occurrence: Fault.Occurrence) -> Bool {
        entries[index].seen += 1
        guard occurrence.includes(entries[index].seen, &choices) else { return false }
        entries[index].fired += 1
        return true
    }

    /// Counts an effect of a fault that is always there.
    mutating func countFiring(of effect: Fault.Effect) {
        for index in entries.indices where entries[index].fault == Fault(.always, effect) {
            entries[index].seen += 1
            entries[index].fired += 1
        }
    }

    /// Chooses the effects for a command line. Returns the faults that happen.
    mutating func begin(_ line: [UInt8]) -> [Fault] {
        endCommand()
        var fired: [Fault] = []
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
            guard case .report(let name, let occurrence) = entries[index].fault.trigger,
                text.hasPrefix(name.first == "+" ? String(name.dropFirst()) : name), comes(index, occurrence)
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

    /// Whether the command in progress is refused as busy.
    var refusesCommand: Bool {
        chosen.contains {
            switch $0 {
            case .busy, .runLater: true
            default: false
            }
        }
    }

    /// How the module fails when the command in progress reaches a phase; `nil` is before the command runs.
    func failure(at phase: Fault.Phase?) -> Fault.ModuleEffect? {
        for case .module(let effect, phase) in chosen where effect.stopsModule { return effect }
        return nil
    }

    mutating func endCommand() {
        chosen = []
        filters = [:]
        phase = .report
        dataLeft = .max
        place = nil
        toldPhases = []
        refusedLine = []
    }

    // MARK: Bytes

    func effects(of phase: Fault.Phase) -> [Fault.ByteEffect] {
        chosen.compactMap { if case .bytes(let effect, phase) = $0 { effect } else { nil } }
    }

    /// How long the begin of a phase is delayed that has not begun. Takes that delay out of the effects.
    mutating func takeDelay(of phase: Fault.Phase) -> Duration {
        guard filters[phase] == nil else { return .zero }
        var sum = Duration.zero
        chosen.removeAll { effect in
            guard case .bytes(.delay(let time), phase) = effect else { return false }
            sum += time
            return true
        }
        return sum
    }

    /// Changes bytes of a phase of the command in progress.
    mutating func filter(_ bytes: [UInt8], of phase: Fault.Phase) -> [ByteFilter.Piece] {
        var filter = filters[phase] ?? ByteFilter(effects(of: phase), extent(of: phase))
        defer { filters[phase] = filter }
        return filter.isEmpty ? [.bytes(bytes)] : filter.pass(bytes, &changes)
    }

    /// Changes the bytes of a report.
    mutating func filter(report bytes: [UInt8], _ effects: [Fault.ByteEffect]) -> [ByteFilter.Piece] {
        var filter = ByteFilter(effects)
        return filter.pass(bytes, &changes) + filter.end(&changes)
    }

    private func extent(of phase: Fault.Phase) -> ByteFilter.Extent {
        switch phase {
        // Between OK and the prompt itself.
        case .prompt: ByteFilter.Extent(middle: "\r\nOK\r\n".utf8.count)
        case .data where dataLeft == .max: ByteFilter.Extent(middle: 1, isEndless: true)
        case .data: ByteFilter.Extent(middle: dataLeft / 2)
        case .echo, .answer, .result, .report: ByteFilter.Extent()
        }
    }

    /// What follows the last byte of a phase.
    mutating func endFilter(of phase: Fault.Phase) -> [ByteFilter.Piece] {
        var filter = filters.removeValue(forKey: phase)
        return filter?.end(&changes) ?? []
    }

    // MARK: The echo

    /// Whether a fault concerns the echo, so that the echo waits for the whole line. A line that is refused is not
    /// echoed by every firmware.
    var holdsEcho: Bool {
        tellsPlaces
            || entries.contains {
                switch $0.fault.effect {
                case .bytes(_, of: .echo), .module(_, at: .echo), .busy, .runLater: true
                default: false
                }
            }
    }

    mutating func holdEcho(_ bytes: [UInt8]) { heldEcho += bytes }

    mutating func takeEcho() -> [UInt8] {
        defer { heldEcho = [] }
        return heldEcho
    }

    // MARK: Times

    func isBusy(at now: Instant) -> Bool { busyUntil.map { now < $0 } ?? false }

    /// When the next fault that waits for a time happens.
    private var nextTimed: Instant? { entries.compactMap(\.dueTime).min() }

    /// When the next fault that waits for a time happens, or late output comes.
    var nextDeadline: Instant? { .earlier(late.first?.at, nextTimed) }

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

    private func isMuted(_ direction: LineDirection, at now: Instant) -> Bool {
        mutedUntil[direction].map { now < $0 } ?? false
    }

    mutating func mute(_ direction: LineDirection?, until end: Instant) {
        for each in direction.map({ [$0] }) ?? [.toHost, .toModule] { mutedUntil[each] = end }
    }

    /// Passes bytes over a line that may fail.
    mutating func overLine(_ bytes: [UInt8], _ direction: LineDirection, at now: Instant) -> [UInt8] {
        if isMuted(direction, at: now) { return [] }
        let noisy = entries.indices.filter { index in
            guard case .always = entries[index].fault.trigger, case .line(_, let only) = entries[index].fault.effect
            else { return false }
            return only.map { $0 == direction } ?? true
        }
        guard !noisy.isEmpty, var random = noise[direction] else { return bytes }
        defer { noise[direction] = random }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for byte in bytes {
            var copies = [byte]
            for index in noisy {
                guard case .line(let effect, _) = entries[index].fault.effect else { continue }
                entries[index].seen += 1
                if effect.change(&copies, &random) { countNoise(index) }
            }
            result += copies
        }
        return result
    }

    /// Counts a byte that the line has changed. Of many, the 1st, 2nd, 4th, 8th and so on are told.
    private mutating func countNoise(_ index: Int) {
        entries[index].fired += 1
        let count = entries[index].fired
        if count & (count - 1) == 0 { untold.append(entries[index].fault) }
    }

    mutating func takeUntold() -> [Fault] {
        defer { untold = [] }
        return untold
    }

    // MARK: Late output

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
                break
            }
        }
        return fired
    }

    /// The next line that was refused and runs all the same.
    mutating func takeDeferred() -> [UInt8]? { deferred.isEmpty ? nil : deferred.removeFirst() }
}

extension Fault.ModuleEffect {
    /// Whether the module does not go on after it.
    var stopsModule: Bool {
        switch self {
        case .restart, .bootLoop, .hang: true
        case .forgetFlash, .damageFlash: false
        }
    }
}

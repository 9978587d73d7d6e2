import Dispatch
import FoundationEssentials
import Glibc
import Synchronization
import WiFiDriverSim

extension CommandLineTool {
    static let sweepCommand = Subcommand(
        name: "sweep", summary: "tries every fault at every place of a command's session",
        help: """
            Usage: wifisim sweep [OPTION…] -- COMMAND [ARGUMENT…]
                   wifisim sweep --merge -o FOLDER RESULTS…

            Runs COMMAND once with a module, as wifisim exec does, and notes the places of its session: the parts of
            each command's exchange, and each report. Then it runs COMMAND once for each fault at each place. A run has
            passed (status 0), failed (another status), crashed (a signal, a sanitizer), hung (longer than --limit), or
            is wrong (status 0, but not the output of --expect).

            FOLDER gets index.html (places and faults as a matrix), results.json, junit.xml, and the transcript of each
            run that did not pass. For each bad run, the command that repeats it is printed. The exit status is 1 if
            a run is in --fail-on. After Ctrl-C, the results so far are kept; --resume goes on from there.

            Faults: \(CatalogueFault.names.joined(separator: ", "))

            Examples:
              wifisim sweep --speed max --boot instant -- ./my_test
              wifisim sweep --faults restart,hang --only CIPSEND -- python3 my_test.py
              wifisim sweep --shard 1/4 -o sweep1 -- ./my_test
            """,
        options: OptionSet(
            options: [
                Option("-o", "FOLDER", "the folder for the results; default: sweep"),
                Option("--faults", "NAME,…", "tries these faults only"),
                Option("--only", "TEXT", "tries places only whose title contains TEXT, such as \"CIPSEND 2\""),
                Option("--sample", "N", "tries N runs, chosen by --sample-seed"),
                Option("--sample-seed", "S", "determines the sample; default: 0"),
                Option("--jobs", "N", "runs at a time, 1 to 64; default: one for each processor"),
                Option("--limit", "TIME", "the longest time of a run; default: 5 times the first run, at least 2s"),
                Option("--expect", "FILE", "the standard output of a run that has passed"),
                Option("--fail-on", "OUTCOME,…", "outcomes that make the exit status 1; default: crashed,hung,wrong"),
                Option("--resume", nil, "leaves out runs whose results FOLDER has"),
                Option("--shard", "I/N", "tries the I-th of N parts, counted from 1"),
                Option("--merge", nil, "makes one result of those of several shards (their results.jsonl)"),
            ] + SimulatorArguments.options.filter { !["--count", "--link", "--control", "--log"].contains($0.name) },
            command: "COMMAND", operands: "RESULTS")
    ) { parsed in
        let sweep = try Sweep(parsed)
        return try parsed.has("--merge") ? sweep.merge(parsed.operands) : sweep.run()
    }
}

/// One sweep, from its options to its results.
private struct Sweep {
    private let parsed: ParsedOptions
    private let folder: String
    private let faults: [CatalogueFault]
    private let failing: Set<SweepOutcome>
    private let jobs: Int
    private let shard: (index: Int, count: Int)

    init(_ parsed: ParsedOptions) throws {
        self.parsed = parsed
        folder = parsed.string("-o") ?? "sweep"
        let names = parsed.string("--faults").map { $0.split(separator: ",").map(String.init) } ?? CatalogueFault.names
        if let unknown = names.first(where: { !CatalogueFault.names.contains($0) }) {
            throw UsageError(
                "--faults: there is no fault \"\(unknown)\"",
                hint: "Faults: \(CatalogueFault.names.joined(separator: ", "))")
        }
        faults = CatalogueFault.all.filter { names.contains($0.name) }
        let outcomes = (parsed.string("--fail-on") ?? "crashed,hung,wrong").split(separator: ",")
        failing = Set(
            try outcomes.map { text in
                guard let outcome = SweepOutcome(rawValue: String(text)) else {
                    throw UsageError(
                        "--fail-on: \"\(text)\" is not \(SweepOutcome.allCases.map(\.rawValue).joined(separator: ", "))"
                    )
                }
                return outcome
            } + [.broken])
        jobs = try parsed.integer("--jobs", 1...64) ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        shard = try Self.shard(parsed.string("--shard"))
    }

    private static func shard(_ text: String?) throws -> (index: Int, count: Int) {
        guard let text else { return (1, 1) }
        let parts = text.split(separator: "/").map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1], count >= 1, 1...count ~= index else {
            throw UsageError("--shard \(text): must be like 1/4, from 1/4 to 4/4")
        }
        return (index, count)
    }

    // MARK: Running

    func run() throws -> Int32 {
        guard !parsed.command.isEmpty else {
            throw UsageError("sweep needs a command after --", hint: "Try: wifisim sweep -- COMMAND")
        }
        guard parsed.operands.isEmpty else {
            throw UsageError("sweep has no argument \"\(parsed.operands[0])\"; the command follows --")
        }
        _ = try SimulatorArguments.simulatorOptions(from: parsed)
        try Folder.makeIfMissing(folder)
        try Folder.makeIfMissing("\(folder)/cells")
        let stop = StopFlag()
        let expected = try parsed.string("--expect").map { try Files.read($0) }
        let runner = SweepRunner(
            program: try Self.ownPath(), options: execOptions, command: parsed.command, folder: folder,
            expected: expected, hasOwnAddresses: jobs > 1 && !parsed.has("--host-address"),
            isStopped: { stop.isSet })
        let (cells, limit) = try plan(runner)
        var results = parsed.has("--resume") ? SweepResults.read("\(folder)/results.jsonl") : []
        let done = Set(results.map(\.index))
        let left = cells.filter { !done.contains($0.index) }
        let log = try SweepLog("\(folder)/results.jsonl", appends: parsed.has("--resume"))
        Console.printError("wifisim: \(left.count) runs, \(jobs) at a time, each \(limit.roundedText) at most")
        results += try carryOut(left, runner, limit, log, stop)
        results.sort { $0.index < $1.index }
        let status = try conclude(results)
        return stop.isSet ? 130 : status
    }

    /// The options that were given, for `wifisim exec`.
    private var execOptions: [String] {
        SimulatorArguments.options.flatMap { option in
            parsed.all(option.name).flatMap { option.value == nil ? [option.name] : [option.name, $0] }
        }
    }

    private static func ownPath() throws(SystemError) -> String {
        guard let path = Files.linkTarget("/proc/self/exe") else { throw SystemError("find this program") }
        return path
    }

    /// Runs the command without faults, and makes the cells of its places.
    private func plan(_ runner: SweepRunner) throws -> (cells: [SweepCell], limit: Duration) {
        let placesPath = "\(folder)/places.txt"
        let base = try runner.run("base", job: 0, extra: ["--places", placesPath], limit: .seconds(600))
        switch base.ending {
        case .timedOut: throw SweepError(description: "without faults, the command does not end within 10 minutes")
        case .exited(0): break
        case .exited(let status):
            throw SweepError(
                description: "without faults, the command ends with status \(status): \(base.errors.suffix(500))")
        }
        if let expected = runner.expected, base.output != expected {
            throw SweepError(description: "without faults, the command's output is not that of --expect")
        }
        let places = try PlaceList.read(placesPath)
        guard !places.isEmpty else {
            throw SweepError(description: "the command has sent nothing to the module; does it use WIFISIM_TTY?")
        }
        let limit: Duration
        if let text = parsed.string("--limit") {
            guard let time = Duration(text: text), time > .zero else {
                throw UsageError("--limit \(text): must be a time such as 10s")
            }
            limit = time
        } else {
            limit = max(.seconds(2), .milliseconds(Int64(base.seconds * 5000)))
        }
        return (try choose(places), limit)
    }

    /// The cells that the options choose.
    private func choose(_ places: [FaultPlace]) throws -> [SweepCell] {
        var cells: [SweepCell] = []
        for place in places {
            for fault in faults where fault.phases.contains(place.phase) {
                cells.append(SweepCell(index: cells.count, place: place, fault: fault))
            }
        }
        if let text = parsed.string("--only") {
            cells = cells.filter { $0.place.title.contains(text) }
            guard !cells.isEmpty else {
                let titles = places.map(\.title).joined(separator: "\n  ")
                throw UsageError("--only \(text): no place has this in its title", hint: "Places:\n  \(titles)")
            }
        }
        if let count = try parsed.integer("--sample", 1...1_000_000) {
            let seed = UInt64(try parsed.integer("--sample-seed", 0...Int.max) ?? 0)
            var random = SeededGenerator(seed)
            cells = Array(cells.shuffled(using: &random).prefix(count)).sorted { $0.index < $1.index }
        }
        return cells.enumerated().filter { $0.offset % shard.count == shard.index - 1 }.map(\.element)
    }

    private func carryOut(
        _ cells: [SweepCell], _ runner: SweepRunner, _ limit: Duration, _ log: SweepLog, _ stop: StopFlag
    ) throws -> [SweepResult] {
        let next = Atomic(0)
        let results = Mutex<[SweepResult]>([])
        let start = ContinuousClock.now
        let showsProgress = isatty(STDERR_FILENO) == 1
        stop.watch()
        DispatchQueue.concurrentPerform(iterations: min(jobs, max(1, cells.count))) { job in
            while !stop.isSet {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < cells.count else { return }
                let result = runner.run(cells[index], job: job, limit: limit)
                if stop.isSet { return }
                log.add(result)
                let count = results.withLock { results in
                    results.append(result)
                    return results.count
                }
                guard showsProgress else { continue }
                let elapsed = ContinuousClock.now - start
                let left = elapsed / count * (cells.count - count)
                Console.printProgress("\(count) of \(cells.count), about \(left.roundedText) left")
            }
        }
        if showsProgress { Console.printProgress("") }
        return results.withLock { $0 }
    }

    // MARK: Results

    func merge(_ paths: [String]) throws -> Int32 {
        guard !paths.isEmpty else { throw UsageError("--merge needs the results.jsonl of each shard") }
        try Folder.makeIfMissing(folder)
        var byIndex: [Int: SweepResult] = [:]
        for path in paths {
            _ = try Files.read(path)
            for result in SweepResults.read(path) { byIndex[result.index] = result }
        }
        return try conclude(byIndex.values.sorted { $0.index < $1.index })
    }

    /// Writes and prints the results.
    private func conclude(_ results: [SweepResult]) throws -> Int32 {
        let page = SweepPage(results: results, repeating: repeating)
        try Files.write(Array(page.html.utf8), to: "\(folder)/index.html")
        try Files.write(Array(page.junit.utf8), to: "\(folder)/junit.xml")
        try Files.write(Array(JSONEncoder.sorted.encode(results)), to: "\(folder)/results.json")
        for result in results where failing.contains(result.outcome) {
            Console.print("\(result.outcome.rawValue): \(repeating(result))")
        }
        let counts = SweepOutcome.allCases.compactMap { outcome in
            let count = results.count { $0.outcome == outcome }
            return count == 0 ? nil : "\(count) \(outcome.rawValue)"
        }
        Console.print("\(results.count) runs: \(counts.joined(separator: ", ")); see \(folder)/index.html")
        return results.contains { failing.contains($0.outcome) } ? EXIT_FAILURE : 0
    }

    /// The command that repeats a run.
    private func repeating(_ result: SweepResult) -> String {
        let words = ["wifisim", "exec"] + execOptions + ["--fault", result.sentence, "--"] + parsed.command
        return words.map(\.shellQuoted).joined(separator: " ")
    }
}

/// A sweep that cannot begin.
private struct SweepError: Error, CustomStringConvertible {
    let description: String
}

/// Set by the signals that end a sweep.
private final class StopFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }

    /// Waits for a signal on a thread of its own.
    func watch() {
        var mask = sigset_t()
        sigemptyset(&mask)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&mask, signal) }
        pthread_sigmask(SIG_BLOCK, &mask, nil)
        let signals = mask
        // Without the thread, a signal would end the sweep only after all runs.
        try? Thread { [self] in
            var signals = signals
            var received: Int32 = 0
            sigwait(&signals, &received)
            flag.store(true, ordering: .relaxed)
        }.start()
    }
}

extension String {
    /// The word for a shell, in quotes if it needs them.
    fileprivate var shellQuoted: String {
        let isPlain =
            !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "-_./=:,+@%".utf8.contains(byte)
                }
            }
        return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
    }
}

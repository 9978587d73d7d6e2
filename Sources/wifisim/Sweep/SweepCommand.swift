import WiFiDriverSim

extension CommandLineTool {
    static let sweepCommand = Subcommand(
        name: "sweep", summary: "tries every fault at every place of a command's session",
        help: """
            Usage: wifisim sweep [OPTION…] -- COMMAND [ARGUMENT…]
                   wifisim sweep --merge -o FOLDER RESULTS…

            Runs COMMAND twice with a module, as wifisim exec does, and notes the places of its session: the parts of
            each command's exchange, and each report. Then it runs COMMAND once for each fault at each place. A run has
            passed (status 0), failed (another status), crashed (a signal, a sanitizer), hung (longer than --limit), or
            is wrong (status 0, but not the output of --expect).

            FOLDER gets index.html (places and faults as a matrix), results.json, junit.xml, and the transcript of each
            run that did not pass. For each bad run, the command that repeats it is printed. The exit status is 1 if
            a run is in --fail-on. After Ctrl-C, the results so far are kept; the same command with --resume goes on.
            docs/Sweep.md has more.

            Faults: \(CatalogueFault.names.joined(separator: ", "))

            Examples:
              wifisim sweep --speed max --boot instant -- ./my_test
              wifisim sweep --faults restart,hang --only "CIPSEND 2" -- python3 my_test.py
              wifisim sweep --shard 1/4 -o sweep1 -- ./my_test
              wifisim sweep --merge -o sweep sweep1/results.jsonl sweep2/results.jsonl
            """,
        options: OptionSet(
            options: SweepOptions.own
                + SimulatorArguments.options.filter { !SweepOptions.hidden.contains($0.name) && $0.name != "--seed" },
            command: "COMMAND", operands: "RESULTS")
    ) { parsed in
        parsed.has("--merge") ? try SweepMerge(parsed).run() : try Sweep(SweepOptions(parsed)).run()
    }
}

/// The options of a sweep.
struct SweepOptions {
    let folder: String
    let command: [String]
    /// The options for `wifisim exec`, without `--state`.
    let simulator: [String]
    let statePath: String?
    let speed: LoopSpeed
    let selection: SweepSelection
    let shard: SweepShard
    let jobs: Int
    /// The longest time of a run; `nil` depends on the first run.
    let limit: Duration?
    let expected: [UInt8]?
    let failing: Set<SweepOutcome>
    let resumes: Bool
    /// False if the options name an address of the modules, which all runs share.
    let hasOwnAddresses: Bool

    static let own = [
        Option("-o", "FOLDER", "the folder for the results; default: sweep"),
        Option("--faults", "NAME,…", "tries these faults only"),
        Option("--only", "TEXT", "tries places only with TEXT in their title, as \"CIPSEND 2\"; repeatable"),
        Option("--sample", "N", "tries N runs, chosen by --seed"),
        Option("--seed", "N", "determines the sample, and what faults choose at random; default: 0"),
        Option("--jobs", "N", "runs at a time, 1 to 64; default: one for each processor"),
        Option("--limit", "TIME", "the longest time of a run; default: 5 times the first run, at least 5s"),
        Option("--expect", "FILE", "the standard output of a run that has passed"),
        Option("--fail-on", "OUTCOME,…", "what makes the exit status 1, or none; default: crashed,hung,wrong"),
        Option("--resume", nil, "leaves out runs whose results FOLDER has"),
        Option("--shard", "I/N", "tries the I-th of N parts, counted from 1"),
        Option("--merge", nil, "makes one result of those of all shards (their results.jsonl)"),
    ]

    /// Options of the simulator that a sweep does not have: it has one module in each run, and many runs.
    static let hidden: Set = ["--count", "--link", "--control", "--log"]

    init(_ parsed: ParsedOptions) throws {
        guard parsed.operands.isEmpty else {
            throw UsageError("sweep has no argument \"\(parsed.operands[0])\"; the command follows --")
        }
        guard !parsed.command.isEmpty else {
            throw UsageError("sweep needs a command after --", hint: "Try: wifisim sweep -- COMMAND")
        }
        folder = parsed.string("-o") ?? "sweep"
        command = parsed.command
        let modules = try SimulatorArguments.simulatorOptions(from: parsed)
        speed = modules.speed
        statePath = modules.statePath
        simulator = SimulatorArguments.options.filter { $0.name != "--state" }.flatMap { option in
            parsed.all(option.name).flatMap { option.value == nil ? [option.name] : [option.name, $0] }
        }
        selection = try SweepSelection(parsed, seed: modules.seed)
        shard = try SweepShard(parsed)
        jobs = try Self.jobs(parsed, modules)
        hasOwnAddresses = jobs > 1 && !parsed.has("--host-address")
        limit = try parsed.string("--limit").map { text in
            guard let time = Duration(text: text), time > .zero else {
                throw UsageError("--limit \(text): must be a time such as 10s")
            }
            return time
        }
        expected = try parsed.string("--expect").map { try Files.read($0) }
        failing = try Self.failing(parsed)
        resumes = parsed.has("--resume")
    }

    static func failing(_ parsed: ParsedOptions) throws -> Set<SweepOutcome> {
        let text = parsed.string("--fail-on") ?? "crashed,hung,wrong"
        if text == "none" { return [.broken] }
        let outcomes = try text.split(separator: ",").map { name in
            guard let outcome = SweepOutcome(rawValue: String(name)), outcome != .passed else {
                throw UsageError("--fail-on: \"\(name)\" is not one of failed, crashed, hung, wrong, none")
            }
            return outcome
        }
        return Set(outcomes + [.broken])
    }

    /// The number of runs at a time: one if all of them would use the same port, path or tty.
    private static func jobs(_ parsed: ParsedOptions, _ modules: SimulatorOptions) throws -> Int {
        let given = try parsed.integer("--jobs", 1...64)
        let shared: String? =
            switch modules.line {
            case .tcp(let endpoint) where endpoint.port != 0, .rfc2217(let endpoint) where endpoint.port != 0: "--line"
            case .unix, .tty: "--line"
            case .pty, .tcp, .rfc2217: modules.forwards.isEmpty ? nil : "--hostfwd"
            }
        guard let shared else { return given ?? ProcessLife.processorCount }
        guard let given, given > 1 else { return 1 }
        throw UsageError(
            "--jobs \(given): with this \(shared), runs cannot be at the same time; leave --jobs out, or use port 0")
    }
}

/// Which runs a sweep has, of all that its places and the catalogue give.
struct SweepSelection: Codable, Equatable {
    var faults: [String]
    var places: [String]
    var sample: Int?
    var seed: UInt64
    var expect: String?

    init(_ parsed: ParsedOptions, seed: UInt64) throws {
        faults = parsed.string("--faults").map { $0.split(separator: ",").map(String.init) } ?? CatalogueFault.names
        if let unknown = faults.first(where: { !CatalogueFault.names.contains($0) }) {
            throw UsageError(
                "--faults: there is no fault \"\(unknown)\"",
                hint: "Faults: \(CatalogueFault.names.joined(separator: ", "))")
        }
        places = parsed.all("--only")
        sample = try parsed.integer("--sample", 1...1_000_000)
        self.seed = seed
        expect = parsed.string("--expect")
    }

    /// The runs of this selection, in the order of the session.
    /// - Throws: `UsageError` if there are none.
    func cells(at places: [FaultPlace]) throws -> [SweepCell] {
        var cells = SweepCell.all(at: places).filter { cell in
            faults.contains(cell.fault.name)
                && (self.places.isEmpty || self.places.contains { cell.place.title.hasWords($0) })
        }
        guard !cells.isEmpty else {
            let titles = places.map(\.title).joined(separator: "\n  ")
            throw UsageError("no run has the places and faults of --only and --faults", hint: "Places:\n  \(titles)")
        }
        if let sample {
            var random = SeededGenerator(seed)
            cells = Array(cells.shuffled(using: &random).prefix(sample)).sorted { $0.index < $1.index }
        }
        return cells
    }
}

/// A part of a sweep, as `--shard 1/4` names it.
struct SweepShard: Codable, Equatable {
    var index = 1
    var count = 1

    init() {}

    init(_ parsed: ParsedOptions) throws {
        guard let text = parsed.string("--shard") else { return }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1], 1...10_000 ~= count, 1...count ~= index
        else { throw UsageError("--shard \(text): must be I/N, with I from 1 to N, such as 1/4") }
        (self.index, self.count) = (index, count)
    }

    /// The part of all runs.
    func part(of cells: [SweepCell]) -> [SweepCell] {
        cells.enumerated().filter { $0.offset % count == index - 1 }.map(\.element)
    }
}

extension String {
    /// Whether whole words of this text are those of `text`.
    fileprivate func hasWords(_ text: String) -> Bool { " \(self) ".contains(" \(text) ") }
}

import Dispatch
import FoundationEssentials
import Glibc
import Synchronization
import WiFiDriverSim

/// One sweep, from its options to its results.
struct Sweep {
    private let options: SweepOptions
    private let stop: StopFlag
    private let folder: SweepFolder
    /// The addresses of the modules; `nil` if they have none of their own.
    private let addresses: AddressBlock?

    init(_ options: SweepOptions) throws {
        self.options = options
        stop = StopFlag()
        folder = try SweepFolder(options.folder)
        addresses = options.hasOwnAddresses ? try AddressBlock() : nil
    }

    /// - Returns: the exit status.
    func run() throws -> Int32 {
        stop.watch()
        let runner = try runner()
        guard let begun = try options.resumes && folder.hasResults ? resume() : begin(runner) else {
            return stop.status ?? EX_SOFTWARE
        }
        let places = begun.header.places.compactMap { FaultPlace($0) }
        let done = Set(begun.results.map(\.sentence))
        let cells = try options.shard.part(of: options.selection.cells(at: places))
        let left = cells.filter { !done.contains($0.sentence) }
        let log = try SweepLog(folder.resultsPath, begun)
        let limit = options.limit ?? .milliseconds(Int64(begun.header.limit * 1000))
        Console.printError(
            "wifisim: \(left.count) runs, \(options.jobs) at a time, each of \(limit.roundedText) at most")
        let results = SweepResults(begun.header, begun.results + carryOut(left, runner, limit, log))
        let status = try folder.conclude(results, failing: options.failing)
        return stop.status ?? status
    }

    private func runner() throws -> SweepRunner {
        guard let program = Files.linkTarget("/proc/self/exe") else { throw SystemError("find this program") }
        let statePath = options.statePath
        return SweepRunner(
            program: program, options: options.simulator,
            state: try statePath.flatMap { Files.exists($0) ? try Files.read($0) : nil },
            keepsState: statePath != nil, command: options.command, folder: options.folder,
            expected: options.expected, addresses: addresses?.prefix, isStopped: { [stop] in stop.status != nil })
    }

    /// The results so far of a sweep that goes on.
    private func resume() throws -> SweepResults {
        var results = try SweepResults(contentsOf: folder.resultsPath)
        let wanted = header(places: results.header.places, limit: results.header.limit)
        if let difference = results.header.difference(from: wanted) {
            throw SweepError("--resume: the sweep in \(options.folder) is another one: \(difference)")
        }
        guard results.header.shard == options.shard else {
            let shard = results.header.shard
            throw SweepError("--resume: the sweep in \(options.folder) is shard \(shard.index)/\(shard.count)")
        }
        results.header.runCount = try runCount(wanted)
        return results
    }

    /// Runs the command without faults, and notes the places of its session.
    /// - Returns: the results, which are empty; `nil` if the sweep was stopped.
    private func begin(_ runner: SweepRunner) throws -> SweepResults? {
        guard let first = try runWithoutFault(runner), let second = try runWithoutFault(runner) else { return nil }
        let inSecond = Set(second.places)
        let places = first.places.filter(inSecond.contains)
        let unsteady = first.places.filter { !inSecond.contains($0) } + inSecond.subtracting(first.places)
        if !unsteady.isEmpty {
            let titles = unsteady.prefix(5).map(\.title).sorted().joined(separator: ", ")
            Console.printError(
                """
                wifisim: the session is not the same each time: of two runs without faults, only one had \(titles)\
                \(unsteady.count > 5 ? " and \(unsteady.count - 5) other places" : ""). The sweep leaves these out.
                """)
        }
        let seconds = max(first.seconds, second.seconds)
        // Faults delay what the module says. At the speed max that takes no time.
        let delay: Double =
            if case .factor(let factor) = options.speed {
                CatalogueFault.longestDelay / .seconds(1) / factor
            } else { 0 }
        let limit = options.limit.map { $0 / .seconds(1) } ?? max(5, seconds * 5 + delay)
        var header = header(places: places.map(\.description), limit: (limit * 1000).rounded() / 1000)
        header.runCount = try runCount(header)
        try folder.clear()
        return SweepResults(header, [])
    }

    private func header(places: [String], limit: Double) -> SweepHeader {
        SweepHeader(
            command: options.command,
            options: options.simulator + (options.statePath.map { ["--state", $0] } ?? []),
            selection: options.selection, shard: options.shard, places: places, limit: limit, runCount: 0)
    }

    private func runCount(_ header: SweepHeader) throws -> Int {
        let places = header.places.compactMap { FaultPlace($0) }
        return try options.shard.part(of: options.selection.cells(at: places)).count
    }

    /// Runs the command without faults.
    /// - Returns: the places of its session and its time; `nil` if the sweep was stopped.
    /// - Throws: `SweepError` if the command does not pass.
    private func runWithoutFault(_ runner: SweepRunner) throws -> (places: [FaultPlace], seconds: Double)? {
        let path = "\(options.folder)/job0.places"
        defer { Files.remove(path) }
        let run = try runner.run(job: 0, extra: ["--places", path], limit: .seconds(600))
        guard stop.status == nil else { return nil }
        guard case .exited(let status) = run.ending else {
            throw SweepError("without faults, the command does not end within 10 minutes")
        }
        guard status == 0 else {
            let hint =
                addresses == nil
                ? "" : "\nThe module has an address of its own, in WIFISIM_MODULE_ADDRESS; with --jobs 1 it has not."
            throw SweepError(
                "without faults, the command ends with status \(status):\n\(run.errors.suffix(1000))\(hint)")
        }
        if let message = runner.difference(of: run) {
            throw SweepError("without faults, the command is wrong: \(message)")
        }
        let places = try PlaceList.read(path)
        guard places.contains(where: { $0.phase != .report }) else {
            throw SweepError("the command has sent nothing to the module; does it use WIFISIM_TTY?")
        }
        return (places, run.seconds)
    }

    private func carryOut(
        _ cells: [SweepCell], _ runner: SweepRunner, _ limit: Duration, _ log: SweepLog
    ) -> [SweepResult] {
        let work = SweepWork(cells, runner, limit, log, stop)
        let threads = DispatchGroup()
        for job in 1..<max(1, min(options.jobs, cells.count)) {
            threads.enter()
            // With fewer threads, the others have more to do.
            do {
                try Thread {
                    work.carryOut(job: job)
                    threads.leave()
                }.start()
            } catch {
                threads.leave()
            }
        }
        work.carryOut(job: 0)
        threads.wait()
        return work.end(jobs: options.jobs)
    }
}

/// The runs of a sweep that are left, and their results. Each job takes one after the other, on a thread of its own.
private final class SweepWork: Sendable {
    private let cells: [SweepCell]
    private let runner: SweepRunner
    private let limit: Duration
    private let log: SweepLog
    private let stop: StopFlag
    private let progress: SweepProgress
    private let next = Atomic(0)
    private let results = Mutex<[SweepResult]>([])

    init(_ cells: [SweepCell], _ runner: SweepRunner, _ limit: Duration, _ log: SweepLog, _ stop: StopFlag) {
        self.cells = cells
        self.runner = runner
        self.limit = limit
        self.log = log
        self.stop = stop
        progress = SweepProgress(runCount: cells.count)
    }

    /// Makes runs until none is left, or the sweep is stopped.
    func carryOut(job: Int) {
        while stop.status == nil {
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < cells.count else { return }
            let result = runner.run(cells[index], job: job, limit: limit)
            // A run that was ended by the stop says nothing.
            if stop.status != nil { return }
            log.add(result)
            let count = results.withLock { results in
                results.append(result)
                return results.count
            }
            progress.show(count)
        }
    }

    /// Tells how fast the runs were. Called when all jobs have ended.
    func end(jobs: Int) -> [SweepResult] {
        let done = results.withLock { $0 }
        progress.end(done.count, jobs: jobs, hasHung: done.contains { $0.outcome == .hung }, limit: limit)
        return done
    }
}

/// Set by the signals that end a sweep.
private final class StopFlag: Sendable {
    private let signal = Atomic<Int32>(0)

    /// The exit status after a signal; `nil` if none has come.
    var status: Int32? {
        let signal = signal.load(ordering: .relaxed)
        return signal == 0 ? nil : 128 + signal
    }

    /// Waits for a signal on a thread of its own.
    func watch() {
        var mask = sigset_t()
        sigemptyset(&mask)
        for signal in SignalWatch.unignored([SIGINT, SIGTERM, SIGHUP]) { sigaddset(&mask, signal) }
        pthread_sigmask(SIG_BLOCK, &mask, nil)
        let signals = mask
        // Without the thread, a signal would end the sweep only after all runs.
        try? Thread { [self] in
            var signals = signals
            var received: Int32 = 0
            sigwait(&signals, &received)
            signal.store(received, ordering: .relaxed)
        }.start()
    }
}

/// Loopback addresses for the modules of one sweep, which no other sweep on the computer uses.
struct AddressBlock {
    /// The first three numbers of the addresses.
    let prefix: String
    /// Kept, because its end frees them.
    private let claim: Claim

    init() throws {
        (prefix, claim) = try Self.free()
    }

    private static func free() throws -> (String, Claim) {
        for number in 0..<256 {
            let prefix = "127.83.\(number)"
            do {
                return (prefix, try Claim(of: "/wifisim-\(prefix)", followsLast: false))
            } catch is ClaimError {}
        }
        throw SweepError("256 sweeps run on this computer")
    }
}

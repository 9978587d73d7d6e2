import Dispatch
import Glibc
import Synchronization
import WiFiDriverSim

extension CommandLineTool {
    static let checkCommand = Subcommand(
        name: "check", summary: "plays transcripts to the simulated module and compares its output",
        help: """
            Usage: wifisim check [OPTION…] FILE|FOLDER…

            Plays the host's side of each transcript to a simulated module, in virtual time, and reports the first
            difference: the line, what was expected, and what came. A folder stands for all .at files in it and its
            subfolders. With --device the transcripts are played to a real module, one after the other and in real time;
            the peers and access points that they describe must exist.

            Exit status, the highest that applies: 0 no differences; 1 a difference; 64 a folder without transcripts; 65
            not a transcript; 66 a file is missing or not readable. The other transcripts are checked in any case.

            Examples:
              wifisim check fixtures
              wifisim check --junit result.xml fixtures/esp32c3-4.1
              wifisim check --update session.at
              wifisim check --device /dev/ttyUSB0 session.at
            """,
        options: OptionSet(
            options: [
                Option("--update", nil, "rewrites the module's lines as the simulated module sends them now"),
                Option(
                    "--split", "HOW", "how the bytes arrive: whole (default), bytes, or the seed of random pieces"),
                Option("--junit", "FILE", "writes the results as JUnit XML"),
                Option("--jobs", "N", "transcripts at a time, 1 to 256; default: one for each processor"),
                Option(
                    "--device", "LINE",
                    "plays to a real module: the path of a tty, tcp:HOST:PORT, rfc2217:HOST:PORT or unix:PATH"),
                Option("--baud", "N", "the device's bit rate, 80 to 5000000; default: 115200"),
                Option("--quiet", nil, "prints differences only"),
                Option("--verbose", nil, "also prints the speed of a bare parse of the same files"),
            ], operands: "FILE|FOLDER")
    ) { parsed in
        guard !parsed.operands.isEmpty else {
            throw UsageError("check needs a transcript or a folder of them", hint: "Try: wifisim check fixtures")
        }
        let (targets, unreadable) = targets(parsed.operands)
        let report = Report(junitPath: parsed.string("--junit"), isQuiet: parsed.has("--quiet"))
        if parsed.has("--update") {
            try parsed.refuse(
                ["--split", "--junit", "--jobs", "--device", "--baud", "--verbose"], "has no effect with --update")
            return try max(update(targets), report.tell(unreadable))
        }
        if let device = parsed.string("--device") {
            try parsed.refuse(["--split", "--jobs", "--verbose"], "has no effect with --device")
            let player = try DevicePlayer(
                device: try SimulatorArguments.device(device),
                speed: try parsed.integer("--baud", 80...5_000_000) ?? 115_200)
            let checks = try targets.map { target in
                try TranscriptCheck(of: target.path, name: target.name, by: player.play)
            }
            let leftOut =
                player.leftOut == 0 ? "" : "; \(player.leftOut) events of peers and access points were skipped"
            return try report.end(checks + unreadable, leftOut)
        }
        try parsed.refuse(["--baud"], "has no effect without --device")
        let delivery = try delivery(parsed.string("--split"))
        let jobs = try parsed.integer("--jobs", 1...256) ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

        let bare =
            parsed.has("--verbose")
            ? stopwatch { () -> Void in inParallel(targets, jobs: jobs) { _ = try? Transcript(contentsOf: $0.path) } }
            : nil
        let results = Mutex<[TranscriptCheck?]>(Array(repeating: nil, count: targets.count))
        let progress = Progress(total: targets.count, isShown: !report.isQuiet && isatty(STDERR_FILENO) == 1)
        let elapsed = stopwatch {
            inParallel(Array(targets.enumerated()), jobs: jobs) { index, target in
                let result = TranscriptCheck(of: target.path, name: target.name, delivery: delivery)
                results.withLock { $0[index] = result }
                progress.step()
            }
        }
        progress.end()
        let checks = results.withLock { $0.compactMap(\.self) }
        let exchanges = checks.reduce(0) { $0 + $1.exchanges }
        var speed = "; \(exchanges) exchanges in \(elapsed.roundedText), \(rate(exchanges, elapsed)) a second"
        if let bare {
            speed +=
                "; a bare parse of the same files takes \(bare.roundedText), \(rate(exchanges, bare)) a second"
        }
        return try report.end(checks + unreadable, speed)
    }

    /// A transcript file, and its path relative to the operand.
    private struct Target {
        let path: String
        let name: String
    }

    /// The files for the operands, and the operands that cannot be read or contain no transcript.
    private static func targets(_ operands: [String]) -> (readable: [Target], unreadable: [TranscriptCheck]) {
        var targets: [Target] = []
        var unreadable: [TranscriptCheck] = []
        for operand in operands {
            let paths: [String]
            do throws(SystemError) {
                paths = try Transcript.files(at: operand)
            } catch {
                unreadable.append(TranscriptCheck(of: operand, failedBy: error))
                continue
            }
            if paths.isEmpty {
                unreadable.append(TranscriptCheck(of: operand, failedBy: EmptyFolderError(path: operand)))
            }
            let folder = operand.hasSuffix("/") ? operand : operand + "/"
            targets += paths.map { path in
                let name = path.hasPrefix(folder) ? path.dropFirst(folder.count) : path.split(separator: "/").last
                return Target(path: path, name: String(name ?? path[...]))
            }
        }
        return (targets, unreadable)
    }

    /// Prints the results.
    private struct Report {
        let junitPath: String?
        let isQuiet: Bool

        /// Prints the problems and the summary, and writes the JUnit file.
        /// - Returns: the exit status.
        func end(_ checks: [TranscriptCheck], _ remarks: String) throws -> Int32 {
            let status = tell(checks)
            if let junitPath { try TranscriptCheck.writeJUnit(checks, to: junitPath) }
            if !isQuiet {
                let count = checks.count { $0.problem == nil }
                Console.print("\(count) of \(checks.count) transcripts agree\(remarks)")
            }
            return status
        }

        /// Prints the problems.
        /// - Returns: the exit status.
        func tell(_ checks: [TranscriptCheck]) -> Int32 {
            for problem in checks.compactMap(\.problem) { Console.print(problem) }
            return checks.map { check in
                check.problem == nil ? 0 : check.error.map(CommandLineTool.checkStatus) ?? EXIT_FAILURE
            }.max() ?? 0
        }
    }

    /// The exit status for a transcript that cannot be checked.
    private static func checkStatus(_ error: any Error) -> Int32 {
        switch error {
        case is EmptyFolderError: EX_USAGE
        case let error as SystemError where error.code == EACCES: EX_NOINPUT
        default: ExitCode.of(error)
        }
    }

    private static func delivery(_ text: String?) throws -> TranscriptPlayer.Delivery {
        switch text {
        case nil, "whole": return .whole
        case "bytes": return .byteByByte
        case let text?:
            guard let seed = UInt64(text) else { throw UsageError("--split \(text): must be whole, bytes or a number") }
            return .split(seed: seed)
        }
    }

    private static func update(_ targets: [Target]) throws -> Int32 {
        var status: Int32 = 0
        for path in targets.map(\.path) {
            do {
                let script = try Transcript.Script(contentsOf: path)
                let updated: Transcript
                do throws(Divergence) {
                    updated = try script.updated()
                } catch {
                    Console.print(error.report(in: script.transcript, file: path))
                    status = max(status, EXIT_FAILURE)
                    continue
                }
                if updated == script.transcript { continue }
                try updated.write(to: path)
                Console.print("\(path): updated")
            } catch {
                Console.print("\(error)")
                status = max(status, checkStatus(error))
            }
        }
        return status
    }

    private static func stopwatch(_ body: () -> Void) -> Duration {
        let clock = ContinuousClock()
        return clock.measure(body)
    }

    private static func rate(_ count: Int, _ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return Int(Double(count) / max(1e-9, Double(seconds) + Double(attoseconds) * 1e-18))
    }

    /// Runs `body` for each item, `jobs` at a time.
    private static func inParallel<Item: Sendable>(_ items: [Item], jobs: Int, _ body: @Sendable (Item) -> Void) {
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: min(jobs, items.count)) { _ in
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < items.count else { return }
                body(items[index])
            }
        }
    }
}

private struct EmptyFolderError: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path): holds no transcript (.at file)" }
}

/// A counter on standard error.
private final class Progress: Sendable {
    private let done = Atomic(0)
    private let total: Int
    private let isShown: Bool

    init(total: Int, isShown: Bool) {
        self.total = total
        self.isShown = isShown
    }

    func step() {
        let count = done.add(1, ordering: .relaxed).newValue
        if isShown, count % 16 == 0 { Console.printProgress("\(count) of \(total)") }
    }

    func end() {
        if isShown { Console.printProgress("") }
    }
}

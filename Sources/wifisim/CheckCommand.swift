import Dispatch
import Glibc
import Synchronization
import WiFiDriverSim

extension CommandLineTool {
    static let checkCommand = Subcommand(
        name: "check", summary: "plays transcripts to the simulated module and compares",
        help: """
            Usage: wifisim check [OPTION…] FILE|FOLDER…

            Plays the host's side of each transcript to a simulated module, in virtual time, and reports every transcript whose
            module says something else: the line, what was expected, what came. A folder stands for all .at files in it and
            below. The exit status is 0 if all agree and 1 if one does not. With --device the transcripts are played to a real
            module, one after the other and in real time; the peers and access points that they tell of must be there.

            Examples:
              wifisim check fixtures
              wifisim check --junit result.xml fixtures/esp32c3-4.1
              wifisim check --update session.at
              wifisim check --device /dev/ttyUSB0 session.at
            """,
        options: OptionSet(
            options: [
                Option("--update", nil, "rewrites the module's lines as the simulated module says them now"),
                Option(
                    "--split", "HOW", "how the host's bytes arrive: whole (else), bytes, or the seed of random pieces"),
                Option("--junit", "FILE", "writes the results as JUnit XML"),
                Option("--jobs", "N", "transcripts at a time, 1 to 256; else one a processor"),
                Option("--device", "TTY", "plays to a real module on this serial port"),
                Option("--baud", "N", "the device's bit rate, 80 to 5000000; else 115200"),
                Option("--quiet", nil, "prints differences only"),
            ], operands: "FILE|FOLDER")
    ) { parsed in
        guard !parsed.operands.isEmpty else {
            throw UsageError("check needs a transcript or a folder of them", hint: "Try: wifisim check fixtures")
        }
        let paths = try parsed.operands.flatMap { operand in
            let found = try Transcript.files(at: operand)
            if found.isEmpty { throw UsageError("\(operand) holds no transcript (.at file)") }
            return found
        }
        if parsed.has("--update") { return try update(paths) }
        if let device = parsed.string("--device") {
            return try check(paths, on: device, speed: try parsed.integer("--baud", 80...5_000_000) ?? 115_200)
        }
        let delivery = try delivery(parsed.string("--split"))
        let jobs = try parsed.integer("--jobs", 1...256) ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let isQuiet = parsed.has("--quiet")

        let bare = stopwatch { () -> Void in inParallel(paths, jobs: jobs) { _ = try? Transcript(contentsOf: $0) } }
        let results = Mutex<[TranscriptCheck?]>(Array(repeating: nil, count: paths.count))
        let progress = Progress(total: paths.count, isShown: !isQuiet && isatty(STDERR_FILENO) == 1)
        let checked = stopwatch {
            inParallel(Array(paths.enumerated()), jobs: jobs) { index, path in
                let result = TranscriptCheck(of: path, delivery: delivery)
                results.withLock { $0[index] = result }
                progress.step()
            }
        }
        progress.end()
        let all = results.withLock { $0.compactMap(\.self) }
        let failed = all.filter { $0.problem != nil }
        for result in failed { Console.print(result.problem ?? "") }
        if let path = parsed.string("--junit") { try TranscriptCheck.writeJUnit(all, to: path) }
        let exchanges = all.reduce(0) { $0 + $1.exchanges }
        if !isQuiet {
            Console.print(
                "\(all.count - failed.count) of \(all.count) transcripts agree; \(exchanges) exchanges in \(milliseconds(checked)), "
                    + "\(rate(exchanges, checked)) a second; a bare parse of the same files takes \(milliseconds(bare)), "
                    + "\(rate(exchanges, bare)) a second")
        }
        return failed.isEmpty ? 0 : 1
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

    private static func check(_ paths: [String], on device: String, speed: Int) throws -> Int32 {
        let player = try DevicePlayer(device: device, speed: speed)
        var failureCount = 0
        for path in paths {
            let script = try Transcript.Script(contentsOf: path)
            let outcome = try player.play(script)
            if let divergence = outcome.divergence {
                failureCount += 1
                Console.print(divergence.report(in: script.transcript, file: path))
            }
        }
        let leftOut = player.leftOut == 0 ? "" : "; \(player.leftOut) events of peers and access points were left out"
        Console.print("\(paths.count - failureCount) of \(paths.count) transcripts agree\(leftOut)")
        return failureCount == 0 ? 0 : 1
    }

    private static func update(_ paths: [String]) throws -> Int32 {
        var status: Int32 = 0
        for path in paths {
            do {
                let script = try Transcript.Script(contentsOf: path)
                let updated: Transcript
                do throws(Divergence) {
                    updated = try script.updated()
                } catch {
                    Console.print(error.report(in: script.transcript, file: path))
                    status = 1
                    continue
                }
                if updated == script.transcript { continue }
                try updated.write(to: path)
                Console.print("\(path): updated")
            } catch {
                Console.print("\(error)")
                status = 1
            }
        }
        return status
    }

    private static func stopwatch(_ body: () -> Void) -> Duration {
        let clock = ContinuousClock()
        return clock.measure(body)
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms"
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

/// Counts on standard error.
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

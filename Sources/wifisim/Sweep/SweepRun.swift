import Glibc
import WiFiDriverSim

/// One run of a sweep: a fault at a place.
struct SweepCell: Sendable {
    /// Its number among all faults at all places of the session. It names the transcript.
    let index: Int
    let place: FaultPlace
    let fault: CatalogueFault
    let sentence: String

    /// All faults of the catalogue at places. A place whose name a fault cannot name has none: what a program sends that
    /// is no command.
    static func all(at places: [FaultPlace]) -> [SweepCell] {
        let pairs = places.flatMap { place in
            CatalogueFault.all.filter { $0.isPossible(at: place) }.map { (place, $0) }
        }
        return pairs.enumerated().compactMap { index, pair in
            let fault = pair.1.fault(at: pair.0)
            let sentence = "\(fault)"
            guard (try? Fault(sentence)) == fault else { return nil }
            return SweepCell(index: index, place: pair.0, fault: pair.1, sentence: sentence)
        }
    }
}

/// What came of a run.
enum SweepOutcome: String, Codable, Sendable, CaseIterable {
    /// Status 0, and the expected output.
    case passed
    /// The command said by its status that it failed.
    case failed
    /// A signal or a sanitizer ended it.
    case crashed
    /// It did not end in its time.
    case hung
    /// Status 0, and another output than expected.
    case wrong
    /// It could not be run.
    case broken
}

/// The result of a run, as a line of the results file.
struct SweepResult: Codable, Sendable {
    let index: Int
    let place: String
    let fault: String
    /// The fault at its place, for `--fault`.
    let sentence: String
    let outcome: SweepOutcome
    /// False if the moment of the fault has not come.
    let hasHappened: Bool
    /// As a shell reports it; -1 if the run did not end by itself.
    let status: Int32
    let seconds: Double
    /// The line of the command's output that tells the most.
    var message: String?
}

/// Runs the command of a sweep, each time with a simulator of its own (`wifisim exec`).
struct SweepRunner: Sendable {
    let program: String
    /// The options for `wifisim exec`.
    let options: [String]
    /// The flash with which every run begins; `nil` is that of a new module.
    let state: [UInt8]?
    /// True if the runs have a state file.
    let keepsState: Bool
    let command: [String]
    let folder: String
    /// The expected standard output; `nil` accepts any.
    let expected: [UInt8]?
    /// The first three numbers of the addresses of the jobs' modules; `nil` if they have none of their own.
    let addresses: String?
    let isStopped: @Sendable () -> Bool

    /// What one run has given.
    struct Run {
        let ending: ChildProcess.Ending
        /// How the command has ended; `nil` if it was not started, or was ended.
        let result: CommandResult?
        let seconds: Double
        let output: [UInt8]
        let errors: String
        /// True if it wrote more than a run may.
        let isTooLong: Bool
    }

    /// Runs the command once.
    /// - Parameters:
    ///   - job: the number of the job, which determines the module's address and the names of files.
    ///   - extra: further options for `wifisim exec`.
    ///   - limit: after this time it is ended.
    /// - Returns: how it has ended, and what it has written.
    /// - Throws: `SystemError` if it cannot be run.
    func run(job: Int, extra: [String], limit: Duration) throws(SystemError) -> Run {
        let base = "\(folder)/job\(job)"
        let files = (output: "\(base).out", errors: "\(base).err", result: "\(base).end", state: "\(base).state")
        defer { for path in [files.output, files.errors, files.result, files.state] { Files.remove(path) } }
        Files.remove(files.result)
        Files.remove(files.state)
        if let state { try Files.write(state, to: files.state) }
        var words = [program, "exec"] + options + extra + ["--result", files.result]
        if keepsState { words += ["--state", files.state] }
        if let addresses { words += ["--host-address", "\(addresses).\(job + 1)"] }
        words += ["--"] + command
        let start = ContinuousClock.now
        let child = try ChildProcess(
            words, environment: CommandLineTool.environmentVariables(), outputPath: files.output,
            errorPath: files.errors)
        func isTooLong() -> Bool { max(Files.size(files.output), Files.size(files.errors)) > Self.longestOutput }
        let ending = try child.wait(atMost: limit, grace: .seconds(2)) { isStopped() || isTooLong() }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        return Run(
            ending: ending, result: CommandResult(contentsOf: files.result), seconds: seconds,
            output: (try? Files.read(files.output)) ?? [],
            errors: String(decoding: (try? Files.read(files.errors)) ?? [], as: UTF8.self), isTooLong: isTooLong())
    }

    /// In bytes. A program that loops can fill a disk in the time of a run.
    private static let longestOutput = 64 << 20

    /// Runs a cell. Keeps the transcript of a run that did not pass.
    func run(_ cell: SweepCell, job: Int, limit: Duration) -> SweepResult {
        let transcript = "\(folder)/cells/\(cell.index)"
        func removeTranscript() {
            Files.remove("\(transcript).at")
            Folder.remove("\(transcript).d")
        }
        removeTranscript()
        let run: Run
        do throws(SystemError) {
            run = try self.run(
                job: job, extra: ["--fault", cell.sentence, "--record", "\(transcript).at"], limit: limit)
        } catch {
            return result(cell, .broken, status: -1, seconds: 0, hasHappened: false, message: "\(error)")
        }
        let (outcome, status) = outcome(of: run)
        if outcome == .passed { removeTranscript() }
        return result(
            cell, outcome, status: status, seconds: run.seconds, hasHappened: run.result?.faultCount != 0,
            message: outcome == .passed ? nil : message(of: run, outcome))
    }

    private func result(
        _ cell: SweepCell, _ outcome: SweepOutcome, status: Int32, seconds: Double, hasHappened: Bool,
        message: String?
    ) -> SweepResult {
        SweepResult(
            index: cell.index, place: cell.place.title, fault: cell.fault.name, sentence: cell.sentence,
            outcome: outcome, hasHappened: hasHappened, status: status,
            seconds: (seconds * 1000).rounded() / 1000, message: message)
    }

    private func outcome(of run: Run) -> (SweepOutcome, Int32) {
        guard case .exited = run.ending else { return (.hung, -1) }
        guard let result = run.result else { return (.broken, -1) }
        let status = result.status
        if result.signal != nil || Self.crashStatuses.contains(status) || Self.isSanitizer(run.errors) {
            return (.crashed, status)
        }
        if status != 0 { return (.failed, status) }
        return (difference(of: run) == nil ? .passed : .wrong, status)
    }

    /// The statuses with which a shell, as the command, reports that a program was ended by a signal of a crash.
    private static let crashStatuses = Set(
        [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS].map { 128 + $0 })

    private static func isSanitizer(_ errors: String) -> Bool { sanitizerMarks.contains { errors.contains($0) } }

    private static let sanitizerMarks = [
        "ERROR: AddressSanitizer", "ERROR: HWAddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
        "WARNING: MemorySanitizer", "ERROR: UndefinedBehaviorSanitizer", ": runtime error: ",
    ]

    /// The summary of a sanitizer, or the last line that the command has written to its standard error or else to its
    /// standard output.
    private func message(of run: Run, _ outcome: SweepOutcome) -> String? {
        if run.isTooLong { return "its output is longer than \(Self.longestOutput >> 20) MiB" }
        // Lines may end with CR LF, which is one character.
        let errors = run.errors.split(whereSeparator: \.isNewline)
        if outcome == .wrong { return difference(of: run) }
        let summary = errors.first { line in
            line.hasPrefix("SUMMARY: ") || line.contains(": runtime error: ")
        }
        func hasText(_ line: Substring) -> Bool {
            line.contains { !$0.isWhitespace } && !line.hasPrefix("wifisim: module 0: ")
        }
        let line =
            summary ?? errors.last(where: hasText)
            ?? String(decoding: run.output.suffix(4096), as: UTF8.self).split(whereSeparator: \.isNewline)
            .last(where: hasText)
        // Without the colors of a terminal.
        return line.map { String($0.replacing(/\u{1B}\[[0-9;]*[A-Za-z]/, with: "").prefix(400)) }
    }

    /// The first line of the output that is not as expected; `nil` if all are.
    func difference(of run: Run) -> String? {
        guard let expected, run.output != expected else { return nil }
        func lines(_ bytes: [UInt8]) -> [Substring] {
            String(decoding: bytes, as: UTF8.self)
                .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        }
        let (output, wanted) = (lines(run.output), lines(expected))
        func text(_ lines: [Substring], _ index: Int) -> String {
            index < lines.count ? "\"\(lines[index].prefix(200))\"" : "nothing"
        }
        let index = (0..<max(output.count, wanted.count)).first { text(output, $0) != text(wanted, $0) } ?? 0
        return "line \(index + 1) of the output is \(text(output, index)), not \(text(wanted, index))"
    }
}

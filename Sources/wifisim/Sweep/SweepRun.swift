import Glibc
import Synchronization
import WiFiDriverSim

/// One run of a sweep: a fault at a place.
struct SweepCell: Sendable {
    let index: Int
    let place: FaultPlace
    let fault: CatalogueFault
    var sentence: String { "\(fault.fault(at: place))" }
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
    let sentence: String
    let outcome: SweepOutcome
    let status: Int32
    let seconds: Double
    /// The last line that the command wrote to its standard error.
    var message: String?
}

/// Runs the command of a sweep, each time with a simulator of its own (`wifisim exec`).
struct SweepRunner: Sendable {
    let program: String
    /// The options for `wifisim exec`.
    let options: [String]
    let command: [String]
    let folder: String
    /// The expected standard output; `nil` accepts any.
    let expected: [UInt8]?
    /// True if each job's module has a loopback address of its own.
    let hasOwnAddresses: Bool
    let isStopped: @Sendable () -> Bool

    /// What one run has given.
    struct Run {
        let ending: ChildProcess.Ending
        let seconds: Double
        let output: [UInt8]
        let errors: String
    }

    /// Runs the command once.
    /// - Parameters:
    ///   - name: the name of its files in the folder.
    ///   - job: the number of the job, which determines the module's address.
    ///   - extra: further options for `wifisim exec`.
    ///   - limit: after this time it is killed.
    /// - Returns: how it has ended, and what it has written.
    /// - Throws: `SystemError` if it cannot be run.
    func run(_ name: String, job: Int, extra: [String], limit: Duration) throws(SystemError) -> Run {
        let base = "\(folder)/\(name)"
        var words = [program, "exec"] + options + extra
        if hasOwnAddresses { words += ["--host-address", "127.83.0.\(job + 1)"] }
        words += ["--"] + command
        let start = ContinuousClock.now
        let child = try ChildProcess(
            words, environment: CommandLineTool.environmentVariables(), outputPath: "\(base).out",
            errorPath: "\(base).err")
        let ending = try child.wait(atMost: limit, isStopped: isStopped)
        let seconds = Double((ContinuousClock.now - start).nanosecondCount) / 1e9
        let output = (try? Files.read("\(base).out")) ?? []
        let errors = String(decoding: (try? Files.read("\(base).err")) ?? [], as: UTF8.self)
        for suffix in ["out", "err"] { Files.remove("\(base).\(suffix)") }
        return Run(ending: ending, seconds: seconds, output: output, errors: errors)
    }

    /// Runs a cell. Keeps the transcript of a run that did not pass.
    func run(_ cell: SweepCell, job: Int, limit: Duration) -> SweepResult {
        let transcript = "\(folder)/cells/\(cell.index).at"
        Files.remove(transcript)
        let run: Run
        do throws(SystemError) {
            run = try self.run(
                "job\(job)", job: job, extra: ["--fault", cell.sentence, "--record", transcript], limit: limit)
        } catch {
            return result(cell, .broken, status: -1, seconds: 0, message: "\(error)")
        }
        let (outcome, status) = outcome(of: run)
        if outcome == .passed { Files.remove(transcript) }
        let lastLine = run.errors.split(separator: "\n").last { !$0.hasPrefix("wifisim: module") }
        return result(
            cell, outcome, status: status, seconds: run.seconds,
            message: outcome == .passed ? nil : lastLine.map(String.init))
    }

    private func result(
        _ cell: SweepCell, _ outcome: SweepOutcome, status: Int32, seconds: Double, message: String?
    ) -> SweepResult {
        SweepResult(
            index: cell.index, place: cell.place.title, fault: cell.fault.name, sentence: cell.sentence,
            outcome: outcome, status: status, seconds: seconds, message: message)
    }

    private func outcome(of run: Run) -> (SweepOutcome, Int32) {
        guard case .exited(let status) = run.ending else { return (.hung, -1) }
        let isSanitizer = run.errors.contains("Sanitizer:") || run.errors.contains("runtime error:")
        if isSanitizer || 128 < status && status < 128 + 65 { return (.crashed, status) }
        if status != 0 { return (.failed, status) }
        if let expected, run.output != expected { return (.wrong, status) }
        return (.passed, status)
    }
}

extension Duration {
    fileprivate var nanosecondCount: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

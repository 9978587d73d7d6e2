import Foundation
import ModuleSessions

// Fuzzes the simulated module in virtual time.
//
//   ModuleFuzz SECONDS [SEED]    runs the sessions of SEED, SEED + 1, …; a failing one is shrunk and written to Fuzz/found
//   ModuleFuzz replay FILE       runs one session
//
// A session fails if it traps, takes longer than `sessionLimit`, or leaves a module that does not answer. Sessions run
// in a child process, which writes each session to a file before it runs it.

/// In seconds.
let sessionLimit: UInt32 = 60
let stuckStatus: Int32 = 3

let arguments = Array(CommandLine.arguments.dropFirst())
switch (arguments.first, arguments.count) {
case ("replay", 2): replay(arguments[1])
case ("run", 4): run(seconds: Double(arguments[1]) ?? 0, first: UInt64(arguments[2]) ?? 1, trail: arguments[3])
case (let seconds?, 1...2):
    guard let seconds = Double(seconds), let seed = arguments.count == 1 ? 1 : UInt64(arguments[1]) else { usage() }
    exit(supervise(seconds: seconds, first: seed) == 0 ? 0 : 1)
default: usage()
}

func usage() -> Never {
    FileHandle.standardError.write(Data("usage: ModuleFuzz SECONDS [SEED] | replay FILE\n".utf8))
    exit(64)
}

// MARK: In the process that runs sessions

func replay(_ path: String) -> Never {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8), let session = Session(text) else {
        FileHandle.standardError.write(Data("\(path): not a session\n".utf8))
        exit(65)
    }
    alarm(sessionLimit)
    exit(session.run().stuckModules.isEmpty ? 0 : stuckStatus)
}

func run(seconds: Double, first: UInt64, trail: String) -> Never {
    let end = Date(timeIntervalSinceNow: seconds)
    var (seed, steps, output) = (first, 0, 0)
    while Date() < end {
        let session = Generator.session(seed: seed)
        try? session.description.write(toFile: trail, atomically: false, encoding: .utf8)
        alarm(sessionLimit)
        let result = session.run()
        guard result.stuckModules.isEmpty else { exit(stuckStatus) }
        seed += 1
        steps += session.steps.count
        output += result.outputCount
    }
    print("seeds \(first) to \(seed - 1): \(seed - first) sessions, \(steps) steps, \(output) bytes of output")
    exit(0)
}

// MARK: In the process that supervises it

/// Runs sessions in child processes, and shrinks and saves those that fail.
/// - Returns: the number of failed sessions.
func supervise(seconds: Double, first: UInt64) -> Int {
    let end = Date(timeIntervalSinceNow: seconds)
    let trail = FileManager.default.temporaryDirectory.appending(path: "module-fuzz.\(getpid())").path
    defer { try? FileManager.default.removeItem(atPath: trail) }
    var (seed, failures) = (first, 0)
    while Date() < end {
        let failure = start(["run", "\(end.timeIntervalSinceNow)", "\(seed)", trail])
        guard let failure else { break }
        guard let text = try? String(contentsOfFile: trail, encoding: .utf8), let session = Session(text) else {
            print("\(failure), before the process wrote a session to \(trail)")
            return failures + 1
        }
        failures += 1
        let small = shrink(session, failing: failure)
        try? FileManager.default.createDirectory(atPath: "Fuzz/found", withIntermediateDirectories: true)
        let path = "Fuzz/found/\(session.seed).session"
        try? "# \(failure), found by seed \(session.seed)\n\(small)".write(
            toFile: path, atomically: true, encoding: .utf8)
        print("seed \(session.seed): \(failure), \(session.steps.count) steps shrunk to \(small.steps.count): \(path)")
        seed = session.seed + 1
    }
    print("\(failures) sessions failed")
    return failures
}

/// Runs this program in a child process.
/// - Returns: how it failed; `nil` if it did not.
func start(_ arguments: [String], quietly: Bool = false) -> String? {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    if quietly { process.standardError = FileHandle.nullDevice }
    do { try process.run() } catch { return "does not start: \(error)" }
    process.waitUntilExit()
    switch (process.terminationReason, process.terminationStatus) {
    case (.exit, 0): return nil
    case (.exit, stuckStatus): return "a module does not answer"
    case (.uncaughtSignal, SIGALRM): return "a session does not end"
    case (.uncaughtSignal, let signal): return "signal \(signal)"
    case (_, let status): return "status \(status)"
    }
}

/// Removes steps while the session still fails in the same way, for at most five minutes.
func shrink(_ session: Session, failing failure: String) -> Session {
    var best = session
    let trial = FileManager.default.temporaryDirectory.appending(path: "module-fuzz-trial.\(getpid())").path
    defer { try? FileManager.default.removeItem(atPath: trial) }
    var size = max(1, best.steps.count / 2)
    let end = Date(timeIntervalSinceNow: 300)
    while true {
        var position = 0
        var shrank = false
        while position < best.steps.count, Date() < end {
            var smaller = best
            smaller.steps.removeSubrange(position..<min(position + size, best.steps.count))
            try? smaller.description.write(toFile: trial, atomically: false, encoding: .utf8)
            if start(["replay", trial], quietly: true) == failure {
                best = smaller
                shrank = true
            } else {
                position += size
            }
        }
        if size == 1, !shrank || Date() >= end { return best }
        size = max(1, size / 2)
    }
}

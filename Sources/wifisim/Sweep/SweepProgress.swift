import Glibc
import Synchronization
import WiFiDriverSim

/// Tells how far a sweep is: on a terminal after each run, elsewhere from time to time.
final class SweepProgress: Sendable {
    private let runCount: Int
    private let start = ContinuousClock.now
    private let timeOfChildren = ProcessLife.timeOfChildren
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let lastShown: Mutex<ContinuousClock.Instant>

    init(runCount: Int) {
        self.runCount = runCount
        lastShown = Mutex(start)
    }

    /// - Parameter count: the runs that have ended.
    func show(_ count: Int) {
        let now = ContinuousClock.now
        let left = (now - start) / count * (runCount - count)
        let text = "\(count) of \(runCount) runs, about \(left.wholeSeconds) left"
        if isTerminal { return Console.printProgress(text) }
        lastShown.withLock { last in
            guard now - last > Self.interval, count < runCount else { return }
            last = now
            Console.printError("wifisim: \(text)")
        }
    }

    private static let interval = Duration.seconds(30)

    /// Tells how fast it was, and what limits that.
    func end(_ count: Int, jobs: Int, hasHung: Bool, limit: Duration) {
        if isTerminal { Console.printProgress("") }
        let time = (ContinuousClock.now - start) / .seconds(1)
        guard count > 0, time > 0 else { return }
        let processors = ProcessLife.processorCount
        let used = (ProcessLife.timeOfChildren - timeOfChildren) / .seconds(1) / time / Double(processors)
        let rate = (Double(count) / time * 10).rounded() / 10
        var text =
            "wifisim: \(rate) runs a second, \(jobs) at a time, with \(Int((used * 100).rounded())) % of "
            + (processors == 1 ? "the processor" : "\(processors) processors")
        if used < 0.5 { text += "; the runs wait most of the time, so that more --jobs are faster" }
        if hasHung { text += "; a run that takes \(limit.roundedText) has hung, see --limit" }
        Console.printError(text)
    }
}

extension Duration {
    /// For people.
    fileprivate var wholeSeconds: String {
        let seconds = components.seconds
        return seconds < 120 ? "\(seconds) s" : "\((seconds + 30) / 60) min"
    }
}

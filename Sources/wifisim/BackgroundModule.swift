import Dispatch
import Synchronization
import WiFiDriverSim

/// A module on a pseudo-terminal, on a thread of its own until the program ends.
enum BackgroundModule {
    /// Starts a module and waits until it has booted.
    /// - Parameters:
    ///   - options: what it is.
    ///   - onLine: sees the bytes on its line, on the module's thread.
    /// - Returns: its tty's path.
    /// - Throws: what keeps it from starting.
    static func start(
        _ options: SimulatorOptions, onLine: @escaping @Sendable (LineDirection, [UInt8]) -> Void = { _, _ in }
    ) throws -> String {
        try startAll(options, onLine: onLine).first ?? ""
    }

    /// The same with several modules.
    /// - Parameters:
    ///   - options: what they are.
    ///   - onLine: sees the bytes on the first one's line, on the modules' thread.
    /// - Returns: the paths of their ttys.
    /// - Throws: what keeps them from starting.
    static func startAll(
        _ options: SimulatorOptions, onLine: @escaping @Sendable (LineDirection, [UInt8]) -> Void = { _, _ in }
    ) throws -> [String] {
        let started = DispatchSemaphore(value: 0)
        let result = Mutex<Result<[String], any Error>?>(nil)
        try Thread {
            do {
                let simulator = try Simulator(options, log: try Log(isQuiet: true), onLine: onLine)
                try simulator.boot()
                result.withLock { $0 = .success(simulator.terminalPaths) }
                started.signal()
                try simulator.run()
            } catch {
                result.withLock { $0 = .failure(error) }
                started.signal()
            }
        }.start()
        started.wait()
        return try result.withLock { try $0?.get() } ?? []
    }
}

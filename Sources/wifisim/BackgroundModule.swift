import Dispatch
import Synchronization
import WiFiDriverSim

/// A module on a pseudo-terminal that runs on its own thread until the program ends.
enum BackgroundModule {
    /// Starts a module and waits until it has booted.
    /// - Parameters:
    ///   - options: the options of the simulator.
    ///   - onLine: called with the bytes on the line, on the module's thread.
    /// - Returns: the path of the tty.
    /// - Throws: the errors of `Simulator`.
    static func start(
        _ options: SimulatorOptions, onLine: @escaping @Sendable (LineDirection, [UInt8]) -> Void = { _, _ in }
    ) throws -> String {
        try startAll(options, onLine: onLine).first ?? ""
    }

    /// Starts several modules and waits until they have booted.
    /// - Parameters:
    ///   - options: the options of the simulator.
    ///   - onLine: called with the bytes on the first module's line, on the modules' thread.
    /// - Returns: the paths of the ttys.
    /// - Throws: the errors of `Simulator`.
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

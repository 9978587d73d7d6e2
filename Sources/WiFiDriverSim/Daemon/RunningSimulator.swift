import Dispatch
import Synchronization
import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// A simulator on its own thread, for a test that opens a tty.
///
/// ```swift
/// var options = SimulatorOptions()
/// options.firmware = .esp8266v1_7
/// let simulator = try RunningSimulator(options)
/// defer { simulator.stop() }
/// let tty = open(simulator.terminalPaths[0], O_RDWR | O_NOCTTY)
/// ```
///
/// Any thread may call its methods. The modules have booted when the initializer returns; what they sent meanwhile, such as
/// `ready`, waits in the ttys.
public final class RunningSimulator: Sendable {
    /// The paths of the ttys, one for each module.
    public let terminalPaths: [String]
    private let requests: Requests
    private let thread: Thread.Running

    /// What other threads ask of the simulator's thread.
    private final class Requests: Sendable {
        let wakeup: Wakeup
        private let waiting = Mutex<[@Sendable (Simulator) -> Void]>([])

        init() throws(SystemError) { wakeup = try Wakeup() }

        func add(_ request: @escaping @Sendable (Simulator) -> Void) {
            waiting.withLock { $0.append(request) }
            wakeup.signal()
        }

        func take() -> [@Sendable (Simulator) -> Void] {
            waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
        }
    }

    /// Starts a simulator and waits until its modules have booted.
    /// - Parameters:
    ///   - options: the options of the simulator.
    ///   - logPath: a file for notices and the bytes on the lines; `nil` for no log.
    /// - Throws: the errors of `Simulator` and `Log`, or `SystemError` if the system has no thread left.
    public convenience init(_ options: SimulatorOptions, logPath: String? = nil) throws {
        try self.init(options, logPath: logPath) { _, _ in }
    }

    /// The same; `onLine` is called with the bytes on the first module's line, on the simulator's thread.
    package init(
        _ options: SimulatorOptions, logPath: String? = nil,
        onLine: @escaping @Sendable (LineDirection, [UInt8]) -> Void
    ) throws {
        let started = DispatchSemaphore(value: 0)
        let result = Mutex<Result<[String], any Error>?>(nil)
        let requests = try Requests()
        let running = try Thread {
            do {
                let simulator = try Simulator(options, log: try Log(path: logPath, isQuiet: true), onLine: onLine)
                defer { simulator.close() }
                try simulator.boot()
                try simulator.watch(requests.wakeup) { [unowned simulator] in
                    for request in requests.take() { request(simulator) }
                }
                result.withLock { $0 = .success(simulator.terminalPaths) }
                started.signal()
                try simulator.run()
            } catch {
                result.withLock { $0 = $0 ?? .failure(error) }
                started.signal()
            }
        }.startJoinable()
        started.wait()
        do {
            terminalPaths = try result.withLock { try $0?.get() } ?? []
        } catch {
            running.join(within: .seconds(10))
            throw error
        }
        self.requests = requests
        thread = running
    }

    /// Changes the world of the modules, and waits until that is done.
    /// - Throws: `WorldChangeError` if the world cannot make the change.
    public func make(_ change: WorldChange) throws(WorldChangeError) {
        let done = DispatchSemaphore(value: 0)
        let failure = Mutex<WorldChangeError?>(nil)
        requests.add { simulator in
            do throws(WorldChangeError) { try simulator.make(change) } catch { failure.withLock { $0 = error } }
            done.signal()
        }
        done.wait()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// Stops the modules and removes their ttys. Call it once.
    public func stop() {
        requests.add { $0.stop() }
        thread.join(within: .seconds(10))
    }
}

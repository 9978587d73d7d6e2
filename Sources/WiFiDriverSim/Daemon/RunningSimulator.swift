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
/// let tty = open(simulator.lineNames[0], O_RDWR | O_NOCTTY)
/// ```
///
/// Any thread may call its methods. The modules have booted when the initializer returns; what they sent meanwhile, such as
/// `ready`, waits in the ttys.
public final class RunningSimulator: Sendable {
    /// How clients open the modules' lines, one for each module: the path of a tty, or the name of another line.
    public let lineNames: [String]
    private let requests: Requests
    /// Until `stop` has joined it.
    private let thread: Mutex<Thread.Running?>

    /// What other threads ask of the simulator's thread. A request gets `nil` if the simulator has ended.
    private final class Requests: Sendable {
        typealias Request = @Sendable (Simulator?) -> Void

        let wakeup: Wakeup
        /// `nil` after the end.
        private let waiting = Mutex<[Request]?>([])

        init() throws(SystemError) { wakeup = try Wakeup() }

        func add(_ request: @escaping Request) {
            let isOpen = waiting.withLock { waiting in
                waiting?.append(request)
                return waiting != nil
            }
            if isOpen { wakeup.signal() } else { request(nil) }
        }

        func carryOut(on simulator: Simulator) {
            let requests = waiting.withLock { waiting in
                defer { waiting = waiting.map { _ in [] } }
                return waiting ?? []
            }
            for request in requests { request(simulator) }
        }

        /// The simulator has ended: nobody is to wait for it.
        func close() {
            let requests = waiting.withLock { waiting in
                defer { waiting = nil }
                return waiting ?? []
            }
            for request in requests { request(nil) }
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
            defer { requests.close() }
            do {
                let log = try Log(path: logPath, isQuiet: true)
                let simulator = try Simulator(options, log: log, onLine: onLine)
                defer { simulator.close() }
                try simulator.boot()
                try simulator.watch(requests.wakeup) { [unowned simulator] in
                    requests.carryOut(on: simulator)
                }
                result.withLock { $0 = .success(simulator.lineNames) }
                started.signal()
                do { try simulator.run() } catch { log.write("the simulator has ended: \(error)") }
            } catch {
                result.withLock { $0 = .failure(error) }
                started.signal()
            }
        }.startJoinable()
        started.wait()
        do {
            lineNames = try result.withLock { try $0?.get() } ?? []
        } catch {
            running.join(within: .seconds(10))
            throw error
        }
        self.requests = requests
        thread = Mutex(running)
    }

    /// Changes the world of the modules, and waits until that is done.
    /// - Throws: `WorldChangeError` if the world cannot make the change, or the simulator has stopped.
    public func make(_ change: WorldChange) throws(WorldChangeError) {
        let done = DispatchSemaphore(value: 0)
        let failure = Mutex<WorldChangeError?>(nil)
        requests.add { simulator in
            do throws(WorldChangeError) {
                guard let simulator else { throw WorldChangeError(description: "the simulator has stopped") }
                try simulator.make(change)
            } catch {
                failure.withLock { $0 = error }
            }
            done.signal()
        }
        done.wait()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// Stops the modules and removes their ttys. Does nothing the second time.
    public func stop() {
        requests.add { $0?.stop() }
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join(within: .seconds(10))
    }
}

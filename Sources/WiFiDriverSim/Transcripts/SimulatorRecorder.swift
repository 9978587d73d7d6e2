import WiFiSimDaemon
import WiFiSimHost
import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

/// Runs a module on a line and records its session. This is what `wifisim record FILE` does.
///
/// Belongs to the thread that made it.
package final class SimulatorRecorder {
    private let simulator: Simulator
    private let observer: Observer

    package var lineNames: [String] { simulator.lineNames }

    /// Makes the module and the file.
    /// - Parameters:
    ///   - options: the options of the simulator.
    ///   - path: the path of the new transcript; an existing file is not overwritten.
    ///   - origin: the text of the transcript's `origin` line.
    ///   - worldPath: the path of the world file; `nil` is the standard world.
    ///   - log: the log for notices.
    /// - Throws: the errors of `Simulator.init`, and `SystemError` if the file cannot be created.
    package init(_ options: SimulatorOptions, path: String, origin: String, worldPath: String?, log: Log) throws {
        var header = Transcript.Header()
        header.profile = options.firmware.name
        header.world = try worldPath.map { try Transcript.pathOfWorld($0, inTranscript: path) }
        header.seed = options.seed
        header.start = .power
        header.isUART = options.isUART
        header.origin = origin
        let file = try RecordingFile(path: path, header: header, at: .zero)
        try file.update(at: .zero) { recorder in
            for fault in options.faults { recorder.record(timeless: .world(.faults(.add(fault)))) }
        }
        observer = Observer(file, log: log)
        do {
            simulator = try Simulator(options, log: log, observer: observer)
        } catch {
            file.remove()
            throw error
        }
    }

    /// Runs until the module has booted and accepts commands, or until one of `signals` arrives.
    /// - Returns: the signal that arrived, or `nil`.
    /// - Throws: `SystemError` if the event loop fails.
    package func boot(until signals: SignalWatch) throws -> Int32? { try simulator.boot(until: signals) }

    /// Runs until a signal arrives for which `onSignal` returns true, then completes the transcript.
    package func run(until signals: SignalWatch, onSignal: @escaping (Int32) -> Bool = { _ in true }) throws {
        try simulator.run(until: signals, onSignal: onSignal)
        try observer.finish()
    }

    /// Removes the links and the control socket.
    package func close() { simulator.close() }

    private final class Observer: ModuleObserver {
        private let file: RecordingFile
        private let log: Log
        private var network = NetworkRecorder()
        private var lastSeen = Instant.zero
        private var hasFailed = false

        init(_ file: RecordingFile, log: Log) {
            self.file = file
            self.log = log
        }

        func saw(_ bytes: UnsafeRawBufferPointer, _ direction: LineDirection, at now: Instant) {
            write(at: now) { $0.record(Array(bytes), fromHost: direction == .toModule, at: now) }
        }

        func saw(_ traffic: NetworkTraffic, at now: Instant) {
            write(at: now) { recorder in
                switch traffic {
                case .request(let request): network.record(request, in: &recorder, at: now)
                case .event(let event): network.record(event, in: &recorder, at: now)
                }
            }
        }

        func saw(_ fault: Fault, at now: Instant) { write(at: now) { $0.note(fault, at: now) } }

        func saw(_ command: ControlCommand, at now: Instant) {
            let event: Transcript.Event? =
                switch command {
                // A transcript has the first module only.
                case .change(.faults(.add(let fault, 0?))): .world(.faults(.add(fault)))
                case .change(.faults(.add(_, _?))): nil
                case .change(let change): .world(change)
                case .module(0, .reset): .reset
                case .module(0, .pin(let number, let isHigh)): .pin(number, isHigh: isHigh)
                case .module(0, .power(let isOn)): .power(isOn: isOn)
                case .state, .faults, .module: nil
                }
            if let event { write(at: now) { $0.record(event, at: now) } }
        }

        /// Writes to the recording. If that fails, for example because the disk is full, the session continues without
        /// it, and the log says so once.
        private func write(at now: Instant, _ body: (inout TranscriptRecorder) -> Void) {
            lastSeen = now
            do throws(SystemError) {
                try file.update(at: now, body)
            } catch {
                if !hasFailed { log.write("recording: \(error)") }
                hasFailed = true
            }
        }

        func finish() throws(SystemError) { try file.finish(at: lastSeen) }
    }
}

import CPosix
import Dispatch
import Glibc
import Synchronization
import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// A module that runs inside the process that uses it.
public enum EmbeddedModule {
    /// Starts a module on its own thread. The thread ends when the returned descriptor is closed.
    ///
    /// The descriptor is one of a socket pair, not a tty. The module boots first: wait for `ready` before the first
    /// command.
    ///
    /// ```swift
    /// let line = try EmbeddedModule.start(firmware: .esp8266v1_7)
    /// defer { close(line) }
    /// ```
    /// - Parameters:
    ///   - firmware: the firmware profile.
    ///   - world: the surroundings; `nil` is the standard world without latency.
    ///   - hostAddress: the module's own loopback address on the computer; `nil` is 127.0.0.1.
    ///   - speed: how fast the module's time passes.
    ///   - controlPath: the path of a control socket (docs/Control.md); `nil` makes none.
    ///   - logPath: a file for notices and the bytes on the line, `-` for standard error; `nil` logs notices only.
    /// - Returns: the host's end of the serial line: a blocking descriptor that the caller closes.
    /// - Throws: `SystemError` if the control socket or the log cannot be opened, or where the system has no descriptor or
    ///   thread left.
    public static func start(
        firmware: Firmware = .standard, world: World? = nil, hostAddress: IPv4Address? = nil,
        speed: LoopSpeed = .real, controlPath: String? = nil, logPath: String? = nil
    ) throws -> Int32 {
        try start(
            firmware: firmware, world: world, hostAddress: hostAddress, speed: speed, controlPath: controlPath,
            log: LogPlace(path: logPath))
    }

    /// Where a module's log is, and the module's number there.
    package struct LogPlace: Sendable {
        let path: String?
        let number: Int

        /// Modules that share a log have different numbers.
        package init(path: String?, number: Int = 0) {
            self.path = path
            self.number = number
        }
    }

    private static func start(
        firmware: Firmware, world: World?, hostAddress: IPv4Address?, speed: LoopSpeed, controlPath: String?,
        log: LogPlace
    ) throws -> Int32 {
        var options = SimulatorOptions()
        options.firmware = firmware
        options.speed = speed
        // No latency: the process may end as soon as it has sent its data, and the driver of this library, the only
        // user of the line, does not depend on a distance to its peers.
        options.world = world ?? options.world.withoutLatency
        options.hostAddress = hostAddress
        options.controlPath = controlPath
        let (hostEnd, moduleEnd) = try UnixSocket.pair()
        let line = moduleEnd.rawValue
        // The options are copied into the thread; the thread makes everything else itself.
        let start = Start()
        let thread = Thread { [options] in
            do { try run(options, line: line, log, started: { start.end(nil) }) } catch {
                if start.end(error) { return }
                // The host closed the line before it had read all of the module's output.
                if let error = error as? SystemError, error.code == ECONNRESET { return }
                try? Log().write("embedded module: \(error)")
            }
        }
        let running = try thread.startJoinable()
        // The thread owns the descriptor from here on.
        _ = moduleEnd.release()
        threads.withLock { threads in
            threads.removeAll { $0.joinIfEnded() }
            threads.append(running)
        }
        try start.wait()
        return hostEnd.release()
    }

    /// The start of a module on its thread, and the thread that waits for it.
    private final class Start: Sendable {
        private let hasEnded = DispatchSemaphore(value: 0)
        private let result = Mutex<Result<Void, any Error>?>(nil)

        /// The module has started, or has failed to.
        /// - Returns: false if it had started before.
        @discardableResult
        func end(_ error: (any Error)?) -> Bool {
            let isFirst = result.withLock { result in
                guard result == nil else { return false }
                result = error.map { .failure($0) } ?? .success(())
                return true
            }
            if isFirst { hasEnded.signal() }
            return isFirst
        }

        func wait() throws {
            hasEnded.wait()
            try result.withLock { try $0?.get() }
        }
    }

    /// Starts the module that names and paths describe, as those of environment variables.
    /// - Throws: `UnknownProfileError` for an unknown profile, the errors of `World.load`, or `SystemError`.
    package static func start(
        profile: String?, worldPath: String?, hostAddress: IPv4Address?, speed: LoopSpeed = .real,
        controlPath: String? = nil, log: LogPlace = LogPlace(path: nil)
    ) throws -> Int32 {
        var firmware = Firmware.standard
        if let profile {
            guard let known = Firmware.named(profile) else { throw UnknownProfileError(name: profile) }
            firmware = known
        }
        return try start(
            firmware: firmware, world: worldPath.map(World.load), hostAddress: hostAddress, speed: speed,
            controlPath: controlPath, log: log)
    }

    /// The threads of modules that run, or that have ended since the last module was started.
    private static let threads = Mutex<[Thread.Running]>([])

    /// Waits for the modules whose lines are closed, at most `time` for each. A program that ends afterwards has no
    /// memory left that a leak checker would report.
    package static func joinAll(within time: Duration) {
        let ending = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in ending { thread.join(within: time) }
    }

    private static func run(
        _ options: SimulatorOptions, line: Int32, _ place: LogPlace, started: () -> Void
    ) throws {
        let line = FileDescriptor(owning: line)
        try line.makeNonBlocking()
        let log = try Log(path: place.path)
        defer { log.flush() }
        let modules = try ModuleLoop(options, log: log)
        let control = SimulatorControl(modules, log: log)
        defer { control.close() }
        var hostOptions = ModuleHost.Options()
        hostOptions.lineEnded = { [unowned modules] in modules.stop() }
        hostOptions.log = { log.write("embedded module: \($0)") }
        hostOptions.trace = log.tracesLines ? { log.write(module: place.number, $0, $1, at: $2) } : nil
        let network = try HostNetwork(
            HostNetwork.Configuration(options, moduleIndex: 0, air: modules.air), loop: modules.loop,
            resolver: modules.resolver,
            log: hostOptions.log)
        modules.add(
            try ModuleHost(
                module: Module(firmware: options.firmware), line: FixedLine(line, on: modules.loop), on: modules,
                network: network, options: hostOptions))
        if let path = options.controlPath { try control.serve(at: path) }
        started()
        try modules.run()
    }
}

/// An unknown name of a firmware profile.
package struct UnknownProfileError: Error, CustomStringConvertible {
    /// The name as given.
    let name: String
    /// Makes the error for `name`.
    package init(name: String) { self.name = name }
    /// The message, which lists the known profiles.
    package var description: String {
        "there is no profile \"\(name)\"; the profiles are \(Firmware.all.map(\.name).joined(separator: ", "))"
    }
}

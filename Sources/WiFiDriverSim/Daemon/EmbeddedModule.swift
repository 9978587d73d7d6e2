import CPosix
import Glibc
import Synchronization
import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// A module that runs inside the process that uses it.
public enum EmbeddedModule {
    /// Starts a module on a thread of its own. It ends when the descriptor is closed.
    /// - Parameters:
    ///   - profile: a firmware profile's name; `nil` is the standard one.
    ///   - worldPath: a world file; `nil` is the standard world.
    ///   - hostAddress: the module's own loopback address; `nil` is the host's.
    /// - Returns: the host's end of the serial line, a blocking descriptor that the caller closes.
    /// - Throws: `UnknownProfileError`, an error of `World.load`, or `SystemError`.
    public static func start(profile: String? = nil, worldPath: String? = nil, hostAddress: IPv4Address? = nil) throws
        -> Int32
    {
        var options = SimulatorOptions()
        if let profile {
            guard let firmware = Firmware.named(profile) else { throw UnknownProfileError(name: profile) }
            options.firmware = firmware
        }
        if let worldPath {
            options.world = try World.load(worldPath)
        } else {
            // The process may end as soon as it has sent; nothing but the driver of this library is on the line, which needs
            // no distance to its peers.
            options.world = options.world.withoutLatency
        }
        options.hostAddress = hostAddress
        let (hostEnd, moduleEnd) = try UnixSocket.pair()
        let line = moduleEnd.rawValue
        // The options are copied into the thread, which makes everything else itself.
        let thread = Thread { [options] in
            do { try run(options, line: line) } catch {
                // The line was closed before all that the module has said was read.
                if let error = error as? SystemError, error.code == ECONNRESET { return }
                try? Log().write("embedded module: \(error)")
            }
        }
        let running = try thread.startJoinable()
        // It is the thread's from here on.
        _ = moduleEnd.release()
        threads.withLock { threads in
            threads.removeAll { $0.joinIfEnded() }
            threads.append(running)
        }
        return hostEnd.release()
    }

    /// Of the modules that run, or have ended since the last one was started.
    private static let threads = Mutex<[Thread.Running]>([])

    /// Waits for the modules whose lines are closed, for so long at most each. A program that ends then has nothing in memory
    /// that a leak checker could tell of.
    package static func joinAll(within time: Duration) {
        let ending = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in ending { thread.join(within: time) }
    }

    private static func run(_ options: SimulatorOptions, line: Int32) throws {
        let line = FileDescriptor(owning: line)
        try line.makeNonBlocking()
        let modules = try ModuleLoop(options)
        var hostOptions = ModuleHost.Options()
        hostOptions.lineEnded = { [unowned modules] in modules.stop() }
        let log = try Log()
        hostOptions.log = { log.write("embedded module: \($0)") }
        let network = try HostNetwork(
            HostNetwork.Configuration(options, moduleIndex: 0, air: modules.air), loop: modules.loop,
            resolver: modules.resolver,
            log: hostOptions.log)
        modules.add(
            try ModuleHost(
                module: Module(firmware: options.firmware), line: line, on: modules, network: network,
                options: hostOptions))
        try modules.run()
    }
}

/// No firmware profile has this name.
public struct UnknownProfileError: Error, CustomStringConvertible {
    public let name: String
    public init(name: String) { self.name = name }
    public var description: String {
        "there is no profile \"\(name)\"; known are \(Firmware.all.map(\.name).joined(separator: ", "))"
    }
}

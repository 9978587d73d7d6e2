import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// Modules on serial lines, connected to the computer's network. This is what `wifisim run` runs.
///
/// Create it, call `boot` to wait for the modules, then `run`, which returns after `stop`. Call `close` at the end,
/// whether `run` returned or threw.
///
/// Belongs to the thread that made it.
public final class Simulator {
    /// How clients open the modules' lines, one for each module: the path of a tty, `socket://ADDRESS:PORT`,
    /// `rfc2217://ADDRESS:PORT` or `unix:PATH`; for a tty that the module has opened, `tty:PATH`.
    public private(set) var lineNames: [String] = []
    private let modules: ModuleLoop
    private var links: [TerminalLink] = []
    /// Keeps other simulators from using the same links and state files.
    private var claims: [Claim] = []
    private let control: SimulatorControl
    private let log: Log
    private let observer: (any ModuleObserver)?
    /// Saves, by module, the flash that could not be written to its file, for example on a full disk.
    private var unkept: [Int: () throws -> Void] = [:]

    /// Makes the modules, their lines and links. Nothing runs until `boot` or `run`.
    /// - Throws: `SystemError`, `ClaimError`, `TerminalLinkError` or `StateFileError`.
    public convenience init(_ options: SimulatorOptions, log: Log) throws {
        try self.init(options, log: log, observer: nil)
    }

    /// As `init(_:log:)`; also calls `onLine` with all bytes on the first module's line, in the order of the line.
    package convenience init(
        _ options: SimulatorOptions, log: Log, onLine: @escaping (LineDirection, [UInt8]) -> Void
    ) throws {
        try self.init(options, log: log, observer: LineObserver(onLine: onLine))
    }

    private final class LineObserver: ModuleObserver {
        private let onLine: (LineDirection, [UInt8]) -> Void
        init(onLine: @escaping (LineDirection, [UInt8]) -> Void) { self.onLine = onLine }
        func saw(_ bytes: UnsafeRawBufferPointer, _ direction: LineDirection, at now: Instant) {
            onLine(direction, Array(bytes))
        }
        func saw(_ traffic: NetworkTraffic, at now: Instant) {}
        func saw(_ fault: Fault, at now: Instant) {}
        func saw(_ command: ControlCommand, at now: Instant) {}
    }

    /// As `init(_:log:)`, with an observer of the first module's line and network.
    package init(_ options: SimulatorOptions, log: Log, observer: (any ModuleObserver)?) throws {
        self.log = log
        self.observer = observer
        modules = try ModuleLoop(options, log: log)
        control = SimulatorControl(modules, log: log, observer: observer)
        // A thousand modules need more descriptors than the usual soft limit.
        ProcessLife.raiseDescriptorLimit()
        do {
            for index in 0..<options.count { try addModule(index, options) }
            if let path = options.controlPath { try control.serve(at: path) }
        } catch {
            close()
            throw error
        }
    }

    private func addModule(_ index: Int, _ options: SimulatorOptions) throws {
        func numbered(_ path: String) -> String { options.count == 1 ? path : "\(path)\(index)" }
        var hostOptions = ModuleHost.Options()
        hostOptions.isPaced = options.isPaced || options.isUART
        hostOptions.isUART = options.isUART
        hostOptions.seed = options.seed &+ UInt64(index)
        hostOptions.log = { [log] text in log.write("module \(index): \(text)") }
        hostOptions.trace = log.tracesLines ? { [log] in log.write(module: index, $0, $1, at: $2) } : nil
        if index == 0, let observer {
            hostOptions.trace = { [trace = hostOptions.trace] direction, bytes, now in
                trace?(direction, bytes, now)
                observer.saw(bytes, direction, at: now)
            }
            hostOptions.observeNetwork = { observer.saw($0, at: $1) }
        }
        if index == 0 {
            hostOptions.place = options.onPlace
            if observer != nil || options.onFault != nil {
                hostOptions.observeFault = { [observer] fault, now in
                    observer?.saw(fault, at: now)
                    options.onFault?(fault)
                }
            }
        }
        var settings: Settings?
        var stateFile: StateFile?
        if let path = options.statePath.map(numbered) {
            let file = try StateFile(path: path, firmware: options.firmware)
            claims.append(try Claim(of: path, followsLast: true))
            stateFile = file
            settings = try file.load()
            hostOptions.store = { [weak self, log] settings in
                do {
                    try file.save(settings)
                    self?.unkept[index] = nil
                } catch {
                    log.write("module \(index): \(error)")
                    self?.unkept[index] = { try file.save(settings) }
                }
            }
        }
        var firmware = options.firmware
        if options.bootsInstantly { firmware.bootTime = .zero }
        let serialNumber = UInt32(index + 1)
        var used = settings ?? .factory(for: options.firmware, serialNumber: serialNumber)
        if let baud = options.baud {
            used.uart.baud = baud
            used.hasChosenUART = true
        }
        if let file = stateFile, used != settings { try file.save(used) }
        let module = Module(firmware: firmware, serialNumber: serialNumber, settings: used)
        module.seedFaults(options.seed &+ UInt64(index))
        let address = options.count == 1 ? options.line : options.line.numbered(index)
        let line = try address.open(speed: module.uart.baud.value, resetLine: options.resetLine, on: modules.loop)
        let network = try HostNetwork(
            HostNetwork.Configuration(options, moduleIndex: index, air: modules.air), loop: modules.loop,
            resolver: modules.resolver,
            log: hostOptions.log)
        modules.add(
            try ModuleHost(
                module: module, line: line, on: modules, network: network, options: hostOptions))
        if let path = options.linkPath.map(numbered) {
            claims.append(try Claim(of: path, followsLast: false))
            links.append(try TerminalLink(at: path, to: line.name))
        }
        lineNames.append(line.name)
    }

    /// Runs until every module has booted and accepts commands.
    /// - Throws: `SystemError` if the event loop fails.
    public func boot() throws { try boot(until: nil) }

    /// Runs until `stop` is called.
    /// - Throws: `SystemError` if the event loop fails, or an error if a module's flash cannot be written to its file.
    public func run() throws { try run(until: nil) }

    /// Runs until every module has booted and accepts commands, or until one of `signals` arrives.
    /// - Returns: the signal that arrived, or `nil`.
    /// - Throws: `SystemError` if the event loop fails.
    @discardableResult
    package func boot(until signals: SignalWatch?) throws -> Int32? {
        var received: Int32?
        try signals?.watch(on: modules.loop) { received = $0 }
        defer { signals?.unwatch(on: modules.loop) }
        try modules.run { [modules] in
            received != nil || modules.hosts.allSatisfy { $0.module.isRunning || $0.module.isStuck }
        }
        return received
    }

    /// Runs until `stop` is called, or until a signal arrives for which `onSignal` returns true.
    /// - Parameters:
    ///   - signals: the signals to watch.
    ///   - onSignal: called with each signal; returns whether it ends the run.
    /// - Returns: the signal that ended the run; `nil` after `stop`.
    /// - Throws: `SystemError` if the event loop fails, or an error if a module's flash cannot be written to its file.
    @discardableResult
    package func run(until signals: SignalWatch?, onSignal: @escaping (Int32) -> Bool = { _ in true }) throws -> Int32?
    {
        var received: Int32?
        if let signals {
            try signals.watch(on: modules.loop) { [modules] signal in
                guard onSignal(signal) else { return }
                received = signal
                modules.stop()
            }
        }
        try modules.run()
        for host in modules.hosts { host.traceOutput() }
        for (_, keep) in unkept.sorted(by: { $0.key < $1.key }) { try keep() }
        return received
    }

    /// Makes `run` return once the current events are handled.
    public func stop() { modules.stop() }

    /// Ends the lines, removes the links and the control socket, and writes the rest of the log. Pseudo-terminals exist
    /// until the simulator is deallocated.
    public func close() {
        for link in links { link.remove() }
        links = []
        control.close()
        for host in modules.hosts { host.line.close() }
        log.flush()
    }

    /// Changes the world now.
    /// - Throws: `WorldChangeError` if the world cannot make the change.
    package func make(_ change: WorldChange) throws(WorldChangeError) {
        try modules.air.make(change, at: modules.loop.now)
    }

    /// Calls `handler` on the simulator's thread after each signal of `wakeup`.
    func watch(_ wakeup: Wakeup, _ handler: @escaping () -> Void) throws(SystemError) {
        try wakeup.watch(on: modules.loop, handler: handler)
    }
}

/// Observes the traffic between a module and its surroundings.
package protocol ModuleObserver: AnyObject {
    func saw(_ bytes: UnsafeRawBufferPointer, _ direction: LineDirection, at now: Instant)
    func saw(_ traffic: NetworkTraffic, at now: Instant)
    /// Called when a fault happens.
    func saw(_ fault: Fault, at now: Instant)
    /// Called with each command of the control socket that was carried out.
    func saw(_ command: ControlCommand, at now: Instant)
}

extension HostNetwork.Configuration {
    init(_ options: SimulatorOptions, moduleIndex index: Int, air: Air) {
        hostAddress = options.hostAddress.map { IPv4Address(rawValue: $0.rawValue + UInt32(index)) }
        // A port of the computer can lead to one module only.
        forwards = index == 0 ? options.forwards : []
        isRestricted = options.isRestricted
        names = options.world.knownNames
        updates = options.world.updates
        window = options.isPaced ? options.firmware.receiveWindow : nil
        subnets = { air.accessPoints.map(\.network).filter(\.hasRouter) }
    }
}

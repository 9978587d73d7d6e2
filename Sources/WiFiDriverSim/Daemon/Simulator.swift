import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// Modules on pseudo-terminals, with the host's network: what `wifisim run` runs.
///
/// Belongs to the thread that made it.
public final class Simulator {
    /// The ttys' paths, one a module.
    public private(set) var terminalPaths: [String] = []
    private let modules: ModuleLoop
    private var links: [TerminalLink] = []
    /// Links and state files are this simulator's alone.
    private var claims: [Claim] = []
    private var control: ControlServer?
    private let log: Log
    private let observer: (any ModuleObserver)?
    /// Flash that could not be written to its file, as on a full disk, by module.
    private var unkept: [Int: () throws -> Void] = [:]

    /// Makes the modules, their ttys and links. Nothing runs until `run`.
    public convenience init(_ options: SimulatorOptions, log: Log) throws {
        try self.init(options, log: log, observer: nil)
    }

    /// The same, with a look at the first module's line: `onLine` is called with all bytes, in the order of the line.
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
        func saw(_ command: ControlCommand, at now: Instant) {}
    }

    /// The same with an observer that sees the first module's line and network.
    package init(_ options: SimulatorOptions, log: Log, observer: (any ModuleObserver)?) throws {
        self.log = log
        self.observer = observer
        modules = try ModuleLoop(options, log: log)
        // A thousand modules take more descriptors than a shell gives.
        ProcessLife.raiseDescriptorLimit()
        do {
            for index in 0..<options.count { try addModule(index, options) }
            if let path = options.controlPath {
                control = try ControlServer(at: path, on: modules.loop) { [unowned self] in try carryOut($0) }
            }
        } catch {
            close()
            throw error
        }
    }

    private func addModule(_ index: Int, _ options: SimulatorOptions) throws {
        func numbered(_ path: String) -> String { options.count == 1 ? path : "\(path)\(index)" }
        var hostOptions = ModuleHost.Options()
        hostOptions.isPaced = options.isPaced
        hostOptions.log = { [log] text in log.write("module \(index): \(text)") }
        hostOptions.trace = log.tracesLines ? { [log] in log.write(module: index, $0, $1, at: $2) } : nil
        if index == 0, let observer {
            hostOptions.trace = { [trace = hostOptions.trace] direction, bytes, now in
                trace?(direction, bytes, now)
                observer.saw(bytes, direction, at: now)
            }
            hostOptions.observeNetwork = observer.saw
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
        let serialNumber = UInt32(index + 1)
        var used = settings ?? .factory(for: options.firmware, serialNumber: serialNumber)
        if let baud = options.baud {
            used.uart.baud = baud
            used.hasChosenUART = true
        }
        if let file = stateFile, used != settings { try file.save(used) }
        let module = Module(firmware: options.firmware, serialNumber: serialNumber, settings: used)
        let terminal = try PseudoTerminal(speed: module.uart.baud.value)
        let network = try HostNetwork(
            HostNetwork.Configuration(options, moduleIndex: index, air: modules.air), loop: modules.loop,
            resolver: modules.resolver,
            log: hostOptions.log)
        modules.add(
            try ModuleHost(
                module: module, line: terminal.master, terminal: terminal, on: modules, network: network,
                options: hostOptions))
        if let path = options.linkPath.map(numbered) {
            claims.append(try Claim(of: path, followsLast: false))
            links.append(try TerminalLink(at: path, to: terminal.path))
        }
        terminalPaths.append(terminal.path)
    }

    /// Runs until every module has booted and takes commands.
    /// - Throws: `SystemError` when the event loop fails.
    public func boot() throws { try boot(until: nil) }

    /// Runs until `stop`.
    /// - Throws: `SystemError` when the event loop fails, or a module's flash could not be written to its file.
    public func run() throws { try run(until: nil) }

    /// Runs until every module has booted and takes commands, or until one of these signals comes.
    /// - Returns: the signal.
    /// - Throws: `SystemError` when the event loop fails.
    @discardableResult
    package func boot(until signals: SignalWatch?) throws -> Int32? {
        var received: Int32?
        try signals?.watch(on: modules.loop) { received = $0 }
        defer { signals?.unwatch(on: modules.loop) }
        try modules.run { [modules] in
            received != nil || modules.hosts.allSatisfy { $0.module.isRunning }
        }
        return received
    }

    /// Runs until `stop`, or until a signal comes that `onSignal` takes for the end.
    /// - Parameters:
    ///   - signals: the signals to look out for.
    ///   - onSignal: whether this signal ends the run.
    /// - Returns: the signal that did; `nil` after `stop`.
    /// - Throws: `SystemError` when the event loop fails, or a module's flash could not be written to its file.
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

    /// Ends `run`.
    public func stop() { modules.stop() }

    /// Removes the links and the control socket, and writes the rest of the log. The ttys go with the simulator.
    public func close() {
        for link in links { link.remove() }
        links = []
        control?.close()
        control = nil
        log.flush()
    }

    // MARK: Control

    private func carryOut(_ command: ControlCommand) throws -> [UInt8] {
        let now = modules.loop.now
        let answer = try answer(command)
        observer?.saw(command, at: now)
        return answer
    }

    private func answer(_ command: ControlCommand) throws -> [UInt8] {
        switch command {
        case .state: return ControlMessage.line(state)
        case .change(let change):
            try modules.air.make(change, at: modules.loop.now)
            log.write("control: \(change.text(quoting: { "\"\($0)\"" }))")
        case .module(let index, let action):
            guard modules.hosts.indices.contains(index) else {
                throw ControlError("there is no module \(index); there are 0 to \(modules.hosts.count - 1)")
            }
            let host = modules.hosts[index]
            switch action {
            case .reset: host.reset()
            case .power(let isOn): host.power(isOn: isOn)
            case .report(let line):
                guard host.report(line) else {
                    throw ControlError("nobody reads module \(index)'s line, and it has no room for more")
                }
            }
        }
        return ControlMessage.done
    }

    private var state: WorldState {
        WorldState(
            modules: modules.hosts.enumerated().map { index, host in
                ModuleState(host.module, index: index, tty: terminalPaths[index])
            },
            accessPoints: modules.air.accessPoints.map { accessPoint in
                let stations = modules.air.members(of: accessPoint.bssid).compactMap { $0.state.joined?.station }
                return AccessPointState(
                    accessPoint, isSoftAP: !accessPoint.network.hasRouter, stations: stations.map { "\($0)" })
            })
    }
}

/// Sees what passes between a module and what is around it.
package protocol ModuleObserver: AnyObject {
    func saw(_ bytes: UnsafeRawBufferPointer, _ direction: LineDirection, at now: Instant)
    func saw(_ traffic: NetworkTraffic, at now: Instant)
    /// What came from the control socket and was carried out.
    func saw(_ command: ControlCommand, at now: Instant)
}

extension HostNetwork.Configuration {
    init(_ options: SimulatorOptions, moduleIndex index: Int, air: Air) {
        hostAddress = options.hostAddress.map { IPv4Address(rawValue: $0.rawValue + UInt32(index)) }
        // One port can lead to one module only.
        forwards = index == 0 ? options.forwards : []
        isRestricted = options.isRestricted
        names = options.world.knownNames
        updates = options.world.updates
        window = options.isPaced ? options.firmware.receiveWindow : nil
        subnets = { air.accessPoints.map(\.network).filter(\.hasRouter) }
    }
}

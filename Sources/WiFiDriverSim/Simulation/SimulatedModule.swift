import WiFiSimModule
import WiFiSimValues

/// A module of a simulation, with its serial line.
///
/// Send with `send`, and read with `takeBytes` or `takeOutput`. The module's output stays in the module until it is
/// taken. The simulation owns its modules: keep it alive while you use them. Belongs to the thread that made the
/// simulation.
public final class SimulatedModule {
    package let module: Module
    // The simulation owns its modules.
    unowned let simulation: Simulation
    let stack: VirtualStack
    /// What lies between the module and its stack.
    let network: FaultyNetwork
    let radio: Air.RadioID
    /// The settings that the module last wrote to its flash; `nil` before the first write.
    package private(set) var storedSettings: Settings?
    /// The UART configuration of the module's end of the line.
    public private(set) var line = UARTConfiguration()
    /// The bit rate of the host's end, in bits per second; `nil` follows the module's. If the two rates differ, each
    /// end reads the bytes that a UART would make of the other's bits.
    public var hostBaud: Int?
    /// The log entries of the module, oldest first.
    public private(set) var log: [String] = []
    /// Called with the traffic on the line, as seen at the module's end, and with that of the network beyond its faults.
    var observer: ((Observation) -> Void)?
    /// Output from before a change of the line's configuration, as the host reads it.
    private var taken: [UInt8] = []

    enum Observation {
        case line(LineDirection, [UInt8])
        case network(NetworkTraffic)
        case fault(Fault)
        case place(FaultPlace)
    }

    init(_ module: Module, simulation: Simulation, stack: VirtualStack, radio: Air.RadioID, seed: UInt64) {
        self.module = module
        self.simulation = simulation
        self.stack = stack
        self.radio = radio
        network = FaultyNetwork(stack, seed: seed) { [unowned module] in module.link(of: $0) }
        module.seedFaults(seed)
        network.observe = { [unowned self] in observer?(.network($0)) }
        network.fired = { [unowned module] in module.networkFaultFired($0) }
    }

    /// Sends bytes from the host to the module. Their effects reach the world and the network with the next `run` or
    /// `takeBytes`. All bytes sent at the same instant form one block, however many calls send them.
    public func send(_ bytes: [UInt8]) {
        observer?(.line(.toModule, bytes))
        module.receive(misread(bytes, sent: hostFrame, read: UARTFrame(line)), at: simulation.now)
    }

    /// Sends text, as UTF-8, from the host to the module.
    public func send(_ text: String) { send(Array(text.utf8)) }

    /// Takes the module's output, including output that had to wait for room in the output buffer.
    public func takeBytes() -> [UInt8] {
        simulation.settle()
        if !module.output.isEmpty { drain(afterwards: simulation.settle) }
        if taken.isEmpty { return [] }
        defer { taken = [] }
        return taken
    }

    private func drain(afterwards settle: () -> Void = {}) {
        while !module.output.isEmpty {
            let said = misread(module.output.take(.max), sent: UARTFrame(line), read: hostFrame)
            observer?(.line(.toHost, said))
            taken += said
            module.lineDrained(at: simulation.now)
            settle()
        }
    }

    /// Takes the module's output as text. Bytes that are not UTF-8 become U+FFFD.
    public func takeOutput() -> String { String(decoding: takeBytes(), as: UTF8.self) }

    /// Pulses the reset pin: the module boots.
    public func reset() {
        module.reset(at: simulation.now)
        simulation.settle()
    }

    /// Sets one more fault of this module.
    /// - Throws: `WorldChangeError` if the fault changes the world in a way that it cannot.
    public func add(_ fault: Fault) throws(WorldChangeError) {
        try simulation.make(.faults(.add(fault, module: radio.index)))
    }

    /// Turns the module's power off.
    public func powerOff() {
        module.powerOff(at: simulation.now)
        simulation.settle()
    }

    /// Turns the module's power on: the module boots.
    public func powerOn() {
        module.powerUp(at: simulation.now)
        simulation.settle()
    }

    /// True while the bit rate of the host's end differs from the module's.
    public var isMisread: Bool { hostBaud.map { $0 != line.baud.value } ?? false }

    private var hostFrame: UARTFrame {
        var frame = UARTFrame(line)
        if let hostBaud { frame.bitRate = hostBaud }
        return frame
    }

    private func misread(_ bytes: [UInt8], sent: UARTFrame, read: UARTFrame) -> [UInt8] {
        sent == read ? bytes : Misreading.bytes(bytes, sent: sent, read: read).bytes
    }

    func apply(_ effect: Module.Effect) {
        switch effect {
        case .network(let request):
            if !network.isObserving { observer?(.network(.request(request))) }
            network.handle(request, at: simulation.now)
        case .air(let request): simulation.air.handle(request, from: radio, at: simulation.now)
        case .store(let settings): storedSettings = settings
        case .setLine(let configuration):
            // Output from before the change is still sent with the old configuration.
            drain()
            line = configuration
        case .log(let text): log.append(text)
        case .fault(let fault):
            log.append("fault: \(fault)")
            observer?(.fault(fault))
        case .networkFaults(let faults): network.set(faults, at: simulation.now)
        case .place(let place): observer?(.place(place))
        }
    }
}

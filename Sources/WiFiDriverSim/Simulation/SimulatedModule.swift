import WiFiSimModule
import WiFiSimValues

/// A module of a simulation, with its serial line. What it says waits until it is taken.
public final class SimulatedModule {
    package let module: Module
    // The simulation owns its modules.
    unowned let simulation: Simulation
    let stack: VirtualStack
    let radio: Air.RadioID
    /// The last settings that the module asked to be kept.
    package private(set) var storedSettings: Settings?
    /// The configuration of the module's end of the line.
    public private(set) var line = UARTConfiguration()
    /// The bit rate of the host's end; `nil` follows the module's. With another rate than the module's, each reads what a
    /// UART makes of the other's bits.
    public var hostBaud: Int?
    /// What the module said to the log.
    public private(set) var log: [String] = []
    /// Sees what passes on the line and between the module and its network, at the module's end.
    var observer: ((Observation) -> Void)?
    /// Output of before a change of the line's configuration, as the host reads it.
    private var taken: [UInt8] = []

    enum Observation {
        case line(LineDirection, [UInt8])
        case network(NetworkTraffic)
    }

    init(_ module: Module, simulation: Simulation, stack: VirtualStack, radio: Air.RadioID) {
        self.module = module
        self.simulation = simulation
        self.stack = stack
        self.radio = radio
    }

    /// Bytes from the host to the module. The world and the network hear of them with the next `run` or `takeBytes`: what
    /// is sent at one moment is one piece, however many calls it takes.
    public func send(_ bytes: [UInt8]) {
        observer?(.line(.toModule, bytes))
        module.receive(misread(bytes, sentAt: hostBaud ?? line.baud.value, readAt: line.baud.value), at: simulation.now)
    }

    /// Text from the host to the module.
    public func send(_ text: String) { send(Array(text.utf8)) }

    /// Takes what the module has sent, and lets it say what it had no room for.
    public func takeBytes() -> [UInt8] {
        simulation.settle()
        if !module.output.isEmpty { drain(afterwards: simulation.settle) }
        if taken.isEmpty { return [] }
        defer { taken = [] }
        return taken
    }

    private func drain(afterwards settle: () -> Void = {}) {
        while !module.output.isEmpty {
            let said = misread(module.output.take(.max), sentAt: line.baud.value, readAt: hostBaud ?? line.baud.value)
            observer?(.line(.toHost, said))
            taken += said
            module.lineDrained(at: simulation.now)
            settle()
        }
    }

    /// Takes what the module has sent, as text.
    public func takeOutput() -> String { String(decoding: takeBytes(), as: UTF8.self) }

    /// Pulls the reset line.
    public func reset() {
        module.reset(at: simulation.now)
        simulation.settle()
    }

    public func powerOff() {
        module.powerOff(at: simulation.now)
        simulation.settle()
    }

    public func powerOn() {
        module.powerUp(at: simulation.now)
        simulation.settle()
    }

    /// The host's bit rate is not the module's.
    public var isMisread: Bool { hostBaud.map { $0 != line.baud.value } ?? false }

    private func misread(_ bytes: [UInt8], sentAt sentRate: Int, readAt readRate: Int) -> [UInt8] {
        sentRate == readRate ? bytes : Misreading.bytes(bytes, sentAt: sentRate, readAt: readRate)
    }

    func apply(_ effect: Module.Effect) {
        switch effect {
        case .network(let request):
            observer?(.network(.request(request)))
            stack.handle(request, at: simulation.now)
        case .air(let request): simulation.air.handle(request, from: radio, at: simulation.now)
        case .store(let settings): storedSettings = settings
        case .setLine(let configuration):
            // What was said before is still sent as before.
            drain()
            line = configuration
        case .log(let text): log.append(text)
        }
    }
}

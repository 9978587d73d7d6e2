/// One module in a world and on a network in memory, under a clock that only `run` moves.
///
/// ```swift
/// let simulation = Simulation(firmware: .standard)
/// simulation.send("AT\r\n")
/// #expect(simulation.takeOutput() == "AT\r\n\r\nOK\r\n")
/// ```
public final class Simulation {
    public private(set) var now = Instant.zero
    public let module: Module
    public let air: Air
    public let network: VirtualNetwork
    private let radio: Air.RadioID
    /// The last settings that the module asked to be kept.
    public private(set) var storedSettings: Settings?
    /// The configuration of the line that the module asked for.
    public private(set) var line = UARTConfiguration()
    /// What the module said to the log.
    public private(set) var log: [String] = []

    /// A module that has booted; its boot banner is in the output.
    public init(
        firmware: Firmware = .standard, world: World = .standard, serialNumber: UInt32 = 1, settings: Settings? = nil
    ) {
        module = Module(firmware: firmware, serialNumber: serialNumber, settings: settings)
        air = Air(world: world)
        network = VirtualNetwork(names: world.names)
        radio = air.addRadio()
        module.powerUp(at: now)
        settle()
        run(for: firmware.bootTime)
    }

    /// Bytes from the host to the module. The world and the network hear of them with the next `run` or `takeBytes`: what is
    /// sent at one moment is one piece, however many calls it takes.
    public func send(_ bytes: [UInt8]) { module.receive(bytes, at: now) }

    /// Text from the host to the module.
    public func send(_ text: String) { send(Array(text.utf8)) }

    /// Takes what the module has sent.
    public func takeBytes() -> [UInt8] {
        settle()
        var bytes: [UInt8] = []
        while !module.output.isEmpty {
            bytes += module.output.take(.max)
            module.lineDrained(at: now)
            settle()
        }
        return bytes
    }

    /// Takes what the module has sent, as text.
    public func takeOutput() -> String { String(decoding: takeBytes(), as: UTF8.self) }

    /// Lets time pass; the line takes everything meanwhile only if `takeBytes` is called.
    public func run(for duration: Duration) {
        let end = now + duration
        while let next = nextDeadline, next <= end { step(to: next) }
        step(to: end)
    }

    public var nextDeadline: Instant? {
        .earlier(module.nextDeadline, .earlier(air.nextDeadline, network.nextDeadline))
    }

    private func step(to time: Instant) {
        now = max(now, time)
        air.advance(to: now)
        network.advance(to: now)
        module.advance(to: now)
        settle()
    }

    /// Carries effects and events to and fro until all is quiet at this moment.
    private func settle() {
        while true {
            let effects = module.takeEffects()
            for effect in effects { apply(effect) }
            let airEvents = air.takeEvents()
            for (_, event) in airEvents { module.handle(event, at: now) }
            let networkEvents = network.takeEvents()
            for event in networkEvents { module.handle(event, at: now) }
            if effects.isEmpty, airEvents.isEmpty, networkEvents.isEmpty { return }
        }
    }

    private func apply(_ effect: Module.Effect) {
        switch effect {
        case .network(let request): network.handle(request, at: now)
        case .air(let request): air.handle(request, from: radio, at: now)
        case .store(let settings): storedSettings = settings
        case .setLine(let configuration): line = configuration
        case .log(let text): log.append(text)
        }
    }
}

@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Several modules in one world, each with a host. Echo is off.
final class Room {
    let simulation: Simulation

    init(_ firmware: Firmware = .standard, modules: Int = 2, world: World = .standard) {
        simulation = Simulation(firmware: firmware, world: world, moduleCount: modules)
        for module in 0..<modules { ask(module, "ATE0") }
    }

    /// The first module has a soft-AP, which the second has joined.
    static func softAPAndStation(_ firmware: Firmware = .standard) -> Room {
        let room = Room(firmware)
        room.ask(0, "AT+CWMODE=2")
        room.ask(0, "AT+CWSAP=\"lab\",\"12345678\",5,3")
        room.ask(1, "AT+CWMODE=1")
        room.ask(1, "AT+CWJAP=\"lab\",\"12345678\"", for: .seconds(3))
        _ = room.listen(0)
        return room
    }

    /// Two modules on the access point of the world.
    static func stations(_ firmware: Firmware = .standard) -> Room {
        let room = Room(firmware)
        for module in 0..<2 {
            room.ask(module, "AT+CWMODE=1")
            room.ask(module, "AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3))
        }
        return room
    }

    /// Sends a line to a module and returns its output within a time.
    @discardableResult
    func ask(_ module: Int, _ line: String, for duration: Duration = .milliseconds(50)) -> String {
        send(module, Array((line + "\r\n").utf8), for: duration)
    }

    @discardableResult
    func send(_ module: Int, _ bytes: [UInt8], for duration: Duration = .milliseconds(50)) -> String {
        simulation.modules[module].send(bytes)
        return listen(module, for: duration)
    }

    /// The output of a module within a time. No line is ever full. The output of the other modules waits.
    func listen(_ module: Int, for duration: Duration = .zero) -> String {
        let end = simulation.now + duration
        var said = simulation.modules[module].takeOutput()
        while simulation.runToNextDeadline(notAfter: end) { said += simulation.modules[module].takeOutput() }
        return said + simulation.modules[module].takeOutput()
    }
}

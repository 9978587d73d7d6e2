import Testing
import Uplink
import WiFiDriverSim

/// The driver under test, a simulated module and a server, in virtual time.
struct Bench {
    let simulation: Simulation
    let server: VirtualPeer
    var uplink = Uplink(ssid: "wifisim", password: "password", server: ("10.0.2.50", 7000))

    init(firmware: Firmware) {
        simulation = Simulation(firmware: firmware)
        server = simulation.makePeer()
        server.listen(at: Endpoint(.v4(IPv4Address(10, 0, 2, 50)), 7000))
    }

    /// Resets the module once it has sent this many bytes more.
    mutating func resetModule(afterBytes count: Int) { bytesToReset = count }
    private var bytesToReset: Int?

    /// Lets time pass and carries the bytes of the serial line both ways.
    mutating func run(seconds: Int) {
        for _ in 0..<seconds {
            for _ in 0..<100 {
                simulation.send(uplink.takeOutput())
                simulation.run(for: .milliseconds(10))
                uplink.receive(output())
            }
            uplink.tick()
        }
    }

    private mutating func output() -> String {
        let output = simulation.takeOutput()
        guard let left = bytesToReset else { return output }
        bytesToReset = left - output.utf8.count
        guard left <= output.utf8.count else { return output }
        bytesToReset = nil
        simulation.modules[0].reset()
        return String(output.utf8.prefix(left)) ?? ""
    }

    /// The text that the server has received since the last call.
    func received() -> String { String(decoding: server.take(), as: UTF8.self) }
}

@Suite struct UplinkTests {
    @Test(arguments: Firmware.all)
    func `A reading arrives at the server`(firmware: Firmware) {
        var bench = Bench(firmware: firmware)
        bench.uplink.add(21)
        bench.uplink.add(22)
        bench.run(seconds: 10)
        #expect(bench.received() == "21\n22\n")
        #expect(bench.uplink.waiting.isEmpty)
    }

    @Test func `Readings wait while the access point is off`() throws {
        var bench = Bench(firmware: .standard)
        try bench.simulation.make(.accessPoint("wifisim", .off))
        bench.uplink.add(21)
        bench.run(seconds: 60)
        #expect(bench.received() == "")
        try bench.simulation.make(.accessPoint("wifisim", .on))
        bench.run(seconds: 60)
        #expect(bench.received() == "21\n")
    }

    @Test func `A server that resets the connection gets the reading with the next one`() {
        var bench = Bench(firmware: .esp8266v1_7)
        bench.uplink.add(21)
        bench.run(seconds: 10)
        bench.server.reset()
        bench.run(seconds: 1)
        bench.uplink.add(22)
        bench.run(seconds: 30)
        #expect(bench.received() == "21\n22\n")
    }

    @Test func `A host that does not answer delays the reading, one that refuses too`() {
        var bench = Bench(firmware: .standard)
        let endpoint = Endpoint(.v4(IPv4Address(10, 0, 2, 50)), 7000)
        bench.simulation.ignore(at: endpoint)
        bench.uplink.add(21)
        bench.run(seconds: 60)
        bench.simulation.refuse(at: endpoint)
        bench.run(seconds: 60)
        #expect(bench.received() == "")
        bench.server.listen(at: endpoint)
        bench.run(seconds: 60)
        #expect(bench.received() == "21\n")
    }

    @Test func `A module that loses its power is set up anew`() {
        var bench = Bench(firmware: .esp32v2_1)
        bench.uplink.add(21)
        bench.run(seconds: 10)
        bench.simulation.modules[0].powerOff()
        bench.run(seconds: 2)
        bench.simulation.modules[0].powerOn()
        bench.run(seconds: 1)
        bench.uplink.add(22)
        bench.run(seconds: 30)
        #expect(bench.received() == "21\n22\n")
    }
}

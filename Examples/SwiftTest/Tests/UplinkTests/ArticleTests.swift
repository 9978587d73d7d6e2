import Glibc
import Testing
import Uplink
import WiFiDriverSim

/// The examples of the library's articles.
@Suite struct ArticleTests {
    @Test func `Bytes go to a module and come back`() {
        let simulation = Simulation(firmware: .esp8266v1_7)
        simulation.send("AT+CWMODE=1\r\n")
        simulation.run(for: .milliseconds(100))
        #expect(simulation.takeOutput() == "AT+CWMODE=1\r\r\n\r\nOK\r\n")
    }

    @Test func `A world has the access points that the test describes, and changes`() throws {
        var office = AccessPoint(ssid: "office", bssid: try #require(MACAddress("02:00:00:00:00:01")))
        office.security = .wpa3
        office.password = "correct horse"
        office.channel = 11
        office.rssi = -70
        let world = World(accessPoints: [office], names: ["broker.test": [.v4(IPv4Address(10, 0, 2, 50))]])
        let simulation = Simulation(world: world)
        simulation.send("AT+CWMODE=1\r\n")
        simulation.run(for: .milliseconds(100))
        simulation.send("AT+CWJAP=\"office\",\"correct horse\"\r\n")
        simulation.run(for: .seconds(5))
        #expect(simulation.takeOutput().hasSuffix("WIFI GOT IP\r\n\r\nOK\r\n"))

        try simulation.make(.accessPoint("office", .rssi(-90)))
        try simulation.make(.accessPoint("office", .dhcp(.full)))
        try simulation.make(.accessPoint("office", .off))
        simulation.run(for: .seconds(30))
        #expect(simulation.takeOutput().hasPrefix("WIFI DISCONNECT\r\n"))
    }

    @Test func `A transcript is played to a module`() throws {
        let transcript = try Transcript(
            parsing: """
                transcript 1
                > AT\\r\\n
                < AT\\r\\n
                < \\r\\nOK\\r\\n
                """)
        #expect(TranscriptPlayer(transcript).play().divergence == nil)
    }

    @Test(arguments: Array(stride(from: 1, to: 400, by: 7)))
    func `The driver recovers from a reset after any byte`(count: Int) {
        var bench = Bench(firmware: .standard)
        bench.resetModule(afterBytes: count)
        bench.uplink.add(21)
        bench.run(seconds: 120)
        #expect(bench.uplink.waiting.isEmpty)
    }

    @Test func `A module in the process has a line for code that reads a descriptor`() throws {
        let line = try EmbeddedModule.start(firmware: .esp32c3v5_0)
        #expect(line >= 0)
        close(line)
    }
}

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

    @Test func `Transcripts of a folder are checked`() throws {
        let folder = "\(#filePath)".replacing("/Examples/SwiftTest/Tests/UplinkTests/ArticleTests.swift", with: "")
        for path in try Transcript.files(at: folder + "/fixtures/esp32c3-4.1/basic").prefix(3) {
            #expect(TranscriptCheck(of: path).problem == nil)
        }
    }

    @Test func `A peer connects to the module's server`() {
        let simulation = Simulation()
        for line in ["AT+CWMODE=1", "AT+CWJAP=\"wifisim\",\"password\"", "AT+CIPMUX=1", "AT+CIPSERVER=1,80"] {
            simulation.send(line + "\r\n")
            simulation.run(for: .seconds(5))
        }
        _ = simulation.takeOutput()
        let client = simulation.makePeer()
        client.connect(toPort: 80, from: Endpoint(.v4(IPv4Address(10, 0, 2, 60)), 40_000))
        client.send("GET / HTTP/1.0\r\n\r\n")
        simulation.run(for: .seconds(1))
        #expect(simulation.takeOutput().contains("+IPD,0,18:GET / HTTP/1.0"))
    }

    @Test func `A simulator on its own thread has a tty, changes its world and stops`() throws {
        var options = SimulatorOptions()
        options.firmware = .esp8266v1_7
        let simulator = try RunningSimulator(options)
        let path = try #require(simulator.lineNames.first)
        let tty = open(path, O_RDWR | O_NOCTTY)
        #expect(tty >= 0)
        defer { close(tty) }
        #expect(write(tty, "AT\r\n", 4) == 4)
        var output = ""
        var byte: UInt8 = 0
        while !output.hasSuffix("OK\r\n"), read(tty, &byte, 1) == 1 {
            output.unicodeScalars.append(Unicode.Scalar(byte))
        }
        #expect(output.hasSuffix("AT\r\r\n\r\nOK\r\n"))
        try simulator.make(.accessPoint("wifisim", .off))
        #expect(throws: WorldChangeError.self) { try simulator.make(.accessPoint("wifisim", .channel(99))) }
        #expect(throws: WorldChangeError.self) { try simulator.make(.accessPoint("nowhere", .off)) }
        simulator.stop()
        simulator.stop()
        #expect(throws: WorldChangeError.self) { try simulator.make(.accessPoint("wifisim", .on)) }
        #expect(open(path, O_RDWR | O_NOCTTY) < 0)
    }

    @Test func `A module in the process has a line for code that reads a descriptor`() throws {
        let line = try EmbeddedModule.start(firmware: .esp32c3v5_0)
        #expect(line >= 0)
        close(line)
    }
}

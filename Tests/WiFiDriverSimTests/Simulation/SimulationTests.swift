import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct SimulationTests {
    private let gateway = IPAddress.v4(IPv4Address(10, 0, 2, 2))

    /// Sends a line and returns the output of the module in that time.
    @discardableResult
    private func ask(_ line: String, _ simulation: Simulation, module: Int = 0, for time: Duration = .milliseconds(100))
        -> String
    {
        send(line + "\r\n", simulation, module: module, for: time)
    }

    /// Sends data and returns the output of the module in that time.
    @discardableResult
    private func send(
        _ data: String, _ simulation: Simulation, module: Int = 0, for time: Duration = .milliseconds(100)
    ) -> String {
        simulation.modules[module].send(data)
        var said = simulation.modules[module].takeOutput()
        let end = simulation.now + time
        while simulation.runToNextDeadline(notAfter: end) { said += simulation.modules[module].takeOutput() }
        return said + simulation.modules[module].takeOutput()
    }

    private func joined(moduleCount: Int = 1, seed: UInt64 = 0) -> Simulation {
        let simulation = Simulation(moduleCount: moduleCount, seed: seed)
        for module in 0..<moduleCount {
            ask("ATE0", simulation, module: module)
            ask("AT+CWMODE=1", simulation, module: module)
            ask("AT+CWJAP=\"wifisim\",\"password\"", simulation, module: module, for: .seconds(3))
        }
        return simulation
    }

    @Test func `A module answers in three lines`() {
        let simulation = Simulation(firmware: .standard)
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "AT\r\n\r\nOK\r\n")
    }

    @Test func `A simulation that starts with the power says ready in its time`() {
        let simulation = Simulation(start: .power)
        #expect(simulation.takeOutput() == "")
        simulation.run(for: Firmware.standard.bootTime)
        #expect(simulation.takeOutput() == "\r\nready\r\n")
    }

    @Test func `Two modules exchange data`() {
        let simulation = joined(moduleCount: 2)
        ask("AT+CIPMUX=1", simulation, module: 1)
        ask("AT+CIPSERVER=1,80", simulation, module: 1)
        #expect(ask("AT+CIPSTART=\"TCP\",\"10.0.2.16\",80", simulation) == "CONNECT\r\n\r\nOK\r\n")
        #expect(simulation.modules[1].takeOutput() == "0,CONNECT\r\n")
        ask("AT+CIPSEND=5", simulation)
        #expect(send("hello", simulation).hasPrefix("\r\nRecv 5 bytes\r\n"))
        #expect(simulation.modules[1].takeOutput() == "\r\n+IPD,0,5:hello")
        ask("AT+CIPSEND=0,2", simulation, module: 1)
        send("hi", simulation, module: 1)
        #expect(simulation.takeOutput() == "\r\n+IPD,2:hi")
        ask("AT+CIPCLOSE", simulation)
        #expect(simulation.modules[1].takeOutput() == "0,CLOSED\r\n")
    }

    @Test func `A module without a server refuses another`() {
        let simulation = joined(moduleCount: 2)
        #expect(ask("AT+CIPSTART=\"TCP\",\"10.0.2.16\",81", simulation).hasSuffix("\r\nERROR\r\nCLOSED\r\n"))
    }

    @Test func `Two modules exchange datagrams`() {
        let simulation = joined(moduleCount: 2)
        ask("AT+CIPSTART=\"UDP\",\"10.0.2.15\",1111,2222", simulation, module: 1)
        ask("AT+CIPSTART=\"UDP\",\"10.0.2.16\",2222,1111", simulation)
        ask("AT+CIPSEND=4", simulation)
        send("ping", simulation)
        #expect(simulation.modules[1].takeOutput() == "\r\n+IPD,4:ping")
    }

    @Test func `Daytime and time send the virtual time and close`() {
        let simulation = joined()
        #expect(
            ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",13", simulation)
                == "CONNECT\r\n\r\nOK\r\n\r\n+IPD,25:2026-01-01 00:00:03 UTC\r\nCLOSED\r\n")
        let time = Array(ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",37", simulation).utf8)
        #expect(time.count > 4)
    }

    @Test func `Echo sends back, discard takes, chargen does not stop`() {
        let simulation = joined()
        ask("AT+CIPMUX=1", simulation)
        ask("AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",7", simulation)
        ask("AT+CIPSTART=1,\"TCP\",\"10.0.2.2\",9", simulation)
        ask("AT+CIPSEND=1,3", simulation)
        #expect(send("abc", simulation) == "\r\nRecv 3 bytes\r\n\r\nSEND OK\r\n")
        ask("AT+CIPSEND=0,3", simulation)
        #expect(send("abc", simulation) == "\r\nRecv 3 bytes\r\n\r\nSEND OK\r\n\r\n+IPD,0,3:abc")
        let lines = ask("AT+CIPSTART=2,\"TCP\",\"10.0.2.2\",19", simulation, for: .seconds(1))
        #expect(lines.contains("0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ["))
        #expect(lines.utf8.count > 50_000)
    }

    @Test(arguments: [
        (0, "1970-01-01 00:00:00"), (951_782_400, "2000-02-29 00:00:00"), (1_709_251_199, "2024-02-29 23:59:59"),
        (-1, "1969-12-31 23:59:59"), (4_107_542_400, "2100-03-01 00:00:00"),
    ])
    func `A Unix time is a date`(time: Int, text: String) {
        #expect(CalendarTime(unixTime: time).description == text)
    }

    @Test func `The seed chooses the local ports`() {
        for (seed, port) in [(UInt64(0), 49_152), (7, 49_159)] {
            let simulation = joined(seed: seed)
            ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7", simulation)
            #expect(ask("AT+CIPSTATUS", simulation).contains("10.0.2.2\",7,\(port),0"))
        }
    }

    @Test func `Reset drops data in transit, and a half-closed peer still receives`() {
        let simulation = joined()
        let peer = simulation.makePeer()
        peer.listen(at: Endpoint(gateway, 80))
        ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",80", simulation)
        peer.halfClose()
        #expect(send("", simulation) == "CLOSED\r\n")
        #expect(peer.phase == .closedByModule)
        ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",80", simulation)
        peer.reset()
        #expect(send("", simulation) == "CLOSED\r\n")
        #expect(peer.phase == .closedByPeer)
    }

    /// Joins, sends a message each second, and loses its access point every hour for ten seconds.
    private func life(hours: Int) -> (bytes: [UInt8], end: Instant, messages: Int) {
        let simulation = joined()
        var bytes = Array(ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7", simulation).utf8)
        var messages = 0
        for hour in 0..<hours {
            for second in 0..<3600 {
                let end = Instant.zero + .seconds(10 + hour * 3600 + second)
                if second == 3500 { simulation.changeAccessPoint("wifisim") { $0.isOn = false } }
                if second == 3510 { simulation.changeAccessPoint("wifisim") { $0.isOn = true } }
                if second == 3590 { simulation.send("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7\r\n") }
                if second < 3500 {
                    simulation.send("AT+CIPSEND=16\r\n")
                    bytes += simulation.takeBytes()
                    simulation.send("message of 16 by")
                    messages += 1
                }
                while simulation.runToNextDeadline(notAfter: end) { bytes += simulation.takeBytes() }
                bytes += simulation.takeBytes()
            }
        }
        return (bytes, simulation.now, messages)
    }

    @Test func `An hour of a module is the same twice`() {
        let first = life(hours: 1)
        let second = life(hours: 1)
        #expect(first.bytes == second.bytes)
        #expect(first.end == second.end)
        let text = String(decoding: first.bytes, as: UTF8.self)
        #expect(text.components(separatedBy: "SEND OK").count - 1 == 3500)
        #expect(text.contains("WIFI DISCONNECT") && text.hasSuffix("CONNECT\r\n\r\nOK\r\n"))
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}

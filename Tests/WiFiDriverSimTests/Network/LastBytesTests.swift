import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct LastBytesTests {
    @Test func `The last bytes of a connection that the module closes arrive`() {
        let simulation = Simulation()
        let peer = simulation.makePeer()
        peer.listen(.tcp, at: Endpoint(.v4(IPv4Address(10, 0, 2, 9)), 7000))
        simulation.send("AT+CWMODE=1\r\n")
        simulation.send("AT+CWJAP=\"wifisim\",\"password\"\r\n")
        simulation.run(for: .seconds(5))
        simulation.send("AT+CIPSTART=\"TCP\",\"10.0.2.9\",7000\r\n")
        simulation.run(for: .seconds(1))
        simulation.send("AT+CIPSEND=5\r\n")
        simulation.send("hello")
        simulation.run(for: .zero)
        simulation.send("AT+CIPCLOSE\r\n")
        simulation.run(for: .seconds(1))
        #expect(peer.take() == Array("hello".utf8))
        #expect(peer.phase == .closedByModule)
    }
}

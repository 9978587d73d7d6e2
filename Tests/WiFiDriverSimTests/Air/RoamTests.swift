import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct RoamTests {
    private static let first = MACAddress(rawValue: 0x02_00_00_00_00_01)
    private static let second = MACAddress(rawValue: 0x02_00_00_00_00_02)

    private func world(_ bssids: MACAddress...) -> World {
        World(
            accessPoints: bssids.enumerated().map { index, bssid in
                var accessPoint = AccessPoint(ssid: "office", bssid: bssid)
                accessPoint.password = "password"
                accessPoint.channel = index * 5 + 1
                return accessPoint
            })
    }

    @Test func `A station roams without a word, and keeps its address and its links`() throws {
        let simulation = Simulation(world: world(Self.first, Self.second))
        let peer = simulation.makePeer()
        peer.listen(.tcp, at: Endpoint(.v4(IPv4Address(10, 0, 2, 9)), 7000))
        for line in [
            "AT+CWMODE=1", "AT+CWJAP=\"office\",\"password\",\"\(Self.first)\"",
            "AT+CIPSTART=\"TCP\",\"10.0.2.9\",7000",
        ] {
            simulation.send("\(line)\r\n")
            simulation.run(for: .seconds(5))
        }
        _ = simulation.takeOutput()
        try simulation.make(.accessPoint("\(Self.first)", .roam))
        simulation.run(for: .seconds(30))
        #expect(simulation.takeOutput() == "")
        simulation.send("AT+CWJAP?\r\n")
        #expect(simulation.takeOutput().contains("+CWJAP:\"office\",\"\(Self.second)\",6,"))
        simulation.send("AT+CIPSEND=5\r\n")
        simulation.send("hello")
        simulation.run(for: .seconds(1))
        #expect(peer.take() == Array("hello".utf8))
    }

    @Test func `Without another access point of its network, nothing can roam`() {
        let simulation = Simulation(world: world(Self.first))
        #expect(throws: WorldChangeError.self) { try simulation.make(.accessPoint("office", .roam)) }
    }

    @Test func `The word is read and written`() throws {
        let change = try WorldChange(Words(parsing: "ap \(Self.first) roams"))
        #expect(change == .accessPoint("\(Self.first)", .roam))
        #expect(change.text { $0 } == "ap \(Self.first) roams")
    }
}

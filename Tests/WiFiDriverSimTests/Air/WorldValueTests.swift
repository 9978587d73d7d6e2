import Testing

@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Values that Swift code gives to a world, which no file has checked.
@Suite struct WorldValueTests {
    @Test func `An update server without versions has nothing to install`() {
        let request = Array("GET \(UpdateServer.latestPath) HTTP/1.0\r\n\r\n".utf8)
        #expect(String(decoding: UpdateServer(versions: []).answer(to: request), as: UTF8.self).contains(" 404 "))
    }

    @Test(arguments: [
        AccessPointChange.channel(0), .channel(15), .rssi(1), .rssi(-129),
        .subnet(IPv4Address(10, 0, 2, 2), prefixLength: 99), .subnet(IPv4Address(10, 0, 2, 2), prefixLength: -1),
    ])
    func `A change that no access point can make is refused`(change: AccessPointChange) {
        let simulation = Simulation()
        #expect(throws: WorldChangeError.self) { try simulation.make(.accessPoint("wifisim", change)) }
    }

    @Test func `Names of a world resolve in any case`() {
        #expect(World(accessPoints: [], names: ["Broker.Test": []]).knownNames.keys.contains("broker.test"))
    }
}

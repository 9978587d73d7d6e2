import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct LeaseTests {
    @Test func `The standard network has an address for each module of a large fleet`() {
        let count = 260
        let room = Room(modules: count)
        var addresses: Set<String> = []
        for module in 0..<count {
            room.simulation.modules[module].send("AT+CWMODE=1\r\n")
            room.simulation.run(for: .milliseconds(1))
            room.simulation.modules[module].send("AT+CWJAP=\"wifisim\",\"password\"\r\n")
        }
        room.simulation.run(for: .seconds(5))
        for module in 0..<count {
            _ = room.simulation.modules[module].takeOutput()
            let answer = room.ask(module, "AT+CIPSTA?", for: .zero)
            if let address = answer.split(separator: "\"").dropFirst().first { addresses.insert(String(address)) }
        }
        #expect(addresses.count == count)
        #expect(!addresses.contains("0.0.0.0"))
        #expect(room.ask(0, "AT+CIPSTA?", for: .zero).contains("gateway:\"10.0.2.2\""))
    }

    @Test func `A network is widened only as far as it has to be, and one that was given is not`() {
        func network(_ world: World, for count: Int) -> AccessPoint.Subnet {
            world.withRoom(forStations: count).accessPoints[0].network
        }
        #expect(network(.standard, for: 240) == AccessPoint.Subnet())
        let wide = network(.standard, for: 1000)
        #expect(wide.leases == IPv4Address(10, 0, 2, 15)...IPv4Address(10, 0, 7, 254))
        #expect(wide.netmask == IPv4Address(255, 255, 248, 0) && wide.gateway == IPv4Address(10, 0, 2, 2))
        #expect(wide.dns == [IPv4Address(10, 0, 2, 3)])
        var given = World.standard
        given.accessPoints[0].network.move(to: IPv4Address(192, 168, 7, 1), prefixLength: 24)
        #expect(given.withRoom(forStations: 1000) == given)
    }
}

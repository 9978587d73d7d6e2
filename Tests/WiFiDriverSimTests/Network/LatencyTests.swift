import Foundation
import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// The latency of an access point, in virtual time: half of it each way.
struct LatencyTests {
    private static func world(_ milliseconds: Int, modules: Int = 1) -> World {
        var world = World.standard
        world.accessPoints[0].latency = .milliseconds(milliseconds)
        return world
    }

    private func joined(_ milliseconds: Int) -> Conversation {
        let host = Conversation(world: Self.world(milliseconds))
        host.ask("AT+CWMODE=1")
        host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(4))
        return host
    }

    /// The time until the module's output ends with this, counted from now, and the output until then.
    private func time(until end: String, _ host: Conversation) -> Duration? {
        let start = host.simulation.now
        var said = ""
        while !said.contains(end) {
            guard host.simulation.runToNextDeadline(notAfter: start + .seconds(10)) else { return nil }
            said += host.simulation.takeOutput()
        }
        return host.simulation.now - start
    }

    @Test func `A connection takes one round trip, data half of one each way`() throws {
        let host = joined(200)
        let peer = host.simulation.makePeer()
        peer.listen(at: Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 6000))
        host.simulation.send("AT+CIPSTART=\"TCP\",\"10.0.2.2\",6000\r\n")
        #expect(time(until: "CONNECT", host) == .milliseconds(200))
        host.ask("AT+CIPSEND=2", for: .zero)
        host.ask("hi", for: .milliseconds(99))
        #expect(peer.receivedCount == 0)
        host.listen(for: .milliseconds(1))
        #expect(peer.take() == Array("hi".utf8))
        peer.send("there")
        #expect(time(until: "there", host) == .milliseconds(100))
        peer.close()
        #expect(time(until: "CLOSED", host) == .milliseconds(100))
    }

    @Test(arguments: ["AT+CIPSTART=\"TCP\",\"10.0.2.2\",6000", "AT+CIPSTART=\"TCP\",\"10.0.2.2\",13"])
    func `The data of a server that sends first arrive one round trip after CONNECT`(start: String) throws {
        let host = joined(200)
        let peer = host.simulation.makePeer()
        peer.listen(at: Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 6000))
        peer.send("hello")
        host.simulation.network.serve(.daytime, at: Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 13))
        host.simulation.send("\(start)\r\n")
        #expect(time(until: "CONNECT", host) == .milliseconds(200))
        #expect(time(until: "+IPD", host) == .milliseconds(200))
    }

    @Test func `A module's server has a connection half a round trip after the module that connects`() throws {
        let room = Room(modules: 2, world: Self.world(200))
        for module in 0..<2 {
            room.ask(module, "AT+CWMODE=1")
            room.ask(module, "AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(4))
        }
        room.ask(0, "AT+CIPMUX=1")
        room.ask(0, "AT+CIPSERVER=1,80")
        #expect(room.ask(1, "AT+CIPSTART=\"TCP\",\"10.0.2.15\",80", for: .milliseconds(200)).contains("CONNECT"))
        #expect(room.listen(0, for: .milliseconds(99)) == "")
        #expect(room.listen(0, for: .milliseconds(1)).contains("0,CONNECT"))
    }

    @Test func `A datagram and its answer take one round trip`() throws {
        let host = joined(200)
        host.ask("AT+CIPSTART=\"UDP\",\"10.0.2.2\",7,1112,0")
        host.ask("AT+CIPSEND=2", for: .zero)
        host.send(Array("hi".utf8))
        #expect(time(until: "+IPD,2:hi", host) == .milliseconds(200))
    }

    @Test func `A peer that connects is seen half a round trip later, a refusal after a whole one`() throws {
        let host = joined(200)
        host.ask("AT+CIPMUX=1")
        host.ask("AT+CIPSERVER=1,80")
        host.simulation.makePeer().connect(toPort: 80, from: Endpoint(.v4(IPv4Address(10, 0, 2, 9)), 40_000))
        #expect(time(until: "0,CONNECT", host) == .milliseconds(100))
        host.simulation.send("AT+CIPSTART=1,\"TCP\",\"10.0.2.2\",9\r\n")
        host.simulation.network.refuse(.tcp, at: Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 9))
        #expect(time(until: "ERROR", host) == .milliseconds(200))
    }

    @Test func `Datagrams in transit between modules are lost beyond 64 KiB for each link`() throws {
        let room = Room.stations()
        room.simulation.network.latency = .seconds(20)
        room.ask(0, "AT+CIPSTART=\"UDP\",\"10.0.2.16\",5000,5000,0")
        room.ask(1, "AT+CIPSTART=\"UDP\",\"10.0.2.15\",5000,5000,0")
        for _ in 0..<60 {
            room.ask(0, "AT+CIPSEND=1460")
            #expect(room.send(0, [UInt8](repeating: 0x78, count: 1460)).contains("SEND OK"))
        }
        #expect(room.listen(1, for: .seconds(40)).components(separatedBy: "+IPD,1460:").count - 1 == 65_536 / 1460)
        // Those have arrived, so there is room again.
        room.ask(0, "AT+CIPSEND=2")
        room.send(0, Array("hi".utf8))
        #expect(room.listen(1, for: .seconds(40)).contains("+IPD,2:hi"))
    }

    @Test func `Each access point has its own, between modules too`() throws {
        var world = Self.world(40)
        var near = AccessPoint(ssid: "near", bssid: MACAddress(rawValue: 0x02_00_00_00_00_77))
        near.security = .open
        near.latency = .milliseconds(10)
        near.network.move(to: IPv4Address(10, 7, 7, 1), prefixLength: 24)
        world.accessPoints.append(near)
        for (join, latency, address) in [
            ("\"wifisim\",\"password\"", 40, "10.0.2.15"), ("\"near\",\"\"", 10, "10.7.7.2"),
        ] {
            let room = Room(modules: 2, world: world)
            for module in 0..<2 {
                room.ask(module, "AT+CWMODE=1")
                room.ask(module, "AT+CWJAP=\(join)", for: .seconds(4))
            }
            room.ask(0, "AT+CIPMUX=1")
            room.ask(0, "AT+CIPSERVER=1,80")
            let answer = room.ask(1, "AT+CIPSTART=\"TCP\",\"\(address)\",80", for: .milliseconds(latency - 1))
            #expect(!answer.contains("CONNECT"))
            #expect(room.listen(1, for: .milliseconds(1)).contains("CONNECT"))
        }
    }
}

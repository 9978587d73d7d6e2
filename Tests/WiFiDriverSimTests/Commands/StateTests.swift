import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Commands whose result depends on events before or during them.
struct StateTests {
    private let peer = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 40_000)

    @Test func `Without an address nothing beyond the soft-AP can be reached`() {
        let host = Conversation(.esp8266v1_7)
        #expect(host.ask("AT+CWMODE?") == "+CWMODE:2\r\n" + ok)
        #expect(host.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7") == "no ip\r\n" + refused)
        #expect(host.ask("AT+PING=\"10.0.2.2\"") == refused)
        // A UDP link that waits for peers does not need one.
        #expect(host.ask("AT+CIPSTART=\"UDP\",\"0.0.0.0\",0,2000,2") == "CONNECT\r\n" + ok)
    }

    @Test func `A server without an interface accepts no connection`() {
        let host = Conversation()
        host.ask("AT+CWMODE=1")
        host.ask("AT+CIPMUX=1")
        #expect(host.ask("AT+CIPSERVER=1,80") == ok)
        _ = host.simulation.network.connect(from: peer, toPort: 80, at: host.simulation.now)
        #expect(host.listen() == "")
        host.ask("AT+CWMODE=2")
        _ = host.simulation.network.connect(from: peer, toPort: 80, at: host.simulation.now)
        #expect(host.listen() == "0,CONNECT\r\n")
        #expect(host.ask("AT+CWMODE=0") == "0,CLOSED\r\n" + ok)
    }

    @Test func `A server on the station's interface does not accept connections over the soft-AP`() {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPSERVER=1,80,\"TCP\",1")
        #expect(host.ask("AT+CIPSERVER?") == "+CIPSERVER:1,80,\"TCP\",0,1\r\n" + ok)
        host.ask("AT+CWMODE=2")
        _ = host.simulation.network.connect(from: peer, toPort: 80, at: host.simulation.now)
        #expect(host.listen() == "")
    }

    @Test func `A link whose name is being resolved is taken`() {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPSERVER=1,80")
        host.simulation.network.latency = .milliseconds(20)
        #expect(host.ask("AT+CIPSTART=0,\"TCP\",\"gateway.wifisim\",7", for: .milliseconds(1)) == "")
        _ = host.simulation.network.connect(from: peer, toPort: 80, at: host.simulation.now)
        let answer = host.listen(for: .milliseconds(200))
        #expect(answer.contains("1,CONNECT\r\n"))
        #expect(answer.contains("0,CONNECT\r\n" + ok))
    }

    @Test func `An answer that comes too late is dropped`() {
        let host = Conversation.joined()
        host.simulation.network.latency = .milliseconds(100)
        host.simulation.network.names["slow"] = [.v4(IPv4Address(10, 9, 9, 9))]
        #expect(host.ask("AT+CIPDOMAIN=\"slow\",1,50", for: .milliseconds(60)) == refused)
        host.simulation.network.latency = .milliseconds(300)
        #expect(host.ask("AT+CIPDOMAIN=\"gateway.wifisim\"", for: .seconds(2)) == "+CIPDOMAIN:\"10.0.2.2\"\r\n" + ok)
    }

    @Test func `A link that is no longer passive pushes its data, then its close`() throws {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPRECVTYPE=5,1")
        let socket = try #require(host.openPeerLink(0))
        host.peerSends("HELLO", on: socket)
        #expect(host.listen() == "\r\n+IPD,0,5\r\n")
        host.simulation.network.closeFromPeer(socket, at: host.simulation.now)
        host.listen()
        #expect(host.ask("AT+CIPRECVTYPE=0,0") == ok + "\r\n+IPD,0,5:HELLO0,CLOSED\r\n")
    }

    @Test func `A datagram that the stack cannot hold is dropped and logged`() throws {
        let host = Conversation.joined()
        host.ask("AT+CIPSTART=\"UDP\",\"10.0.2.2\",7,1112,0")
        let socket = try #require(host.simulation.network.sockets(to: Conversation.echoService).first)
        host.peerSends([UInt8](repeating: 0x61, count: 1461), on: socket)
        host.peerSends("", on: socket)
        #expect(host.listen() == "")
        host.peerSends([UInt8](repeating: 0x61, count: 1460), on: socket)
        #expect(host.listen().hasPrefix("\r\n+IPD,1460:aaa"))
        #expect(host.simulation.log.count { $0.contains("dropped") } == 2)
    }

    @Test func `Switching DHCP on gets an address at once`() {
        let host = Conversation()
        host.ask("AT+CWMODE=1")
        host.ask("AT+CIPSTA=\"10.0.2.77\"")
        host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3))
        #expect(host.ask("AT+CWDHCP=1,1", for: .seconds(1)) == ok + "WIFI GOT IP\r\n")
        #expect(host.ask("AT+CIPSTA?").contains("ip:\"10.0.2.15\""))
    }

    @Test func `A scan keeps to the channels of the bitmap`() {
        let host = Conversation()
        host.ask("AT+CWMODE=1")
        #expect(host.ask("AT+CWLAP=,,,0,,,2", for: .milliseconds(130)) == ok)
        #expect(host.ask("AT+CWLAP=,,,0,,,64", for: .milliseconds(130)).hasPrefix("+CWLAP:(3,\"wifisim\""))
    }

    @Test func `A slow access point's own answer takes its latency, or is not waited for`() {
        for (latency, answer) in [(400, "+PING:400\r\n" + ok), (1500, "+PING:TIMEOUT\r\n" + refused)] {
            var world = World.standard
            world.accessPoints[0].latency = .milliseconds(latency)
            let host = Conversation(world: world)
            host.ask("AT+CWMODE=1")
            host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(6))
            #expect(host.ask("AT+PING=\"10.0.2.2\"", for: .seconds(2)) == answer)
        }
    }
}

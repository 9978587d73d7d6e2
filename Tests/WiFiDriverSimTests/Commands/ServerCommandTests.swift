import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct ServerCommandTests {
    private let peer = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 40_000)

    private func connect(_ host: Conversation, port: UInt16 = 333) -> SocketID? {
        host.simulation.network.connect(from: peer, toPort: port, at: host.simulation.now)
    }

    @Test(arguments: Firmware.all)
    func `A server takes connections, receives, sends and closes`(firmware: Firmware) throws {
        let host = Conversation.joined(firmware, multiplexed: true)
        #expect(host.ask("AT+CIPSERVER=1") == ok)
        let socket = try #require(connect(host))
        #expect(host.listen() == "0,CONNECT\r\n")
        host.peerSends("GET /\r\n", on: socket)
        #expect(host.listen() == "\r\n+IPD,0,7:GET /\r\n")
        host.ask("AT+CIPSEND=0,2")
        host.send(Array("hi".utf8))
        #expect(host.listen().hasSuffix("SEND OK\r\n"))
        #expect(host.simulation.network.sent(on: socket) == Array("hi".utf8))
        #expect(host.ask("AT+CIPSTATUS").contains("+CIPSTATUS:0,\"TCP\",\"10.0.2.2\",40000,333,1\r\n"))
        #expect(host.ask("AT+CIPCLOSE=0") == "0,CLOSED\r\n" + ok)
    }

    @Test func `A server requires several connections, and there is at most one`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+CIPSERVER=1,80") == refused)
        host.ask("AT+CIPMUX=1")
        #expect(host.ask("AT+CIPSERVER?") == "+CIPSERVER:0\r\n" + ok)
        #expect(host.ask("AT+CIPSERVER=1,80") == ok)
        #expect(host.ask("AT+CIPSERVER=1,80") == ok)
        #expect(host.ask("AT+CIPSERVER=1,81") == refused)
        #expect(host.ask("AT+CIPSERVER?") == "+CIPSERVER:1,80,\"TCP\",0,0\r\n" + ok)
        #expect(host.ask("AT+CIPSERVER=2,80") == refused)
        #expect(host.ask("AT+CIPSERVER=0") == ok)
        #expect(connect(host, port: 80) == nil)
    }

    @Test func `A port that is taken is refused`() {
        let host = Conversation.joined(multiplexed: true)
        host.simulation.network.busyPorts = [80]
        #expect(host.ask("AT+CIPSERVER=1,80") == refused)
        #expect(host.ask("AT+CIPSERVER=1,81") == ok)
    }

    @Test func `Stopping the server keeps its links, or closes them on request`() throws {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPSERVER=1")
        let socket = try #require(connect(host))
        host.listen()
        #expect(host.ask("AT+CIPSERVER=0,0") == ok)
        host.peerSends("x", on: socket)
        #expect(host.listen() == "\r\n+IPD,0,1:x")
        host.ask("AT+CIPSERVER=1")
        #expect(host.ask("AT+CIPSERVER=0,1") == "0,CLOSED\r\n" + ok)
        #expect(host.ask("AT+CIPSERVER=0") == ok)
    }

    @Test func `CIPSERVERMAXCONN limits the links, and is set before the server`() {
        let host = Conversation.joined(multiplexed: true)
        #expect(host.ask("AT+CIPSERVERMAXCONN=1") == ok)
        #expect(host.ask("AT+CIPSERVERMAXCONN?") == "+CIPSERVERMAXCONN:1\r\n" + ok)
        #expect(host.ask("AT+CIPSERVERMAXCONN=6") == refused)
        host.ask("AT+CIPSERVER=1")
        #expect(host.ask("AT+CIPSERVERMAXCONN=2") == refused)
        #expect(connect(host) != nil)
        #expect(host.listen() == "0,CONNECT\r\n")
        #expect(connect(host) != nil)
        #expect(host.listen() == "Have 1 Connections\r\n")
    }

    @Test func `CIPSTO requires a server and ends links that are idle for its time`() throws {
        let host = Conversation.joined(multiplexed: true)
        #expect(host.ask("AT+CIPSTO=10") == refused)
        host.ask("AT+CIPSERVER=1")
        #expect(host.ask("AT+CIPSTO=10") == ok)
        #expect(host.ask("AT+CIPSTO?") == "+CIPSTO:10\r\n" + ok)
        #expect(host.ask("AT+CIPSTO=7201") == refused)
        let socket = try #require(connect(host))
        #expect(host.listen(for: .seconds(9)) == "0,CONNECT\r\n")
        host.peerSends("x", on: socket)
        #expect(host.listen(for: .seconds(9)) == "\r\n+IPD,0,1:x")
        #expect(host.listen(for: .seconds(2)) == "0,CLOSED\r\n")
        #expect(Conversation(.esp8266v1_7).ask("AT+CIPSTO?") == "+CIPSTO:180\r\n" + ok)
    }
}

struct NameCommandTests {
    @Test func `CIPDOMAIN quotes the address, but for NONOS firmware`() {
        #expect(Conversation.joined().ask("AT+CIPDOMAIN=\"gateway.wifisim\"") == "+CIPDOMAIN:\"10.0.2.2\"\r\n" + ok)
        #expect(
            Conversation.joined(.esp8266v1_7).ask("AT+CIPDOMAIN=\"GATEWAY.wifisim\"") == "+CIPDOMAIN:10.0.2.2\r\n" + ok)
        #expect(Conversation.joined().ask("AT+CIPDOMAIN=\"nowhere.test\"") == refused)
        #expect(Conversation().ask("AT+CIPDOMAIN=\"gateway.wifisim\"") == refused)
    }

    @Test func `CIPDOMAIN chooses the family`() {
        let host = Conversation.joined(.esp32c3v5_0)
        host.simulation.network.names["both"] = [.v6(.loopback), .v4(.loopback), .v4(IPv4Address(127, 0, 0, 2))]
        #expect(host.ask("AT+CIPDOMAIN=\"both\",2") == "+CIPDOMAIN:\"127.0.0.1\"\r\n" + ok)
        #expect(host.ask("AT+CIPDOMAIN=\"both\",2,5000") == "+CIPDOMAIN:\"127.0.0.1\"\r\n" + ok)
        // The form in the guide of a later version.
        #expect(host.ask("AT+CIPDOMAIN=\"both\",2,5000,1") == refused)
        #expect(host.ask("AT+CIPDOMAIN=\"both\",3") == refused)
        host.ask("AT+CIPV6=1")
        #expect(host.ask("AT+CIPDOMAIN=\"both\",3") == "+CIPDOMAIN:\"::1\"\r\n" + ok)
        #expect(host.ask("AT+CIPDOMAIN=\"both\",4") == refused)
    }

    @Test(arguments: [(Firmware.standard, "+PING:2", "+PING:TIMEOUT"), (.esp8266v1_7, "+2", "+timeout")])
    func `PING shows the time, or that there was no answer`(firmware: Firmware, answer: String, silence: String) {
        let host = Conversation.joined(firmware)
        #expect(host.ask("AT+PING=\"10.0.2.2\"") == answer + "\r\n" + ok)
        #expect(host.ask("AT+PING=\"gateway.wifisim\"") == answer + "\r\n" + ok)
        #expect(host.ask("AT+PING=\"10.0.2.200\"", for: .milliseconds(990)) == "")
        #expect(host.listen() == silence + "\r\n" + refused)
        #expect(host.ask("AT+PING=\"nowhere.test\"") == silence + "\r\n" + refused)
        #expect(
            Conversation(firmware).ask("AT+PING=\"10.0.2.2\"").hasSuffix(
                firmware.generation == .nonOS1_7 ? "" : refused))
    }

    @Test func `CIPDNS shows the servers of DHCP until others are set`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+CIPDNS?") == "+CIPDNS:0,\"10.0.2.3\"\r\n" + ok)
        #expect(host.ask("AT+CIPDNS=1,\"208.67.222.222\",\"8.8.8.8\"") == ok)
        #expect(host.ask("AT+CIPDNS?") == "+CIPDNS:1,\"208.67.222.222\",\"8.8.8.8\"\r\n" + ok)
        #expect(host.ask("AT+CIPDNS=1,\"8.8.8.8\",\"8.8.8.8\"") == refused)
        #expect(host.ask("AT+CIPDNS=1,\"240c::6666\"") == ok)
        #expect(host.ask("AT+CIPDNS=1,\"nonsense\"") == refused)
        #expect(host.ask("AT+CIPDNS=0") == ok)
        #expect(host.ask("AT+CIPDNS?") == "+CIPDNS:0,\"10.0.2.3\"\r\n" + ok)
        let old = Conversation(.esp8266v1_7)
        #expect(old.ask("AT+CIPDNS_CUR=1,\"8.8.8.8\",\"8.8.4.4\"") == ok)
        #expect(old.ask("AT+CIPDNS_CUR?") == "+CIPDNS_CUR:8.8.8.8\r\n+CIPDNS_CUR:8.8.4.4\r\n" + ok)
        #expect(old.ask("AT+CIPDNS_CUR=1,\"8.8.8.8\",\"8.8.4.4\",\"9.9.9.9\"") == refused)
    }

    @Test func `CIPSSLCCONF is kept by link and stored`() {
        let host = Conversation.joined(multiplexed: true)
        #expect(host.ask("AT+CIPSSLCCONF=2,3,1,1") == ok)
        #expect(host.ask("AT+CIPSSLCCONF?").contains("+CIPSSLCCONF:1,0,0,0\r\n+CIPSSLCCONF:2,3,1,1\r\n"))
        #expect(host.simulation.storedSettings?.ssl[2].authentication == 3)
        #expect(host.ask("AT+CIPSSLCCONF=2,4") == refused)
    }
}

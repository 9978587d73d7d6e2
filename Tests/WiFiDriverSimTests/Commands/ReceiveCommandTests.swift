import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct ReceiveCommandTests {
    @Test(arguments: [(Firmware.standard, "\"10.0.2.2\",5000"), (.esp8266v1_7, "10.0.2.2,5000")])
    func `CIPDINFO shows the peer, quoted or not`(firmware: Firmware, peer: String) throws {
        let host = Conversation.joined(firmware, multiplexed: true)
        #expect(host.ask("AT+CIPDINFO=1") == ok)
        let socket = try #require(host.openPeerLink(0))
        host.peerSends("data", on: socket)
        #expect(host.listen() == "\r\n+IPD,0,4,\(peer):data")
        #expect(host.ask("AT+CIPDINFO?") == "+CIPDINFO:true\r\n" + ok)
    }

    @Test(arguments: [(Firmware.standard, 2920), (.esp32v2_1, 1460), (.esp8266v1_7, 1460)])
    func `Pushed data comes in pieces of the firmware's length`(firmware: Firmware, longest: Int) throws {
        let host = Conversation.joined(firmware)
        let socket = try #require(host.openPeerLink())
        let data = (0..<longest * 2 + 10).map { UInt8(truncatingIfNeeded: $0) }
        host.peerSends(data, on: socket)
        var expected: [UInt8] = []
        for part in [data[..<longest], data[longest..<longest * 2], data[(longest * 2)...]] {
            expected += Array("\r\n+IPD,\(part.count):".utf8) + part
        }
        #expect(host.listenForBytes() == expected)
    }

    @Test func `A line that takes nothing stops the reading of the socket`() throws {
        let host = Conversation.joined()
        let socket = try #require(host.openPeerLink())
        host.peerSends([UInt8](repeating: 0x61, count: 1_000_000), on: socket)
        host.simulation.run(for: .seconds(1))
        #expect(host.simulation.module.output.count < 10_000)
        #expect(host.listenForBytes().count > 1_000_000)
    }

    @Test(arguments: Firmware.all)
    func `Passive data is announced once, and what a read leaves behind at once again`(firmware: Firmware) throws {
        let host = Conversation.joined(firmware, multiplexed: true)
        #expect(host.ask("AT+CIPRECVMODE=1") == ok)
        let socket = try #require(host.openPeerLink(1))
        host.peerSends("0123456789", on: socket)
        #expect(host.listen() == "\r\n+IPD,1,10\r\n")
        host.peerSends("abc", on: socket)
        #expect(host.listen() == "")
        let none = "\(firmware.lengthOfNoLink)"
        #expect(host.ask("AT+CIPRECVLEN?") == "+CIPRECVLEN:\(none),13,\(none),\(none),\(none)\r\n" + ok)
        let part = firmware.receivedDataHeader(count: 4, peer: nil) + "0123"
        #expect(host.ask("AT+CIPRECVDATA=1,4") == part + ok + "\r\n+IPD,1,9\r\n")
        host.peerSends("d", on: socket)
        #expect(host.listen() == "")
        #expect(host.ask("AT+CIPRECVDATA=1,1").hasSuffix("\r\n+IPD,1,9\r\n"))
        let rest = firmware.receivedDataHeader(count: 9, peer: nil) + "56789abcd"
        #expect(host.ask("AT+CIPRECVDATA=1,1000") == rest + ok)
        #expect(host.ask("AT+CIPRECVDATA=1,1000") == refused)
        host.peerSends("x", on: socket)
        #expect(host.listen() == "\r\n+IPD,1,1\r\n")
    }

    @Test func `NONOS firmware has another answer of CIPRECVDATA and reads only TCP passively`() throws {
        let host = Conversation.joined(.esp8266v1_7, multiplexed: true)
        host.ask("AT+CIPRECVMODE=1")
        let socket = try #require(host.openPeerLink(1))
        host.peerSends("data", on: socket)
        #expect(host.listen() == "\r\n+IPD,1,4\r\n")
        #expect(host.ask("AT+CIPRECVLEN?") == "+CIPRECVLEN:0,4,0,0,0\r\n" + ok)
        #expect(host.ask("AT+CIPRECVDATA=1,100") == "+CIPRECVDATA,4:data" + ok)
        host.ask("AT+CIPSTART=2,\"UDP\",\"10.0.2.2\",7,1112,0")
        host.ask("AT+CIPSEND=2,4")
        host.send(Array("test".utf8))
        #expect(host.listen().hasSuffix("+IPD,2,4:test"))
    }

    @Test func `CLOSED waits until passive data is read`() throws {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPRECVTYPE=5,1")
        let socket = try #require(host.openPeerLink(0))
        host.peerSends("last words", on: socket)
        host.simulation.network.closeFromPeer(socket, at: host.simulation.now)
        #expect(host.listen(for: .seconds(5)) == "\r\n+IPD,0,10\r\n")
        #expect(host.ask("AT+CIPRECVDATA=0,4") == "+CIPRECVDATA:4,last" + ok + "\r\n+IPD,0,6\r\n")
        #expect(host.ask("AT+CIPRECVDATA=0,100") == "+CIPRECVDATA:6, words" + ok + "0,CLOSED\r\n")
    }

    @Test func `CIPCLOSE ends a link with unread data`() throws {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPRECVTYPE=5,1")
        let socket = try #require(host.openPeerLink(0))
        host.peerSends("last words", on: socket)
        host.simulation.network.closeFromPeer(socket, at: host.simulation.now)
        host.listen()
        #expect(host.ask("AT+CIPCLOSE=0") == "0,CLOSED\r\n" + ok)
    }

    @Test func `A passive link takes no more than its window until it is read`() throws {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPRECVTYPE=5,1")
        let socket = try #require(host.openPeerLink(0))
        host.peerSends([UInt8](repeating: 0x61, count: 20_000), on: socket)
        host.listen(for: .seconds(1))
        #expect(host.ask("AT+CIPRECVLEN?") == "+CIPRECVLEN:5760,-1,-1,-1,-1\r\n" + ok)
        var read = 0
        while case let answer = host.ask("AT+CIPRECVDATA=0,5000"), !answer.hasPrefix(refused) {
            read += answer.count { $0 == "a" }
        }
        #expect(read == 20_000)
    }

    @Test func `CIPRECVTYPE sets links one by one`() {
        let host = Conversation.joined(multiplexed: true)
        #expect(host.ask("AT+CIPRECVTYPE=2,1") == ok)
        #expect(host.ask("AT+CIPRECVTYPE?").contains("+CIPRECVTYPE:1,0\r\n+CIPRECVTYPE:2,1\r\n"))
        #expect(host.ask("AT+CIPRECVTYPE=6,1") == refused)
        #expect(Conversation.joined(.esp8266v2_2).ask("AT+CIPRECVTYPE=1") == refused)
        #expect(Conversation.joined(.esp32c3v3_3).ask("AT+CIPRECVTYPE=1,1") == refused)
    }

    @Test(arguments: [Firmware.esp32v2_1, .esp8266v2_2, .esp32c3v3_3, .esp32c3v4_1, .esp32c3v5_0])
    func `A read goes over the borders of datagrams, and the rest of one read in part is lost`(
        firmware: Firmware
    ) throws {
        let host = Conversation.joined(firmware, multiplexed: true)
        host.ask("AT+CIPDINFO=1")
        host.ask("AT+CIPRECVMODE=1")
        host.ask("AT+CIPSTART=0,\"UDP\",\"10.0.2.2\",7,1112,0")
        let socket = try #require(host.simulation.network.sockets(to: Conversation.echoService).first)
        for (text, port) in [("first", 1), ("second", 2), ("third", 3)] {
            host.simulation.network.sendFromPeer(
                Array(text.utf8), on: socket, from: Endpoint(.v4(IPv4Address(10, 0, 2, 2)), UInt16(port)),
                at: host.simulation.now)
        }
        #expect(host.listen() == "\r\n+IPD,0,16\r\n")
        #expect(host.ask("AT+CIPRECVLEN?") == "+CIPRECVLEN:16,-1,-1,-1,-1\r\n" + ok)
        let first = host.ask("AT+CIPRECVDATA=0,7")
        #expect(first == "+CIPRECVDATA:7,\"10.0.2.2\",2,firstse" + ok + "\r\n+IPD,0,5\r\n")
        #expect(host.ask("AT+CIPRECVDATA=0,100") == "+CIPRECVDATA:5,\"10.0.2.2\",3,third" + ok)
        #expect(host.ask("AT+CIPRECVDATA=0,100") == refused)
    }

    @Test func `Datagrams beyond a full passive buffer are dropped and logged`() throws {
        let host = Conversation.joined()
        host.ask("AT+CIPRECVTYPE=1")
        host.ask("AT+CIPSTART=\"UDP\",\"10.0.2.2\",7,1112,0")
        let socket = try #require(host.simulation.network.sockets(to: Conversation.echoService).first)
        for _ in 0..<5 { host.peerSends([UInt8](repeating: 0x61, count: 1460), on: socket) }
        host.listen()
        #expect(host.ask("AT+CIPRECVLEN?") == "+CIPRECVLEN:4380\r\n" + ok)
        #expect(host.simulation.log.count { $0.contains("dropped") } == 2)
    }

    @Test func `Data that a peer sends before it closes is all delivered`() {
        let host = Conversation.joined()
        #expect(
            host.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",13")
                == "CONNECT\r\n" + ok + "\r\n+IPD,11:hello\r\nOK\r\nCLOSED\r\n")
    }
}

import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct LinkCommandTests {
    @Test func `A single connection has no number`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7") == "CONNECT\r\n" + ok)
        #expect(host.ask("AT+CIPSTATUS") == "STATUS:3\r\n+CIPSTATUS:0,\"TCP\",\"10.0.2.2\",7,49152,0\r\n" + ok)
        #expect(host.ask("AT+CIPSEND=4") == ok + "\r\n>")
        host.send(Array("test".utf8))
        #expect(host.listen() == "\r\nRecv 4 bytes\r\n\r\nSEND OK\r\n\r\n+IPD,4:test")
        #expect(host.ask("AT+CIPCLOSE") == "CLOSED\r\n" + ok)
        #expect(host.ask("AT+CIPSTATUS") == "STATUS:4\r\n" + ok)
        #expect(host.ask("AT+CIPCLOSE") == refused)
    }

    @Test(arguments: Firmware.all)
    func `Several connections have numbers`(firmware: Firmware) {
        let host = Conversation.joined(firmware, multiplexed: true)
        for id in 0..<5 {
            #expect(host.ask("AT+CIPSTART=\(id),\"TCP\",\"10.0.2.2\",7") == "\(id),CONNECT\r\n" + ok)
        }
        let wrongID = firmware.generation == .nonOS1_7 ? "ID ERROR\r\n" : ""
        #expect(host.ask("AT+CIPSTART=5,\"TCP\",\"10.0.2.2\",7") == wrongID + refused)
        let reason = firmware.generation == .nonOS1_7 ? "ALREADY CONNECTED\r\n" : ""
        #expect(host.ask("AT+CIPSTART=2,\"TCP\",\"10.0.2.2\",7") == reason + refused)
        #expect(host.ask("AT+CIPCLOSE=2") == "2,CLOSED\r\n" + ok)
        #expect(host.ask("AT+CIPCLOSE=2").hasSuffix(refused))
        #expect(host.ask("AT+CIPCLOSE=5") == "0,CLOSED\r\n1,CLOSED\r\n3,CLOSED\r\n4,CLOSED\r\n" + ok)
        #expect(host.ask("AT+CIPCLOSE").hasSuffix(refused))
    }

    @Test func `CIPSTARTEX takes the first free number`() {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",7")
        #expect(host.ask("AT+CIPSTARTEX=\"TCP\",\"10.0.2.2\",7") == "1,CONNECT\r\n" + ok)
        #expect(
            Conversation.joined(.esp8266v1_7, multiplexed: true).ask("AT+CIPSTARTEX=\"TCP\",\"10.0.2.2\",7") == refused)
    }

    @Test func `SYSMSG's bit 1 shows the details of a connection`() {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+SYSMSG=2")
        #expect(
            host.ask("AT+CIPSTART=3,\"TCP\",\"10.0.2.2\",7") == "+LINK_CONN:0,3,\"TCP\",0,\"10.0.2.2\",7,49152\r\n" + ok
        )
    }

    @Test func `What cannot be opened is refused`() {
        let host = Conversation()
        host.ask("AT+CWMODE=1")
        #expect(host.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7") == refused)
        let joined = Conversation.joined()
        #expect(joined.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",81") == refused + "CLOSED\r\n")
        #expect(joined.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",0") == refused)
        #expect(joined.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",65536") == refused)
        #expect(joined.ask("AT+CIPSTART=\"SCTP\",\"10.0.2.2\",7") == refused)
        #expect(joined.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7,7201") == refused)
        #expect(joined.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7,,\"10.9.9.9\"") == refused)
        #expect(joined.ask("AT+CIPSTART=\"TCPv6\",\"fec0::2\",7") == refused)
        #expect(joined.ask("AT+CIPSTART=\"TCP\",\"nowhere.test\",7") == refused)
        #expect(joined.ask("AT+CIPSTART=\"TCP\",\"\(String(repeating: "x", count: 65))\",7") == refused)
        #expect(joined.ask("AT+CIPSTART=\"SSL\",\"10.0.2.2\",7") == refused + "CLOSED\r\n")
        #expect(joined.simulation.log.last == "link 0: no SSL connection: the peer does not speak TLS")
    }

    @Test func `A peer that never answers is given up after 10 s, or the time that is given`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",9999", for: .milliseconds(9990)) == "")
        #expect(host.listen() == refused + "CLOSED\r\n")
        #expect(host.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",9999,,,500", for: .milliseconds(490)) == "")
        #expect(host.listen() == refused + "CLOSED\r\n")
        #expect(host.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7") == "CONNECT\r\n" + ok)
    }

    @Test func `A name is resolved, keep-alive and local address are taken`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+CIPSTART=\"TCP\",\"gateway.wifisim\",7,60,\"10.0.2.15\",2000") == "CONNECT\r\n" + ok)
        #expect(host.ask("AT+CIPTCPOPT?") == "+CIPTCPOPT:0,-1,0,0,60\r\n" + ok)
    }

    @Test func `IPv6 links need CIPV6`() {
        let host = Conversation.joined()
        host.simulation.network.serve(.echo, at: Endpoint(.v6(.loopback), 7))
        host.ask("AT+CIPV6=1")
        #expect(host.ask("AT+CIPSTART=\"TCPv6\",\"::1\",7") == "CONNECT\r\n" + ok)
        #expect(host.ask("AT+CIPSTATE?") == "+CIPSTATE:0,\"TCPv6\",\"::1\",7,49152,0\r\n" + ok)
    }

    @Test func `CIPMUX is refused while links are open or a server runs`() {
        let host = Conversation.joined()
        host.ask("AT+CIPSTART=\"TCP\",\"10.0.2.2\",7")
        #expect(host.ask("AT+CIPMUX=1") == refused)
        host.ask("AT+CIPCLOSE")
        #expect(host.ask("AT+CIPMUX=1") == ok)
        host.ask("AT+CIPSERVER=1,80")
        #expect(host.ask("AT+CIPMUX=0") == refused)
        host.ask("AT+CIPSERVER=0")
        #expect(host.ask("AT+CIPMUX=0") == ok)
        #expect(host.ask("AT+CIPMUX?") == "+CIPMUX:0\r\n" + ok)
    }

    @Test func `NONOS firmware explains its refusals`() {
        let host = Conversation.joined(.esp8266v1_7, multiplexed: true)
        #expect(host.ask("AT+CIPSEND=0,4") == "link is not valid\r\n" + refused)
        host.ask("AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",7")
        #expect(host.ask("AT+CIPMUX=0") == "link is builded\r\n" + refused)
        #expect(host.ask("AT+CIPSTART=1,\"TCP\",\"nowhere.test\",7") == "DNS Fail\r\n" + refused)
    }

    @Test func `CIPTCPOPT keeps its values, for one link or for all`() {
        let host = Conversation.joined(multiplexed: true)
        #expect(host.ask("AT+CIPTCPOPT=1,0,1,5000,60") == ok)
        #expect(host.ask("AT+CIPTCPOPT?").contains("+CIPTCPOPT:1,0,1,5000,60\r\n"))
        #expect(host.ask("AT+CIPTCPOPT=5,-1,,") == ok)
        #expect(host.ask("AT+CIPTCPOPT?").contains("+CIPTCPOPT:1,-1,1,5000,60\r\n"))
        #expect(host.ask("AT+CIPTCPOPT=1,-2") == refused)
        let older = Conversation.joined(.esp32v2_1)
        #expect(older.ask("AT+CIPTCPOPT?") == "+CIPTCPOPT:0,-1,0,0\r\n" + ok)
        #expect(older.ask("AT+CIPTCPOPT=,,,60") == refused)
    }

    // MARK: Sending

    @Test(arguments: Firmware.all)
    func `A payload may contain any message of the protocol`(firmware: Firmware) {
        let host = Conversation.joined(firmware, multiplexed: true)
        host.ask("AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",7")
        host.ask("AT+CIPSEND=0,\(treacherousPayload.count)")
        host.send(treacherousPayload)
        let answer =
            "\r\nRecv \(treacherousPayload.count) bytes\r\n\r\nSEND OK\r\n\r\n+IPD,0,\(treacherousPayload.count):"
        #expect(host.listenForBytes() == Array(answer.utf8) + treacherousPayload)
    }

    @Test(arguments: Firmware.all)
    func `The longest block is taken, one byte more is refused`(firmware: Firmware) {
        let host = Conversation.joined(firmware)
        let socket = host.openPeerLink()
        let longest = firmware.longestSendBlock
        let reason = firmware.generation == .nonOS1_7 ? "too long\r\n" : ""
        #expect(host.ask("AT+CIPSEND=\(longest + 1)") == reason + refused)
        #expect(host.ask("AT+CIPSEND=0") == refused)
        #expect(host.ask("AT+CIPSEND=\(longest)") == ok + firmware.prompt)
        let block = (0..<longest).map { UInt8(truncatingIfNeeded: $0 / 7) }
        host.send(block)
        #expect(host.listen() == "\r\nRecv \(longest) bytes\r\n\r\nSEND OK\r\n")
        #expect(socket.map(host.simulation.network.sent(on:)) == block)
    }

    @Test func `Bytes beyond the length are refused as busy`() {
        let host = Conversation.joined()
        let socket = host.openPeerLink()
        host.ask("AT+CIPSEND=4")
        host.send(Array("testmore".utf8))
        #expect(host.listen() == "\r\nRecv 4 bytes\r\n\r\nbusy p...\r\n\r\nSEND OK\r\n")
        #expect(socket.map(host.simulation.network.sent(on:)) == Array("test".utf8))
    }

    @Test func `A report may come between the prompt and SEND OK`() throws {
        let host = Conversation.joined()
        let socket = try #require(host.openPeerLink())
        host.ask("AT+CIPSEND=4")
        host.peerSends("early", on: socket)
        #expect(host.listen() == "\r\n+IPD,5:early")
        host.send(Array("test".utf8))
        #expect(host.listen().hasSuffix("SEND OK\r\n"))
    }

    @Test func `A link that ends before the data is there fails the send`() throws {
        let host = Conversation.joined()
        let socket = try #require(host.openPeerLink())
        host.ask("AT+CIPSEND=4")
        host.simulation.network.closeFromPeer(socket, at: host.simulation.now)
        #expect(host.listen() == "CLOSED\r\n")
        host.send(Array("test".utf8))
        #expect(host.listen() == "\r\nRecv 4 bytes\r\n\r\nSEND FAIL\r\n")
        #expect(host.ask("AT+CIPSEND=4") == refused)
    }

    // MARK: UDP

    @Test func `A UDP link with a fixed peer answers it whoever sends`() throws {
        let host = Conversation.joined(multiplexed: true)
        #expect(host.ask("AT+CIPSTART=4,\"UDP\",\"10.0.2.2\",7,1112,0") == "4,CONNECT\r\n" + ok)
        let socket = try #require(host.simulation.network.sockets(to: Conversation.echoService).first)
        host.simulation.network.sendFromPeer(
            [0x41], on: socket, from: Endpoint(.v4(IPv4Address(10, 0, 2, 9)), 99), at: host.simulation.now)
        #expect(host.listen() == "\r\n+IPD,4,1:A")
        #expect(host.ask("AT+CIPSTATE?") == "+CIPSTATE:4,\"UDP\",\"10.0.2.2\",7,1112,0\r\n" + ok)
    }

    @Test(arguments: [1, 2])
    func `A UDP link follows the first sender in mode 1, every one in mode 2`(mode: Int) throws {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPSTART=4,\"UDP\",\"10.0.2.2\",7,1112,\(mode)")
        let socket = try #require(host.simulation.network.sockets(to: Conversation.echoService).first)
        for last in [9, 10] {
            host.simulation.network.sendFromPeer(
                [0x41], on: socket, from: Endpoint(.v4(IPv4Address(10, 0, 2, UInt8(last))), 99), at: host.simulation.now
            )
            host.listen()
        }
        #expect(host.ask("AT+CIPSTATE?").contains(mode == 1 ? "\"10.0.2.9\",99" : "\"10.0.2.10\",99"))
    }

    @Test func `A UDP link without a peer requires one with each send`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+CIPSTART=\"UDP\",\"0.0.0.0\",0,2000,0") == "CONNECT\r\n" + ok)
        #expect(host.ask("AT+CIPSEND=4") == refused)
        #expect(host.ask("AT+CIPSEND=4,\"10.0.2.2\",7") == ok + "\r\n>")
        host.send(Array("test".utf8))
        #expect(host.listen() == "\r\nRecv 4 bytes\r\n\r\nSEND OK\r\n\r\n+IPD,4:test")
        host.ask("AT+CIPSEND=4,\"gateway.wifisim\",7")
        host.send(Array("test".utf8))
        #expect(host.listen().hasSuffix("+IPD,4:test"))
    }

    @Test func `The UDP forms that clients use are taken`() {
        for parameters in ["\"10.0.2.2\",5005", "\"10.0.2.2\",5005,,0", "\"0\",0,2390,2", "\"10.0.2.2\",5005,10"] {
            #expect(Conversation.joined().ask("AT+CIPSTART=\"UDP\",\(parameters)") == "CONNECT\r\n" + ok)
        }
        #expect(Conversation.joined().ask("AT+CIPSTART=\"UDP\",\"10.0.2.2\",5005,,2") == refused)
        #expect(Conversation.joined().ask("AT+CIPSTART=\"UDP\",\"10.0.2.2\",5005,1,3") == refused)
    }
}

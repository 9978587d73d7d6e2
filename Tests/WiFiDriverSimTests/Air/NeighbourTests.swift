import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation

/// Modules that reach each other: over the soft-AP of one of them, and on the same access point.
struct NeighbourTests {
    /// A room, and the address of the first module's server for the second module.
    private static let rooms: [@Sendable () -> (room: Room, server: String)] = [
        { (Room.softAPAndStation(), "192.168.4.1") },
        { (Room.stations(), "10.0.2.15") },
    ]

    private func link(_ index: Int) -> Room {
        let (room, server) = Self.rooms[index]()
        room.ask(0, "AT+CIPMUX=1")
        room.ask(0, "AT+CIPSERVER=1,80")
        #expect(room.ask(1, "AT+CIPSTART=\"TCP\",\"\(server)\",80") == "CONNECT\r\n" + ok)
        #expect(room.listen(0) == "0,CONNECT\r\n")
        return room
    }

    @Test(arguments: 0...1)
    func `Data go both ways`(index: Int) {
        let room = link(index)
        room.ask(1, "AT+CIPSEND=\(treacherousPayload.count)")
        #expect(room.send(1, treacherousPayload).hasSuffix("SEND OK\r\n"))
        let text = String(decoding: treacherousPayload, as: UTF8.self)
        #expect(room.listen(0) == "\r\n+IPD,0,\(treacherousPayload.count):\(text)")
        room.ask(0, "AT+CIPSEND=0,\(treacherousPayload.count)")
        #expect(room.send(0, treacherousPayload).hasSuffix("SEND OK\r\n"))
        #expect(room.listen(1) == "\r\n+IPD,\(treacherousPayload.count):\(text)")
        room.ask(1, "AT+CIPCLOSE")
        #expect(room.listen(0) == "0,CLOSED\r\n")
    }

    @Test(arguments: 0...1)
    func `Data sent before a close arrive before it`(index: Int) {
        let room = link(index)
        room.ask(1, "AT+CIPSEND=3", for: .zero)
        room.simulation.modules[1].send("abcAT+CIPCLOSE\r\n")
        room.simulation.run(for: .seconds(1))
        room.simulation.modules[1].send("AT+CIPCLOSE\r\n")
        #expect(room.listen(0, for: .seconds(1)) == "\r\n+IPD,0,3:abc0,CLOSED\r\n")
    }

    @Test(arguments: 0...1)
    func `A slow reader slows the writer`(index: Int) {
        let room = link(index)
        room.ask(0, "AT+CIPRECVTYPE=5,1")
        let block = [UInt8](repeating: 0x55, count: 4000)
        room.ask(1, "AT+CIPSEND=4000")
        #expect(room.send(1, block).hasSuffix("SEND OK\r\n"))
        room.ask(1, "AT+CIPSEND=4000")
        #expect(!room.send(1, block, for: .seconds(100)).contains("SEND"))
        #expect(room.listen(0) == "\r\n+IPD,0,4000\r\n")
        #expect(room.ask(0, "AT+CIPRECVLEN?").hasPrefix("+CIPRECVLEN:5760,"))
        room.ask(0, "AT+CIPRECVDATA=0,2000")
        #expect(!room.listen(1, for: .seconds(1)).contains("SEND"))
        room.ask(0, "AT+CIPRECVDATA=0,2000")
        #expect(room.listen(1, for: .seconds(1)).contains("SEND OK"))
    }

    @Test(arguments: 0...1)
    func `A short silence of the AP loses nothing`(index: Int) {
        let room = link(index)
        let ssid = index == 0 ? "lab" : "wifisim"
        room.simulation.changeAccessPoint(ssid) { $0.isOn = false }
        room.ask(1, "AT+CIPSEND=3")
        room.send(1, Array("abc".utf8), for: .seconds(3))
        #expect(room.listen(0) == "")
        room.simulation.changeAccessPoint(ssid) { $0.isOn = true }
        #expect(room.listen(1, for: .seconds(2)) == "\r\nSEND OK\r\n")
        #expect(room.listen(0) == "\r\n+IPD,0,3:abc")
    }

    @Test func `Connections end on both sides when the soft-AP does`() {
        let room = link(0)
        let mac = room.simulation.modules[1].module.settings.stationMAC
        #expect(
            room.ask(0, "AT+CWMODE=1", for: .zero)
                == "0,CLOSED\r\n" + ok + "+STA_DISCONNECTED:\"\(mac)\"\r\n")
        #expect(room.listen(1) == "WIFI DISCONNECT\r\nCLOSED\r\n")
        #expect(room.ask(0, "AT+CIPSTATUS") == "STATUS:1\r\n" + ok)
    }

    @Test func `Connections end on both sides when the AP is lost`() {
        let room = link(1)
        room.simulation.changeAccessPoint("wifisim") { $0.isOn = false }
        #expect(room.listen(1, for: .seconds(7)) == "WIFI DISCONNECT\r\nCLOSED\r\n")
        #expect(room.listen(0) == "WIFI DISCONNECT\r\n0,CLOSED\r\n")
    }

    @Test func `A module without power is given up when no packet arrives`() {
        let room = link(1)
        room.simulation.modules[0].powerOff()
        room.ask(1, "AT+CIPSEND=3")
        #expect(room.send(1, Array("abc".utf8), for: .seconds(70)).hasSuffix("CLOSED\r\n\r\nSEND FAIL\r\n"))
    }

    @Test func `Datagrams reach one module, all modules, and none after the end`() {
        let room = Room.softAPAndStation()
        room.ask(0, "AT+CIPSTART=\"UDP\",\"0\",0,4000,2")
        room.ask(1, "AT+CIPSTART=\"UDP\",\"192.168.4.1\",4000,4001")
        room.ask(1, "AT+CIPSEND=3")
        room.send(1, Array("one".utf8))
        #expect(room.listen(0) == "\r\n+IPD,3:one")
        room.ask(0, "AT+CIPSEND=4")
        room.send(0, Array("back".utf8))
        #expect(room.listen(1) == "\r\n+IPD,4:back")
        room.ask(1, "AT+CIPSEND=3,\"255.255.255.255\",4000")
        room.send(1, Array("all".utf8))
        #expect(room.listen(0) == "\r\n+IPD,3:all")
        room.simulation.changeAccessPoint("lab") { $0.isOn = false }
        room.ask(1, "AT+CIPSEND=4")
        #expect(room.send(1, Array("gone".utf8)).hasSuffix("SEND OK\r\n"))
        #expect(room.listen(0, for: .seconds(1)) == "")
    }

    @Test func `Stations reach each other by IPv6`() {
        let room = Room.stations()
        for module in 0..<2 { room.ask(module, "AT+CIPV6=1", for: .seconds(3)) }
        room.ask(0, "AT+CIPMUX=1")
        room.ask(0, "AT+CIPSERVER=1,80,\"TCPv6\"")
        let address = room.simulation.modules[0].module.settings.stationMAC.linkLocal
        #expect(room.ask(1, "AT+CIPSTART=\"TCPv6\",\"\(address)\",80") == "CONNECT\r\n" + ok)
        #expect(room.listen(0) == "0,CONNECT\r\n")
    }

    @Test func `Passthrough continues when the soft-AP returns`() {
        let room = link(0)
        room.ask(1, "AT+CIPMODE=1")
        room.ask(1, "AT+CIPSEND")
        room.send(1, Array("before".utf8), for: .seconds(1))
        #expect(room.listen(0) == "\r\n+IPD,0,6:before")
        room.simulation.modules[0].reset()
        room.simulation.run(for: .seconds(1))
        room.ask(0, "ATE0")
        room.ask(0, "AT+CIPMUX=1")
        room.ask(0, "AT+CIPSERVER=1,80")
        room.simulation.run(for: .seconds(30))
        _ = room.listen(0)
        room.send(1, Array("after".utf8), for: .seconds(1))
        #expect(room.listen(0).hasSuffix("+IPD,0,5:after"))
    }

    @Test func `A soft-AP leads nowhere else`() {
        let room = Room.softAPAndStation()
        #expect(
            room.ask(1, "AT+CIPSTART=\"TCP\",\"10.0.2.2\",7", for: .seconds(20)) == refused + "CLOSED\r\n")
        #expect(room.ask(1, "AT+PING=\"10.0.2.2\"", for: .seconds(5)) == "+PING:TIMEOUT\r\n" + refused)
    }

    @Test func `Modules on different access points do not reach each other`() {
        let room = Room.stations()
        room.ask(0, "AT+CIPMUX=1")
        room.ask(0, "AT+CIPSERVER=1,80")
        room.ask(0, "AT+CWMODE=3")
        room.ask(0, "AT+CWSAP=\"lab\",\"12345678\",5,3")
        room.ask(1, "AT+CWJAP=\"lab\",\"12345678\"", for: .seconds(3))
        #expect(
            room.ask(1, "AT+CIPSTART=\"TCP\",\"10.0.2.15\",80", for: .seconds(20)) == refused + "CLOSED\r\n")
        #expect(room.ask(1, "AT+CIPSTART=\"TCP\",\"192.168.4.1\",80").hasSuffix(ok))
    }
}

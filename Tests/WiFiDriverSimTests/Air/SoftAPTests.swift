import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Modules on each other's soft-AP. The output of a single module is in the fixtures `soft-ap-*.at`.
struct SoftAPTests {
    @Test(arguments: Firmware.all)
    func `A module joins another's soft-AP`(firmware: Firmware) {
        let room = Room(firmware)
        let mac = room.simulation.modules[1].module.settings.stationMAC
        let bssid = room.simulation.modules[0].module.settings.softAPMAC
        room.ask(0, "AT+CWMODE=2")
        room.ask(0, "AT+CWSAP=\"lab\",\"12345678\",5,3")
        room.ask(1, "AT+CWMODE=1")
        let scan = room.ask(1, "AT+CWLAP", for: .seconds(3))
        #expect(scan.contains("(3,\"lab\",-45,\"\(bssid)\",5"))
        let join = room.ask(1, "AT+CWJAP=\"lab\",\"12345678\"", for: .seconds(3))
        #expect(join.hasPrefix("WIFI CONNECTED\r\nWIFI GOT IP\r\n"))
        #expect(
            room.listen(0) == "+STA_CONNECTED:\"\(mac)\"\r\n+DIST_STA_IP:\"\(mac)\",\"192.168.4.2\"\r\n")
        let name = firmware.generation == .nonOS1_7 ? "" : "+CWLIF:"
        #expect(room.ask(0, "AT+CWLIF") == "\(name)192.168.4.2,\(mac)\r\n" + ok)
        #expect(room.ask(1, "AT+CIPSTA?").contains("ip:\"192.168.4.2\"\r\n"))
        #expect(room.ask(1, "AT+CIPSTA?").contains("gateway:\"192.168.4.1\"\r\n"))
        #expect(room.ask(1, "AT+PING=\"192.168.4.1\"").contains("2"))
    }

    @Test func `A wrong password is refused as by any AP`() {
        let room = Room()
        room.ask(0, "AT+CWMODE=2")
        room.ask(0, "AT+CWSAP=\"lab\",\"12345678\",5,3")
        room.ask(1, "AT+CWMODE=1")
        #expect(room.ask(1, "AT+CWJAP=\"lab\",\"87654321\"", for: .seconds(5)) == "+CWJAP:2\r\n" + refused)
        #expect(room.listen(0) == "")
    }

    @Test func `A full soft-AP refuses`() {
        let room = Room(modules: 3)
        room.ask(0, "AT+CWMODE=2")
        room.ask(0, "AT+CWSAP=\"lab\",\"12345678\",5,3,1")
        for module in 1...2 { room.ask(module, "AT+CWMODE=1") }
        #expect(room.ask(1, "AT+CWJAP=\"lab\",\"12345678\"", for: .seconds(3)).hasSuffix(ok))
        #expect(room.ask(2, "AT+CWJAP=\"lab\",\"12345678\"", for: .seconds(3)) == "+CWJAP:4\r\n" + refused)
    }

    @Test func `A disconnected station is notified at once, and returns by itself`() {
        let room = Room.softAPAndStation()
        let mac = room.simulation.modules[1].module.settings.stationMAC
        room.ask(0, "AT+CWQIF=\"\(mac)\"", for: .zero)
        #expect(room.listen(1) == "WIFI DISCONNECT\r\n")
        #expect(room.listen(1, for: .seconds(4)) == "WIFI CONNECTED\r\nWIFI GOT IP\r\n")
        #expect(room.ask(1, "AT+CWQAP") == ok + "WIFI DISCONNECT\r\n")
        #expect(room.listen(0).hasSuffix("+STA_DISCONNECTED:\"\(mac)\"\r\n"))
    }

    @Test func `A soft-AP without power is missed after six seconds`() {
        let room = Room.softAPAndStation()
        room.simulation.modules[0].powerOff()
        #expect(room.listen(1, for: .seconds(5)) == "")
        #expect(room.listen(1, for: .seconds(1)) == "WIFI DISCONNECT\r\n")
        room.simulation.modules[0].powerOn()
        #expect(room.listen(1, for: .seconds(6)) == "WIFI CONNECTED\r\nWIFI GOT IP\r\n")
    }

    @Test func `A soft-AP that restarts does not know its stations any more`() {
        let room = Room.softAPAndStation()
        room.simulation.modules[0].reset()
        #expect(room.listen(1, for: .seconds(1)) == "WIFI DISCONNECT\r\n")
    }

    @Test func `A soft-AP goes to the channel of its module's AP and takes its stations along`() {
        let room = Room.softAPAndStation()
        room.ask(0, "AT+CWMODE=3")
        room.ask(0, "AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3))
        #expect(room.simulation.air.accessPoints.last?.channel == 6)
        #expect(room.listen(1) == "")
        #expect(room.ask(1, "AT+CWJAP?").contains("\"lab\""))
    }

    @Test func `An address is free again when its station is gone for the lease time`() throws {
        let room = Room.softAPAndStation()
        room.ask(1, "AT+CWQAP")
        room.ask(0, "AT+CWDHCPS=1,1,\"192.168.4.10\",\"192.168.4.10\"")
        try room.simulation.make(.station(name: "phone", .joins(ssid: "lab", password: "12345678")))
        room.simulation.run(for: .seconds(3))
        #expect(room.simulation.air.address(ofStation: "phone") == IPv4Address(192, 168, 4, 10))
        try room.simulation.make(.station(name: "phone", .leaves))
        try room.simulation.make(.station(name: "tablet", .joins(ssid: "lab", password: "12345678")))
        room.simulation.run(for: .seconds(50))
        #expect(room.simulation.air.address(ofStation: "tablet") == nil)
        room.simulation.run(for: .seconds(12))
        #expect(room.simulation.air.address(ofStation: "tablet") == IPv4Address(192, 168, 4, 10))
    }
}

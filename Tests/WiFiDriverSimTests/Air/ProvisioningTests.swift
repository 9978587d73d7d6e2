import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// WPS and SmartConfig with several stations or access points. The fixtures cover the rest.
struct ProvisioningTests {
    private func room(securities: [Security]) -> Room {
        let accessPoints = securities.enumerated().map { index, security in
            var accessPoint = AccessPoint(
                ssid: "ap\(index)", bssid: MACAddress(rawValue: 0x02_00_00_00_02_01 + UInt64(index)))
            accessPoint.security = security
            accessPoint.password = security == .open ? "" : "password\(index)"
            return accessPoint
        }
        let room = Room(world: World(accessPoints: accessPoints))
        for module in 0..<2 {
            room.ask(module, "AT+CWMODE=1")
            room.ask(module, "AT+WPS=1")
        }
        return room
    }

    @Test func `One press of the button lets one station in`() throws {
        let room = room(securities: [.wpa2])
        try room.simulation.make(.accessPoint("ap0", .wps))
        let said = (0..<2).map { room.listen($0, for: .seconds(10)) }
        #expect(said == ["WIFI CONNECTED\r\nWIFI GOT IP\r\n", ""])
    }

    @Test func `With two buttons pressed the choice is ambiguous`() throws {
        let room = room(securities: [.wpa2, .wpa2])
        room.ask(1, "AT+WPS=0")
        try room.simulation.make(.accessPoint("ap0", .wps))
        try room.simulation.make(.accessPoint("ap1", .wps))
        // The first exchange begins before the second button is pressed.
        #expect(room.listen(0, for: .seconds(10)).contains("WIFI GOT IP"))
        room.ask(1, "AT+CWJAP=\"ap1\",\"password1\"", for: .seconds(5))
        try room.simulation.make(.accessPoint("ap0", .wps))
        room.ask(1, "AT+WPS=1")
        #expect(room.listen(1, for: .seconds(110)) == "")
    }

    @Test(arguments: [Security.wep, .wpa2Enterprise])
    func `WPS has no password for WEP or an enterprise`(security: Security) throws {
        let room = room(securities: [security])
        try room.simulation.make(.accessPoint("ap0", .wps))
        #expect(room.listen(0, for: .seconds(110)) == "")
    }

    @Test func `An access point without WPS has no button`() throws {
        let room = room(securities: [.wpa2])
        room.simulation.changeAccessPoint("ap0") { $0.hasWPS = false }
        try room.simulation.make(.accessPoint("ap0", .wps))
        #expect(room.listen(0, for: .seconds(110)) == "")
    }

    @Test func `A phone sends to all stations that listen`() throws {
        let room = room(securities: [.open])
        for module in 0..<2 {
            room.ask(module, "AT+WPS=0")
            room.ask(module, "AT+CWSTARTSMART")
        }
        try room.simulation.make(.smartConfig(.espTouch, ssid: "ap0", password: "", key: nil))
        room.simulation.run(for: .seconds(10))
        for module in 0..<2 { #expect(room.listen(module).hasSuffix("smartconfig connected wifi\r\n")) }
    }

    @Test(arguments: [
        (String(repeating: "s", count: 33), "password"), ("", "password"), ("ap0", String(repeating: "p", count: 65)),
    ])
    func `A phone has no names and passwords that a station cannot keep`(ssid: String, password: String) {
        let room = room(securities: [.open])
        #expect(throws: WorldChangeError.self) {
            try room.simulation.make(.smartConfig(.espTouch, ssid: ssid, password: password, key: nil))
        }
        #expect(throws: WordError.self) { try WorldChange(Words(["smartconfig", "esptouch", ssid, password])) }
    }

    @Test func `A world has a thousand stations at most`() throws {
        let room = room(securities: [.open])
        for number in 0..<1000 {
            try room.simulation.make(.station(name: "s\(number)", .joins(ssid: "ap0", password: "")))
        }
        #expect(throws: WorldChangeError.self) {
            try room.simulation.make(.station(name: "one more", .joins(ssid: "ap0", password: "")))
        }
        try room.simulation.make(.station(name: "s7", .joins(ssid: "ap0", password: "")))
    }
}

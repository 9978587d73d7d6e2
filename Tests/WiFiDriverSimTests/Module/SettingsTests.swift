import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct SettingsTests {
    private func reboot(_ host: Conversation) {
        host.ask("AT+RST", for: .seconds(1))
        host.ask("ATE0")
    }

    @Test func `RST answers, restarts and prints ready after the boot time`() {
        let host = Conversation()
        #expect(host.ask("AT+RST", for: .milliseconds(300)) == ok)
        #expect(host.ask("AT", for: .milliseconds(20)) == "")
        #expect(host.listen(for: .milliseconds(100)) == "\r\nready\r\n")
    }

    @Test func `What SYSSTORE=1 stores survives a restart, what SYSSTORE=0 sets does not`() {
        let host = Conversation()
        host.ask("AT+CWMODE=3")
        #expect(host.simulation.storedSettings?.wifiMode == .both)
        host.ask("AT+SYSSTORE=0")
        host.ask("AT+CWMODE=1")
        #expect(host.ask("AT+CWMODE?") == "+CWMODE:1\r\n" + ok)
        reboot(host)
        #expect(host.ask("AT+CWMODE?") == "+CWMODE:3\r\n" + ok)
        #expect(host.ask("AT+SYSSTORE?") == "+SYSSTORE:1\r\n" + ok)
    }

    @Test func `On NONOS firmware _CUR sets, _DEF and the bare name store`() {
        let host = Conversation(.esp8266v1_7)
        #expect(host.ask("AT+CWMODE_CUR=1") == ok)
        #expect(host.ask("AT+CWMODE_CUR?") == "+CWMODE_CUR:1\r\n" + ok)
        reboot(host)
        #expect(host.ask("AT+CWMODE?") == "+CWMODE:2\r\n" + ok)
        #expect(host.ask("AT+CWMODE_DEF=3") == ok)
        reboot(host)
        #expect(host.ask("AT+CWMODE?") == "+CWMODE:3\r\n" + ok)
        #expect(host.ask("AT+CWMODE=1") == ok)
        reboot(host)
        #expect(host.ask("AT+CWMODE?") == "+CWMODE:1\r\n" + ok)
        #expect(host.ask("AT+SYSSTORE=1") == refused)
    }

    @Test func `Later firmware does not know _CUR`() {
        #expect(Conversation().ask("AT+CWMODE_CUR=1") == refused)
    }

    @Test func `RESTORE brings back the factory's settings`() {
        let host = Conversation()
        host.ask("AT+CWMODE=3")
        host.ask("AT+CWAUTOCONN=0")
        #expect(host.ask("AT+RESTORE", for: .seconds(1)) == ok + "\r\nready\r\n")
        host.ask("ATE0")
        #expect(host.ask("AT+CWMODE?") == "+CWMODE:0\r\n" + ok)
        #expect(host.ask("AT+CWAUTOCONN?") == "+CWAUTOCONN:1\r\n" + ok)
        #expect(host.simulation.storedSettings == .factory(for: .standard, serialNumber: 1))
    }

    @Test func `A module starts with the given settings`() {
        var settings = Settings.factory(for: .standard, serialNumber: 1)
        settings.wifiMode = .both
        #expect(Conversation(settings: settings).ask("AT+CWMODE?") == "+CWMODE:3\r\n" + ok)
    }

    @Test func `A module that knows an AP joins it at power-up`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+RST", for: .seconds(5)) == ok + "\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n")
    }

    @Test func `With CWAUTOCONN=0 it does not`() {
        let host = Conversation.joined()
        host.ask("AT+CWAUTOCONN=0")
        #expect(host.ask("AT+RST", for: .seconds(5)) == ok + "\r\nready\r\n")
    }

    @Test func `The ESP8266's ROM text is read wrongly at 115200 baud and rightly at 74880`() {
        let text = Firmware.esp8266v1_7.romText
        #expect(text.contains("ets Jan  8 2013,rst cause"))
        func read(at rate: Int) -> [UInt8] {
            Misreading.bytes(text.utf8, sent: Firmware.romFrame, read: UARTFrame(bitRate: rate)).bytes
        }
        #expect(!String(decoding: read(at: 115_200), as: UTF8.self).contains("ets"))
        #expect(read(at: 74_880) == Array(text.utf8))
        // A receiver with a slightly different rate still reads correctly.
        #expect(read(at: 75_600) == Array(text.utf8))
    }

    @Test(arguments: Firmware.all.filter { $0.generation != .nonOS1_7 })
    func `The interfaces' addresses differ in flash, whatever is in use`(firmware: Firmware) {
        let host = Conversation(firmware)
        host.ask("AT+CWMODE=3")
        let factory = Settings.factory(for: firmware, serialNumber: 1)
        for (mine, other, address) in [
            ("CIPSTAMAC", "CIPAPMAC", factory.stationMAC), ("CIPAPMAC", "CIPSTAMAC", factory.softAPMAC),
        ] {
            host.ask("AT+RESTORE", for: .seconds(2))
            for line in ["ATE0", "AT+CWMODE=3", "AT+SYSSTORE=0", "AT+\(mine)=\"02:11:22:33:44:55\"", "AT+SYSSTORE=1"] {
                host.ask(line)
            }
            #expect(host.ask("AT+\(other)=\"\(address)\"").contains("ERROR"))
            #expect(host.simulation.storedSettings?.mistake(for: firmware) == nil)
        }
    }

    @Test(arguments: ["", String(repeating: "1", count: 65), "2.0\r\nOK"])
    func `An invalid version of the update server fails the update`(version: String) {
        var world = World.standard
        world.updates = UpdateServer(versions: [version])
        let host = Conversation(world: world)
        host.ask("AT+CWMODE=1")
        host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3))
        #expect(host.ask("AT+CIUPDATE", for: .seconds(200)).hasSuffix(refused))
        #expect(host.simulation.storedSettings?.images == nil)
    }
}

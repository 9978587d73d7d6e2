import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct StationCommandTests {
    private let bssid = World.standard.accessPoints[0].bssid

    @Test(arguments: Firmware.all)
    func `A join reports the connection, the address and the end`(firmware: Firmware) {
        let host = Conversation(firmware)
        host.ask("AT+CWMODE=1")
        #expect(
            host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3)) == "WIFI CONNECTED\r\nWIFI GOT IP\r\n" + ok)
        let fields =
            switch firmware.generation {
            case .nonOS1_7: firmware == .esp8266v1_7 ? ",0" : ""
            case .esp32_2_1: ",0,1,3,0"
            default: ",0,1,3,0,1"
            }
        #expect(host.ask("AT+CWJAP?") == "+CWJAP:\"wifisim\",\"\(bssid)\",6,-45\(fields)\r\n" + ok)
        #expect(host.ask("AT+CIFSR").contains("+CIFSR:STAIP,\"10.0.2.15\"\r\n"))
    }

    @Test(arguments: [Firmware.standard, .esp8266v1_7])
    func `A wrong password ends with 2, an absent AP with 3`(firmware: Firmware) {
        let host = Conversation(firmware)
        let end = firmware.generation == .nonOS1_7 ? "\r\nFAIL\r\n" : refused
        host.ask("AT+CWMODE=1")
        #expect(host.ask("AT+CWJAP=\"wifisim\",\"passwort\"", for: .seconds(10)) == "+CWJAP:2\r\n" + end)
        #expect(host.ask("AT+CWJAP=\"nowhere\",\"password\"", for: .seconds(10)) == "+CWJAP:3\r\n" + end)
        #expect(host.ask("AT+CWJAP?") == (firmware.generation == .nonOS1_7 ? "No AP\r\n" : "") + ok)
    }

    @Test func `A failed join of a variant has the bare name`() {
        let host = Conversation(.esp8266v1_7)
        host.ask("AT+CWMODE_CUR=1")
        #expect(host.ask("AT+CWJAP_CUR=\"nowhere\",\"\"", for: .seconds(10)) == "+CWJAP:3\r\n\r\nFAIL\r\n")
    }

    @Test func `An AP that gives no address ends a join with 1 after its time-out`() {
        var world = World.standard
        world.accessPoints[0].network.leases = nil
        let host = Conversation(world: world)
        host.ask("AT+CWMODE=1")
        #expect(host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(14)) == "WIFI CONNECTED\r\n")
        #expect(host.listen(for: .seconds(2)) == "+CWJAP:1\r\n" + refused + "WIFI DISCONNECT\r\n")
        #expect(
            host.ask("AT+CWJAP=\"wifisim\",\"password\",,,,,,3", for: .seconds(4))
                == "WIFI CONNECTED\r\n+CWJAP:1\r\n" + refused + "WIFI DISCONNECT\r\n")
    }

    @Test func `An AP on a channel that the country forbids is not found`() {
        var world = World.standard
        world.accessPoints[0].channel = 13
        let host = Conversation(world: world)
        host.ask("AT+CWMODE=1")
        host.ask("AT+CWCOUNTRY=1,\"US\",1,11")
        #expect(host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(10)) == "+CWJAP:3\r\n" + refused)
        host.ask("AT+CWCOUNTRY=1,\"DE\",1,13")
        #expect(host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(10)).hasSuffix(ok))
    }

    @Test func `A join needs the station mode`() {
        #expect(Conversation().ask("AT+CWJAP=\"wifisim\",\"password\"") == refused)
        #expect(Conversation().ask("AT+CWJAP?") == refused)
        #expect(Conversation().ask("AT+CWQAP") == refused)
    }

    @Test func `The BSSID chooses between APs of one name`() {
        var world = World.standard
        var second = world.accessPoints[0]
        second.bssid = MACAddress(rawValue: 0x0200_0000_0001)
        second.rssi = -70
        second.channel = 1
        world.accessPoints.append(second)
        let host = Conversation(world: world)
        host.ask("AT+CWMODE=1")
        host.ask("AT+CWJAP=\"wifisim\",\"password\",\"\(second.bssid)\"", for: .seconds(3))
        #expect(host.ask("AT+CWJAP?").contains("\"\(second.bssid)\",1,-70"))
        // A fast scan takes the first access point found, a full scan the strongest.
        host.ask("AT+CWJAP=\"wifisim\",\"password\",,,,,0", for: .seconds(3))
        #expect(host.ask("AT+CWJAP?").contains("\"\(second.bssid)\""))
        host.ask("AT+CWJAP=\"wifisim\",\"password\",,,,,1", for: .seconds(3))
        #expect(host.ask("AT+CWJAP?").contains("\"\(bssid)\""))
    }

    @Test func `CWJAP without parameters joins the last AP again`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+CWQAP") == ok + "WIFI DISCONNECT\r\n")
        #expect(host.ask("AT+CWSTATE?") == "+CWSTATE:0,\"\"\r\n" + ok)
        #expect(host.ask("AT+CWJAP", for: .seconds(3)) == "WIFI CONNECTED\r\nWIFI GOT IP\r\n" + ok)
        #expect(host.ask("AT+CWSTATE?") == "+CWSTATE:2,\"wifisim\"\r\n" + ok)
    }

    @Test func `A lost AP is noticed, its links close, and it is joined again when it is back`() {
        let host = Conversation.joined(multiplexed: true)
        host.ask("AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",7")
        host.simulation.air.change(bssid, at: host.simulation.now) { $0.isOn = false }
        #expect(host.listen(for: .milliseconds(5900)) == "")
        #expect(host.listen(for: .seconds(1)) == "WIFI DISCONNECT\r\n0,CLOSED\r\n")
        #expect(host.ask("AT+CWSTATE?") == "+CWSTATE:3,\"wifisim\"\r\n" + ok)
        #expect(host.ask("AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",7") == refused)
        host.simulation.air.change(bssid, at: host.simulation.now) {
            $0.isOn = true
            $0.network.leases = IPv4Address(10, 0, 2, 99)...IPv4Address(10, 0, 2, 99)
        }
        #expect(host.listen(for: .seconds(6)) == "WIFI CONNECTED\r\nWIFI GOT IP\r\n")
        #expect(host.ask("AT+CIPSTA?").contains("ip:\"10.0.2.99\""))
    }

    @Test func `CWRECONNCFG limits the attempts, and 0 makes none`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+CWRECONNCFG?") == "+CWRECONNCFG:1,0\r\n" + ok)
        #expect(host.ask("AT+CWRECONNCFG=2,2") == ok)
        host.simulation.air.change(bssid, at: host.simulation.now) { $0.isOn = false }
        #expect(host.listen(for: .seconds(20)) == "WIFI DISCONNECT\r\n")
        #expect(host.ask("AT+CWSTATE?") == "+CWSTATE:4,\"wifisim\"\r\n" + ok)
        host.simulation.air.change(bssid, at: host.simulation.now) { $0.isOn = true }
        #expect(host.listen(for: .seconds(20)) == "")
        #expect(host.ask("AT+CWRECONNCFG=0,0") == ok)
        #expect(host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(5)).hasSuffix("WIFI GOT IP\r\n" + ok))
        #expect(host.ask("AT+CWRECONNCFG=0,0") == ok)
        host.simulation.air.change(bssid, at: host.simulation.now) { $0.isOn = false }
        #expect(host.listen(for: .seconds(20)) == "WIFI DISCONNECT\r\n")
        #expect(host.ask("AT+CWRECONNCFG=7201,0") == refused)
    }

    @Test func `An AP that is only silent for a moment is not lost`() {
        let host = Conversation.joined()
        host.simulation.air.change(bssid, at: host.simulation.now) { $0.isOn = false }
        #expect(host.listen(for: .seconds(3)) == "")
        host.simulation.air.change(bssid, at: host.simulation.now) { $0.isOn = true }
        #expect(host.listen(for: .seconds(20)) == "")
    }

    @Test func `Leaving the station mode leaves the AP, coming back joins it`() {
        let host = Conversation.joined()
        #expect(host.ask("AT+CWMODE=2") == "WIFI DISCONNECT\r\n" + ok)
        #expect(host.ask("AT+CWMODE=1,0", for: .seconds(3)) == ok)
        host.ask("AT+CWMODE=2")
        #expect(host.ask("AT+CWMODE=3", for: .seconds(3)) == ok + "WIFI CONNECTED\r\nWIFI GOT IP\r\n")
    }

    @Test func `NONOS firmware has no mode 0`() {
        #expect(Conversation(.esp8266v1_7).ask("AT+CWMODE=0") == refused)
        #expect(Conversation().ask("AT+CWMODE=0") == ok)
    }

    @Test func `CWHOSTNAME and CWCOUNTRY keep their values`() {
        let host = Conversation()
        #expect(host.ask("AT+CWHOSTNAME=\"x\"") == refused)
        host.ask("AT+CWMODE=1")
        #expect(host.ask("AT+CWHOSTNAME=\"my_test\"") == ok)
        #expect(host.ask("AT+CWHOSTNAME?") == "+CWHOSTNAME:my_test\r\n" + ok)
        #expect(host.ask("AT+CWCOUNTRY=1,\"JP\",1,14") == ok)
        #expect(host.ask("AT+CWCOUNTRY?") == "+CWCOUNTRY:1,\"JP\",1,14\r\n" + ok)
        #expect(host.ask("AT+CWCOUNTRY=1,\"JP\",2,14") == refused)
    }
}

struct ScanCommandTests {
    private func host(_ firmware: Firmware = .standard) -> Conversation {
        var hidden = AccessPoint(ssid: "hidden", bssid: MACAddress(rawValue: 0x0200_0000_0009))
        hidden.isHidden = true
        hidden.channel = 11
        hidden.rssi = -80
        var open = AccessPoint(ssid: "a,b\"", bssid: MACAddress(rawValue: 0x0200_0000_0008))
        open.security = .open
        open.channel = 1
        open.rssi = -60
        open.hasWPS = false
        let host = Conversation(
            firmware, world: World(accessPoints: World.standard.accessPoints + [hidden, open]))
        host.ask("AT+CWMODE=1")
        return host
    }

    private let wifisim = "+CWLAP:(3,\"wifisim\",-45,\"1e:30:6c:a2:45:5e\",6,-1,-1,4,4,7,1)\r\n"
    private let hidden = "+CWLAP:(3,\"\",-80,\"02:00:00:00:00:09\",11,-1,-1,4,4,7,1)\r\n"
    private let open = #"+CWLAP:(0,"a,b"",-60,"02:00:00:00:00:08",1,-1,-1,0,0,7,0)"# + "\r\n"

    @Test func `CWLAP lists the APs, hidden ones without their names, strongest first, after 120 ms a channel`() {
        let host = host()
        #expect(host.ask("AT+CWLAP", for: .milliseconds(1550)) == "")
        #expect(host.listen() == wifisim + open + hidden + ok)
        // An empty name does not filter.
        #expect(host.ask("AT+CWLAP=\"\"", for: .seconds(2)) == wifisim + open + hidden + ok)
        #expect(host.ask("AT+CWLAP=\"\",\"1e:30:6c:a2:45:5e\"", for: .seconds(2)) == wifisim + ok)
    }

    @Test func `A name finds a hidden AP, a channel takes the time of one`() {
        let host = host()
        #expect(host.ask("AT+CWLAP=\"hidden\"", for: .seconds(2)).hasPrefix("+CWLAP:(3,\"hidden\",-80"))
        #expect(host.ask("AT+CWLAP=,,1", for: .milliseconds(130)) == open + ok)
        #expect(host.ask("AT+CWLAP=,,1,1", for: .milliseconds(350)) == "")
        #expect(host.listen() == open + ok)
        #expect(host.ask("AT+CWLAP=,\"1e:30:6c:a2:45:5e\",6,0,50,200", for: .milliseconds(210)) == wifisim + ok)
        #expect(host.ask("AT+CWLAP=\"nothing\"", for: .seconds(2)) == ok)
        #expect(host.ask("AT+CWLAP=,,15") == refused)
    }

    @Test func `CWLAPOPT chooses fields, strength and security`() {
        let host = host()
        #expect(host.ask("AT+CWLAPOPT=1,31") == ok)
        #expect(
            host.ask("AT+CWLAP", for: .seconds(2)).hasPrefix("+CWLAP:(3,\"wifisim\",-45,\"1e:30:6c:a2:45:5e\",6)\r\n"))
        #expect(host.ask("AT+CWLAPOPT=,2,-50") == ok)
        #expect(host.ask("AT+CWLAP", for: .seconds(2)) == "+CWLAP:(\"wifisim\")\r\n" + ok)
        #expect(host.ask("AT+CWLAPOPT=0,2,-100,1") == ok)
        #expect(host.ask("AT+CWLAP", for: .seconds(2)) == #"+CWLAP:("a,b"")"# + "\r\n" + ok)
        #expect(host.ask("AT+CWLAPOPT=0,23") == ok)
        #expect(host.ask("AT+CWLAP", for: .seconds(2)).hasPrefix(#"+CWLAP:(0,"a,b"",-60,1)"#))
        #expect(host.ask("AT+CWLAPOPT=1,2048") == refused)
    }

    @Test func `A scan needs the station mode`() {
        #expect(Conversation().ask("AT+CWLAP") == refused)
    }
}

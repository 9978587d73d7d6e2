import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation

struct CommandLineTests {
    @Test func `A command is echoed, then answered`() {
        let simulation = Simulation()
        _ = simulation.takeOutput()
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "AT\r\n\r\nOK\r\n")
    }

    @Test func `ATE0 is echoed itself and ATE1 brings the echo back`() {
        let simulation = Simulation()
        _ = simulation.takeOutput()
        simulation.send("ATE0\r\n")
        #expect(simulation.takeOutput() == "ATE0\r\n\r\nOK\r\n")
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == ok)
        simulation.send("ATE1\r\n")
        #expect(simulation.takeOutput() == ok)
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "AT\r\n" + ok)
    }

    @Test func `The NONOS dialect echoes an additional carriage return`() {
        let simulation = Simulation(firmware: .esp8266v1_7)
        _ = simulation.takeOutput()
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "AT\r\r\n" + ok)
    }

    @Test(arguments: [
        "AT+FAKE", "AT+", "ATX", "AT+cwmode?", "AT+CWMODE??", "AT?", "at", "X", "?", "AT+GMR=1", "AT+RST?",
    ])
    func `What is not a command is refused`(line: String) {
        #expect(Conversation().ask(line) == refused)
    }

    @Test func `An empty line is not answered`() {
        #expect(Conversation().ask("") == "")
    }

    @Test func `With SYSLOG each refusal has its number`() {
        let host = Conversation()
        #expect(host.ask("AT+SYSLOG=1") == ok)
        #expect(host.ask("AT+FAKE") == "ERR CODE:0x01090000\r\n" + refused)
        #expect(host.ask("at") == "ERR CODE:0x01030000\r\n" + refused)
        #expect(host.ask("AT+GMR?") == "ERR CODE:0x010c0000\r\n" + refused)
        #expect(host.ask("AT+CWMODE=9") == "ERR CODE:0x01070000\r\n" + refused)
        #expect(host.ask("AT+CWMODE=\"1\"") == "ERR CODE:0x01080000\r\n" + refused)
        #expect(host.ask("AT+CWMODE=1,0,0") == "ERR CODE:0x01060203\r\n" + refused)
        #expect(host.ask("AT+CWMODE=") == "ERR CODE:0x01080000\r\n" + refused)
        #expect(host.ask("AT+CIPDOMAIN=\"x") == "ERR CODE:0x01080000\r\n" + refused)
        #expect(host.ask("AT+CWHOSTNAME=\"\(String(repeating: "x", count: 33))\"").hasSuffix(refused))
        host.simulation.send("AT\n")
        #expect(host.listen() == "ERR CODE:0x01020000\r\n" + refused)
    }

    /// The required and the given number (esp_at_core.h, ESP_AT_CMD_ERROR_PARA_NUM), two digits each.
    @Test(arguments: [
        ("AT+CWMODE=1,0,0", "0203"), ("AT+CIPMUX=1,2", "0102"), ("AT+CWDHCP=1", "0201"), ("AT+CWDHCP=1,1,1", "0203"),
        ("AT+CIPSTART=\"TCP\"", "0301"), ("AT+CWLAPOPT=1", "0201"), ("AT+CWLAPOPT=1,31,-100,255,1", "0405"),
        ("AT+CWDHCPS=1,3", "0402"), ("AT+UART_CUR=115200", "0501"), ("AT+CIPRECVDATA=1,2", "0102"),
        ("AT+SYSREG=1,0x3F4", "0302"), ("AT+CIPSNTPCFG=0,8,\"a\",\"b\",\"c\",\"d\"", "0506"),
    ])
    func `A wrong number of parameters is reported with the right one`(line: String, digits: String) {
        let host = Conversation()
        host.ask("AT+SYSLOG=1")
        host.ask("AT+CWMODE=3")
        #expect(host.ask(line) == "ERR CODE:0x0106\(digits)\r\n" + refused)
    }

    /// A link ID counts as a parameter if it is required.
    @Test func `With several connections the link ID is one of the parameters`() {
        let host = Conversation()
        host.ask("AT+SYSLOG=1")
        host.ask("AT+CIPMUX=1")
        #expect(host.ask("AT+CIPRECVDATA=1") == "ERR CODE:0x01060201\r\n" + refused)
        #expect(host.ask("AT+CIPSSLCCONF=0,2") == "ERR CODE:0x01060402\r\n" + refused)
    }

    @Test func `A line of 256 bytes with its end is taken, a longer one is not`() {
        let host = Conversation()
        let frame = "AT+CIPDOMAIN=\"\"\r\n".utf8.count
        host.ask("AT+SYSLOG=1")
        // The line is accepted. The command is refused because there is no network.
        #expect(host.ask("AT+CIPDOMAIN=\"\(String(repeating: "x", count: 256 - frame))\"").hasPrefix("ERR CODE:0x010a"))
        #expect(
            host.ask("AT+CIPDOMAIN=\"\(String(repeating: "x", count: 257 - frame))\"") == "ERR CODE:0x01030000\r\n"
                + refused)
        #expect(host.ask("AT") == ok)
    }

    @Test func `Escaped characters in quotes are taken as they are`() {
        let host = Conversation()
        host.ask("AT+CWMODE=2")
        #expect(host.ask(#"AT+CWSAP="a\,b\"c\\d","12345678",1,3"#) == ok)
        #expect(host.simulation.module.settings.softAP.ssid == #"a,b"c\d"#)
        // Answers have no escapes.
        #expect(host.ask("AT+CWSAP?") == #"+CWSAP:"a,b"c\d","12345678",1,3,4,0"# + "\r\n" + ok)
    }

    @Test func `Numbers may be hexadecimal`() {
        let host = Conversation()
        #expect(host.ask("AT+CWLAPOPT=1,0x7FF") == ok)
        #expect(host.ask("AT+CWLAPOPT=1,0x800") == refused)
    }

    @Test func `While a command runs each line is refused as busy and dropped`() {
        let host = Conversation()
        host.ask("AT+CWMODE=1")
        #expect(host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .milliseconds(100)) == "")
        #expect(host.ask("?") == "\r\nbusy p...\r\n")
        #expect(host.ask("AT") == "\r\nbusy p...\r\n")
        #expect(host.listen(for: .seconds(3)) == "WIFI CONNECTED\r\nWIFI GOT IP\r\n" + ok)
        #expect(host.ask("AT") == ok)
    }

    @Test(arguments: [Firmware.esp32v2_1, .esp8266v2_2, .esp32c3v3_3, .esp32c3v4_1, .esp32c3v5_0])
    func `A restart is taken while a command runs`(firmware: Firmware) {
        let host = Conversation(firmware)
        host.ask("AT+CWMODE=1")
        host.ask("AT+CWJAP=\"nosuchap\",\"12345678\"")
        // Bytes that may still become the one accepted line are not refused before they differ from it.
        host.simulation.send("AT")
        #expect(host.listen() == "")
        host.simulation.send("\r\n")
        #expect(host.listen() == "\r\nbusy p...\r\n")
        #expect(host.ask("AT+RSTX") == "\r\nbusy p...\r\n")
        #expect(host.ask("AT+RST").hasPrefix("\r\nWill force to restart!!!\r\n"))
        #expect(host.listen(for: .seconds(1)) == "\r\nready\r\n")
    }

    @Test func `The beginning of a line that arrived during a command becomes a line after it`() {
        let host = Conversation()
        host.ask("AT+CWMODE=1")
        host.ask("AT+CWJAP=\"wifisim\",\"password\"")
        host.simulation.send("AT+RST")
        host.listen(for: .seconds(3))
        host.simulation.send("\r\n")
        #expect(host.listen(for: .seconds(1)).hasPrefix(ok))
    }

    @Test(arguments: [Firmware.esp32v2_1, .esp8266v2_2, .esp32c3v3_3, .esp32c3v4_1, .esp32c3v5_0])
    func `A line that was refused has no second answer when the command ends in the middle of it`(firmware: Firmware) {
        let host = Conversation(firmware)
        host.ask("AT+CWMODE=1")
        host.ask("AT+CWLAPOPT=1,1")
        host.ask("AT+CWLAP")
        host.simulation.send("AT+G")
        #expect(host.listen(for: .seconds(5)) == "\r\nbusy p...\r\n+CWLAP:(3)\r\n" + ok)
        host.simulation.send("MR\r\nAT\r\n")
        #expect(host.listen() == ok)
    }

    /// ESP8266_AT, at_recvTask.
    @Test(arguments: [Firmware.esp8266v1_7, .wizFi360v1_0])
    func `The NONOS dialect refuses a line at its end`(firmware: Firmware) {
        let host = Conversation(firmware)
        host.ask("AT+CWMODE=1")
        host.ask("AT+CWLAPOPT=1,1")
        host.ask("AT+CWLAP")
        host.simulation.send("AT+GM")
        #expect(host.listen() == "")
        host.simulation.send("R\r\nAT+G")
        #expect(host.listen(for: .seconds(5)) == "\r\nbusy p...\r\n+CWLAP:(3)\r\n" + ok)
        // The beginning of this line is lost, but it still has one answer.
        #expect(host.ask("MR") == refused)
        #expect(host.ask("AT") == ok)
    }

    @Test(arguments: [Firmware.esp8266v1_7, .wizFi360v1_0])
    func `The NONOS dialect looks for AT or at, and refuses a line without it`(firmware: Firmware) {
        let host = Conversation(firmware)
        #expect(
            ["AT", "at", "xxAT", "\0AAT", "AT+CIPMUX=0", "zzat+CIPMUX=0"].map { host.ask($0) == ok }.allSatisfy { $0 })
        #expect(["", "At", "a", "x", "A T"].map { host.ask($0) == refused }.allSatisfy { $0 })
    }

    /// The commands that may begin with a link ID.
    private static let addressed:
        [(command: String, parameters: [String], wrong: [(position: Int, values: [String])])] = [
            ("CIPSTART", ["\"TCP\"", "\"10.0.2.2\"", "7"], wrongOfLinks),
            ("CIPSTARTEX", ["\"TCP\"", "\"10.0.2.2\"", "7"], wrongOfLinks),
            ("CIPSSLCPSKHEX", ["\"00\"", "\"a\""], [(0, ["\"0g\"", "\"0\""])]),
            ("CIPSSLCCIPHER", ["2", "0xC02B", "0xC02C"], [(1, ["1", "0x10000"]), (2, ["1", "0x10000"])]),
            ("CIPSEND", ["4"], [(0, ["0", "-1", "8193", "99999"])]),
            ("CIPSEND", ["4", "\"10.0.2.2\"", "7"], [(1, ["\"10.0.2.2\""])]),
        ]
    private static let wrongOfLinks = [
        (position: 0, values: ["\"XXX\"", "\"tcp\"", "\"TCPv6\"", "\"\""]),
        (position: 2, values: ["0", "65536", "-1"]),
        (position: 3, values: ["7201", "-1"]),
    ]

    @Test(arguments: [false, true], 0..<6)
    func `A wrong value is reported with its position, with and without a link ID`(
        multiplexed: Bool, row: Int
    ) {
        let (command, parameters, wrong) = Self.addressed[row]
        let host = Conversation.joined(multiplexed: multiplexed)
        _ = host.openPeerLink(multiplexed ? 0 : nil)
        host.ask("AT+SYSLOG=1")
        let hasID = multiplexed && command != "CIPSTARTEX"
        for (position, values) in wrong {
            for value in values {
                var given = parameters + (position == parameters.count ? [""] : [])
                given[position] = value
                if hasID { given.insert(command == "CIPSEND" ? "0" : "1", at: 0) }
                let line = "AT+\(command)=\(given.joined(separator: ","))"
                let place = position + (hasID ? 1 : 0)
                #expect(host.ask(line) == "ERR CODE:0x0107000\(place)\r\n" + refused, "\(line)")
            }
        }
    }

    @Test(arguments: [Firmware.esp8266v1_7, .wizFi360v1_0])
    func `The NONOS dialect refuses a restart, and reports what it is busy with`(firmware: Firmware) {
        let host = Conversation.joined(firmware)
        _ = host.openPeerLink()
        #expect(host.ask("AT+CIPSEND=4") == ok + "> ")
        host.simulation.send("testAT\r\n")
        #expect(host.listen(for: .seconds(1)) == "\r\nRecv 4 bytes\r\n\r\nbusy s...\r\n\r\nSEND OK\r\n")
        host.ask("AT+CWLAP")
        #expect(host.ask("AT+RST") == "\r\nbusy p...\r\n")
    }

    @Test func `A test form shows the ranges of the set form`() {
        #expect(Conversation().ask("AT+CWMODE=?") == "+CWMODE:(0-3),(0-1)\r\n" + ok)
        #expect(Conversation().ask("AT+GMR=?") == refused)
    }
}

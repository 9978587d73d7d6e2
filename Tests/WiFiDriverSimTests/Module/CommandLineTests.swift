import Testing

@testable import WiFiDriverSim

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

    @Test func `The NONOS dialect echoes a carriage return more`() {
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
        #expect(host.ask("AT+CWMODE=9") == "ERR CODE:0x01070001\r\n" + refused)
        #expect(host.ask("AT+CWMODE=\"1\"") == "ERR CODE:0x01080000\r\n" + refused)
        #expect(host.ask("AT+CWMODE=1,0,0") == "ERR CODE:0x01060203\r\n" + refused)
        #expect(host.ask("AT+CWMODE=") == "ERR CODE:0x01080000\r\n" + refused)
        #expect(host.ask("AT+CIPDOMAIN=\"x") == "ERR CODE:0x01080000\r\n" + refused)
        #expect(host.ask("AT+CWHOSTNAME=\"\(String(repeating: "x", count: 33))\"").hasSuffix(refused))
        host.simulation.send("AT\n")
        #expect(host.listen() == "ERR CODE:0x01020000\r\n" + refused)
    }

    /// Needed and given (esp_at_core.h, ESP_AT_CMD_ERROR_PARA_NUM), each in two digits.
    @Test(arguments: [
        ("AT+CWMODE=1,0,0", "0203"), ("AT+CIPMUX=1,2", "0102"), ("AT+CWDHCP=1", "0201"), ("AT+CWDHCP=1,1,1", "0203"),
        ("AT+CIPSTART=\"TCP\"", "0301"), ("AT+CWLAPOPT=1", "0201"), ("AT+CWLAPOPT=1,31,-100,255,1", "0405"),
        ("AT+CWDHCPS=1,3", "0402"), ("AT+UART_CUR=115200", "0501"), ("AT+CIPRECVDATA=1,2", "0102"),
        ("AT+SYSREG=1,0x3F4", "0302"), ("AT+CIPSNTPCFG=0,8,\"a\",\"b\",\"c\",\"d\"", "0506"),
    ])
    func `A wrong number of parameters is told with the right one`(line: String, digits: String) {
        let host = Conversation()
        host.ask("AT+SYSLOG=1")
        host.ask("AT+CWMODE=3")
        #expect(host.ask(line) == "ERR CODE:0x0106\(digits)\r\n" + refused)
    }

    /// Where a link ID belongs it counts.
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
        // Taken, and refused for the want of a network.
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
        // What may yet become the one line that is taken is not refused before that.
        host.simulation.send("AT")
        #expect(host.listen() == "")
        host.simulation.send("\r\n")
        #expect(host.listen() == "\r\nbusy p...\r\n")
        #expect(host.ask("AT+RSTX") == "\r\nbusy p...\r\n")
        #expect(host.ask("AT+RST").hasPrefix("\r\nWill force to restart!!!\r\n"))
        #expect(host.listen(for: .seconds(1)) == "\r\nready\r\n")
    }

    @Test func `What has come of a line while a command ran becomes a line after it`() {
        let host = Conversation()
        host.ask("AT+CWMODE=1")
        host.ask("AT+CWJAP=\"wifisim\",\"password\"")
        host.simulation.send("AT+RST")
        host.listen(for: .seconds(3))
        host.simulation.send("\r\n")
        #expect(host.listen(for: .seconds(1)).hasPrefix(ok))
    }

    @Test(arguments: [Firmware.esp8266v1_7, .wizFi360v1_0])
    func `The NONOS dialect refuses a restart, and says what it is busy with`(firmware: Firmware) {
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

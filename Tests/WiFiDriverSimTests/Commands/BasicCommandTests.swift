import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct BasicCommandTests {
    @Test(arguments: Firmware.all)
    func `GMR begins with the AT version, which has four numbers`(firmware: Firmware) throws {
        let answer = Conversation(firmware).ask("AT+GMR")
        let first = try #require(answer.split(separator: "\r\n").first)
        #expect(first.wholeMatch(of: /AT version:\d+\.\d+\.\d+\.\d+\(.*\)/) != nil)
        #expect(answer.contains("\r\nSDK version:"))
        #expect(answer.hasSuffix(ok))
    }

    @Test func `CMD lists every command with its forms`() {
        let lines = Conversation().ask("AT+CMD?").split(separator: "\r\n")
        #expect(lines.first == "+CMD:0,\"AT\",0,0,0,1")
        #expect(lines.contains { $0.hasSuffix(",\"AT+CWJAP\",1,1,1,1") })
        #expect(lines.count == Firmware.standard.commands.count + 1)
        #expect(Conversation(.esp8266v1_7).ask("AT+CMD?") == refused)
    }

    @Test func `UART_CUR changes the line after its OK and is forgotten by a restart`() {
        let host = Conversation()
        #expect(host.ask("AT+UART_CUR?") == "+UART_CUR:115211,8,1,0,1\r\n" + ok)
        #expect(host.ask("AT+UART_CUR=921600,8,1,0,3") == ok)
        #expect(host.simulation.line.baud == 921_600)
        #expect(host.ask("AT+UART_CUR?") == "+UART_CUR:922190,8,1,0,3\r\n" + ok)
        #expect(host.ask("AT+UART_DEF?") == "+UART_DEF:115200,8,1,0,1\r\n" + ok)
        host.ask("AT+RST", for: .seconds(1))
        #expect(host.simulation.line.baud == 115_200)
    }

    /// The first rate of each is from logs of modules (ESP8266_NONOS_SDK issue 213, esp-at issues 141 and 338). The
    /// others follow from the divider.
    @Test(arguments: [
        (Firmware.esp8266v1_7, [115_200: 115_273, 9600: 9600, 921_600: 930_232, 57_600: 57_636]),
        (.esp8266v2_2, [115_200: 115_273]),
        (.esp32v2_1, [115_200: 115_201, 921_600: 922_190, 9600: 9600]),
        (.esp32c3v3_3, [115_200: 115_201, 300: 300]),
        (.esp32c3v4_1, [115_200: 115_211, 80: 80]),
        (.esp32c3v5_0, [115_200: 115_211, 5_000_000: 5_000_000]),
        (.wizFi360v1_0, [115_200: 115_200]),
    ])
    func `UART_CUR shows the rate that the chip's clock gives`(firmware: Firmware, rates: [Int: Int]) {
        for (wanted, actual) in rates {
            let host = Conversation(firmware)
            #expect(host.ask("AT+UART_CUR=\(wanted),8,1,0,0") == ok)
            #expect(host.ask("AT+UART_CUR?", for: .seconds(2)) == "+UART_CUR:\(actual),8,1,0,0\r\n" + ok)
        }
    }

    @Test func `UART_DEF of the ESP8266's oldest firmware is zeros until it is set`() {
        let host = Conversation(.esp8266v1_7)
        #expect(host.ask("AT+UART_DEF?") == "+UART_DEF:0,0,0,0,0\r\n" + ok)
        host.ask("AT+UART_DEF=115200,8,1,0,0")
        #expect(host.ask("AT+UART_DEF?") == "+UART_DEF:115200,8,1,0,0\r\n" + ok)
        host.ask("AT+RESTORE", for: .seconds(1))
        #expect(host.ask("AT+UART_DEF?").contains("+UART_DEF:0,0,0,0,0\r\n"))
    }

    @Test func `UART_DEF stores`() {
        let host = Conversation()
        #expect(host.ask("AT+UART_DEF=9600,7,3,2,0") == ok)
        #expect(host.simulation.line.baud == 9600)
        #expect(host.simulation.line.bitsPerByte == 1 + 7 + 1 + 2)
        host.ask("AT+RST", for: .seconds(1))
        #expect(host.simulation.line.baud == 9600)
    }

    @Test(arguments: [
        "79,8,1,0,0", "5000001,8,1,0,0", "9600,4,1,0,0", "9600,8,4,0,0", "9600,8,1,3,0", "9600,8,1,0,4", "9600",
    ])
    func `UART_CUR refuses values out of range`(parameters: String) {
        #expect(Conversation().ask("AT+UART_CUR=" + parameters) == refused)
    }

    @Test func `GSLP sleeps for its time without reaction, and wakes by a restart`() {
        let host = Conversation()
        #expect(host.ask("AT+GSLP=1000", for: .milliseconds(900)) == "1000\r\n" + ok)
        #expect(host.ask("AT", for: .milliseconds(90)) == "")
        #expect(host.listen(for: .seconds(1)) == "\r\nready\r\n")
    }

    @Test func `SLEEP keeps its mode, but for light sleep beside a soft-AP`() {
        let host = Conversation()
        #expect(host.ask("AT+SLEEP=2") == ok)
        #expect(host.ask("AT+SLEEP?") == "+SLEEP:2\r\n" + ok)
        host.ask("AT+CWMODE=3")
        #expect(host.ask("AT+SLEEP=2") == refused)
        #expect(host.ask("AT+SLEEP=4") == refused)
        #expect(Conversation(.esp8266v1_7).ask("AT+SLEEP=3") == refused)
    }

    @Test func `SYSRAM shows two numbers, one on NONOS firmware`() {
        #expect(Conversation().ask("AT+SYSRAM?").contains(/^\+SYSRAM:\d+,\d+\r\n/))
        #expect(Conversation(.esp8266v1_7).ask("AT+SYSRAM?").contains(/^\+SYSRAM:\d+\r\n/))
        #expect(Conversation().ask("AT+SYSRAM=0x1800").contains(/^\+SYSRAM:\d+,\d+,\d+,\d+\r\n/))
        #expect(Conversation(.esp32c3v3_3).ask("AT+SYSRAM=1") == refused)
    }

    @Test func `SYSTIMESTAMP runs with the clock`() {
        let host = Conversation()
        #expect(host.ask("AT+SYSTIMESTAMP=1565853509", for: .zero) == ok)
        #expect(host.ask("AT+SYSTIMESTAMP?", for: .seconds(10)) == "+SYSTIMESTAMP:1565853509\r\n" + ok)
        #expect(host.ask("AT+SYSTIMESTAMP?") == "+SYSTIMESTAMP:1565853519\r\n" + ok)
    }

    @Test func `RFPOWER rounds down to a level of the chip`() {
        let host = Conversation(.esp32v2_1)
        #expect(host.ask("AT+RFPOWER=50") == ok)
        #expect(host.ask("AT+RFPOWER?") == "+RFPOWER:44,7,7,7\r\n" + ok)
        #expect(host.ask("AT+RFPOWER=83") == refused)
        #expect(host.ask("AT+RFPOWER=80,1,,3") == ok)
        #expect(host.ask("AT+RFPOWER?") == "+RFPOWER:78,1,7,3\r\n" + ok)
        #expect(host.ask("AT+RFPOWER=39") == refused)
        let newer = Conversation(.esp32c3v4_1)
        #expect(newer.ask("AT+RFPOWER=50") == ok)
        #expect(newer.ask("AT+RFPOWER?") == "+RFPOWER:50,7,7,7\r\n" + ok)
        #expect(newer.ask("AT+RFPOWER=84") == ok)
        #expect(newer.ask("AT+RFPOWER?") == "+RFPOWER:84,7,7,7\r\n" + ok)
        #expect(Conversation(.esp8266v1_7).ask("AT+RFPOWER?") == refused)
        #expect(Conversation(.esp8266v1_7).ask("AT+RFPOWER=0") == ok)
    }

    @Test func `SYSMSG has three bits, two on NONOS firmware`() {
        let host = Conversation()
        #expect(host.ask("AT+SYSMSG=7") == ok)
        #expect(host.ask("AT+SYSMSG?") == "+SYSMSG:7\r\n" + ok)
        #expect(host.ask("AT+SYSMSG=8") == refused)
        #expect(Conversation(.esp8266v1_7).ask("AT+SYSMSG_CUR=3") == ok)
        #expect(Conversation(.esp8266v1_7).ask("AT+SYSMSG=7") == refused)
    }
}

struct RestartTests {
    @Test func `RST takes a mode on the ESP32-C3: a restart, or waiting for new firmware`() {
        let host = Conversation()
        #expect(host.ask("AT+RST=0", for: .seconds(1)) == ok + "\r\nready\r\n")
        host.ask("ATE0")
        #expect(host.ask("AT+RST=2") == refused)
        #expect(host.ask("AT+RST=1", for: .seconds(1)) == ok)
        #expect(host.ask("AT", for: .seconds(1)) == "")
        #expect(Conversation(.esp32v2_1).ask("AT+RST=0") == refused)
    }
}

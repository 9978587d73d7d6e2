import CPosix
import Glibc
import Testing
@testable import WiFiSimHost
@testable import WiFiSimValues

struct TerminalTests {
    private func open(_ path: String) throws -> FileDescriptor {
        FileDescriptor(
            owning: try systemCall("open \(path)") { cposix_open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) })
    }

    @Test(arguments: [80, 9600, 115_200, 250_001, 5_000_000])
    func `The master of a pty sees the rate, stop bits and flow control of its client`(rate: Int) throws {
        let terminal = try PseudoTerminal(speed: 115_200)
        #expect(try terminal.master.terminalSettings() == TerminalSettings(UARTFrame(bitRate: 115_200)))
        let client = try open(terminal.path)
        for hasFlowControl in [true, false] {
            for stopBits in [UARTFrame.StopBits.two, .one] {
                let settings = TerminalSettings(
                    UARTFrame(bitRate: rate, stopBits: stopBits), hasFlowControl: hasFlowControl)
                try client.setTerminal(settings)
                #expect(try terminal.master.terminalSettings() == settings)
                #expect(try client.terminalSettings() == settings)
            }
        }
    }

    @Test func `Data bits and parity of a pty stay as they are`() throws {
        let terminal = try PseudoTerminal(speed: 115_200)
        let client = try open(terminal.path)
        try client.setTerminal(TerminalSettings(UARTFrame(bitRate: 9600, dataBits: 7, parity: .even)))
        #expect(try terminal.master.terminalSettings() == TerminalSettings(UARTFrame(bitRate: 9600)))
    }

    @Test func `A pty takes a break and has no modem lines`() throws {
        let terminal = try PseudoTerminal(speed: 115_200)
        let client = try open(terminal.path)
        try client.setBreak(true)
        try client.setBreak(false)
        #expect(throws: SystemError.self) { try client.modemLines() }
        #expect(throws: SystemError.self) { try client.setModemLines([.rts, .dtr], asserted: false) }
    }

    @Test func `What is no tty has no settings`() throws {
        let file = try open("/dev/null")
        #expect(throws: SystemError("read the settings of the tty", code: ENOTTY)) { try file.terminalSettings() }
        #expect(throws: SystemError.self) { try file.setTerminal(TerminalSettings(UARTFrame(bitRate: 9600))) }
    }
}

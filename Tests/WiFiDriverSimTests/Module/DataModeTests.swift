import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Bytes that arrive in one write with announced data and exceed them.
struct DataModeTests {
    /// The commands that take data of an announced length, with the data and the end of the answer.
    private static let commands = [
        (command: "AT+CIPSEND=0,100", end: "\r\nSEND OK\r\n"), (command: "AT+CIPSENDEX=0,100", end: "\r\nSEND OK\r\n"),
        (command: "AT+CIPSENDL=0,100", end: "\r\nSEND OK\r\n"),
        (command: "AT+SYSMSGFILTERCFG=1,60,40", end: ok), (command: "AT+SYSMFG=2,\"other\",\"key\",8,100", end: ok),
        (command: "AT+SYSFLASH=1,\"mqtt_ca\",0,100", end: ok),
    ]

    @Test(arguments: Firmware.all, ["\r", "\n", "\r\n", "\r\nAT\r\n\r\n", "+", "+++", "\0"])
    func `Bytes beyond the announced data leave the module answering`(firmware: Firmware, surplus: String) {
        for (command, end) in Self.commands {
            for cut in [100, 1, 101] {
                let host = Conversation.joined(firmware, multiplexed: true)
                _ = host.openPeerLink(0)
                guard host.ask(command).hasSuffix(">") || firmware.prompt == "\r\n> " else { continue }
                var rest = (Array(repeating: UInt8(ascii: "x"), count: 100) + surplus.utf8)[...]
                while !rest.isEmpty {
                    host.send(Array(rest.prefix(cut)))
                    rest = rest.dropFirst(cut)
                }
                let answer = host.listen(for: .seconds(2))
                #expect(answer.contains(end) || answer.contains("ERROR"), "\(command) said \(answer)")
                // An empty line ends whatever is left on the line.
                host.ask("")
                #expect(host.ask("AT", for: .seconds(1)) == ok, "after \(command)")
            }
        }
    }

    @Test func `CIPSENDL refuses bytes after its data as busy, as CIPSEND does`() {
        for command in ["AT+CIPSEND=100", "AT+CIPSENDL=100"] {
            let host = Conversation.joined()
            _ = host.openPeerLink()
            host.ask(command)
            host.send(Array(repeating: UInt8(ascii: "x"), count: 100) + Array("AT\r\n".utf8))
            let answer = host.listen(for: .seconds(1))
            #expect(answer.contains("busy p...\r\n"))
            #expect(answer.hasSuffix("\r\nSEND OK\r\n"))
        }
    }

    /// An operation that neither takes bytes nor moves its deadline.
    private final class Stuck: DataOperation {
        let remaining: Int? = 1
        let room = 1
        let isPassthrough = false
        let deadline: Instant?
        let escape: ((Module) -> CommandOutcome)? = nil

        init(deadline: Instant? = nil) { self.deadline = deadline }
        func receive(_ bytes: inout Slice<UnsafeRawBufferPointer>, on module: Module) -> CommandOutcome? { nil }
        func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? { nil }
    }

    @Test func `Bytes that an operation does not take are refused`() {
        let host = Conversation()
        host.simulation.module.enter(Stuck())
        host.send(Array("data\r\nmore\r\n".utf8))
        #expect(host.listen().hasSuffix("busy p...\r\n"))
    }

    @Test func `A deadline that does not move restarts the module`() {
        let host = Conversation()
        host.simulation.module.enter(Stuck(deadline: .zero))
        #expect(host.listen(for: .seconds(1)).hasSuffix("\r\nready\r\n"))
        host.ask("ATE0")
        #expect(host.ask("AT") == ok)
    }
}

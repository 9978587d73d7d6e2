import Foundation
import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Failures of the module and of its line.
struct FaultModuleTests {
    /// The exchange of a CIPSEND up to a phase, without an echo.
    private static let reached = [
        ("", ""), (" at the echo", ""), (" at the prompt", ""), (" at the data", prompt), (" at the answer", prompt),
        (" at the result", prompt + "\r\nRecv 4 bytes\r\n"),
    ]

    @Test(arguments: reached, ["restart", "boot-loop 2 times", "hang", "hang silently"])
    func `The module fails at each part, and nothing of the command is left`(
        part: (phrase: String, output: String), failure: String
    ) throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on CIPSEND \(failure)\(part.phrase)", "on CIPSEND double the result", "on CIPSEND forget flash")
        var output = host.ask("AT+CIPSEND=4")
        if !output.isEmpty { host.send(Array("abcd".utf8)) }
        output += host.listen()
        #expect(output == part.output)
        #expect(host.powerState == (failure.hasPrefix("hang") ? "hung" : "booting"))
        if failure.hasPrefix("hang") { host.simulation.modules[0].reset() }
        #expect(host.listen(for: .seconds(2)) == "\r\nready\r\n")
        // The block was sent only if its answer was due.
        let isSent = [" at the answer", " at the result"].contains(part.phrase)
        #expect(host.received(socket).isEmpty || isSent)
        host.simulation.clearFaults()
        #expect(host.ask("ATE0").hasSuffix(ok))
        #expect(host.ask("AT+CIPSTATUS") == "STATUS:0\r\n" + ok)
        #expect(host.ask("AT+CWMODE?") == "+CWMODE:0\r\n" + ok)
    }

    @Test(arguments: Firmware.all)
    func `A restart prints what the hardware prints on this port`(firmware: Firmware) throws {
        let causes = [
            "panic": "Fatal exception 28", "watchdog": "wdt reset", "brownout": "", "nothing": "",
        ]
        for (cause, text) in causes {
            let host = Conversation(firmware)
            try host.set("on AT restart with \(cause)")
            let output = host.ask("AT", for: .seconds(1))
            #expect(output.hasSuffix("\r\nready\r\n"))
            if firmware.romText.isEmpty {
                #expect(output == "\r\nready\r\n")
            } else {
                #expect(text.isEmpty || output.contains(text))
            }
            #expect(host.simulation.log.contains("fault: on AT restart with \(cause)"))
            #expect(host.simulation.log.contains("restarts: \(cause)"))
        }
    }

    @Test(arguments: ["WIFI CONNECTED", "WIFI GOT IP", "CONNECT", "IPD", "CLOSED", "WIFI DISCONNECT"])
    func `A module that fails at a report does not go on with what it was doing`(report: String) throws {
        for failure in ["restart", "hang"] {
            let host = Conversation()
            host.ask("AT+CWAUTOCONN=0")
            host.ask("AT+CWMODE=1")
            try host.set("on report \"\(report)\" once \(failure)")
            host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3))
            if let socket = host.openPeerLink() { host.peerSends("x", on: socket) }
            host.listen()
            host.ask("AT+CIPCLOSE")
            host.ask("AT+CWQAP", for: .seconds(1))
            #expect(host.firings == [1])
            if failure == "hang" {
                #expect(host.powerState == "hung")
                host.simulation.modules[0].reset()
                host.listen(for: .seconds(1))
            }
            host.ask("ATE0")
            #expect(host.ask("AT+CWSTATE?").hasPrefix("+CWSTATE:0,"), "\(report) \(failure)")
            host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3))
            #expect(host.ask("AT+CWSTATE?") == "+CWSTATE:2,\"wifisim\"\r\n" + ok, "\(report) \(failure)")
        }
    }

    @Test(arguments: Firmware.all)
    func `A module that hangs refuses lines or is silent until it is reset or loses its power`(firmware: Firmware)
        throws
    {
        for isSilent in [false, true] {
            let host = Conversation(firmware)
            try host.set("on GMR hang\(isSilent ? " silently" : "")")
            #expect(host.ask("AT+GMR", for: .seconds(1000)) == "")
            let refusal = isSilent ? "" : "\r\nbusy p...\r\n"
            #expect(host.ask("AT") == refusal)
            #expect(host.ask("AT+RST", for: .seconds(1)) == refusal)
            host.simulation.module.lineHungUp(at: host.simulation.now)
            #expect(host.ask("AT") == refusal)
            // Its end is not one of the faults.
            host.simulation.clearFaults()
            #expect(host.ask("AT") == refusal)
            if isSilent {
                host.simulation.modules[0].powerOff()
                host.simulation.modules[0].powerOn()
            } else {
                host.simulation.modules[0].reset()
            }
            #expect(host.listen(for: .seconds(1)).hasSuffix("\r\nready\r\n"))
            #expect(host.ask("AT").hasSuffix(ok))
        }
    }

    @Test func `Nothing of the network or the air reaches a module that hangs`() throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on AT hang")
        host.ask("AT")
        host.peerSends("hello", on: socket)
        host.simulation.network.closeFromPeer(socket, at: host.simulation.now)
        try host.simulation.make(.accessPoint("wifisim", .off))
        #expect(host.listen(for: .seconds(100)) == "")
    }

    @Test func `Boots fail as often as said, or until the faults are cleared`() throws {
        let host = Conversation(.esp8266v1_7)
        try host.set("on AT once boot-loop 3 times")
        let output = host.ask("AT", for: .seconds(10))
        #expect(output.components(separatedBy: "Fatal exception").count - 1 == 4)
        #expect(output.hasSuffix("\r\nready\r\n"))
        try host.set("on AT boot-loop")
        host.ask("AT", for: .seconds(100))
        host.simulation.modules[0].powerOff()
        host.simulation.modules[0].powerOn()
        #expect(!host.listen(for: .seconds(100)).contains("ready"))
        host.simulation.clearFaults()
        #expect(host.listen(for: .seconds(1)).hasSuffix("\r\nready\r\n"))
    }

    @Test func `A damaged flash is noticed at the next boot`() throws {
        for command in ["AT+RST", "AT+RESTORE", "AT+CWMODE=1"] {
            let host = Conversation()
            try host.set("on \(command.split(separator: "=")[0].dropFirst(3)) damage flash")
            #expect(host.ask(command) == ok)
            if command == "AT+CWMODE=1" {
                #expect(host.listen(for: .seconds(100)) == "")
                #expect(host.ask("AT") == ok)
                host.simulation.modules[0].reset()
            }
            #expect(host.listen(for: .seconds(100)) == "")
            host.simulation.clearFaults()
            #expect(host.listen(for: .seconds(1)) == "\r\nready\r\n")
        }
    }

    @Test func `A forgotten flash has the factory settings at the next boot`() throws {
        for command in ["AT+RST", "AT+GSLP=100"] {
            let host = Conversation()
            host.ask("AT+CWMODE=3")
            try host.set("on \(command.dropFirst(3).prefix { $0 != "=" }) forget flash")
            host.ask(command, for: .seconds(1))
            host.ask("ATE0")
            #expect(host.ask("AT+CWMODE?") == "+CWMODE:0\r\n" + ok)
            #expect(host.simulation.storedSettings == Settings.factory(for: .standard, serialNumber: 1))
        }
    }

    @Test(arguments: ["restart", "hang", "busy for 1s", "answer x", "boot-loop 1 times"])
    func `A fault that waits for its time does not switch a module on`(effect: String) throws {
        let host = Conversation()
        host.simulation.modules[0].powerOff()
        try host.set("at 5s \(effect)")
        #expect(host.listen(for: .seconds(10)) == "")
        #expect(host.powerState == "off")
        host.simulation.modules[0].powerOn()
        #expect(host.listen(for: .seconds(1)) == "\r\nready\r\n")
    }

    @Test func `A module in deep sleep restarts, and one that boots hangs`() throws {
        let host = Conversation()
        try host.set("at 5s restart", "at 20s hang")
        host.ask("AT+GSLP=100000")
        #expect(host.listen(for: .seconds(6)) == "\r\nready\r\n")
        host.listen(for: .seconds(20) - (host.simulation.now - .zero) - .milliseconds(100))
        host.simulation.modules[0].reset()
        #expect(host.listen(for: .seconds(10)) == "")
        #expect(host.powerState == "hung")
    }

    @Test func `A reset drops what was to come late, and a restart by command does not`() throws {
        let host = Conversation()
        try host.set("on CIPMUX? split the answer after 2 bytes for 2s", "on RST delay the result by 2s")
        #expect(host.ask("AT+CIPMUX?") == "+C")
        host.simulation.modules[0].reset()
        #expect(host.listen(for: .seconds(10)) == "\r\nready\r\n")
        host.ask("ATE0")
        #expect(host.ask("AT+RST", for: .milliseconds(1999)) == "")
        #expect(host.listen(for: .seconds(1)) == ok + "\r\nready\r\n")
    }

    @Test func `The faults that are set survive a restart`() throws {
        let host = Conversation()
        try host.set("on AT every 2nd time answer x", "on CIPMUX=1 busy for 1h")
        host.ask("AT")
        host.ask("AT+CIPMUX=1")
        host.simulation.modules[0].reset()
        host.listen(for: .seconds(1))
        host.ask("ATE0")
        #expect(host.ask("AT") == "x\r\n")
    }

    // MARK: The line

    @Test func `A mute line loses what passes in its direction, and nothing else`() throws {
        for (direction, hears, says) in [
            ("", false, false), (" to the host", true, false), (" to the module", false, true),
        ] {
            let (host, socket) = try Conversation.linked()
            try host.set("on ATE0 mute for 2s\(direction)")
            host.ask("ATE0")
            #expect(host.ask("AT+CIPMODE=1") == (hears && says ? ok : ""))
            host.peerSends("x", on: socket)
            #expect(host.listen() == (says ? "\r\n+IPD,1:x" : ""))
            host.listen(for: .seconds(2))
            #expect(host.ask("AT+CIPMODE?") == "+CIPMODE:\(hears ? 1 : 0)\r\n" + ok)
        }
    }

    @Test(arguments: ["lose", "flip", "double", "insert"])
    func `A rate holds over many bytes, in one direction or both`(effect: String) throws {
        let host = Conversation()
        host.ask("ATE1")
        let line = String(repeating: "x", count: 200)
        func said() -> Int {
            host.simulation.send(line + "\r\n")
            return host.listenForBytes(for: .milliseconds(1)).count
        }
        let usual = said()
        try host.set("\(effect) 10% to the host")
        var sum = 0
        for _ in 0..<100 { sum += said() }
        let expected = ["lose": 90, "flip": 100, "double": 110, "insert": 110][effect] ?? 0
        #expect(abs(sum - usual * expected) < usual * 2)
        let entry = try #require(host.simulation.module.faultStates.first)
        #expect(entry.seen == usual * 100)
        #expect((usual * 8...usual * 12).contains(entry.fired))
        // Many bytes are a few lines of the log.
        #expect(host.simulation.log.count { $0.hasPrefix("fault: ") } < 20)
        host.simulation.clearFaults()
        try host.set("\(effect) 0% to the module")
        #expect(said() == usual)
    }

    @Test func `Data that the line loses on its way to the module are missing`() throws {
        let (host, socket) = try Conversation.linked()
        host.ask("AT+CIPSEND=2000")
        try host.set("lose 10% to the module")
        host.send(Array(repeating: UInt8(ascii: "a"), count: 2000))
        #expect(host.listen() == "")
        host.simulation.clearFaults()
        host.send(Array(repeating: UInt8(ascii: "b"), count: 2000))
        #expect(host.listen().contains("SEND OK"))
        let lost = host.received(socket).count { $0 == "b" }
        #expect((150...250).contains(lost))
    }
}

import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// What faults do to the bytes of a part of an exchange.
struct FaultByteTests {
    @Test(arguments: [
        ("lose the echo", ok), ("lose 3 bytes of the echo", "GMR\r\n\(ok)"),
        ("cut the echo after 4 bytes", "AT+G\(ok)"),
        ("double the echo", "AT+GMR\r\nAT+GMR\r\n\(ok)"), ("insert x before the echo", "x\r\nAT+GMR\r\n\(ok)"),
        ("insert x inside the echo", "AT+GxMR\r\n\(ok)"), ("insert x after the echo", "AT+GMR\r\nx\r\n\(ok)"),
        ("lose the result", "AT+GMR\r\n"), ("lose 1 byte of the result", "AT+GMR\r\n\nOK\r\n"),
        ("cut the result after 3 bytes", "AT+GMR\r\n\r\nO"), ("double the result", "AT+GMR\r\n\(ok)\(ok)"),
        ("insert x before the result", "AT+GMR\r\nx\r\n\(ok)"), ("insert x inside the result", "AT+GMR\r\n\r\nOxK\r\n"),
        ("insert x after the result", "AT+GMR\r\n\(ok)x\r\n"), ("cut the echo after 0 bytes", ok),
        ("lose 100 bytes of the echo", ok), ("cut the result after 100 bytes", "AT+GMR\r\n\(ok)"),
    ])
    func `The echo and the result`(effect: String, output: String) throws {
        let host = Conversation()
        host.ask("ATE1")
        // The answer itself is not concerned.
        try host.set("on GMR lose the answer", "on GMR \(effect)")
        #expect(host.ask("AT+GMR") == output)
    }

    @Test(arguments: [
        ("lose the answer", ok), ("lose 5 bytes of the answer", "UX:0\r\n\(ok)"),
        ("cut the answer after 8 bytes", "+CIPMUX:\(ok)"), ("double the answer", "+CIPMUX:0\r\n+CIPMUX:0\r\n\(ok)"),
        ("insert x before the answer", "x\r\n+CIPMUX:0\r\n\(ok)"),
        ("insert x inside the answer", "+CIPMxUX:0\r\n\(ok)"),
        ("insert x after the answer", "+CIPMUX:0\r\nx\r\n\(ok)"),
    ])
    func `The answer`(effect: String, output: String) throws {
        let host = Conversation()
        try host.set("on CIPMUX? \(effect)")
        #expect(host.ask("AT+CIPMUX?") == output)
        // A command without an answer has none to change.
        try host.set("on AT \(effect)")
        #expect(host.ask("AT") == ok)
    }

    @Test func `An answer that a command writes with its last line is told apart from it`() throws {
        let (host, socket) = try Conversation.linked()
        host.ask("AT+CIPRECVTYPE=1")
        host.peerSends("hello", on: socket)
        #expect(host.listen() == "\r\n+IPD,5\r\n")
        try host.set("on CIPRECVDATA cut the answer after 18 bytes", "on CIPRECVDATA double the result")
        #expect(host.ask("AT+CIPRECVDATA=3") == "+CIPRECVDATA:3,hel\(ok)\(ok)\r\n+IPD,2\r\n")
        try host.set("on RST insert x after the result")
        #expect(host.ask("AT+RST", for: .seconds(1)) == "\(ok)x\r\n\r\nready\r\n")
    }

    @Test func `A refusal's reason belongs to the answer`() throws {
        let host = Conversation.joined(.esp8266v1_7)
        try host.set("on CIPSEND=4 lose the answer")
        #expect(host.ask("AT+CIPSEND=4") == refused)
        host.simulation.clearFaults()
        try host.set("on CIPSEND=4 lose the result")
        #expect(host.ask("AT+CIPSEND=4") == "link is not valid\r\n")
    }

    @Test(arguments: [
        ("lose the prompt", ""), ("cut the prompt after 6 bytes", ok), ("double the prompt", prompt + prompt),
        ("insert x before the prompt", "x\r\n" + prompt), ("insert x inside the prompt", "\(ok)x\r\n>"),
        ("insert x after the prompt", prompt + "x\r\n"),
    ])
    func `The prompt`(effect: String, output: String) throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on CIPSEND \(effect)")
        #expect(host.ask("AT+CIPSEND=4") == output)
        host.send(Array("abcd".utf8))
        #expect(host.listen() == "\r\nRecv 4 bytes\r\n\r\nSEND OK\r\n")
        #expect(host.received(socket) == "abcd")
    }

    @Test func `A late prompt comes before data mode`() throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on CIPSEND delay the prompt by 1s")
        #expect(host.ask("AT+CIPSEND=4") == "")
        #expect(host.ask("AT") == "\r\nbusy p...\r\n")
        #expect(host.listen(for: .seconds(1)) == prompt)
        host.send(Array("abcd".utf8))
        host.listen()
        #expect(host.received(socket) == "abcd")
    }

    @Test(
        arguments: [
            ("lose 2 bytes of the data", "cdef"), ("cut the data after 3 bytes", "abc"), ("lose the data", ""),
            ("insert x before the data", "x\r\nabc"), ("insert xy inside the data", "abcxyd"),
            ("insert x after the data", "abcdef"), ("double the data", "abcdef"),
        ], [false, true])
    func `The data are what the host has announced`(effect: (String, String), byByte: Bool) throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on CIPSEND \(effect.0)")
        host.ask("AT+CIPSEND=6")
        for piece in byByte ? "abcdef".map({ "\($0)" }) : ["abcdef"] { host.simulation.send(piece) }
        host.listen()
        // What is missing, the module takes from what comes next.
        let missing = 6 - effect.1.utf8.count
        host.send(Array(repeating: UInt8(ascii: "-"), count: missing))
        host.listen()
        #expect(host.received(socket) == effect.1 + String(repeating: "-", count: missing))
        // What was too much begins a line.
        host.ask("")
        #expect(host.ask("AT") == ok)
    }

    @Test func `Garbled bytes do not depend on how they come`() throws {
        let texts = try [["abcdefghijklmnopqrstuvwxyz"], "abcdefghijklmnopqrstuvwxyz".map { "\($0)" }].map { pieces in
            let (host, socket) = try Conversation.linked()
            try host.set("on CIPSEND garble the data")
            host.ask("AT+CIPSEND=26")
            for piece in pieces { host.simulation.send(piece) }
            #expect(host.listen() == "\r\nRecv 26 bytes\r\n\r\nSEND OK\r\n")
            return host.simulation.network.sent(on: socket)
        }
        #expect(texts[0] == texts[1] && texts[0].count == 26)
        let changed = zip(texts[0], "abcdefghijklmnopqrstuvwxyz".utf8).filter { $0 != $1 }
        #expect((2...20).contains(changed.count))
        #expect(changed.allSatisfy { ($0 ^ $1).nonzeroBitCount == 1 })
    }

    @Test func `A part comes in two pieces`() throws {
        let host = Conversation()
        try host.set("on CIPMUX? split the answer after 4 bytes for 1s")
        #expect(host.ask("AT+CIPMUX?") == "+CIP")
        #expect(host.listen(for: .milliseconds(949)) == "")
        #expect(host.listen(for: .milliseconds(1)) == "MUX:0\r\n" + ok)
        #expect(host.ask("AT") == ok)
    }

    @Test func `What the module says while it is late comes after that`() throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on CIPMUX? split the answer after 4 bytes for 1s")
        #expect(host.ask("AT+CIPMUX?") == "+CIP")
        host.peerSends("hello", on: socket)
        #expect(host.listen() == "")
        #expect(host.ask("AT") == "")
        #expect(host.listen(for: .seconds(1)) == "MUX:0\r\n\r\n+IPD,5:hello\r\nbusy p...\r\n" + ok)
    }

    @Test func `Faults that are cleared give back at once what they hold`() throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on CIPMUX? split the answer after 4 bytes for 1h", "on AT delay the result by 1h")
        #expect(host.ask("AT+CIPMUX?") == "+CIP")
        host.simulation.clearFaults()
        #expect(host.listen(for: .zero) == "MUX:0\r\n" + ok)
        try host.set("on AT delay the result by 1h")
        #expect(host.ask("AT", for: .seconds(10)) == "")
        host.simulation.clearFaults()
        #expect(host.listen(for: .zero) == ok)
        host.ask("ATE1")
        try host.set("on AT lose the echo")
        host.simulation.send("AT+GM")
        #expect(host.listen() == "")
        host.simulation.clearFaults()
        #expect(host.listen(for: .zero) == "AT+GM")
        #expect(host.ask("R").hasSuffix(ok))
        host.ask("ATE0")
        try host.set("on report IPD delay the report by 1h", "on CIPSEND delay the prompt by 1h")
        host.peerSends("hello", on: socket)
        host.ask("AT+CIPSEND=1")
        host.simulation.clearFaults()
        #expect(host.listen(for: .zero) == "\r\n+IPD,5:hello" + prompt)
        #expect(host.firings == [])
    }

    @Test(arguments: [
        ("lose the report", ""), ("double the report", "\r\n+IPD,1:x\r\n+IPD,1:x"),
        ("cut the report after 9 bytes", "\r\n+IPD,1:"),
        ("insert y before the report", "y\r\n\r\n+IPD,1:x"), ("insert y after the report", "\r\n+IPD,1:xy\r\n"),
        ("delay the report by 40ms", "\r\n+IPD,1:x"),
    ])
    func `A report`(effect: String, output: String) throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on report IPD \(effect)")
        host.peerSends("x", on: socket)
        #expect(host.listen() == output)
        // Other reports are as they were.
        host.simulation.network.closeFromPeer(socket, at: host.simulation.now)
        #expect(host.listen() == "CLOSED\r\n")
    }

    @Test func `A report is named without its link and its plus sign`() throws {
        let host = Conversation.joined(multiplexed: true)
        try host.set(
            "on report CONNECT lose the report", "on report +IPD lose the report", "on report WIFI lose the report")
        let socket = try #require(host.openPeerLink(3))
        host.peerSends("x", on: socket)
        #expect(host.listen() == "")
        #expect(host.firings == [1, 1, 0])
        #expect(host.ask("AT+CWQAP") == ok + "3,CLOSED\r\n")
    }

    @Test func `A report of a passive link is one report`() throws {
        let (host, socket) = try Conversation.linked()
        host.ask("AT+CIPRECVTYPE=1")
        try host.set("on report IPD lose the report")
        host.peerSends("hello", on: socket)
        #expect(host.listen() == "")
        #expect(host.ask("AT+CIPRECVDATA=2") == "+CIPRECVDATA:2,he\(ok)")
        #expect(host.ask("AT+CIPRECVTYPE=0") == ok)
        #expect(host.firings == [3])
    }

    @Test func `What SYSMSGFILTER removes does not count`() throws {
        let host = Conversation()
        host.ask("AT+SYSMSGFILTERCFG=1,9,0")
        host.send(Array("^\\+CIPMUX".utf8))
        host.listen()
        host.ask("AT+SYSMSGFILTER=1")
        let filtered = host.ask("AT+CIPMUX?")
        try host.set("on CIPMUX? insert x before the answer", "on CIPMUX? double the result")
        #expect(host.ask("AT+CIPMUX?") == "x\r\n" + filtered + ok)
    }

    @Test func `Passthrough is doubled byte by byte, and its end is none of the data`() throws {
        for pieces in [["abc"], ["a", "b", "c"]] {
            let (host, socket) = try Conversation.linked()
            host.ask("AT+CIPMODE=1")
            try host.set("on CIPSEND double the data", "on report data insert y before the report")
            host.ask("AT+CIPSEND")
            for piece in pieces { host.simulation.send(piece) }
            host.listen()
            #expect(host.received(socket) == "aabbcc")
            host.peerSends("x", on: socket)
            #expect(host.listen(for: .seconds(1)) == "y\r\nx")
            host.send(Array("+++".utf8))
            host.listen(for: .seconds(1))
            #expect(host.ask("AT") == ok)
            #expect(host.received(socket) == "aabbcc")
        }
    }

    @Test func `Pluses that are data are changed as data`() throws {
        let (host, socket) = try Conversation.linked()
        host.ask("AT+CIPMODE=1")
        try host.set("on CIPSEND lose 2 bytes of the data")
        host.ask("AT+CIPSEND")
        host.listen(for: .seconds(1))
        host.send(Array("++".utf8))
        host.listen()
        host.send(Array("+a".utf8))
        host.listen()
        #expect(host.received(socket) == "+a")
    }

    @Test func `A long send keeps its length`() throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on CIPSENDL lose 1000 bytes of the data", "on CIPSENDL insert x before the result")
        host.ask("AT+CIPSENDL=10000")
        host.send(Array(repeating: UInt8(ascii: "a"), count: 10_000))
        #expect(!host.listen(for: .seconds(2)).contains("SEND OK"))
        host.send(Array(repeating: UInt8(ascii: "b"), count: 1000))
        #expect(host.listen(for: .seconds(2)).hasSuffix("x\r\n\r\nSEND OK\r\n"))
        #expect(host.received(socket) == String(repeating: "a", count: 9000) + String(repeating: "b", count: 1000))
    }

    @Test func `A cancelled send has a result`() throws {
        let (host, _) = try Conversation.linked()
        try host.set("on CIPSEND double the result", "on report SEND lose the report")
        host.ask("AT+CIPSEND=10")
        host.listen(for: .seconds(1))
        host.send(Array("+++".utf8))
        #expect(host.listen(for: .seconds(1)) == "\r\nSEND Canceled\r\n\r\nSEND Canceled\r\n")
    }

    @Test func `A line that is empty or wrong is echoed at once`() throws {
        let host = Conversation()
        host.ask("ATE1")
        try host.set("on AT lose the echo")
        #expect(host.ask("") == "\r\n")
        #expect(host.ask(String(repeating: "x", count: 300)) == String(repeating: "x", count: 300) + "\r\n" + refused)
        #expect(host.ask("AT") == ok)
    }

    @Test func `A host that closes its line takes its half line with it`() throws {
        let host = Conversation()
        host.ask("ATE1")
        try host.set("on AT lose the echo")
        host.simulation.send("AT+GM")
        host.simulation.module.lineHungUp(at: host.simulation.now)
        #expect(host.ask("AT+CIPMUX?") == "AT+CIPMUX?\r\n+CIPMUX:0\r\n" + ok)
    }
}

import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// What faults do to the answer of a command.
struct FaultAnswerTests {
    @Test(arguments: [
        ("on GMR answer ERROR", refused), ("on GMR answer FAIL", "\r\nFAIL\r\n"), ("on GMR answer busy", "busy\r\n"),
        ("on GMR answer \"+A:1\\r\\n\\r\\nOK\"", "+A:1\r\n\r\nOK\r\n"), ("on GMR ignore", ""),
        ("on GMR run out of memory", refused), ("on GMR delay the answer by 1s", "<1s>"),
        ("on GMR lose the answer", ok), ("on GMR busy for 1s", "\r\nbusy p...\r\n"), ("on any answer OK", ok),
    ])
    func `The answer is another one`(sentence: String, answer: String) throws {
        let host = Conversation()
        let usual = host.ask("AT+GMR")
        try host.set(sentence)
        if answer == "<1s>" {
            #expect(host.ask("AT+GMR", for: .milliseconds(999)) == "")
            #expect(host.listen() == usual)
        } else {
            #expect(host.ask("AT+GMR") == answer)
        }
        #expect(host.firings == [1])
        host.simulation.clearFaults()
        #expect(host.ask("AT+GMR") == usual)
    }

    @Test func `A command that does not run changes nothing`() throws {
        let host = Conversation()
        for sentence in ["answer OK", "ignore", "run out of memory", "busy for 10ms", "restart with nothing"] {
            try host.set("on CIPMUX=1 \(sentence)")
            host.ask("AT+CIPMUX=1", for: .seconds(1))
            host.simulation.clearFaults()
            host.ask("ATE0")
            #expect(host.ask("AT+CIPMUX?") == "+CIPMUX:0\r\n" + ok, "\(sentence)")
        }
    }

    @Test func `A command whose answer is lost or late has run`() throws {
        for sentence in [
            "lose the result", "delay the result by 1s", "hang at the result", "cut the result after 1 byte",
        ] {
            let host = Conversation()
            try host.set("on CIPMUX=1 \(sentence)")
            host.ask("AT+CIPMUX=1")
            #expect(host.simulation.module.session.multiplexes, "\(sentence)")
        }
    }

    @Test(arguments: Firmware.all)
    func `A busy module refuses lines as the firmware does`(firmware: Firmware) throws {
        let host = Conversation(firmware)
        host.ask("ATE1")
        try host.set("on GMR busy for 5s")
        let refusal = host.ask("AT+GMR")
        #expect(refusal == (firmware.readsLinesAsNonOS ? "AT+GMR\r\r\n" : "") + "\r\nbusy p...\r\n")
        // As in a command that takes long.
        let usual = Conversation(firmware)
        usual.ask("ATE1")
        usual.ask("AT+CWMODE=1")
        usual.simulation.send("AT+CWLAP\r\n")
        _ = usual.simulation.takeOutput()
        for line in ["AT", "AT+CIPMUX?", ""] { #expect(host.ask(line) == usual.ask(line), "\(line)") }
        host.listen(for: .seconds(5))
        #expect(host.ask("AT").hasSuffix(ok))
    }

    @Test func `Bytes and lines that come at once are refused alike`() throws {
        for pieces in [
            ["AT+GMR\r\nAT\r\nAT\r\n"], ["AT+GMR\r\nA", "T\r", "\nAT\r\n"], "AT+GMR\r\nAT\r\nAT\r\n".map { "\($0)" },
        ] {
            let host = Conversation()
            try host.set("on GMR busy for 1s")
            for piece in pieces { host.simulation.send(piece) }
            #expect(host.listen() == String(repeating: "\r\nbusy p...\r\n", count: 3))
        }
    }

    @Test func `Only a restart ends what is busy for ever, and newer firmware takes it as a command`() throws {
        let host = Conversation()
        try host.set("on GMR busy forever")
        host.ask("AT+GMR")
        #expect(host.ask("AT", for: .seconds(100_000)) == "\r\nbusy p...\r\n")
        #expect(host.ask("AT+RST", for: .seconds(1)) == "\r\nWill force to restart!!!\r\n\r\nready\r\n")
        #expect(host.ask("AT").hasSuffix(ok))
        let old = Conversation(.esp8266v1_7)
        try old.set("on GMR busy forever")
        old.ask("AT+GMR")
        #expect(old.ask("AT+RST", for: .seconds(1)) == "\r\nbusy p...\r\n")
        old.simulation.modules[0].reset()
        #expect(old.listen(for: .seconds(1)).hasSuffix("ready\r\n"))
        #expect(old.ask("AT").hasSuffix(ok))
    }

    @Test func `A refused line runs after the command in progress, or after 100 ms`() throws {
        let host = Conversation()
        try host.set("on CIPMUX=1 run later")
        #expect(host.ask("AT+CIPMUX=1") == "\r\nbusy p...\r\n")
        #expect(host.ask("AT", for: .milliseconds(40)) == "\r\nbusy p...\r\n")
        #expect(host.listen() == ok)
        host.ask("AT+CIPMUX=0")
        host.ask("AT+CWMODE=1")
        host.simulation.send("AT+CWJAP=\"wifisim\",\"password\"\r\n")
        #expect(host.listen() == "")
        #expect(host.ask("AT+CIPMUX=1") == "\r\nbusy p...\r\n")
        #expect(host.ask("AT+CIPMUX?") == "\r\nbusy p...\r\n")
        #expect(host.listen(for: .seconds(3)) == "WIFI CONNECTED\r\nWIFI GOT IP\r\n" + ok + ok)
        #expect(host.ask("AT+CIPMUX?") == "+CIPMUX:1\r\n" + ok)
        #expect(host.firings == [2])
    }

    @Test func `A late result keeps the command busy`() throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on CIPSEND delay the result by 1s")
        host.ask("AT+CIPSEND=2")
        #expect(host.ask("h") == "\r\nRecv 2 bytes\r\n\r\nbusy p...\r\n")
        #expect(host.received(socket) == "h\r")
        #expect(host.ask("AT") == "\r\nbusy p...\r\n")
        #expect(host.listen(for: .seconds(1)) == "\r\nSEND OK\r\n")
        let old = try Conversation.linked(.esp8266v1_7).host
        try old.set("on CIPSEND delay the result by 1s")
        old.ask("AT+CIPSEND=2")
        old.send(Array("hi".utf8))
        old.listen()
        #expect(old.ask("AT") == "\r\nbusy s...\r\n")
    }

    @Test func `Delays of one command add up`() throws {
        let host = Conversation()
        try host.set(
            "on CIPMUX? delay the answer by 1s", "on CIPMUX? delay the result by 2s",
            "on CIPMUX? delay the answer by 4s")
        #expect(host.ask("AT+CIPMUX?", for: .milliseconds(4_999)) == "")
        #expect(host.listen(for: .milliseconds(1)) == "+CIPMUX:0\r\n")
        #expect(host.listen(for: .milliseconds(1_999)) == "")
        #expect(host.listen(for: .milliseconds(1)) == ok)
    }

    @Test(arguments: [
        ("the 2nd time", [2]), ("every 3rd time", [3, 6, 9]), ("after the 7th time", [8, 9, 10]), ("once", [1]),
        ("", Array(1...10)), ("with 100%", Array(1...10)), ("with 0%", []),
    ])
    func `Occurrences are counted from when the fault is set`(occurrence: String, chosen: [Int]) throws {
        let host = Conversation()
        host.ask("AT")
        try host.set("on AT \(occurrence) answer x")
        for number in 1...10 { #expect(host.ask("AT") == (chosen.contains(number) ? "x\r\n" : ok), "\(number)") }
        #expect(host.firings == [chosen.count])
        #expect(host.simulation.module.faultStates.map(\.seen) == [10])
    }

    @Test func `A chance is the same for the same seed, and another for another`() throws {
        func session(_ seed: UInt64, split: Bool = false) throws -> String {
            let simulation = Simulation(seed: seed)
            for sentence in [
                "on any with 50% answer x", "on report \"\" with 50% garble the report", "flip 2%", "insert 2%",
                "on CIPMUX? garble the answer",
            ] { try simulation.add(try Fault(sentence)) }
            var output = ""
            for _ in 0..<20 {
                for piece in split ? "AT+CIPMUX?\r\n".map({ "\($0)" }) : ["AT+CIPMUX?\r\n"] { simulation.send(piece) }
                simulation.run(for: .milliseconds(10))
                output += String(Array(simulation.takeBytes()).map { Character(Unicode.Scalar($0)) })
            }
            return output
        }
        #expect(try session(1) == session(1))
        #expect(try session(1) == session(1, split: true))
        #expect(try session(1) != session(2))
    }

    @Test func `Each module chooses for itself`() throws {
        let simulation = Simulation(moduleCount: 2, seed: 1)
        try simulation.add(try Fault("on AT with 50% answer x"))
        let answers = simulation.modules.map { module in
            (0..<40).map { _ in
                module.send("AT\r\n")
                return module.takeOutput()
            }
        }
        #expect(answers[0] != answers[1])
    }

    @Test func `A time that has passed is now`() throws {
        let host = Conversation()
        host.listen(for: .seconds(10))
        try host.set("at 5s answer now", "at 11s answer later")
        #expect(host.listen(for: .milliseconds(10)) == "now\r\n")
        #expect(host.listen(for: .seconds(1)) == "later\r\n")
        #expect(host.listen(for: .seconds(100)) == "")
        #expect(host.firings == [1, 1])
    }
}

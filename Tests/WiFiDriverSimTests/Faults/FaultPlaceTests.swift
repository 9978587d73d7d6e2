import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Where faults are set and seen: in a world, in several modules, in the log, and the places of a session.
struct FaultPlaceTests {
    @Test func `A fault of one module leaves the others alone`() throws {
        let simulation = Simulation(moduleCount: 3)
        try simulation.make(.faults(.add(try Fault("on AT answer one"), module: 1)))
        try simulation.modules[2].add(try Fault("on AT answer two"))
        try simulation.add(try Fault("on GMR answer all"))
        for (module, answer) in zip(simulation.modules, ["AT\r\n\r\nOK\r\n", "AT\r\none\r\n", "AT\r\ntwo\r\n"]) {
            module.send("AT\r\n")
            #expect(module.takeOutput() == answer)
            module.send("AT+GMR\r\n")
            #expect(module.takeOutput() == "AT+GMR\r\nall\r\n")
        }
        #expect(simulation.modules[1].log == ["fault: on AT answer \"one\"", "fault: on GMR answer \"all\""])
        simulation.clearFaults()
        #expect(simulation.modules.allSatisfy { $0.module.faultStates.isEmpty })
    }

    @Test func `A module or access point that is not there is refused`() throws {
        let simulation = Simulation(moduleCount: 2)
        func refusal(_ change: FaultChange) -> String? {
            do throws(WorldChangeError) { try simulation.make(.faults(change)) } catch { return error.description }
            return nil
        }
        let fault = try Fault("on AT ignore")
        #expect(refusal(.add(fault, module: 2)) == "there is no module 2; there are 0 to 1")
        #expect(refusal(.add(fault, module: 1)) == nil)
        #expect(
            refusal(.add(try Fault("at 1s ap lab off")))
                == "there is no access point \"lab\"; there are \"wifisim\"")
        #expect(refusal(.add(try Fault("on AT ap wifisim channel 3"))) == nil)
    }

    @Test func `The faults of a world are there from the start`() throws {
        var world = World.standard
        world.faults = [try Fault("on ATE0 answer x"), try Fault("on report ready double the report")]
        world.timeline = [
            World.TimedChange(at: .seconds(5), .faults(.add(try Fault("on ATE1 answer y")))),
            World.TimedChange(at: .seconds(10), .faults(.clear)),
        ]
        #expect(world.withoutLatency.faults == world.faults)
        #expect(world.withRoom(forStations: 300).faults == world.faults)
        let simulation = Simulation(world: world, start: .power)
        simulation.run(for: .seconds(1))
        #expect(simulation.takeOutput() == "\r\nready\r\n\r\nready\r\n")
        func ask(_ line: String) -> String {
            simulation.send(line + "\r\n")
            return simulation.takeOutput()
        }
        #expect(ask("ATE0") == "ATE0\r\nx\r\n")
        simulation.run(for: .seconds(5))
        #expect(ask("ATE1") == "ATE1\r\ny\r\n")
        simulation.run(for: .seconds(5))
        #expect(ask("ATE0") == "ATE0\r\n" + ok)
    }

    @Test func `A world changes because of a command or a report`() throws {
        let host = Conversation.joined()
        try host.set("on CIPSTATUS ap wifisim off", "on report \"WIFI DISCONNECT\" ap wifisim on")
        host.ask("AT+CIPSTATUS", for: .seconds(3))
        #expect(host.listen(for: .seconds(20)).hasPrefix("WIFI DISCONNECT\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n"))
    }

    @Test func `A network fault begins once, however often its moment comes`() throws {
        let (host, socket) = try Conversation.linked()
        try host.set("on AT network latency 100ms to module")
        for _ in 0..<5 { host.ask("AT") }
        host.peerSends("x", on: socket)
        #expect(host.listen(for: .milliseconds(90)) == "")
        #expect(host.listen(for: .milliseconds(20)) == "\r\n+IPD,1:x")
        #expect(host.firings == [5])
    }

    @Test func `A network fault is counted when it has an effect`() throws {
        let (host, _) = try Conversation.linked()
        try host.set("network name a.example silent", "network partial-send 2 bytes")
        #expect(host.firings == [0, 0])
        host.ask("AT+CIPDOMAIN=\"b.example\"", for: .seconds(20))
        host.ask("AT+CIPDOMAIN=\"a.example\"", for: .seconds(20))
        for _ in 0..<2 {
            host.ask("AT+CIPSEND=4")
            host.send(Array("abcd".utf8))
            host.listen()
        }
        #expect(host.firings == [1, 1])
        #expect(host.simulation.log.contains("fault: network name a.example silent"))
    }

    @Test func `A session has places, in the order in which they are reached`() throws {
        let simulation = Simulation()
        var places: [String] = []
        simulation.modules[0].observer = { observation in
            guard case .place(let place) = observation else { return }
            places.append("\(place.phase == .report ? "<" : "")\(place.name) \(place.number) \(place.phase.rawValue)")
        }
        simulation.module.tellPlaces()
        let peer = simulation.makePeer()
        peer.listen(at: Conversation.peerService)
        for line in [
            "AT", "AT+CWMODE=1", "AT+CWJAP=\"wifisim\",\"password\"", "AT+CIPSTART=\"TCP\",\"10.0.2.2\",5000", "AT",
        ] {
            simulation.send(line + "\r\n")
            simulation.run(for: .seconds(3))
        }
        simulation.send("AT+CIPSEND=2\r\n")
        simulation.send("ab")
        simulation.run(for: .seconds(1))
        peer.send("x")
        simulation.run(for: .seconds(1))
        _ = simulation.takeOutput()
        #expect(
            places == [
                "AT 1 echo", "AT 1 answer", "AT 1 result", "CWMODE 1 echo", "CWMODE 1 answer", "CWMODE 1 result",
                "CWJAP 1 echo", "CWJAP 1 answer", "<WIFI CONNECTED 1 report", "<WIFI GOT IP 1 report", "CWJAP 1 result",
                "CIPSTART 1 echo", "CIPSTART 1 answer", "<CONNECT 1 report", "CIPSTART 1 result", "AT 2 echo",
                "AT 2 answer", "AT 2 result", "CIPSEND 1 echo", "CIPSEND 1 answer", "CIPSEND 1 prompt",
                "CIPSEND 1 data",
                "CIPSEND 1 result", "<IPD 1 report",
            ])
        simulation.clearFaults()
        simulation.send("AT\r\n")
        _ = simulation.takeOutput()
        #expect(places.last == "AT 3 result")
    }

    @Test(arguments: [
        ("module 0 on AT ignore", FaultChange.add(Fault(.command(CommandPattern("AT")), .ignore), module: 0)),
        ("on AT ignore", .add(Fault(.command(CommandPattern("AT")), .ignore))), ("clear", .clear),
    ])
    func `A change of faults is printed as it is read`(text: String, change: FaultChange) throws {
        for words in [text, text == "clear" ? text : "add \(text)"] {
            var read = try Words(parsing: words)
            #expect(try FaultChange(&read) == change)
        }
        #expect(change.text(quoting: Words.quoted) == text)
    }

    @Test(arguments: [
        ("module on AT ignore", 7, "the module's number must be a number from 0 to 999"),
        ("module 0", 8, "what happens is missing"), ("", 0, "what happens is missing"),
    ])
    func `A change of faults that is wrong is refused`(text: String, position: Int, reason: String) throws {
        var words = try Words(parsing: text)
        #expect(throws: WordError(position: position, reason: reason)) { try FaultChange(&words) }
    }
}

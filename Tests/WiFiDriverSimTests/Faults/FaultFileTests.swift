import Foundation
import Testing
@testable import WiFiSimDaemon
@testable import WiFiSimModule
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

/// Faults in world files, transcripts and reports, and with the program's options and commands.
struct FaultFileTests {
    private let folder = TemporaryFolder()

    @Test func `A world file has faults, and a timeline sets and clears them`() throws {
        let world = try WorldFile(
            text: """
                {
                  "faults": ["on CIPSEND answer ERROR", "on any insert \\"a\\\\r\\\\n\\" before the answer"],
                  "timeline": [
                    { "at": "5s", "do": "fault module 0 on AT ignore" },
                    { "at": "6s", "do": "fault clear" }
                  ]
                }
                """, path: "w.json"
        ).world
        #expect(
            world.faults.map(\.description) == [
                "on CIPSEND answer \"ERROR\"", "on any insert \"a\\r\\n\" before the answer",
            ])
        #expect(world.faults[1].effect == .bytes(.insert("a\r\n", .before), of: .answer))
        #expect(
            world.timeline.map(\.change)
                == [.faults(.add(Fault(.command(CommandPattern("AT")), .ignore), module: 0)), .faults(.clear)])
    }

    @Test(arguments: [
        ("{\"faults\": \"on AT ignore\"}", 1, "faults", "must be a list"),
        ("{\"faults\": [\n\"on AT ignore\",\n5]}", 3, "faults[1]", "must be text"),
        ("{\"faults\": [\n\"on AT ignore\",\n\"on AT\"]}", 3, "faults[1]", "\"on AT\", at 6: what happens is missing"),
        ("{\"faults\": [\n\"at 1s ap lab off\"]}", 2, "faults[0]", "there is no access point \"lab\""),
        (
            "{\"timeline\": [\n{\"at\": \"1s\", \"do\": \"fault on AT explode\"}]}", 2, "timeline[0].do",
            "\"fault on AT explode\", at 13: there is no \"explode\""
        ),
        (
            "{\"timeline\": [\n{\"at\": \"1s\", \"do\": \"fault at 1s ap lab off\"}]}", 2, "timeline[0].do",
            "there is no access point \"lab\""
        ),
    ])
    func `A wrong fault is refused with its place`(text: String, line: Int, key: String, reason: String) throws {
        let error = try #require(throws: WorldFileError.self) { try WorldFile(text: text, path: "w.json") }
        #expect(error.line == line && error.key == key && error.reason.hasPrefix(reason), "\(error)")
    }

    @Test func `Every sentence is a line of a transcript, printed as it is read`() throws {
        var random = FaultGenerator(seed: 3)
        let faults = try FaultTextTests.sentences.map { try Fault($0) } + (0..<2000).map { _ in random.fault() }
        let lines = faults.map { Transcript.Line(.event(.world(.faults(.add($0))))) }
        var transcript = Transcript()
        transcript.lines = lines + [Transcript.Line(.event(.world(.faults(.clear))))]
        let read = try Transcript(parsing: transcript.description)
        #expect(read.description == transcript.description)
        for (event, fault) in zip(read.events, faults) { #expect(event.event == .world(.faults(.add(fault)))) }
    }

    @Test func `A wrong sentence in a transcript is refused with its place`() throws {
        let error = try #require(throws: TranscriptError.self) {
            try Transcript(parsing: "transcript 1\n\nfault on CIPSEND the 2nd time explode\n")
        }
        #expect(error.line == 3 && error.column == 31 && error.reason.hasPrefix("there is no \"explode\""), "\(error)")
    }

    @Test func `A report shows the faults and when they happen`() throws {
        let script = Transcript.Script(
            try Transcript(
                parsing: """
                    transcript 1

                    fault on AT the 2nd time answer ERROR
                    > AT\\r\\n
                    < AT\\r\\n
                    < \\r\\nOK\\r\\n
                    > AT\\r\\n
                    < AT\\r\\n
                    < \\r\\nERROR\\r\\n
                    """))
        let page = TranscriptReport(script, title: "t").html
        #expect(page.contains("<p title=\"line 3\">fault on AT the 2nd time answer &quot;ERROR&quot;</p>"))
        #expect(page.contains("<dt>Faults</dt><dd>1</dd>"))
        #expect(page.components(separatedBy: "row fault").count == 2)
    }

    @Test func `A recording tells when faults happen, and its report shows it`() throws {
        let path = folder.path("session.at")
        let recorder = try Program([
            "record", path, "--fault", "on AT the 2nd time answer \"a\\r\\nb\"", "--fault",
            "on CIPMUX? garble the answer",
            "--seed", "9",
        ])
        let client = try SerialClient(try #require(recorder.readLine()), of: recorder)
        try client.command("AT")
        try client.write(Array("AT\r\n".utf8))
        _ = try client.read(until: "a\r\nb\r\n")
        try client.write(Array("AT+CIPMUX?\r\n".utf8))
        _ = try client.read(until: ok)
        recorder.send(SIGINT)
        #expect(recorder.finish().status == 0)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("\nseed 9\n"))
        #expect(text.contains("\nfault on AT the 2nd time answer \"a\\x0d\\x0ab\"\n"))
        #expect(text.contains("\n# fault: on AT the 2nd time answer \"a\\r\\nb\"\n"))
        #expect(try Program.run("check", path).status == 0)
        let page = try TranscriptReport(Transcript.Script(contentsOf: path), title: "t").html
        #expect(page.contains("<dt>Faults</dt><dd>2</dd>"))
    }

    @Test func `Faults are set, listed and cleared in a running simulator`() throws {
        let socket = folder.path("control")
        let program = try Program(["run", "--control", socket, "--count", "2", "--fault", "on GMR ignore"])
        let client = try SerialClient(try #require(program.readLine()), of: program)
        func ctl(_ words: String...) throws -> (status: Int32, output: String, errors: String) {
            try Program.run(["ctl", "--socket", socket] + words)
        }
        #expect(try ctl("fault", "add", "on", "AT", "the", "2nd", "time", "answer", "no way").status == 0)
        #expect(try ctl("fault", "module", "1", "on", "AT", "ignore").status == 0)
        try client.command("AT")
        try client.write(Array("AT\r\n".utf8))
        _ = try client.read(until: "no way\r\n")
        let list = try ctl("fault", "list").output
        #expect(list.contains("\"fault\": \"on AT the 2nd time answer \\\"no way\\\"\""), "\(list)")
        #expect(list.contains("\"seen\": 2") && list.contains("\"fired\": 1"))
        #expect(list.components(separatedBy: "on AT ignore").count == 2)
        #expect(list.components(separatedBy: "on GMR ignore").count == 3)
        #expect(try ctl("state").output.contains("on GMR ignore"))
        let wrong = try ctl("fault", "on", "AT", "explode")
        #expect(wrong.status == 64 && wrong.errors.contains("there is no \"explode\""), "\(wrong)")
        #expect(try ctl("fault", "module", "2", "on", "AT", "ignore").status == 65)
        #expect(try ctl("fault", "at", "1s", "ap", "lab", "off").status == 65)
        #expect(try ctl("fault", "list", "all").status == 64)
        #expect(try ctl("fault", "clear").status == 0)
        #expect(try !ctl("fault", "list").output.contains("\"fault\""))
        #expect(try client.command("AT+GMR").contains("AT version"))
    }

    @Test(arguments: [
        (["--fault", "on AT"], "--fault \"on AT\", at 6: what happens is missing"),
        (["--fault", "at 1s ap lab off"], "there is no access point \"lab\""),
        (["--seed", "many"], "--seed many: must be a whole number"),
    ])
    func `A wrong option is refused`(options: [String], reason: String) throws {
        let result = try Program.run(["run"] + options)
        #expect(result.status == 64 && result.errors.contains(reason), "\(result)")
    }
}

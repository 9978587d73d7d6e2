import Testing
@testable import WiFiSimTranscripts

struct TranscriptPlayerTests {
    private func play(_ lines: String, profile: String = "esp32c3-4.1") throws -> TranscriptPlayer.Outcome {
        TranscriptPlayer(try Transcript(parsing: "transcript 1\nprofile \(profile)\n\n\(lines)")).play()
    }

    @Test func `A session that agrees has no divergence`() throws {
        let outcome = try play("> AT\\r\\n\n< AT\\r\\n\n< \\r\\nOK\\r\\n\n")
        #expect(outcome.divergence == nil)
        #expect(outcome.exchanges == 1)
    }

    @Test func `The first different byte is reported with its line`() throws {
        let divergence = try #require(try play("> AT\\r\\n\n< AT\\r\\n\n< \\r\\nOX\\r\\n\n").divergence)
        #expect(divergence.line == 6)
        #expect(divergence.reason == .differs(at: 3))
        #expect(divergence.actual == Array("\r\nOK\r\n".utf8))
    }

    @Test func `A report shows the lines around`() throws {
        let transcript = try Transcript(
            parsing: "transcript 1\n> ATE0\\r\\n\n< ATE0\\r\\n\n< \\r\\nOX\\r\\n\n> AT\\r\\n\n")
        let divergence = try #require(TranscriptPlayer(transcript).play().divergence)
        #expect(
            divergence.report(in: transcript, file: "a.at") == """
                a.at:4: differs at byte 4
                  expected  \\r\\nOX\\r\\n
                  came      \\r\\nOK\\r\\n
                        2 | > ATE0\\r\\n
                        3 | < ATE0\\r\\n
                  >     4 | < \\r\\nOX\\r\\n
                        5 | > AT\\r\\n

                """)
    }

    @Test func `Output beyond the transcript is a divergence`() throws {
        #expect(try play("> AT\\r\\n\n< AT\\r\\n\n").divergence?.reason == .unexpected)
        #expect(try play("> AT\\r\\n\n> AT\\r\\n\n").divergence?.line == 5)
    }

    @Test func `Missing output is a divergence`() throws {
        let divergence = try play("> AT\n< AT\n< more\n").divergence
        #expect(divergence?.reason == .silence(.seconds(120)))
        #expect(divergence?.line == 6)
    }

    @Test func `A time window has a lower and an upper limit`() throws {
        let join =
            "> ATE0\\r\\n\n< ATE0\\r\\n\n< \\r\\nOK\\r\\n\n> AT+CWMODE=1\\r\\n\n< \\r\\nOK\\r\\n\n> AT+CWJAP=\"wifisim\",\"password\"\\r\\n\n"
        #expect(
            try play(join + "<[500ms..2s] WIFI CONNECTED\\r\\n\n<[200ms..] WIFI GOT IP\\r\\n\n< \\r\\nOK\\r\\n\n")
                .divergence == nil)
        let early = try play(join + "<[5s..] WIFI CONNECTED\\r\\n\n").divergence
        guard case .outOfTime = early?.reason else { Issue.record("\(String(describing: early))"); return }
        #expect(try play(join + "<[..100ms] WIFI CONNECTED\\r\\n\n").divergence?.reason == .silence(.milliseconds(100)))
    }

    @Test func `Placeholders are bound at first sight and compared afterwards`() throws {
        let ask = "> AT+CIPMUX?\\r\\n\n< AT+CIPMUX?\\r\\n\n"
        let answer = "< +CIPMUX:<n:mode>\\r\\n\\r\\nOK\\r\\n\n"
        #expect(try play(ask + answer + ask + answer).divergence == nil)
        let change = "> AT+CIPMUX=1\\r\\n\n< AT+CIPMUX=1\\r\\n\\r\\nOK\\r\\n\n"
        #expect(try play(ask + answer + change + ask + answer).divergence?.reason == .differs(at: 8))
        let anyAnswer = "< +CIPMUX:<n:_>\\r\\n\\r\\nOK\\r\\n\n"
        #expect(try play(ask + anyAnswer + change + ask + anyAnswer).divergence == nil)
    }

    @Test func `The host sends the value of a placeholder`() throws {
        let outcome = try play(
            """
            > AT+CIPSTAMAC?\\r\\n
            < AT+CIPSTAMAC?\\r\\n
            < +CIPSTAMAC:"<mac>"\\r\\n
            < \\r\\nOK\\r\\n
            > AT+CWHOSTNAME="<mac>"\\r\\n
            < AT+CWHOSTNAME="<mac>"\\r\\n
            < \\r\\nERROR\\r\\n

            """)
        #expect(outcome.divergence == nil)
    }

    @Test(arguments: [
        ("<ip>,80:", "10.0.2.2,80:", true), ("<ip>,80:", "10.0.2,80:", false), ("<ip>\\r", "fec0::2\r", true),
        ("<port>\\r", "65535\r", true), ("<port>\\r", "65536\r", false), ("<n>,", "-45,", true), ("<n>,", "x,", false),
        ("<mac>\\r", "1e:30:6c:a2:45:5e\r", true), ("<mac>\\r", "1e:30:6c:a2:45\r", false),
        ("<text>;", "any thing;", true),
    ])
    func `A placeholder matches values of its kind`(pattern: String, text: String, matches: Bool) throws {
        let transcript = try Transcript(parsing: "transcript 1\n< \(pattern)\n")
        guard case .module(let expectation) = transcript.events.first?.event else { Issue.record("no line"); return }
        let match = expectation.payload.match(Array(text.utf8), from: 0, bindings: [:])
        if case .matched(let count, _) = match {
            #expect(matches && count == text.utf8.count)
        } else {
            #expect(!matches)
        }
        // Every prefix of the text can still become it.
        for count in 0..<text.utf8.count where matches {
            #expect(expectation.payload.match(Array(text.utf8.prefix(count)), from: 0, bindings: [:]) == .partial)
        }
    }

    @Test func `The lines of an unordered group come in any order`() throws {
        let lines =
            "> AT+GMR\\r\\n\nunordered\n  < SDK version:v5.0.6-dirty\\r\\n\n  < compile<text>\\r\\n\n  < AT+GMR\\r\\n\n  < AT version:<text:v>\\r\\n\n  < Bin<text:b>\\r\\n\nend\n< \\r\\nOK\\r\\n\n"
        #expect(try play(lines).divergence == nil)
        #expect(try play(lines.replacing("v5.0.6", with: "v5.0.7")).divergence?.line == 5)
    }

    @Test func `Quiet time is quiet`() throws {
        #expect(try play("quiet 10s\n").divergence == nil)
        let divergence = try play("reset\nquiet 10s\n").divergence
        #expect(divergence?.reason == .unexpected)
        #expect(divergence?.line == 5)
    }

    @Test func `An access point that the world does not contain is reported`() throws {
        guard case .impossible(let reason) = try play("ap \"nowhere\" off\n").divergence?.reason else {
            Issue.record("no divergence")
            return
        }
        #expect(reason == "there is no access point \"nowhere\"; there are \"wifisim\"")
    }

    @Test func `An update writes the module's lines and keeps those that match`() throws {
        let text = """
            transcript 1
            profile esp32c3-4.1

            # Kept.
            > AT+CIPMUX?\\r\\n
            < AT+CIPMUX?\\r\\n
            < +CIPMUX:<n>\\r\\n
            < wrong\\r\\n
            > AT\\r\\n

            """
        let script = Transcript.Script(try Transcript(parsing: text))
        let updated = try script.updated()
        #expect(
            updated.description == text.replacing("< wrong", with: "< \\r\\nOK") + "< AT\\r\\n\n< \\r\\nOK\\r\\n\n")
        #expect(TranscriptPlayer(updated).play().divergence == nil)
    }
}

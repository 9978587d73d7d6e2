import Testing
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

struct TranscriptReportTests {
    private func page(_ lines: String) throws -> String {
        let transcript = try Transcript(parsing: "transcript 1\n\n\(lines)")
        return TranscriptReport(Transcript.Script(transcript), title: "test").html
    }

    private let answer = "< AT\\r\\n\n< \\r\\nOK\\r\\n\n"

    @Test func `A time that the transcript does not contain is a question mark`() throws {
        let html = try page("> AT\\r\\n\n\(answer)")
        #expect(html.contains("<td>OK</td><td class=\"number\">?</td>"))
        #expect(html.contains("<dt>Time</dt><dd>?</dd>"))
        #expect(html.contains("role=\"row\"><span>?</span>"))
        #expect(!html.contains("0s<") && !html.contains("a second"))
    }

    @Test func `A command without an answer has no latency`() throws {
        #expect(try page("> AT\n").contains("<td>–</td><td class=\"number\">–</td>"))
    }

    @Test func `Microseconds are shown for short times`() throws {
        let html = try page(
            "> AT\\r\\n\nwait 350us\n\(answer)> AT\\r\\n\nwait 2.604167ms\n\(answer)> AT\\r\\n\nwait 12.34567s\n\(answer)"
        )
        for latency in ["350us", "2.604ms", "12.34s"] {
            #expect(html.contains("<td class=\"number\">\(latency)</td>"), "\(latency)")
        }
    }

    @Test(
        arguments: [
            (0, "0s"), (999, "999ns"), (1500, "1us"), (999_999, "999us"), (9_999_999, "9.999ms"),
            (12_345_678, "12.34ms"), (1_234_567_890, "1.234s"), (3_600_123_000_000, "3600s"),
        ] as [(Int64, String)])
    func `A rounded time has four digits, and none below a microsecond`(nanoseconds: Int64, text: String) {
        #expect(Duration.nanoseconds(nanoseconds).roundedText == text)
    }
}

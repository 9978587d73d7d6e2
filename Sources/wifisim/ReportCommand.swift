import WiFiDriverSim

extension CommandLineTool {
    static let reportCommand = Subcommand(
        name: "report", summary: "makes an HTML page of a transcript",
        help: """
            Usage: wifisim report FILE -o PAGE.html

            Makes one self-contained page: the session as a sequence diagram on a time axis, a table of commands with
            their latencies, the load of the line over time, errors marked, and a search. The times are the transcript's
            own; a transcript without times is played to a simulated module first.

            Example:
              wifisim report session.at -o session.html
            """,
        options: OptionSet(options: [Option("-o", "PAGE.html", "the page to write")], operands: "FILE")
    ) { parsed in
        guard parsed.operands.count == 1, let page = parsed.string("-o") else {
            throw UsageError(
                "report needs a transcript and a page", hint: "Try: wifisim report session.at -o session.html")
        }
        let path = parsed.operands[0]
        let name = path.split(separator: "/").last.map(String.init) ?? path
        try TranscriptReport(Transcript.Script(contentsOf: path), title: name).write(to: page)
        return 0
    }
}

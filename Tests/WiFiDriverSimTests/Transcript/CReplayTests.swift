import CTranscriptClient
import Glibc
import Testing

@testable import WiFiDriverSim

/// The C header, used by a program in C.
struct CReplayTests {
    private func run(_ path: String, _ lines: [String]) -> (state: Int32, said: String, report: String) {
        var said = [CChar](repeating: 0, count: 4096)
        var report = said
        let copies = lines.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        let pointers = copies.map { UnsafePointer($0) } + [nil]
        let state = client_run(path, pointers, &said, said.count, &report, report.count)
        return (state, text(said), text(report))
    }

    private func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private let join = Fixtures.folder + "/esp32c3-4.1/traps/adafruit.at"

    @Test func `A C program plays the host of a transcript`() {
        let lines = [
            "ATE0\r\n", "AT+CIPMUX?\r\n", "AT+CWMODE=1\r\n", "AT+CWJAP=\"wifisim\",\"password\"\r\n",
            "AT+CIPSTART=\"TCP\",\"10.0.2.2\",8080\r\n",
        ]
        let (state, said, report) = run(join, lines)
        #expect(state == 1)
        #expect(report == "")
        #expect(said.hasPrefix("ATE0\r\n\r\nOK\r\n+CIPMUX:0\r\n"))
        #expect(said.hasSuffix("WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\nCONNECT\r\n\r\nOK\r\n"))
    }

    @Test func `It gets the line of the divergence`() {
        let (state, _, report) = run(join, ["ATE0\r\n", "AT+CIPMUX=1\r\n"])
        #expect(state == 2)
        #expect(report.contains("adafruit.at:8: differs at byte 10"))
    }

    @Test func `It gets the missing bytes`() {
        let (state, _, report) = run(join, ["ATE0\r\n"])
        #expect(state == 0)
        #expect(report.contains("the host ended before it sent this"))
    }

    @Test func `It gets an error for an unreadable file`() {
        let (state, _, report) = run("/nowhere.at", [])
        #expect(state == -1)
        #expect(report.contains("/nowhere.at: No such file"))
    }
}

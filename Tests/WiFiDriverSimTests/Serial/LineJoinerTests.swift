import Testing
@testable import WiFiSimValues

struct LineJoinerTests {
    /// Plays a line, `>` from the host and `<` from the module, at intervals of a millisecond.
    private func join(_ pieces: String...) -> [String] {
        var joiner = LineJoiner()
        var now = Instant.zero
        var entries: [LineJoiner.Entry] = []
        for piece in pieces {
            now = now + .milliseconds(1)
            let bytes = Array(piece.dropFirst().utf8)
            entries += bytes.withUnsafeBytes {
                joiner.add($0, piece.hasPrefix(">") ? .toModule : .toHost, at: now)
            }
        }
        entries += joiner.flush()
        return entries.map { ($0.direction == .toModule ? ">" : "<") + String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func `A line that comes byte by byte, with its echo, is one`() {
        #expect(
            join(">A", "<A", ">T", "<T", ">\r", "<\r", ">\n", "<\n\r\nOK\r\n") == [
                ">AT\r\n", "<AT\r\n", "<\r\nOK\r\n",
            ])
        #expect(join(">A", ">T", ">\r\n", "<\r\nOK\r\n") == [">AT\r\n", "<\r\nOK\r\n"])
    }

    @Test func `Output of the module in between does not wait`() {
        #expect(join(">A", "<A", "<\r\n+IPD,2:hi", ">T\r\n") == [">A", "<A", "<\r\n+IPD,2:hi", ">T\r\n"])
        #expect(join("<\r\n>", ">hello", "<\r\nRecv 5 bytes\r\n") == ["<\r\n>", ">hello", "<\r\nRecv 5 bytes\r\n"])
    }

    @Test func `Bytes without a line's end wait for 20 ms`() {
        var joiner = LineJoiner()
        let bytes = Array("+++".utf8)
        #expect(bytes.withUnsafeBytes { joiner.add($0, .toModule, at: .zero) } == [])
        #expect(joiner.nextDeadline == .zero + .milliseconds(20))
        #expect(joiner.advance(to: .zero + .milliseconds(19)) == [])
        #expect(joiner.advance(to: .zero + .milliseconds(20)).map(\.bytes) == [bytes])
        #expect(joiner.nextDeadline == nil)
    }
}

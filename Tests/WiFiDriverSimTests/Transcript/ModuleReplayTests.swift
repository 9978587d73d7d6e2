import Testing
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

struct ModuleReplayTests {
    private static let session = """
        transcript 1
        > AT\\r\\n
        < AT\\r\\n
        wait 100ms
        < \\r\\nOK\\r\\n
        > ATE0\\r\\n
        < ATE0\\r\\n\\r\\nOK\\r\\n

        """

    private func replay(_ strictness: ModuleReplay.Strictness = .strict, _ text: String = session) throws
        -> ModuleReplay
    {
        try ModuleReplay(Transcript.Script(try Transcript(parsing: text)), strictness)
    }

    @Test func `The module answers as in the transcript, after the time in the transcript`() throws {
        var replay = try replay()
        replay.receive(Array("AT\r\n".utf8), at: .zero)
        #expect(replay.takeOutput() == Array("AT\r\n".utf8))
        #expect(replay.nextDeadline == .zero + .milliseconds(100))
        replay.advance(to: .zero + .milliseconds(100))
        #expect(replay.takeOutput() == Array("\r\nOK\r\n".utf8))
        #expect(!replay.isComplete)
        for byte in "ATE0\r\n".utf8 { replay.receive([byte], at: .zero + .seconds(1)) }
        #expect(replay.takeOutput() == Array("ATE0\r\n\r\nOK\r\n".utf8))
        #expect(replay.isComplete)
        #expect(replay.finish() == nil)
    }

    @Test func `One different byte is found at once, with its line`() throws {
        var replay = try replay()
        replay.receive(Array("AT\r\nATE1".utf8), at: .zero)
        #expect(replay.divergence?.line == 6)
        #expect(replay.divergence?.reason == .differs(at: 3))
        #expect(replay.divergence?.actual == Array("ATE1".utf8))
    }

    @Test func `A host that ends early gets the missing lines`() throws {
        var replay = try replay()
        replay.receive(Array("AT\r\n".utf8), at: .zero)
        #expect(replay.finish()?.line == 6)
    }

    @Test func `A host that sends more gets an error`() throws {
        var replay = try replay()
        replay.receive(Array("AT\r\nATE0\r\nAT".utf8), at: .zero)
        #expect(replay.divergence?.reason == .unexpected)
    }

    @Test func `Loosely, lines come in any order and nothing takes time`() throws {
        var replay = try replay(.loose)
        replay.receive(Array("ATE0\r\nAT\r\n".utf8), at: .zero)
        #expect(replay.takeOutput() == Array("ATE0\r\n\r\nOK\r\nAT\r\n\r\nOK\r\n".utf8))
        #expect(replay.isComplete)
    }

    @Test func `Loosely, a line that the transcript lacks is a divergence`() throws {
        var replay = try replay(.loose)
        replay.receive(Array("AT+GMR\r\n".utf8), at: .zero)
        #expect(replay.divergence?.line == 2)
    }

    @Test func `Data with only a digest cannot be replayed`() throws {
        let digest = SHA256.hexDigest(of: [1])
        #expect(throws: Divergence.self) { try replay(.strict, "transcript 1\n< {1 sha256:\(digest)}\n") }
    }
}

import Testing
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

struct TranscriptParserTests {
    private static let everything = """
        transcript 1
        profile esp8266-1.7
        world ../worlds/lab.json
        seed 7
        start power
        origin bench 3, a Tuesday

        # All events there are.
        > AT+GMR\\r\\n
        < \\r\\nOK\\r\\n
        <[1.5s..2s] SDK \\<3>: <text:sdk>\\r\\n
        <[..350ms] <n>,<n:_>,<ip>,<port>,<mac:ap>.
        <[1h..] \\x00\\xff\\t\\\\ {10 sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}
        > back: <text:sdk>\\r\\n
        > {3 sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 lab.d/1.bin}
        unordered
          < 0,CLOSED\\r\\n
          < 1,CLOSED\\r\\n
        end
        wait 12ms
        quiet 2.5us
        baud 9600
        reset
        power off
        power on
        peer web listens tcp 10.0.2.2:80
        peer web listens udp [fec0::2]:80 after 3s
        peer web refuses tcp 10.0.2.2:81
        peer web ignores udp 10.0.2.2:82
        peer web connects tcp 333 from 10.0.2.9:5000
        peer web sends hello\\x20
        peer web receives hi
        peer web half-closes
        peer web closes
        peer web resets
        peer web sees refusal
        name a.example is 10.0.2.9,fec0::2
        name b.example is unknown
        name c.example is silent
        ap "caf\\xc3\\xa9 \\"1\\"" off
        ap "lab" on
        ap "lab" channel 11
        ap "lab" rssi -70
        ap "lab" password "p\\\\w"
        ap "lab" leases 10.0.2.50
        ap "lab" wps
        station "my \\"phone\\"" joins "ESP_1A2B3C" "p\\\\w"
        station "tablet" joins "open"
        station "tablet" leaves
        smartconfig esptouch "lab" ""
        smartconfig esptouch-v2 "lab" "p\\\\w" "1234567890123456"

        """

    @Test func `Every event is printed as it was read`() throws {
        let canonical = Self.everything.replacing("<[1h..]", with: "<[3600s..]")
        #expect(try Transcript(parsing: Self.everything).description == canonical)
        #expect(try Transcript(parsing: canonical).description == canonical)
    }

    @Test func `Lines may end with CR LF, and the last line with nothing`() throws {
        let transcript = try Transcript(parsing: "transcript 1\r\n> AT\\r\\n\r\n< x")
        #expect(transcript.events.count == 2)
        #expect(transcript.description == "transcript 1\nprofile esp32c3-4.1\n> AT\\r\\n\n< x\n")
    }

    @Test(arguments: [
        ("", 1, 1, "the file is empty"),
        ("transcript 2\n", 1, 12, "version 1"),
        ("> AT\\r\\n\n", 1, 1, "the first line must be: transcript 1"),
        ("transcript 1\nprofile esp9\n", 2, 9, "no profile \"esp9\""),
        ("transcript 1\nseed x\n", 2, 6, "whole number"),
        ("transcript 1\nstart now\n", 2, 7, "ready or power"),
        ("transcript 1\nseed 1\nseed 1\n", 3, 1, "already"),
        ("transcript 1\n\nseed 1\n", 3, 1, "above the first event"),
        ("transcript 1\nstation \"x\" dances\n", 2, 13, "a station joins or leaves"),
        ("transcript 1\nstation \"x\" leaves now\n", 2, 20, "nothing may follow"),
        ("transcript 1\nsmartconfig smoke \"x\" \"y\"\n", 2, 13, "esptouch, airkiss, esptouch-v2"),
        ("transcript 1\nhost AT\n", 2, 1, "no event \"host\""),
        ("transcript 1\n>\n", 2, 2, "what the host sends is missing"),
        ("transcript 1\n>AT\n", 2, 2, "a space must stand before"),
        ("transcript 1\n> AT \n", 2, 5, "a space ends the line"),
        ("transcript 1\n> AT\\q\n", 2, 5, "no such escape"),
        ("transcript 1\n> AT\\x4\n", 2, 5, "two hexadecimal digits"),
        ("transcript 1\n> AT\\\n", 2, 5, "a backslash ends the line"),
        ("transcript 1\n> A\tT\n", 2, 4, "control character"),
        ("transcript 1\n< <adress>\\r\n", 2, 3, "no such placeholder"),
        ("transcript 1\n< <n>\n", 2, 3, "followed by what ends it"),
        ("transcript 1\n< <n><ip>.\n", 2, 6, "something to tell them apart"),
        ("transcript 1\n> <n>\\r\\n\n", 2, 3, "stands for nothing yet"),
        ("transcript 1\n< {5 sha256:12}\n", 2, 3, "64 hexadecimal digits"),
        ("transcript 1\n> {5}\n", 2, 3, "a reference is written as"),
        ("transcript 1\n<[2s..1s] OK\n", 2, 3, "ends before it begins"),
        ("transcript 1\n<[2x..] OK\n", 2, 3, "not a duration"),
        ("transcript 1\nwait 99999999h\n", 2, 6, "not a duration"),
        ("transcript 1\nwait\n", 2, 5, "a duration is missing"),
        ("transcript 1\nreset now\n", 2, 6, "nothing may follow"),
        ("transcript 1\nend\n", 2, 1, "no unordered group"),
        ("transcript 1\nunordered\nend\n", 3, 1, "is empty"),
        ("transcript 1\nunordered\n  < a\n", 2, 1, "has no end"),
        ("transcript 1\nunordered\n  < a\n  > b\nend\n", 4, 1, "lines of the module (<) only"),
        ("transcript 1\npeer web sends x\n", 2, 6, "must listen or connect first"),
        ("transcript 1\npeer web dances\n", 2, 10, "a peer listens"),
        ("transcript 1\npeer web listens tcp 10.0.2.2\n", 2, 22, "not an address and port"),
        ("transcript 1\nname a.example are 1.2.3.4\n", 2, 15, "is and an address"),
        ("transcript 1\nname a.example is 1.2.3\n", 2, 19, "is not an address"),
        ("transcript 1\nap lab sideways\n", 2, 8, "goes on or off"),
        ("transcript 1\nap \"lab\" subnet 10.0.3.0/24\n", 2, 17, "not a gateway"),
        ("transcript 1\nap \"lab\" dhcp\n", 2, 14, "dhcp is missing"),
        ("transcript 1\nap \"lab\" channel 15\n", 2, 18, "from 1 to 14"),
        ("transcript 1\nbaud 3\n", 2, 6, "from 80 to 5000000"),
    ])
    func `An error has its place`(text: String, line: Int, column: Int, reason: String) throws {
        let error = #expect(throws: TranscriptError.self) { try Transcript(parsing: text, file: "a.at") }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
        #expect(error?.description.hasPrefix("a.at:\(line):\(column): ") == true)
    }

    @Test func `A damaged file is an error with a place, or another transcript, never a trap`() throws {
        var random = SeededGenerator(42)
        let original = Array(Self.everything.utf8)
        let spices = Array("\\<>{}[]\"\r\n \t#x:,.0a\u{0}\u{7F}".utf8) + [0xFF, 0xC3]
        for _ in 0..<3000 {
            var text = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: text[place] = spices[Int.random(in: 0..<spices.count, using: &random)]
                case 1: text.remove(at: place)
                case 2: text.insert(spices[Int.random(in: 0..<spices.count, using: &random)], at: place)
                default: text.removeSubrange(place..<min(text.count, place + 20))
                }
            }
            do {
                let transcript = try Transcript(parsing: text)
                let printed = transcript.description
                #expect(try Transcript(parsing: printed).description == printed)
            } catch {
                let lineCount = text.count { $0 == 0x0A } + 1
                #expect((1...lineCount).contains(error.line) && error.column >= 1, "\(error)")
            }
        }
    }

    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 gives the digests of FIPS 180-4`(text: String, digest: String) {
        #expect(SHA256.hexDigest(of: Array(text.utf8)) == digest)
    }

    @Test(arguments: ["wait 1000h", "quiet 1000h", "<[..1000h] OK", "<[1000h..] OK"])
    func `The time that a transcript takes has a limit`(line: String) throws {
        func repeated(_ count: Int) -> String { "transcript 1\n" + String(repeating: line + "\n", count: count) }
        _ = try Transcript(parsing: repeated(10))
        let error = #expect(throws: TranscriptError.self) { try Transcript(parsing: repeated(3000)) }
        #expect(error?.line == 12)
    }

    @Test func `The clock ends at its last moment`() {
        let last = Instant(nanoseconds: .max)
        #expect(last + .seconds(1) == last && Instant.zero + .seconds(Int64.max) == last)
        #expect(Instant(nanoseconds: -2) + .nanoseconds(Int64.min) == Instant(nanoseconds: .min))
    }
}

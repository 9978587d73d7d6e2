import Testing
@testable import WiFiSimModule
@testable import WiFiSimValues

struct DNSMessageTests {
    private static let a: UInt16 = 1
    private static let aaaa: UInt16 = 28

    /// A query with recursion desired.
    private func query(_ labels: [String], _ type: UInt16 = a, kind: UInt16 = 1) -> [UInt8] {
        [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + DomainName(labels).bytes + type.networkBytes + kind.networkBytes
    }

    private func readQuestion(_ message: [UInt8]) -> DNSMessage.Question? {
        if case .question(let question)? = DNSMessage.read(message) { question } else { nil }
    }

    private let addresses = [IPAddress("10.0.2.2"), IPAddress("fec0::2")].compactMap { $0 }

    @Test func `An answer repeats the question as it was spelled, and gives the addresses of its family`() throws {
        let message = query(["Broker", "local"])
        let question = try #require(readQuestion(message))
        #expect(question.name == "broker.local")
        let record: [UInt8] = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 2, 2]
        #expect(
            DNSMessage.answer(to: question, .found(addresses))
                == [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + message[12...] + record)
        let other = try #require(readQuestion(query(["broker", "local"], Self.aaaa)))
        #expect(DNSMessage.answer(to: other, .found(addresses)).suffix(16) == IPv6Address("fec0::2")!.bytes)
        let any = try #require(readQuestion(query(["broker", "local"], 255)))
        #expect(DNSMessage.answer(to: any, .found(addresses))[7] == 2)
    }

    @Test func `A name without an address of the family is known, one that does not exist is not`() throws {
        let question = try #require(readQuestion(query(["host"], Self.aaaa)))
        #expect(
            DNSMessage.answer(to: question, .found([.v4(.loopback)])).prefix(8) == [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 0])
        #expect(DNSMessage.answer(to: question, .unknown)[3] == 0x83)
        #expect(DNSMessage.answer(to: question, .failed)[3] == 0x82)
    }

    @Test func `An answer too long for a datagram is marked as truncated, and complete over TCP`() throws {
        let question = try #require(readQuestion(query(["many"])))
        let many = DNSMessage.Outcome.found((0..<40).map { .v4(IPv4Address(10, 0, 3, $0)) })
        let short = DNSMessage.answer(to: question, many)
        #expect(short[2] & 2 == 2 && short[7] == 0 && short.count <= 512)
        let long = DNSMessage.answer(to: question, many, limit: DNSStream.longestMessage)
        #expect(long[2] & 2 == 0 && long[7] == 40)
    }

    @Test(arguments: [2, 6, 12, 15, 16, 33, 65] as [UInt16])
    func `A name without records of a type exists, an unknown name does not`(type: UInt16) throws {
        let message = query(["Broker", "local"], type)
        let question = try #require(readQuestion(message))
        let counts: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 0]
        let rest = counts + message[12...]
        #expect(DNSMessage.answer(to: question, .found(addresses)) == [0x12, 0x34, 0x81, 0x80] + rest)
        #expect(DNSMessage.answer(to: question, .unknown) == [0x12, 0x34, 0x81, 0x83] + rest)
    }

    @Test func `The root exists`() throws {
        #expect(DNSMessage.answer(to: try #require(readQuestion(query([], 2))), .unknown)[3] == 0x80)
    }

    private func refusal(_ message: [UInt8]) -> [UInt8]? {
        if case .refused(let answer)? = DNSMessage.read(message) { answer } else { nil }
    }

    @Test func `An unsupported query is refused with a code, and with the question if that can be read`() {
        func check(_ message: [UInt8], _ code: UInt8, repeatsQuestion: Bool = true) {
            let counts: [UInt8] = [0, repeatsQuestion ? 1 : 0, 0, 0, 0, 0, 0, 0]
            let question = repeatsQuestion ? query(["X"], kind: message.suffix(1).last == 3 ? 3 : 1)[12...] : []
            #expect(refusal(message) == [0x12, 0x34, message[2] & 0x79 | 0x80, 0x80 | code] + counts + question)
        }
        // Another class, another opcode, two questions.
        check(query(["X"], kind: 3), 5)
        var status = query(["X"])
        status[2] = 0x10
        check(status, 4)
        var two = query(["X"])
        two[5] = 2
        check(two, 1)
        // No question, a part of one, and one whose name has no end.
        var none = query(["X"])
        none[5] = 0
        check(none, 1, repeatsQuestion: false)
        check(Array(query(["X"]).dropLast()), 1, repeatsQuestion: false)
        check(Array(query(["X"]).prefix(12)) + [0xC0, 12, 0, 1, 0, 1], 1, repeatsQuestion: false)
        // A message without a header, and an answer.
        #expect(DNSMessage.read(Array(query(["x"]).prefix(11))) == nil)
        var answer = query(["x"])
        answer[2] |= 0x80
        #expect(DNSMessage.read(answer) == nil)
    }

    @Test func `A label may contain any byte, which is repeated unchanged, but is no host name then`() throws {
        #expect(readQuestion(query([]))?.name == .some(nil))
        for label in [Array("a\0.bc".utf8), [0xFF, 0xFE, 0x00], Array("é".utf8)] as [[UInt8]] {
            var hidden: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
            hidden += [UInt8(label.count)] + label + [5] + Array("LoCal".utf8) + [0, 0, 1, 0, 1]
            let question = try #require(readQuestion(hidden))
            #expect(question.name == nil)
            #expect(DNSMessage.answer(to: question, .unknown).dropFirst(12) == hidden[12...])
        }
    }

    @Test func `A name has at most 255 bytes, a label 63, and pointers end`() {
        func read(_ name: [UInt8], at position: Int = 0) -> DomainName? {
            var reader = DNSReader(name)
            reader.skip(to: position)
            return reader.name()
        }
        let label = [63] + [UInt8](repeating: 0x61, count: 63)
        let longest = label + label + label + [61] + [UInt8](repeating: 0x62, count: 61) + [0]
        #expect(longest.count == 255)
        #expect(read(longest)?.bytes == longest)
        #expect(read(label + label + label + [62] + [UInt8](repeating: 0x62, count: 62) + [0]) == nil)
        #expect(read([64] + [UInt8](repeating: 0x61, count: 64) + [0]) == nil)
        #expect(read([0x80, 0]) == nil)
        // A pointer to itself, and two that point to each other.
        #expect(read([0xC0, 0]) == nil)
        #expect(read([0xC0, 2, 0xC0, 0], at: 2) == nil)
        // A name of the maximum length with a pointer, and one that is a byte longer.
        #expect(read(longest + [0xC0, 64], at: 255)?.labels.count == 3)
        #expect(read(longest + [1, 0x61, 0xC0, 0], at: 255) == nil)
        // A chain of only pointers is not a valid name.
        var chain: [UInt8] = [0]
        for link in 0..<200 { chain += UInt16(0xC000 | max(0, link * 2 - 1)).networkBytes }
        #expect(read(chain, at: 21) != nil)
        #expect(read(chain, at: 399) == nil)
    }

    @Test func `Any bytes are answered or not, without harm`() {
        var generator = SeededGenerator(9)
        let good = query(["_http", "_tcp", "local"])
        for _ in 0..<5000 {
            var bytes = good
            if Bool.random(using: &generator) {
                let count = Int.random(in: 0...80, using: &generator)
                bytes = (0..<count).map { _ in .random(in: 0...255, using: &generator) }
            }
            for _ in 0..<Int.random(in: 0...6, using: &generator) where !bytes.isEmpty {
                let odd: [UInt8] = [0, 0xC0, 0xFF, 0x3F, 0x40, 0x80, .random(in: 0...255, using: &generator)]
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = odd.randomElement(using: &generator) ?? 0
            }
            switch DNSMessage.read(bytes) {
            case .question(let question)?:
                let answer = DNSMessage.answer(to: question, .found(addresses))
                #expect(answer.count <= 512 && answer.prefix(2) == bytes.prefix(2))
            case .refused(let answer)?:
                #expect(answer.prefix(2) == bytes.prefix(2))
                #expect((answer.count == 12) == (answer[5] == 0))
            case nil: break
            }
        }
    }

    @Test func `Messages on a stream are the same, however they are split`() {
        let messages = [query(["a"]), [], query(["b", "c"])]
        let bytes = messages.flatMap(DNSStream.framed)
        var whole = DNSStream()
        #expect(whole.receive(bytes) == messages)
        var single = DNSStream()
        #expect(bytes.flatMap { single.receive([$0]) } == messages)
    }
}

extension IPv6Address {
    fileprivate var bytes: [UInt8] { high.networkBytes + low.networkBytes }
}

import Testing
@testable import WiFiSimProtocols
@testable import WiFiSimValues

/// Damages messages, and puts parts of them together.
private struct Mutator {
    let seeds: [[UInt8]]
    /// What parsers look for.
    let words: [[UInt8]]
    var random: SeededGenerator

    mutating func input() -> [UInt8] {
        var input = seeds[number(seeds.count)]
        for _ in 0..<number(5) {
            let place = number(input.count + 1)
            switch number(6) {
            case 0 where place < input.count: input[place] = UInt8(number(256))
            case 1 where place < input.count: input[place] ^= 1 << UInt8(number(8))
            case 2: input.removeSubrange(place..<min(input.count, place + number(8)))
            case 3: input.insert(contentsOf: words[number(words.count)], at: place)
            case 4: input.insert(contentsOf: input[place..<min(input.count, place + number(40))], at: place)
            default: input += seeds[number(seeds.count)].prefix(number(60))
            }
        }
        return input
    }

    /// Blocks of the same bytes. Most are large, so that the test is quick.
    mutating func blocks(of input: [UInt8]) -> [[UInt8]] {
        (number(20) == 0 ? InputCut.bytes : .random).blocks(of: input, using: &random)
    }

    private mutating func number(_ limit: Int) -> Int { Int.random(in: 0..<max(1, limit), using: &random) }
}

/// 50,000 inputs for each parser: nothing traps, and the blocks do not matter.
@Suite struct `Random input` {
    private static let count = 50_000
    private static let words = [
        "\r\n", "\n", "\r", "\0", " ", ":", ",", ";", "HTTP/1.1 ", "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "ffffffffffffffff\r\n", "18446744073709551616", "0\r\n\r\n", "HTTP/1.1 100 x\r\n\r\n", "204", " folded",
    ].map { Array($0.utf8) }

    @Test func `does not harm the parser of responses`() {
        var mutator = Mutator(
            seeds: [
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 404 Not Found\r\n\r\nno",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nd\r\n0\r\nT: u\r\n\r\n",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 x\r\nA: b\r\n c\r\n\r\n",
            ].map { Array($0.utf8) }, words: Self.words, random: SeededGenerator(1))
        var (good, bad) = (0, 0)
        for round in 0..<Self.count {
            let input = mutator.input()
            let method = round % 8 == 0 ? HTTPMethod.head : .get
            let whole = parseResponse([input], for: method, closes: true)
            let other = parseResponse(mutator.blocks(of: input), for: method, closes: true)
            guard whole != other else {
                if whole.error == nil { good += 1 } else { bad += 1 }
                continue
            }
            Issue.record("the blocks matter: \(String(escaping: input, special: ""))")
            return
        }
        #expect(good > 1000 && bad > 1000)
    }

    @Test func `does not harm the parser of requests`() {
        var mutator = Mutator(
            seeds: [
                "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
                "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ].map { Array($0.utf8) }, words: Self.words, random: SeededGenerator(2))
        var (good, bad) = (0, 0)
        for _ in 0..<Self.count {
            let input = mutator.input()
            let whole = parseRequests([input])
            guard whole != parseRequests(mutator.blocks(of: input)) else {
                if whole.error == nil { good += 1 } else { bad += 1 }
                continue
            }
            Issue.record("the blocks matter: \(String(escaping: input, special: ""))")
            return
        }
        #expect(good > 1000 && bad > 1000)
    }

    @Test func `does not harm the decoder of frames`() {
        let payload = Array("Grüße".utf8)
        for mask in [nil, 0x0102_0304] as [UInt32?] {
            let seeds = [
                WebSocketFrameHead(.text, length: 7, mask: mask).encoded(with: payload),
                WebSocketFrameHead(.binary, length: 2, isFinal: false, mask: mask).encoded(with: [1, 2])
                    + WebSocketFrameHead(.ping, length: 1, mask: mask).encoded(with: [3])
                    + WebSocketFrameHead(.continuation, length: 130, mask: mask)
                    .encoded(with: [UInt8](repeating: 7, count: 130)),
                WebSocketFrameHead(.close, length: 4, mask: mask).encoded(with: [3, 0xE8, 0x41, 0x42]),
            ]
            var mutator = Mutator(
                seeds: seeds, words: [[0x81, 0x7E], [0x82, 0x7F], [0xFF], [0x80], [0], [0x89, 0], [0xC3]],
                random: SeededGenerator(3))
            var (good, bad) = (0, 0)
            for _ in 0..<Self.count / 2 {
                let input = mutator.input()
                let whole = decodeFrames([input], isMasked: mask != nil, longestMessage: 1000)
                let other = decodeFrames(mutator.blocks(of: input), isMasked: mask != nil, longestMessage: 1000)
                guard whole != other else {
                    if whole.error == nil { good += 1 } else { bad += 1 }
                    continue
                }
                Issue.record("the blocks matter: \(String(escaping: input, special: ""))")
                return
            }
            #expect(good > 1000 && bad > 1000)
        }
    }

    @Test func `does not harm the sessions, and none keeps much`() {
        var mutator = Mutator(
            seeds: [
                "GET /e HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 1\r\n\r\nx",
                "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            ].map { Array($0.utf8) }, words: Self.words, random: SeededGenerator(4))
        let url = URL(.http, .name("h"))
        var options = HTTPExchange.Options()
        options.redirectionLimit = 2
        for _ in 0..<5_000 {
            var exchange = HTTPExchange(HTTPRequest(.get, url), to: url, options: options, at: .zero)
            var server = HTTPServer(HTTPServerScript(["/e": HTTPReply(body: .echo)]))
            var client = WebSocketClient(URL(.ws, .name("h")), random: SeededGenerator(1), at: .zero)
            var peer = WebSocketServer()
            client.connected(at: .zero)
            for _ in 0..<4 {
                let input = mutator.input()
                exchange.connected(at: .zero)
                _ = exchange.receive(input, at: .zero)
                server.receive(input, at: .zero)
                _ = client.receive(input, at: .zero)
                _ = peer.receive(input, at: .zero)
            }
            _ = exchange.advance(to: .zero + .seconds(5))
            server.advance(to: .zero + .seconds(5))
            _ = client.advance(to: .zero + .seconds(10))
            _ = exchange.connectionClosed(at: .zero)
            #expect(exchange.isFinished && client.isFinished)
        }
    }
}

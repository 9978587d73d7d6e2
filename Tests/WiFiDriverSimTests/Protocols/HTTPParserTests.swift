import Testing
@testable import WiFiSimProtocols
@testable import WiFiSimValues

@Suite struct `The parser of HTTP responses` {
    @Test(arguments: InputCut.allCases)
    func `reads a body by its length, and leaves what follows`(cut: InputCut) {
        let parsed = parseResponse(
            "HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nX-Empty:\r\nX: \t a b \r\n\r\nhelloHTTP/1.1", cut: cut)
        #expect(parsed.error == nil)
        #expect(parsed.isComplete)
        #expect(parsed.body == "hello")
        #expect(parsed.rest == Array("HTTP/1.1".utf8))
        let head = parsed.messages.first?.head
        #expect(head?.status == 200)
        #expect(head?.reason == "OK")
        #expect(head?.fields["Content-Length"] == "5")
        #expect(head?.fields["x-empty"] == "")
        #expect(head?.fields["X"] == "a b")
    }

    @Test(arguments: InputCut.allCases)
    func `undoes chunked coding, with extensions and trailers`(cut: InputCut) {
        let text = """
            HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n\
            5\r\nhello\r\n00b ; name="value"\r\n, chunked, \r\n1\r\n!\r\n0;last\r\nX-Sum: 17\r\nY: z\r\n\r\nrest
            """
        let parsed = parseResponse(text, cut: cut)
        #expect(parsed.error == nil)
        #expect(parsed.body == "hello, chunked, !")
        #expect(parsed.messages.first?.trailers == ["X-Sum": "17", "Y": "z"])
        #expect(parsed.rest == Array("rest".utf8))
    }

    @Test(arguments: InputCut.allCases)
    func `takes a body without length until the connection ends`(cut: InputCut) {
        for fields in ["", "Transfer-Encoding: gzip\r\n", "Connection: keep-alive\r\n"] {
            let text = "HTTP/1.0 200\r\n\(fields)\r\nall of it"
            #expect(!parseResponse(text, cut: cut).isComplete)
            let parsed = parseResponse(text, cut: cut, closes: true)
            #expect(parsed.isComplete)
            #expect(parsed.error == nil)
            #expect(parsed.body == "all of it")
        }
    }

    @Test(arguments: InputCut.allCases)
    func `expects no body after HEAD, 204 and 304`(cut: InputCut) {
        let head = parseResponse("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx", for: .head, cut: cut)
        #expect(head.isComplete && head.body == "" && head.rest == [0x78])
        #expect((try? head.messages.first?.head.fields.contentLength()) == 1000)
        for status in [204, 304] {
            let parsed = parseResponse("HTTP/1.1 \(status) x\r\nContent-Length: 9\r\n\r\nx", cut: cut)
            #expect(parsed.isComplete && parsed.body == "" && parsed.rest == [0x78], "\(status)")
        }
        #expect(parseResponse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", cut: cut).isComplete)
    }

    @Test(arguments: InputCut.allCases)
    func `skips interim responses, and stops after 101`(cut: InputCut) {
        let text = "\r\n\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
        let parsed = parseResponse(text + "HTTP/1.1 201 Created\nContent-Length: 2\n\nok", cut: cut)
        #expect(parsed.messages.map(\.head.status) == [201])
        #expect(parsed.messages.first?.head.fields.all.count == 1)
        #expect(parsed.body == "ok")
        let upgrade = parseResponse("HTTP/1.1 101 Switching Protocols\r\n\r\n\u{1}\u{2}", cut: cut)
        #expect(upgrade.isComplete && upgrade.rest == [1, 2])
    }

    @Test(arguments: InputCut.allCases)
    func `joins continued fields`(cut: InputCut) {
        let parsed = parseResponse("HTTP/1.1 204 x\r\nA: 1\r\n \t2\r\n\t\r\nB:\r\n 3\r\n\r\n", cut: cut)
        #expect(parsed.messages.first?.head.fields == ["A": "1 2", "B": "3"])
    }

    @Test func `tells whether the connection can be used again`() throws {
        let cases = [
            ("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", true), ("HTTP/1.1 200 x\r\n\r\n", false),
            ("HTTP/1.1 204 x\r\nConnection: x, Close\r\n\r\n", false), ("HTTP/1.0 204 x\r\n\r\n", false),
            ("HTTP/1.0 204 x\r\nConnection: Keep-Alive\r\n\r\n", true),
        ]
        for (text, keeps) in cases {
            var parser = HTTPResponseParser()
            var rest = Array(text.utf8)[...]
            while try parser.next(from: &rest) != nil {}
            #expect(parser.keepsConnection == keeps, "\(text)")
        }
    }

    @Test(
        arguments: [
            ("SSH-2.0-OpenSSH_9.2\r\n", .noStatusLine), ("\u{15}\u{3}\u{1}", .noStatusLine), ("<html>", .noStatusLine),
            ("\rHTTP/1.1 200 OK\r\n", .noStatusLine), ("HTTP/1.1\r\n", .noStatusLine),
            ("HTTP/1.1 20 x\r\n", .noStatusLine), ("HTTP/1.1 2000 x\r\n", .noStatusLine),
            ("HTTP/1.1 +20 x\r\n", .noStatusLine), ("HTTP/1.1  200 x\r\n", .noStatusLine),
            ("HTTP/1.1 000 x\r\n", .noStatusLine), ("HTTP/2.0 200 x\r\n", .unsupportedVersion),
            ("HTTP/11 200 x\r\n", .unsupportedVersion), ("HTTP/1.x 200 x\r\n", .unsupportedVersion),
            ("HTTP/1.1 200 x\r\nno colon\r\n", .badField("no colon")),
            ("HTTP/1.1 200 x\r\nA : b\r\n", .badField("A : b")), ("HTTP/1.1 200 x\r\n: b\r\n", .badField(": b")),
            ("HTTP/1.1 200 x\r\n folded\r\n", .badField(" folded")),
            ("HTTP/1.1 200 x\r\nA: b\rc\r\n", .badField("A: b\\rc")),
            ("HTTP/1.1 200 x\r\nA: b\0\r\n", .badField("A: b\\x00")),
            ("HTTP/1.1 200 x\r\nContent-Length: ten\r\n\r\n", .badLength),
            ("HTTP/1.1 200 x\r\nContent-Length: -1\r\n\r\n", .badLength),
            ("HTTP/1.1 200 x\r\nContent-Length: +1\r\n\r\n", .badLength),
            ("HTTP/1.1 200 x\r\nContent-Length:\r\n\r\n", .badLength),
            ("HTTP/1.1 200 x\r\nContent-Length: 5,\r\n\r\n", .badLength),
            ("HTTP/1.1 200 x\r\nContent-Length: 18446744073709551615\r\n\r\n", .lengthTooLarge),
            ("HTTP/1.1 200 x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .contradictoryLengths),
            ("HTTP/1.1 200 x\r\nContent-Length: 5, 6\r\n\r\n", .contradictoryLengths),
            ("HTTP/1.1 200 x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .contradictoryLengths),
        ] as [(String, HTTPError)])
    func `refuses a bad head`(text: String, error: HTTPError) {
        for cut in InputCut.allCases { #expect(parseResponse(text, cut: cut).error == error) }
    }

    @Test(
        arguments: [
            ("\r\n", .badChunkSize), ("x\r\n", .badChunkSize), ("-1\r\n", .badChunkSize), ("+1\r\n", .badChunkSize),
            ("0x5\r\n", .badChunkSize), (";a\r\n", .badChunkSize), ("5 5\r\n", .badChunkSize),
            ("ffffffffffffffff\r\n", .lengthTooLarge), ("10000000000000000\r\n", .lengthTooLarge),
            ("8000000000000000\r\n", .lengthTooLarge), ("2\r\nabc\r\n", .badChunkEnd), ("2\r\nab\rc", .badChunkEnd),
            ("0\r\nnot a trailer\r\n", .badField("not a trailer")),
        ] as [(String, HTTPError)])
    func `refuses bad chunks`(text: String, error: HTTPError) {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for cut in InputCut.allCases { #expect(parseResponse(head + text, cut: cut).error == error) }
    }

    @Test func `takes chunks of any size that has 63 bits`() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let parsed = parseResponse(head + "7fffffffffffffff\r\nabc", closes: true)
        #expect(parsed.body == "abc")
        #expect(parsed.error == .incompleteBody(missing: nil))
        #expect(parseResponse(head + "0000000000000000000001\r\na\r\n0\r\n\r\n").isComplete)
    }

    @Test func `takes the same length twice`() {
        let parsed = parseResponse("HTTP/1.1 200 x\r\nContent-Length: 2, 02\r\nContent-Length: 2\r\n\r\nok")
        #expect(parsed.isComplete && parsed.body == "ok")
    }

    @Test(
        arguments: [
            ("", .incompleteHead), ("HTTP/1.1 200 OK\r\nContent-Le", .incompleteHead),
            ("HTTP/1.1 100 Continue\r\n\r\n", .incompleteHead),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .incompleteBody(missing: 7)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", .incompleteBody(missing: nil)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", .incompleteBody(missing: nil)),
        ] as [(String, HTTPError)])
    func `tells what a connection that ends has left out`(text: String, error: HTTPError) {
        for cut in InputCut.allCases { #expect(parseResponse(text, cut: cut, closes: true).error == error) }
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 ", "x", .lineTooLong(limit: 1024)),
            ("HTTP/1.1 200 OK\r\nA: ", "x", .lineTooLong(limit: 1024)),
            ("HTTP/1.1 200 OK\r\n", "A: b\r\n", .headTooLong(limit: 4096)), ("", "\r\n", .headTooLong(limit: 4096)),
            ("HTTP/1.1 200 OK\r\nA: b", "\r\n c", .headTooLong(limit: 4096)),
            ("", "HTTP/1.1 100 Continue\r\n\r\n", .headTooLong(limit: 4096)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x", .lineTooLong(limit: 1024)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n", .headTooLong(limit: 4096)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0", .lineTooLong(limit: 1024)),
        ] as [(String, String, HTTPError)])
    func `keeps no more than its limits of a head without end`(start: String, endless: String, error: HTTPError) {
        var limits = HTTPLimits()
        limits.line = 1024
        limits.head = 4096
        let bytes = Array((start + String(repeating: endless, count: 10_000 / endless.utf8.count)).utf8)
        for cut in InputCut.allCases { #expect(parseResponse(cut.blocks(of: bytes), limits: limits).error == error) }
    }

    @Test func `throws the same error again`() {
        var parser = HTTPResponseParser()
        var bytes = Array("nonsense".utf8)[...]
        #expect(throws: HTTPError.noStatusLine) { try parser.next(from: &bytes) }
        var more = Array("HTTP/1.1 200 OK\r\n\r\n".utf8)[...]
        #expect(throws: HTTPError.noStatusLine) { try parser.next(from: &more) }
        #expect(throws: HTTPError.noStatusLine) { try parser.close() }
    }

    @Test func `keeps bytes that are no text`() {
        let bytes = Array("HTTP/1.1 204 x\r\nA: ".utf8) + [0xFF, 0xE9, 0x01] + Array("\r\n\r\n".utf8)
        #expect(parseResponse([bytes]).messages.first?.head.fields.all.first?.value == [0xFF, 0xE9, 0x01])
    }

    @Test func `reads what the writer writes, whatever the body and its coding`() {
        var random = SeededGenerator(7)
        for round in 0..<300 {
            let body = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var response = HTTPResponse(Int.random(in: 200...203, using: &random), fields: ["X-Round": "\(round)"])
            var bytes: [UInt8]
            let coding = Int.random(in: 0...2, using: &random)
            switch coding {
            case 0:
                response.fields.append(HTTPField("Content-Length", "\(body.count)"))
                bytes = response.encoded + body
            case 1:
                response.fields.append(HTTPField("Transfer-Encoding", "chunked"))
                bytes = response.encoded
                for block in InputCut.random.blocks(of: body, using: &random) { bytes += HTTPChunks.chunk(block) }
                bytes += HTTPChunks.end(trailers: ["T": "\(round)"])
            default: bytes = response.encoded + body
            }
            for cut in InputCut.allCases {
                let parsed = parseResponse(cut.blocks(of: bytes, using: &random), closes: true)
                #expect(parsed.messages.map(\.head) == [response])
                #expect(parsed.messages.first?.body == body)
                #expect(parsed.messages.first?.trailers == (coding == 1 ? ["T": "\(round)"] : HTTPFields()))
            }
        }
    }
}

@Suite struct `The parser of HTTP requests` {
    @Test(arguments: InputCut.allCases)
    func `reads requests one after the other`(cut: InputCut) {
        let text = """
            GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n\
            \r\nPOST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\nabc\
            PUT /q HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n
            """
        let parsed = parseRequests(text, cut: cut)
        #expect(parsed.error == nil && parsed.isComplete)
        #expect(parsed.messages.map(\.head.method) == [.get, .post, .put])
        #expect(parsed.messages.map(\.head.target) == ["/a?b=c", "/p", "/q"])
        #expect(parsed.messages.map(\.head.expectsContinue) == [false, true, false])
        #expect(parsed.messages.map(\.head.keepsConnection) == [true, true, false])
        #expect(parsed.messages.map(\.body) == [[], Array("abc".utf8), Array("de".utf8)])
        #expect(parsed.messages.first?.head.path == "/a")
    }

    @Test(
        arguments: [
            ("GET /\r\n", .noRequestLine), ("GET  / HTTP/1.1\r\n", .noRequestLine),
            ("GET / a HTTP/1.1\r\n", .noRequestLine),
            ("G(T / HTTP/1.1\r\n", .noRequestLine), ("GET / FTP/1.1\r\n", .noRequestLine),
            ("GET /\u{1} HTTP/1.1\r\n", .noRequestLine), ("\u{16}\u{3}\u{1}\n", .noRequestLine),
            ("GET / HTTP/2.0\r\n", .unsupportedVersion), ("GET / HTTP/1.10\r\n", .unsupportedVersion),
            ("GET / HTTP/1.1\r\nA: b\r\n c\r\n", .badField(" c")),
            ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", .contradictoryLengths),
            ("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .contradictoryLengths),
            ("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", .unsupportedCoding),
        ] as [(String, HTTPError)])
    func `refuses a bad request`(text: String, error: HTTPError) {
        for cut in InputCut.allCases { #expect(parseRequests(text, cut: cut).error == error) }
    }

    @Test func `reads what the writer writes`() throws {
        let url = try URL("http://h:81/a?b")
        let request = HTTPRequest(
            .post, url, contentType: "application/json",
            fields: [HTTPField("content-type", "text/x"), HTTPField("A", "b")],
            bodyLength: 2)
        #expect(
            String(decoding: request.encoded, as: UTF8.self) == """
                POST /a?b HTTP/1.1\r\nUser-Agent: ESP32 HTTP Client/1.0\r\nHost: h:81\r\ncontent-type: text/x\r\n\
                A: b\r\nContent-Length: 2\r\n\r\n
                """)
        let parsed = parseRequests([request.encoded + [1, 2]])
        #expect(parsed.messages == [.init(head: request, body: [1, 2], trailers: HTTPFields())])
    }

    @Test func `reads a field that the host gives`() throws {
        #expect(try HTTPField(line: Array("key:  a: b ".utf8)) == HTTPField("key", "a: b"))
        for bad in ["", "key", ":v", "a b: c", "a: b\r\nc: d"] {
            #expect(throws: HTTPError.self) { try HTTPField(line: Array(bad.utf8)) }
        }
    }

    @Test func `replaces fields without regard to case`() {
        var fields: HTTPFields = ["A": "1", "B": "2", "a": "3", "C": "4, 5,,\t6"]
        fields.set(HTTPField("a", "7"))
        #expect(fields == ["a": "7", "B": "2", "C": "4, 5,,\t6"])
        fields.remove("b")
        #expect(fields.all.count == 2)
        #expect(fields.list("c") == ["4", "5", "6"])
    }
}

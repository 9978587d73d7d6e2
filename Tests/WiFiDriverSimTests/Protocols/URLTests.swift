import Testing
@testable import WiFiSimProtocols
@testable import WiFiSimValues

@Suite struct `A URL` {
    @Test func `has a scheme, a host, a port and a target`() throws {
        #expect(try URL("http://example.org") == URL(.http, .name("example.org"), port: 80, target: "/"))
        #expect(try URL("HTTPS://Example.org/a/b?c=d#e") == URL(.https, .name("Example.org"), target: "/a/b?c=d"))
        #expect(try URL("http://h:8080?q") == URL(.http, .name("h"), port: 8080, target: "/?q"))
        #expect(try URL("http://user:p@ss@h/") == URL(.http, .name("h")))
        #expect(try URL("http://10.0.2.2:1/x") == URL(.http, .address(.v4(.init(10, 0, 2, 2))), port: 1, target: "/x"))
        #expect(
            try URL("https://[fec0::2]:444/")
                == URL(.https, .address(.v6(.init(high: 0xFEC0 << 48, low: 2))), port: 444))
        #expect(try URL("ws://h/chat", schemes: [.ws, .wss]).port == 80)
        #expect(try URL("wss://h/chat", schemes: [.ws, .wss]).port == 443)
        #expect(try URL("http://h/http://other:1/@x").target == "/http://other:1/@x")
        #expect(try URL("http://h/ü,%20").target == "/ü,%20")
    }

    @Test func `is written as it was read, with the port only if it is not the scheme's`() throws {
        for text in ["http://h/", "https://h:444/a?b", "http://[::1]:81/", "ws://1.2.3.4/x"] {
            #expect(try URL(text, schemes: Set(URL.Scheme.allCases)).description == text)
        }
        #expect(try URL("https://h:443").description == "https://h/")
        #expect(try URL("http://h:443").authority == "h:443")
    }

    @Test(
        arguments: [
            ("", .noScheme, 0), ("h/path", .noScheme, 0), ("http:/h", .noScheme, 0), ("ftp://h", .unknownScheme, 0),
            ("ws://h", .unknownScheme, 0), ("://h", .unknownScheme, 0), ("http://", .noHost, 7),
            ("http:///x", .noHost, 7), ("http://:80/", .noHost, 7), ("http://u@/", .noHost, 9),
            ("http://a b/", .badCharacter, 8), ("http://h/\r\nX: y", .badCharacter, 9),
            ("http://h/\u{7F}", .badCharacter, 9), ("http://hö/", .badHost, 8), ("http://h%41/", .badHost, 8),
            ("http://[::1/", .badHost, 7), ("http://[::g]/", .badHost, 7), ("http://[::1]80/", .badHost, 12),
            ("http://h:/", .badPort, 9), ("http://h:0/", .badPort, 9), ("http://h:65536/", .badPort, 9),
            ("http://h:+1/", .badPort, 9), ("http://h:1:2/", .badPort, 9),
            ("http://h:999999999999999999999", .badPort, 9),
        ] as [(String, URLError.Problem, Int)])
    func `is refused with the place of the problem`(text: String, problem: URLError.Problem, offset: Int) {
        #expect(throws: URLError(problem, at: offset)) { try URL(text) }
    }

    // RFC 3986, section 5.4, as far as it applies.
    @Test(
        arguments: [
            ("g", "/b/c/g"), ("./g", "/b/c/g"), ("g/", "/b/c/g/"), ("/g", "/g"), ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"), ("", "/b/c/d;p?q"), (".", "/b/c/"), ("..", "/b/"), ("../g", "/b/g"),
            ("../../../g", "/g"), ("g;x=1/../y", "/b/c/y"), ("g?y/../x", "/b/c/g?y/../x"), ("#s", "/b/c/d;p?q"),
        ])
    func `resolves a reference`(reference: String, target: String) throws {
        let base = try URL("http://a:81/b/c/d;p?q")
        #expect(try base.resolving(reference) == URL(.http, .name("a"), port: 81, target: target))
    }

    @Test func `resolves a reference to another server`() throws {
        let base = try URL("https://a/b")
        #expect(try base.resolving("//c/d").description == "https://c/d")
        #expect(try base.resolving("http://c/d").description == "http://c/d")
        #expect(throws: URLError(.unknownScheme, at: 0)) { try base.resolving("ftp://c/d") }
        #expect(throws: URLError(.noScheme, at: 0)) { try base.resolving("mailto:me") }
        #expect(throws: URLError.self) { try base.resolving("/a b") }
    }

    @Test func `of random characters never traps`() {
        var random = SeededGenerator(1)
        let pieces = [
            "http", "https", "://", ":", "/", "?", "#", "@", "[", "]", "..", ".", "a", "1", "::", "ü", " ", "%", "\0",
        ]
        let base = URL(.http, .name("h"), target: "/a/b")
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }.joined()
            if let url = try? URL(text) { #expect((try? URL(url.description)) == url, "\(text)") }
            _ = try? base.resolving(text)
        }
    }
}

@Suite struct `SHA-1 and Base64` {
    @Test func `match their standards' examples`() {
        func hex(_ text: String) -> String {
            SHA1.digest(of: Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        #expect(hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(
            hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
        #expect(hex(String(repeating: "a", count: 1000)) == "291e9a6c66994949b57ba5e650361e98fc36b1ba")
        let examples = ["": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "foobar": "Zm9vYmFy"]
        for (text, encoded) in examples {
            #expect(Base64.encode(Array(text.utf8)) == encoded)
            #expect(Base64.decode(encoded) == Array(text.utf8))
        }
        for bad in ["Z", "Zg=", "Zg", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9*", "Zm9v\n"] {
            #expect(Base64.decode(bad) == nil, "\(bad)")
        }
        let all = Array(0...255) as [UInt8]
        #expect(Base64.decode(Base64.encode(all)) == all)
    }
}

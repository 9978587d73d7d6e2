import Testing
@testable import WiFiSimProtocols
@testable import WiFiSimValues

private func frame(
    _ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true, reserved: UInt8 = 0, mask: UInt32? = nil
) -> [UInt8] {
    var head = WebSocketFrameHead(WebSocketOpcode(rawValue: opcode) ?? .text, length: payload.count, isFinal: isFinal)
    head.reserved = reserved
    head.mask = mask
    return head.encoded(with: payload)
}

@Suite struct `The frames of WebSocket` {
    // RFC 6455, section 5.7.
    @Test func `match the standard's examples`() {
        let hello = Array("Hello".utf8)
        #expect(frame(1, hello) == [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        #expect(
            frame(1, hello, mask: 0x37FA_213D) == [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
        #expect(
            frame(1, Array(hello.prefix(3)), isFinal: false) + frame(0, [0x6C, 0x6F]) == [
                0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F,
            ])
        #expect(frame(9, hello).prefix(2) == [0x89, 0x05])
        #expect(frame(2, [UInt8](repeating: 0, count: 256)).prefix(4) == [0x82, 0x7E, 0x01, 0x00])
        #expect(
            frame(2, [UInt8](repeating: 0, count: 65_536)).prefix(10) == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 70_000], [nil, 0xA1B2_C3D4] as [UInt32?])
    func `keep their payload in each class of lengths`(length: Int, mask: UInt32?) {
        let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let bytes = frame(2, payload, mask: mask)
        for cut in InputCut.allCases where cut != .bytes || length < 1000 {
            let (events, error) = decodeFrames(cut.blocks(of: bytes), isMasked: mask != nil)
            #expect(error == nil)
            #expect(events.first == .frame(WebSocketFrameHead(.binary, length: length, mask: mask), of: .binary))
            #expect(events.last == .frameEnd(isLast: true))
            if length > 0 { #expect(events[1] == .payload(payload[...])) } else { #expect(events.count == 2) }
        }
    }

    @Test(arguments: InputCut.allCases)
    func `may have control frames between the fragments of a message`(cut: InputCut) {
        let bytes =
            frame(1, [0x61], isFinal: false) + frame(9, [1]) + frame(0, [], isFinal: false) + frame(10, [2])
            + frame(0, [0x62]) + frame(8, [0x03, 0xE8, 0x78])
        let (events, error) = decodeFrames(cut.blocks(of: bytes))
        #expect(error == nil)
        #expect(
            events == [
                .frame(WebSocketFrameHead(.text, length: 1, isFinal: false), of: .text), .payload([0x61]),
                .frameEnd(isLast: false), .ping([1]),
                .frame(WebSocketFrameHead(.continuation, length: 0, isFinal: false), of: .text),
                .frameEnd(isLast: false), .pong([2]), .frame(WebSocketFrameHead(.continuation, length: 1), of: .text),
                .payload([0x62]), .frameEnd(isLast: true), .close(WebSocketClosure(1000, "x")),
            ])
    }

    @Test(
        arguments: [
            (frame(1, reserved: 4), .reservedBits(4)), (frame(9, reserved: 1), .reservedBits(1)),
            (frame(1, mask: 1), .masked), (frame(9, isFinal: false), .fragmentedControl),
            (frame(9, [UInt8](repeating: 0, count: 126)), .longControl), (frame(0), .strayContinuation),
            (frame(1) + frame(0), .strayContinuation), (frame(1, isFinal: false) + frame(1), .unfinishedMessage),
            (frame(2, isFinal: false) + frame(2, isFinal: false), .unfinishedMessage),
            ([0x82, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .frameTooLong),
            ([0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], .frameTooLong), (frame(8, [3]), .badClose),
            (frame(8, [0, 0]), .badClose), (frame(8, [0x03, 0xED]), .badClose), (frame(8, [0x03, 0xEE]), .badClose),
            (frame(8, [0x0B, 0xB7]), .badClose), (frame(8, [0x13, 0x88]), .badClose),
            (frame(8, [0x03, 0xE8, 0xFF]), .badText), (frame(1, [0x61, 0xFF]), .badText),
            (frame(1, [0xC3]), .badText), (frame(1, [0xC3], isFinal: false) + frame(0, [0x28]), .badText),
            (frame(1, [0xED, 0xA0, 0x80]), .badText), (frame(1, [0xC0, 0x80]), .badText),
            (frame(1, [0xF4, 0x90, 0x80, 0x80]), .badText), (frame(1, [0xE0, 0x80, 0x80]), .badText),
            (frame(1, [0xF0, 0x80, 0x80, 0x80]), .badText), (frame(1, [0xF8]), .badText),
        ] as [([UInt8], WebSocketError)])
    func `are refused when they break the rules`(bytes: [UInt8], error: WebSocketError) {
        let whole = decodeFrames([bytes])
        #expect(whole.error == error)
        for cut in InputCut.allCases {
            let other = decodeFrames(cut.blocks(of: bytes))
            #expect(other.error == error)
            #expect(other.events == whole.events)
        }
    }

    @Test(arguments: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8])
    func `are refused with a reserved opcode`(opcode: UInt8) throws {
        let reserved = try #require(WebSocketOpcode(rawValue: opcode))
        #expect(decodeFrames([frame(opcode)]).error == .reservedOpcode(reserved))
    }

    @Test func `of a client are masked`() {
        #expect(decodeFrames([frame(1, [0x61])], isMasked: true).error == .unmasked)
        #expect(decodeFrames([frame(9)], isMasked: true).error == .unmasked)
    }

    @Test func `make a message no longer than the limit`() {
        let bytes = frame(2, [1, 2, 3], isFinal: false) + frame(0, [4, 5], isFinal: false)
        #expect(decodeFrames([bytes], longestMessage: 5).error == nil)
        #expect(decodeFrames([bytes + frame(0, [6])], longestMessage: 5).error == .messageTooLong(limit: 5))
        let huge: [UInt8] = [0x82, 0x7F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        #expect(decodeFrames([huge + [1]]).error == nil)
        #expect(decodeFrames([huge], longestMessage: 1 << 20).error == .messageTooLong(limit: 1 << 20))
        let endless = decodeFrames([frame(2, [1], isFinal: false) + [0x00, 0x7F] + huge.dropFirst(2)])
        #expect(endless.error == .messageTooLong(limit: .max))
    }

    @Test func `may have a length in a longer form than it needs`() {
        #expect(decodeFrames([[0x82, 0x7E, 0, 1, 9]]).events.contains(.payload([9])))
    }

    @Test func `check text as the standard library does`() {
        var random = SeededGenerator(3)
        let bytes: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4,
            0xF5,
        ]
        for _ in 0..<50_000 {
            let text = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                bytes[Int.random(in: 0..<bytes.count, using: &random)]
            }
            var checker = UTF8Checker()
            let isText = checker.take(text[...]) == nil && checker.isComplete
            #expect(isText == (String(validating: text, as: UTF8.self) != nil), "\(text)")
        }
    }

    @Test func `cut a reason that is too long between characters`() throws {
        let payload = WebSocketClosure(4000, String(repeating: "ü", count: 100)).payload
        #expect(payload.count == 124)
        #expect(try WebSocketClosure.read(payload)?.reason.count == 61)
    }
}

@Suite struct `The handshake of WebSocket` {
    // RFC 6455, section 1.3.
    @Test func `matches the standard's example`() throws {
        let key = try #require(WebSocketKey("dGhlIHNhbXBsZSBub25jZQ=="))
        #expect(key.accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    private static let key = WebSocketKey("dGhlIHNhbXBsZSBub25jZQ==")

    private func check(_ response: String, offering subprotocol: String? = "mqtt") throws -> String? {
        let key = try #require(Self.key)
        let request = WebSocketHandshake.request(URL(.ws, .name("h")), key: key, subprotocol: subprotocol)
        return try WebSocketHandshake.check(
            try #require(parseResponse(response).messages.first?.head), to: request, key: key)
    }

    private let good = """
        HTTP/1.1 101 x\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, upgrade\r\n\
        sec-websocket-ACCEPT: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n
        """

    @Test func `takes names in any case, and a subprotocol that was offered`() throws {
        #expect(try check(good + "\r\n") == nil)
        #expect(try check(good + "Sec-WebSocket-Protocol: mqtt\r\n\r\n", offering: "v5, mqtt") == "mqtt")
    }

    @Test func `fails with the reason`() {
        let cases: [(String, WebSocketHandshakeError)] = [
            ("HTTP/1.1 403 x\r\n\r\n", .refused(status: 403)), ("HTTP/1.1 200 x\r\n\r\n", .refused(status: 200)),
            ("HTTP/1.1 101 x\r\n\r\n", .noUpgrade), ("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", .noUpgrade),
            ("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", .noAccept),
            (good.replacing("s3pP", with: "S3pP") + "\r\n", .wrongAccept),
            (good + "Sec-WebSocket-Protocol: chat\r\n\r\n", .unknownSubprotocol("chat")),
            (good + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", .unknownExtension),
        ]
        for (response, error) in cases { #expect(throws: error) { try check(response) } }
    }

    @Test func `refuses requests that are no handshake`() throws {
        let key = try #require(Self.key)
        let good = WebSocketHandshake.request(URL(.ws, .name("h")), key: key, subprotocol: "a,b")
        #expect(try WebSocketHandshake.read(good).subprotocols == ["a", "b"])
        func changed(_ name: String, _ value: String?) -> HTTPRequest {
            var request = good
            if let value { request.fields.set(HTTPField(name, value)) } else { request.fields.remove(name) }
            return request
        }
        let cases: [(HTTPRequest, WebSocketHandshakeError)] = [
            (changed("Upgrade", nil), .noUpgrade), (changed("Connection", "close"), .noUpgrade),
            (changed("Sec-WebSocket-Version", "8"), .wrongVersion), (changed("Sec-WebSocket-Key", nil), .badKey),
            (changed("Sec-WebSocket-Key", "short"), .badKey),
        ]
        for (request, error) in cases { #expect(throws: error) { try WebSocketHandshake.read(request) } }
    }
}

import Testing
@testable import WiFiSimProtocols
@testable import WiFiSimValues

/// A client and a server in virtual time. Bytes take no time on their way.
private struct Session {
    var client: WebSocketClient
    var server: WebSocketServer
    var now = Instant.zero
    var block = Int.max
    private(set) var events: [WebSocketClient.Event] = []
    private(set) var serverEvents: [WebSocketServer.Event] = []
    private var isConnected = true

    init(_ script: WebSocketServerScript = .init(), options: WebSocketClient.Options = .init(), block: Int = .max) {
        client = WebSocketClient(
            URL(.ws, .name("h"), target: "/chat"), options: options, random: SeededGenerator(5), at: .zero)
        server = WebSocketServer(script)
        self.block = block
        client.connected(at: .zero)
    }

    /// Runs for `duration`, or until the client is finished.
    mutating func run(_ duration: Duration = .zero) {
        let end = now + duration
        while !client.isFinished {
            moveBytes()
            guard let due = Instant?.earlier(client.deadline, server.deadline), due <= end else { break }
            now = max(now, due)
            serverEvents += server.advance(to: now)
            events += client.advance(to: now)
        }
        moveBytes()
        now = end
    }

    mutating func send(_ payload: [UInt8], as opcode: WebSocketOpcode = .text, isFinal: Bool = true) {
        let isSent = client.send(payload, as: opcode, isFinal: isFinal, at: now)
        #expect(isSent)
    }

    private mutating func moveBytes() {
        while isConnected {
            let sent = client.takeOutput(block)
            serverEvents += server.receive(sent, at: now)
            let received = server.takeOutput(block)
            events += client.receive(received, at: now)
            if server.isFinished {
                isConnected = false
                events += client.connectionClosed(at: now)
            }
            if sent.isEmpty, received.isEmpty { return }
        }
    }

    /// The events since the last call.
    mutating func takeEvents() -> [WebSocketClient.Event] {
        defer { events = [] }
        return events
    }

    var data: [UInt8] {
        events.reduce(into: []) { all, event in if case .data(let piece) = event { all += piece.bytes } }
    }
}

@Suite struct `A WebSocket client` {
    @Test(arguments: [1, 10, .max])
    func `opens, sends, receives and closes`(block: Int) {
        var script = WebSocketServerScript()
        script.subprotocols = ["chat", "mqtt"]
        var options = WebSocketClient.Options()
        options.subprotocol = "mqtt, chat"
        options.fields = [HTTPField("Authorization", "Basic x")]
        var session = Session(script, options: options, block: block)
        session.run()
        #expect(session.takeEvents() == [.opened(subprotocol: "chat")])
        guard case .opened(let request) = session.serverEvents.first else {
            Issue.record("the server saw no request")
            return
        }
        #expect(request.target == "/chat")
        #expect(request.fields["Host"] == "h")
        #expect(request.fields["User-Agent"] == "ESP32 Websocket Client")
        #expect(request.fields["Authorization"] == "Basic x")

        session.send(Array("hello".utf8))
        session.run()
        #expect(
            session.takeEvents() == [
                .data(
                    WebSocketPiece(
                        opcode: .text, isFinalFrame: true, frameLength: 5, offset: 0, bytes: Array("hello".utf8)))
            ])
        session.client.close(WebSocketClosure(1001, "bye"), at: session.now)
        let isSent = session.client.send([], at: session.now)
        #expect(!isSent)
        session.run()
        #expect(session.serverEvents.last == .closed(WebSocketClosure(1001, "bye")))
        #expect(session.takeEvents() == [.closing(WebSocketClosure(1001)), .closed(WebSocketClosure(1001))])
        #expect(session.client.isFinished && session.client.deadline == nil)
    }

    @Test(arguments: [0, 1, 125, 126, 127, 1023, 1024, 1025, 65_535, 65_536, 100_000])
    func `gets back what it sends, in pieces of its buffer`(length: Int) {
        var session = Session(block: 1460)
        session.run()
        _ = session.takeEvents()
        let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        session.send(message, as: .binary)
        session.run()
        #expect(session.data == message)
        let pieces = session.takeEvents().compactMap { if case .data(let piece) = $0 { piece } else { nil } }
        #expect(pieces.dropLast().allSatisfy { $0.bytes.count == 1024 && !$0.isEnd })
        #expect(pieces.last?.isEnd == true)
        #expect(pieces.map(\.offset) == (0..<pieces.count).map { $0 * 1024 })
        #expect(pieces.allSatisfy { $0.frameLength == length && $0.opcode == .binary })
    }

    @Test func `sends and receives fragments`() {
        var script = WebSocketServerScript()
        script.frameSize = 3
        var session = Session(script)
        session.run()
        _ = session.takeEvents()
        let isSent = session.client.send(Array("hello, world".utf8), inFramesOf: 5, at: session.now)
        #expect(isSent)
        session.send(Array("!".utf8), isFinal: false)
        // A control frame may come between.
        session.send([], as: .ping)
        session.send(Array("?".utf8), as: .binary)
        session.run()
        #expect(session.data == Array("hello, world!?".utf8))
        #expect(
            session.serverEvents.suffix(3) == [
                .message(.text, Array("hello, world".utf8)), .ping([]), .message(.text, Array("!?".utf8)),
            ])
    }

    @Test func `asks whether the server lives, and gives up without an answer`() {
        var options = WebSocketClient.Options()
        options.pingInterval = .seconds(3)
        options.pongTimeout = .seconds(7)
        var session = Session(options: options)
        session.run(.seconds(60))
        #expect(session.serverEvents.filter { $0 == .ping([]) }.count == 20)
        #expect(session.client.isOpen)

        var script = WebSocketServerScript()
        script.misbehaviour = .ignoresPings
        session = Session(script, options: options)
        session.run(.seconds(60))
        #expect(session.serverEvents.filter { $0 == .ping([]) }.count == 3)
        #expect(session.events.last == .failed(.noPong))
        session = Session(script, options: options)
        session.run(.milliseconds(9999))
        #expect(session.client.isOpen, "seven seconds count from the first ping, at three")
    }

    @Test func `answers pings, and of a flood at least the last`() {
        var script = WebSocketServerScript()
        script.pingInterval = .seconds(1)
        var session = Session(script)
        session.run(.milliseconds(5500))
        #expect(session.serverEvents.filter { $0 == .pong([]) }.count == 5)

        var random = SeededGenerator(0)
        var client = WebSocketClient(URL(.ws, .name("h")), random: SeededGenerator(1), at: .zero)
        client.connected(at: .zero)
        let key = parseRequests([client.takeOutput()]).messages.first?.head.fields["Sec-WebSocket-Key"]
        let response = WebSocketHandshake.response(to: WebSocketKey(key ?? "") ?? WebSocketKey(using: &random))
        _ = client.receive(response.encoded, at: .zero)
        for number in 0..<100_000 as Range<UInt32> {
            let payload = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
            _ = client.receive(WebSocketFrameHead(.ping, length: 4).encoded(with: payload), at: .zero)
        }
        var output = client.takeOutput()
        #expect(output.count < 20_000)
        output += client.takeOutput()
        let pongs = decodeFrames([output], isMasked: true).events
        #expect(pongs.last == .pong([0, 1, 0x86, 0x9F]))
        #expect(!client.hasOutput)
    }

    @Test func `answers the server's close frame, and waits for the end of the connection`() {
        for (repeats, answer) in [(false, nil), (true, WebSocketClosure(4000))] as [(Bool, WebSocketClosure?)] {
            var script = WebSocketServerScript()
            script.closesAfter = .seconds(2)
            script.closure = WebSocketClosure(4000, "enough")
            var options = WebSocketClient.Options()
            options.repeatsCloseCode = repeats
            var session = Session(script, options: options)
            session.run(.seconds(10))
            #expect(session.serverEvents.last == .closed(answer))
            let closure = WebSocketClosure(4000, "enough")
            #expect(session.events == [.opened(subprotocol: nil), .closing(closure), .closed(closure)])
        }
    }

    @Test func `does not wait for ever for the end`() {
        var script = WebSocketServerScript()
        script.misbehaviour = .ignoresClose
        var session = Session(script)
        session.run()
        session.client.close(at: session.now)
        session.run(.milliseconds(9999))
        #expect(!session.client.isFinished)
        session.run(.milliseconds(1))
        #expect(session.events.last == .failed(.closeTimedOut))

        // The close frame comes, but the connection stays.
        session = Session()
        session.run()
        _ = session.takeEvents()
        let close = WebSocketFrameHead(.close, length: 0).encoded
        #expect(session.client.receive(close, at: .zero) == [.closing(nil)])
        #expect(session.client.deadline == .zero + .seconds(1))
        #expect(session.client.advance(to: .zero + .seconds(1)) == [.closed(nil)])
    }

    @Test(
        arguments: [
            (.silent, .openTimedOut), (.refuses(status: 503), .handshake(.refused(status: 503))),
            (.wrongAccept, .handshake(.wrongAccept)), (.noAccept, .handshake(.noAccept)),
            (.cutsOff(after: .seconds(1)), .connectionLost),
            (.sends([0x83, 0]), .invalidFrame(.reservedOpcode(.init(rawValue: 3) ?? .text))),
            (.sends([0x81, 1, 0xFF]), .invalidFrame(.badText)),
            (.sends([0x00, 0x00]), .invalidFrame(.strayContinuation)),
        ] as [(WebSocketServerScript.Misbehaviour, WebSocketFailure)])
    func `fails with the reason`(misbehaviour: WebSocketServerScript.Misbehaviour, failure: WebSocketFailure) {
        var script = WebSocketServerScript()
        script.misbehaviour = misbehaviour
        var session = Session(script)
        session.run(.seconds(20))
        #expect(session.events.last == .failed(failure))
        #expect(session.client.isFinished && session.client.deadline == nil)
    }

    @Test(
        arguments: [(.masksFrames, .masked), (.reservedBits(2), .reservedBits(2))]
            as [(WebSocketServerScript.Misbehaviour, WebSocketError)])
    func `tells the server what is wrong with its frames`(
        misbehaviour: WebSocketServerScript.Misbehaviour, error: WebSocketError
    ) {
        var script = WebSocketServerScript()
        script.misbehaviour = misbehaviour
        script.pushes = [.init(after: .seconds(1), [0x61])]
        var session = Session(script)
        session.run(.seconds(20))
        #expect(session.events.last == .failed(.invalidFrame(error)))
        #expect(session.serverEvents.last == .closed(WebSocketClosure(1002)))
    }

    @Test func `fails without a connection, and with a server of something else`() {
        let url = URL(.ws, .name("h"))
        var client = WebSocketClient(url, random: SeededGenerator(1), at: .zero)
        #expect(client.advance(to: .zero + .seconds(10)) == [.failed(.openTimedOut)])
        client = WebSocketClient(url, random: SeededGenerator(1), at: .zero)
        #expect(client.connectionClosed(at: .zero) == [.failed(.notConnected)])
        client = WebSocketClient(url, random: SeededGenerator(1), at: .zero)
        client.connected(at: .zero)
        #expect(client.receive(Array("SSH-2.0\r\n".utf8), at: .zero) == [.failed(.invalidResponse(.noStatusLine))])
        #expect(client.receive([1], at: .zero).isEmpty)
        #expect(client.connectionClosed(at: .zero).isEmpty)
    }

    @Test func `closes with the raw frame of the host, too`() {
        var session = Session()
        session.run()
        session.send([0x03, 0xE8], as: .close)
        session.run()
        #expect(session.events.last == .closed(WebSocketClosure(1000)))
    }

    @Test func `sends the same bytes with the same random source`() {
        func bytes(_ seed: UInt64) -> [UInt8] {
            var client = WebSocketClient(URL(.ws, .name("h")), random: SeededGenerator(seed), at: .zero)
            client.connected(at: .zero)
            return client.takeOutput()
        }
        #expect(bytes(1) == bytes(1))
        #expect(bytes(1) != bytes(2))
    }
}

@Suite struct `The WebSocket server of the world` {
    @Test func `pushes messages at their times`() {
        var script = WebSocketServerScript()
        script.delay = .milliseconds(500)
        script.pushes = [.init(after: .seconds(2), [2], as: .binary), .init(after: .seconds(1), [0x31])]
        var session = Session(script)
        session.run(.milliseconds(499))
        #expect(session.events.isEmpty)
        session.run(.milliseconds(1))
        #expect(session.takeEvents() == [.opened(subprotocol: nil)])
        session.run(.seconds(1))
        #expect(session.data == [0x31])
        session.run(.seconds(1))
        #expect(session.data == [0x31, 2])
    }

    @Test func `serves its path alone`() {
        var script = WebSocketServerScript()
        script.path = "/other"
        var session = Session(script)
        session.run()
        #expect(session.events == [.failed(.handshake(.refused(status: 404)))])
        #expect(session.serverEvents == [.refused(.refused(status: 404))])
    }

    @Test func `refuses what is no WebSocket client`() {
        var server = WebSocketServer()
        #expect(server.receive(Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8), at: .zero) == [.refused(.noUpgrade)])
        #expect(String(decoding: server.takeOutput(), as: UTF8.self).hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(server.isFinished)
        server = WebSocketServer()
        #expect(server.receive(Array("\u{16}\u{3}\n".utf8), at: .zero) == [.invalidRequest(.noRequestLine)])
        #expect(server.receive([1, 2, 3], at: .zero).isEmpty)
    }

    @Test func `refuses frames without a mask, and messages that are too long`() {
        for (frame, error) in [
            (WebSocketFrameHead(.text, length: 1).encoded(with: [0x61]), .unmasked),
            (WebSocketFrameHead(.text, length: 1 << 21, mask: 0).encoded, .messageTooLong(limit: 1 << 20)),
        ] as [([UInt8], WebSocketError)] {
            var session = Session()
            session.run()
            #expect(session.server.receive(frame, at: .zero) == [.invalidFrame(error)])
            session.run()
            #expect(session.events.contains(.closing(WebSocketClosure(error.closeCode))))
        }
    }
}

import WiFiSimValues

/// What a WebSocket server of the world does.
package struct WebSocketServerScript: Sendable, Equatable {
    /// A message that the server sends by itself.
    package struct Push: Sendable, Equatable {
        /// From the handshake.
        package var after: Duration
        package var message: [UInt8]
        package var opcode: WebSocketOpcode

        package init(after: Duration, _ message: [UInt8], as opcode: WebSocketOpcode = .text) {
            self.after = after
            self.message = message
            self.opcode = opcode
        }
    }

    package enum Misbehaviour: Sendable, Equatable {
        /// Accepts the connection and says nothing.
        case silent
        /// Answers the handshake with another status than 101.
        case refuses(status: Int)
        /// Answers with the accept value of another key.
        case wrongAccept
        case noAccept
        /// Masks its frames.
        case masksFrames
        /// Sets reserved bits in its frames.
        case reservedBits(UInt8)
        /// Does not answer pings.
        case ignoresPings
        /// Does not answer a close frame.
        case ignoresClose
        /// Sends this many pings after the handshake.
        case floodsPings(Int)
        /// Sends these bytes after the handshake.
        case sends([UInt8])
        /// Closes the connection without a close frame, so long after the handshake.
        case cutsOff(after: Duration)
    }

    /// The only path that is served; `nil` for all.
    package var path: String?
    /// The subprotocols that the server has, the best first.
    package var subprotocols: [String] = []
    /// More fields of the response.
    package var fields: [HTTPField] = []
    /// Whether the server sends each message back.
    package var echoes = true
    /// In bytes: longer messages are sent in frames of this size. `nil` for one frame each.
    package var frameSize: Int?
    /// Messages by the time that they are sent.
    package var pushes: [Push] = []
    /// From one ping of the server to the next; `nil` for none.
    package var pingInterval: Duration?
    /// From the handshake to the server's close frame; `nil` for none.
    package var closesAfter: Duration?
    /// What the close frame of `closesAfter` says.
    package var closure = WebSocketClosure.normal
    /// From the request to the response.
    package var delay = Duration.zero
    /// In bytes: a longer message ends the connection with code 1009.
    package var longestMessage = 1 << 20
    package var misbehaviour: Misbehaviour?

    package init() {}
}

/// A server's side of one WebSocket connection, as its script says.
///
/// - Input: `receive(_:at:)` and `advance(to:)`; `send`, `ping` and `close` while it is open.
/// - Output: `takeOutput(_:)`; `deadline`, when `advance(to:)` is due; `isFinished`, when the connection is to be closed.
///
/// Sans-IO and deterministic.
package struct WebSocketServer {
    package enum Event: Equatable, Sendable {
        case opened(HTTPRequest)
        /// A whole message.
        case message(WebSocketOpcode, [UInt8])
        case ping([UInt8])
        case pong([UInt8])
        /// The client has sent a close frame.
        case closed(WebSocketClosure?)
        /// The client breaks the protocol, or the server refuses it.
        case refused(WebSocketHandshakeError)
        case invalidRequest(HTTPError)
        case invalidFrame(WebSocketError)
    }

    private enum State {
        case opening(HTTPRequestParser)
        /// The response is due.
        case delaying(HTTPResponse, until: Instant)
        case open
        /// A close frame is sent, and the client's has not come.
        case closing
        /// Nothing more is read. The connection ends when the output is taken.
        case finished
        /// Nothing more is read or sent.
        case silent
    }

    private enum Timed {
        case push(WebSocketServerScript.Push)
        case ping
        case close
        case cutOff
    }

    /// In bytes: what the client may send before the response.
    private static let longestInput = 65_536

    private let script: WebSocketServerScript
    private var state = State.opening(HTTPRequestParser())
    private var decoder: WebSocketDecoder
    private var early: [UInt8] = []
    private var message: [UInt8] = []
    private var messageOpcode = WebSocketOpcode.text
    private var output = ByteQueue()
    private var timed = TimedQueue<Int, Timed>()

    package init(_ script: WebSocketServerScript = WebSocketServerScript()) {
        self.script = script
        decoder = WebSocketDecoder(isMasked: true, longestMessage: script.longestMessage)
    }

    package var isOpen: Bool { if case .open = state { true } else { false } }
    package var hasOutput: Bool { !output.isEmpty }

    /// Whether the server wants the connection closed: all output has been taken.
    package var isFinished: Bool { if case .finished = state { output.isEmpty } else { false } }

    /// When `advance(to:)` has something to do.
    package var deadline: Instant? {
        switch state {
        case .delaying(_, let due): due
        case .open: timed.nextDue
        case .opening, .closing, .finished, .silent: nil
        }
    }

    /// Takes at most `limit` bytes for the client.
    package mutating func takeOutput(_ limit: Int = .max) -> [UInt8] { output.take(limit) }

    /// Sends a message. Has no effect unless the connection is open.
    package mutating func send(_ message: [UInt8], as opcode: WebSocketOpcode = .text) {
        guard isOpen else { return }
        var rest = message[...]
        var opcode = opcode
        repeat {
            let payload = rest.prefix(max(1, script.frameSize ?? .max))
            rest = rest.dropFirst(payload.count)
            write(opcode, payload, isFinal: rest.isEmpty)
            opcode = .continuation
        } while !rest.isEmpty
    }

    /// Sends a ping. Has no effect unless the connection is open.
    package mutating func ping(_ payload: [UInt8] = []) {
        if isOpen { write(.ping, payload.prefix(125)) }
    }

    /// Sends a close frame. Has no effect unless the connection is open.
    package mutating func close(_ closure: WebSocketClosure? = .normal) {
        guard isOpen else { return }
        write(.close, closure?.payload ?? [])
        state = .closing
    }

    /// Takes bytes from the client.
    package mutating func receive(_ bytes: [UInt8], at now: Instant) -> [Event] {
        var rest = bytes[...]
        var events: [Event] = []
        if case .opening(var parser) = state {
            do throws(HTTPError) {
                while case .opening = state, let event = try parser.next(from: &rest) {
                    if case .head(let request) = event { events.append(answer(request, at: now)) }
                }
                if case .opening = state { state = .opening(parser) }
            } catch {
                refuse(400)
                events.append(.invalidRequest(error))
            }
        }
        if case .delaying = state {
            early += rest.prefix(Self.longestInput - early.count)
            return events
        }
        return events + read(rest)
    }

    /// Moves the time. Due at `deadline`.
    package mutating func advance(to now: Instant) -> [Event] {
        var events: [Event] = []
        if case .delaying(let response, let due) = state, due <= now {
            open(response, at: due)
            defer { early = [] }
            events = read(early[...])
        }
        while isOpen, let (due, action) = timed.popFirst(dueBy: now) {
            switch action {
            case .push(let push): send(push.message, as: push.opcode)
            case .ping:
                ping()
                schedulePing(after: due)
            case .close: close(script.closure)
            case .cutOff: state = .finished
            }
        }
        return events
    }

    private mutating func answer(_ request: HTTPRequest, at now: Instant) -> Event {
        do throws(WebSocketHandshakeError) {
            if case .refuses(let status) = script.misbehaviour { throw .refused(status: status) }
            if let path = script.path, path != request.path { throw .refused(status: 404) }
            let (key, offered) = try WebSocketHandshake.read(request)
            let subprotocol = script.subprotocols.first(where: offered.contains)
            var response = WebSocketHandshake.response(to: key, subprotocol: subprotocol, fields: script.fields)
            switch script.misbehaviour {
            case .silent:
                state = .silent
                return .opened(request)
            case .noAccept: response.fields.remove("Sec-WebSocket-Accept")
            case .wrongAccept:
                response.fields.set(HTTPField("Sec-WebSocket-Accept", Base64.encode(SHA1.digest(of: key.text.utf8))))
            default: break
            }
            if script.delay > .zero {
                state = .delaying(response, until: now + script.delay)
            } else {
                open(response, at: now)
            }
            return .opened(request)
        } catch {
            if case .refused(let status) = error { refuse(status) } else { refuse(error.status) }
            return .refused(error)
        }
    }

    private mutating func open(_ response: HTTPResponse, at now: Instant) {
        state = .open
        output.append(contentsOf: response.encoded)
        for push in script.pushes { timed.append(.push(push), in: nil, at: now + push.after) }
        if let delay = script.closesAfter { timed.append(.close, in: nil, at: now + delay) }
        schedulePing(after: now)
        switch script.misbehaviour {
        case .floodsPings(let count): for _ in 0..<count { ping() }
        case .sends(let bytes): output.append(contentsOf: bytes)
        case .cutsOff(let delay): timed.append(.cutOff, in: nil, at: now + delay)
        default: break
        }
    }

    private mutating func schedulePing(after now: Instant) {
        guard let interval = script.pingInterval else { return }
        timed.append(.ping, in: nil, at: now + max(interval, .milliseconds(1)))
    }

    private mutating func refuse(_ status: Int) {
        var response = HTTPResponse(status, fields: ["Content-Length": "0", "Connection": "close"])
        if status == 426 { response.fields.append(HTTPField("Sec-WebSocket-Version", "13")) }
        output.append(contentsOf: response.encoded)
        state = .finished
    }

    private mutating func read(_ bytes: ArraySlice<UInt8>) -> [Event] {
        var rest = bytes
        var events: [Event] = []
        do throws(WebSocketError) {
            while readsFrames, let event = try decoder.next(from: &rest) { events += take(event) }
        } catch {
            close(WebSocketClosure(error.closeCode))
            state = .finished
            events.append(.invalidFrame(error))
        }
        return events
    }

    private var readsFrames: Bool {
        switch state {
        case .open, .closing: true
        case .opening, .delaying, .finished, .silent: false
        }
    }

    private mutating func take(_ event: WebSocketDecoder.Event) -> [Event] {
        switch event {
        case .frame(_, let opcode):
            messageOpcode = opcode
            return []
        case .payload(let payload):
            message += payload
            return []
        case .frameEnd(isLast: false): return []
        case .frameEnd(isLast: true):
            defer { message = [] }
            if script.echoes { send(message, as: messageOpcode) }
            return [.message(messageOpcode, message)]
        case .ping(let payload):
            if isOpen, script.misbehaviour != .ignoresPings { write(.pong, payload) }
            return [.ping(payload)]
        case .pong(let payload): return [.pong(payload)]
        case .close(let closure):
            if script.misbehaviour == .ignoresClose {
                state = .silent
            } else {
                close(closure.map { WebSocketClosure($0.code) })
                state = .finished
            }
            return [.closed(closure)]
        }
    }

    private mutating func write(_ opcode: WebSocketOpcode, _ payload: some Collection<UInt8>, isFinal: Bool = true) {
        var head = WebSocketFrameHead(opcode, length: payload.count, isFinal: isFinal)
        if script.misbehaviour == .masksFrames { head.mask = 0x1234_5678 }
        if case .reservedBits(let bits) = script.misbehaviour { head.reserved = bits & 7 }
        output.append(contentsOf: head.encoded(with: payload))
    }
}

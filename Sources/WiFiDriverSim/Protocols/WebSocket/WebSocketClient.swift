import WiFiSimValues

/// A client's side of one WebSocket connection, with the times of esp_websocket_client.
///
/// - Input: `connected(at:)` when the connection to the server of the URL is there, `receive(_:at:)`,
///   `connectionClosed(at:)`, `advance(to:)`; `send` and `close` while it is open.
/// - Output: `takeOutput(_:)`, in the blocks that the connection takes; `deadline`, when `advance(to:)` is due. Most
///   inputs return events.
///
/// After `.closed` and `.failed` nothing more happens: the owner sends what output there is and closes the connection. To
/// connect again, it makes a new client. Time only moves forward. Sans-IO and deterministic: the key and the masks come
/// from the random source.
package struct WebSocketClient {
    package struct Options: Sendable {
        /// The value of Sec-WebSocket-Protocol; `nil` for none.
        package var subprotocol: String?
        /// More fields of the request, such as Authorization.
        package var fields: [HTTPField] = []
        package var userAgent = "ESP32 Websocket Client"
        /// For the connection and the handshake together.
        package var openTimeout = Duration.seconds(10)
        /// From one ping to the next.
        package var pingInterval = Duration.seconds(10)
        /// From the first ping without a pong to the loss of the connection.
        package var pongTimeout = Duration.seconds(120)
        /// From a close frame to that of the server.
        package var closeTimeout = Duration.seconds(10)
        /// From the close frames of both to the end of the connection, which is the server's part.
        package var lingerTimeout = Duration.seconds(1)
        /// In bytes: a longer frame is reported in pieces of this size.
        package var bufferSize = 1024
        /// Whether the answer to a close frame repeats its code. esp_websocket_client's is empty.
        package var repeatsCloseCode = false

        package init() {}
    }

    package enum Event: Equatable, Sendable {
        /// The handshake is complete. The subprotocol that the server has chosen.
        case opened(subprotocol: String?)
        case data(WebSocketPiece)
        /// The server has sent a ping, which is answered, or a pong.
        case ping([UInt8])
        case pong([UInt8])
        /// The server has sent a close frame.
        case closing(WebSocketClosure?)
        /// Both sides have sent a close frame, and the connection has ended or is to be closed now. What the server said.
        case closed(WebSocketClosure?)
        case failed(WebSocketFailure)
    }

    private enum State {
        case connecting
        /// The request is sent.
        case opening(HTTPResponseParser)
        case open
        /// A close frame is sent, and the server's has not come.
        case closing
        /// Both have sent a close frame.
        case lingering(WebSocketClosure?)
        case finished
    }

    /// In bytes: with more output than this, only the last ping is answered (RFC 6455, section 5.5.3).
    private static let mostOutputOfPongs = 16_384

    private let options: Options
    private let request: HTTPRequest
    private let key: WebSocketKey
    private var random: SeededGenerator
    private var state = State.connecting
    private var decoder = WebSocketDecoder(isMasked: false)
    private var pieces: WebSocketPieces
    private var output = ByteQueue()
    private var latePong: [UInt8]?
    /// When the state ends by itself; `nil` while open.
    private var timeout: Instant?
    private var nextPing: Instant?
    private var pongDeadline: Instant?
    private var sendsContinuation = false

    /// Makes a client. The wait for the connection begins at `now`.
    /// - Parameters:
    ///   - url: the server, with scheme ws or wss.
    ///   - options: fields and times.
    ///   - random: the source of the key and the masks.
    ///   - now: the time.
    package init(_ url: URL, options: Options = Options(), random: SeededGenerator, at now: Instant) {
        self.options = options
        self.random = random
        key = WebSocketKey(using: &self.random)
        request = WebSocketHandshake.request(
            url, key: key, userAgent: options.userAgent, subprotocol: options.subprotocol, fields: options.fields)
        pieces = WebSocketPieces(size: options.bufferSize)
        timeout = now + options.openTimeout
    }

    /// Whether frames can be sent.
    package var isOpen: Bool { if case .open = state { true } else { false } }
    package var isFinished: Bool { if case .finished = state { true } else { false } }
    package var hasOutput: Bool { !output.isEmpty || latePong != nil }

    /// When `advance(to:)` has something to do.
    package var deadline: Instant? {
        .earlier(timeout, .earlier(nextPing, pongDeadline))
    }

    /// The connection to the server is there.
    package mutating func connected(at now: Instant) {
        guard case .connecting = state else { return }
        state = .opening(HTTPResponseParser())
        output.append(contentsOf: request.encoded)
    }

    /// Takes at most `limit` bytes for the server.
    package mutating func takeOutput(_ limit: Int = .max) -> [UInt8] {
        let taken = output.take(limit)
        if output.count <= Self.mostOutputOfPongs, let pong = latePong {
            latePong = nil
            write(.pong, pong)
        }
        return taken
    }

    /// Sends a frame. After a frame with `isFinal` false, the next one continues its message, whatever its opcode.
    /// - Returns: false unless the connection is open.
    package mutating func send(
        _ payload: some Collection<UInt8>, as opcode: WebSocketOpcode = .text, isFinal: Bool = true, at now: Instant
    ) -> Bool {
        guard case .open = state else { return false }
        if opcode.isControl {
            write(opcode, payload)
            if opcode == .close { awaitClose(at: now) }
            return true
        }
        write(sendsContinuation ? .continuation : opcode, payload, isFinal: isFinal)
        sendsContinuation = !isFinal
        return true
    }

    /// Sends a message in frames of at most `size` bytes.
    /// - Returns: false unless the connection is open.
    package mutating func send(
        _ message: [UInt8], as opcode: WebSocketOpcode = .text, inFramesOf size: Int, at now: Instant
    ) -> Bool {
        var rest = message[...]
        repeat {
            let payload = rest.prefix(max(1, size))
            rest = rest.dropFirst(payload.count)
            guard send(payload, as: opcode, isFinal: rest.isEmpty, at: now) else { return false }
        } while !rest.isEmpty
        return true
    }

    /// Sends a close frame. The server's answer ends the connection. Has no effect unless it is open.
    package mutating func close(_ closure: WebSocketClosure? = nil, at now: Instant) {
        guard case .open = state else { return }
        write(.close, closure?.payload ?? [])
        awaitClose(at: now)
    }

    /// Takes bytes from the server.
    package mutating func receive(_ bytes: [UInt8], at now: Instant) -> [Event] {
        var rest = bytes[...]
        var events: [Event] = []
        if case .opening(var parser) = state {
            do throws(HTTPError) {
                while case .opening = state, let event = try parser.next(from: &rest) {
                    if case .head(let response) = event { events.append(open(response, at: now)) }
                }
                if case .opening = state { state = .opening(parser) }
            } catch {
                events.append(fail(.invalidResponse(error)))
            }
        }
        do throws(WebSocketError) {
            while readsFrames, let event = try decoder.next(from: &rest) { events += take(event, at: now) }
        } catch {
            if case .open = state { write(.close, WebSocketClosure(error.closeCode).payload) }
            events.append(fail(.invalidFrame(error)))
        }
        return events
    }

    /// The connection has ended, or could not be made.
    package mutating func connectionClosed(at now: Instant) -> [Event] {
        switch state {
        case .finished: return []
        case .connecting: return [fail(.notConnected)]
        case .opening, .open, .closing: return [fail(.connectionLost)]
        case .lingering(let closure):
            finish()
            return [.closed(closure)]
        }
    }

    /// Moves the time. Due at `deadline`.
    package mutating func advance(to now: Instant) -> [Event] {
        if let timeout, timeout <= now {
            switch state {
            case .connecting, .opening: return [fail(.openTimedOut)]
            case .closing: return [fail(.closeTimedOut)]
            case .lingering(let closure):
                finish()
                return [.closed(closure)]
            case .open, .finished: return []
            }
        }
        if let pongDeadline, pongDeadline <= now { return [fail(.noPong)] }
        if let nextPing, nextPing <= now {
            write(.ping, [])
            pongDeadline = pongDeadline ?? now + options.pongTimeout
            self.nextPing = now + max(options.pingInterval, .milliseconds(1))
        }
        return []
    }

    /// Whether frames of the server count.
    private var readsFrames: Bool {
        switch state {
        case .open, .closing: true
        case .connecting, .opening, .lingering, .finished: false
        }
    }

    private mutating func open(_ response: HTTPResponse, at now: Instant) -> Event {
        do throws(WebSocketHandshakeError) {
            let subprotocol = try WebSocketHandshake.check(response, to: request, key: key)
            state = .open
            timeout = nil
            nextPing = now + options.pingInterval
            return .opened(subprotocol: subprotocol)
        } catch {
            return fail(.handshake(error))
        }
    }

    private mutating func take(_ event: WebSocketDecoder.Event, at now: Instant) -> [Event] {
        switch event {
        case .frame(let head, let opcode):
            pieces.begin(head, of: opcode)
            return []
        case .payload(let payload): return pieces.take(payload).map { .data($0) }
        case .frameEnd: return pieces.end().map { .data($0) }
        case .ping(let payload):
            if case .open = state { answerPing(payload) }
            return [.ping(payload)]
        case .pong(let payload):
            pongDeadline = nil
            return [.pong(payload)]
        case .close(let closure):
            if case .open = state {
                write(.close, options.repeatsCloseCode ? closure.map { WebSocketClosure($0.code).payload } ?? [] : [])
            }
            state = .lingering(closure)
            stopPings()
            timeout = now + options.lingerTimeout
            return [.closing(closure)]
        }
    }

    private mutating func answerPing(_ payload: [UInt8]) {
        if output.count <= Self.mostOutputOfPongs { write(.pong, payload) } else { latePong = payload }
    }

    private mutating func write(_ opcode: WebSocketOpcode, _ payload: some Collection<UInt8>, isFinal: Bool = true) {
        let head = WebSocketFrameHead(
            opcode, length: payload.count, isFinal: isFinal, mask: UInt32.random(in: 0 ... .max, using: &random))
        output.append(contentsOf: head.encoded(with: payload))
    }

    private mutating func awaitClose(at now: Instant) {
        state = .closing
        stopPings()
        timeout = now + options.closeTimeout
    }

    private mutating func stopPings() {
        latePong = nil
        nextPing = nil
        pongDeadline = nil
    }

    private mutating func fail(_ failure: WebSocketFailure) -> Event {
        finish()
        return .failed(failure)
    }

    private mutating func finish() {
        state = .finished
        stopPings()
        timeout = nil
    }
}

/// Why a WebSocket connection has no clean end.
package enum WebSocketFailure: Error, Equatable, Sendable {
    /// There is no connection to the server.
    case notConnected
    /// The handshake did not complete in time.
    case openTimedOut
    /// The answer of the server is no HTTP response.
    case invalidResponse(HTTPError)
    case handshake(WebSocketHandshakeError)
    /// The server breaks the protocol. A close frame with the reason is in the output.
    case invalidFrame(WebSocketError)
    /// The server has not answered a ping in time.
    case noPong
    /// The server has not answered the close frame in time.
    case closeTimedOut
    /// The connection ended before both sides had sent a close frame.
    case connectionLost
}

import WiFiSimValues

/// A server's side of one connection: it answers requests, one after the other, as its script says.
///
/// - Input: `receive(_:at:)` and `advance(to:)`.
/// - Output: `takeOutput(_:at:)`; `deadline`, when `advance(to:)` is due; `takeRequests()`; `isFinished`, when the
///   connection is to be closed.
///
/// While a reply waits or has not been taken, later requests wait in the input; a client that sends more than the server
/// keeps of them is refused. Sans-IO and deterministic.
package struct HTTPServer {
    /// A request that has arrived.
    package struct Received: Equatable, Sendable {
        package let head: HTTPRequest
        package let body: [UInt8]
    }

    private enum State {
        /// Reads the head of a request.
        case idle
        /// Reads the body of a request.
        case receiving(HTTPRequest)
        /// A reply is due.
        case delaying(EncodedReply, until: Instant)
        /// A reply goes out one byte each interval.
        case trickling(rest: ArraySlice<UInt8>, Duration, next: Instant, closes: Bool)
        /// Takes no more requests, and answers none.
        case silent
        /// Takes no more requests. The connection ends when the output is taken.
        case closing
    }

    /// In bytes: requests that wait for the reply to an earlier one.
    private static let longestInput = 65_536
    /// At most this many requests are kept for `takeRequests()`.
    private static let mostRequests = 100

    private let script: HTTPServerScript
    private var parser = HTTPRequestParser()
    private var state = State.idle
    private var input: [UInt8] = []
    private var body: [UInt8] = []
    private var output = ByteQueue()
    private var requests: [Received] = []

    package init(_ script: HTTPServerScript) { self.script = script }

    package var hasOutput: Bool { !output.isEmpty }

    /// Whether the server wants the connection closed: all output has been taken.
    package var isFinished: Bool { if case .closing = state { output.isEmpty } else { false } }

    /// When `advance(to:)` has something to do.
    package var deadline: Instant? {
        switch state {
        case .delaying(_, let due), .trickling(_, _, let due, _): due
        case .idle, .receiving, .silent, .closing: nil
        }
    }

    /// The requests since the last call, of which a hundred are kept.
    package mutating func takeRequests() -> [Received] {
        defer { requests = [] }
        return requests
    }

    /// Takes bytes from the client.
    package mutating func receive(_ bytes: [UInt8], at now: Instant) {
        switch state {
        case .silent, .closing: return
        case .idle, .receiving, .delaying, .trickling: input += bytes
        }
        read(at: now)
        if input.count > Self.longestInput { refuse(400) }
    }

    /// Takes at most `limit` bytes for the client.
    package mutating func takeOutput(_ limit: Int = .max, at now: Instant) -> [UInt8] {
        let taken = output.take(limit)
        if output.isEmpty { read(at: now) }
        return taken
    }

    /// Moves the time. Due at `deadline`.
    package mutating func advance(to now: Instant) {
        while let deadline, deadline <= now {
            switch state {
            case .delaying(let reply, _): send(reply)
            case .trickling(var rest, let interval, let due, let closes):
                output.append(contentsOf: rest.prefix(1))
                rest = rest.dropFirst()
                state = .trickling(rest: rest, interval, next: due + interval, closes: closes)
                if rest.isEmpty { state = closes ? .closing : .idle }
            case .idle, .receiving, .silent, .closing: return
            }
        }
        if output.isEmpty { read(at: now) }
    }

    private mutating func read(at now: Instant) {
        var rest = input[...]
        defer {
            switch state {
            case .silent, .closing: input = []
            case .idle, .receiving, .delaying, .trickling: input = Array(rest)
            }
        }
        do throws(HTTPError) {
            while canRead, let event = try parser.next(from: &rest) { take(event, at: now) }
        } catch {
            refuse(400)
        }
    }

    /// Whether requests may be read: a request begins when all replies have been taken.
    private var canRead: Bool {
        switch state {
        case .idle: output.isEmpty
        case .receiving: true
        case .delaying, .trickling, .silent, .closing: false
        }
    }

    private mutating func take(_ event: HTTPRequestParser.Event, at now: Instant) {
        switch (event, state) {
        case (.head(let request), _):
            body = []
            // RFC 9112, section 3.2.
            guard request.minorVersion == 0 || request.fields["Host"] != nil else { return refuse(400) }
            if script.reply(to: request).answersBeforeBody { return answer(request, at: now) }
            state = .receiving(request)
            guard request.expectsContinue else { return }
            // The client may send the body before it has this.
            output.append(contentsOf: HTTPResponse(100).encoded)
        case (.body(let data), _):
            guard body.count + data.count <= script.longestBody else { return refuse(413) }
            body += data
        case (.end, .receiving(let request)): answer(request, at: now)
        case (.end, _): break
        }
    }

    private mutating func answer(_ request: HTTPRequest, at now: Instant) {
        if requests.count < Self.mostRequests { requests.append(Received(head: request, body: body)) }
        let reply = script.reply(to: request)
        let encoded = EncodedReply(reply, to: request, body: body)
        body = []
        switch reply.misbehaviour {
        case .silent: state = .silent
        case .trickles(let interval) where interval > .zero && !encoded.bytes.isEmpty:
            state = .trickling(
                rest: encoded.bytes[...], interval, next: now + reply.delay, closes: encoded.closes)
        default:
            state = .delaying(encoded, until: now + reply.delay)
            if reply.delay <= .zero { send(encoded) }
        }
    }

    private mutating func send(_ reply: EncodedReply) {
        output.append(contentsOf: reply.bytes)
        state = reply.closes ? .closing : .idle
    }

    private mutating func refuse(_ status: Int) {
        let refusal = HTTPResponse(status, fields: ["Content-Length": "0", "Connection": "close"])
        output.append(contentsOf: refusal.encoded)
        state = .closing
        input = []
    }
}

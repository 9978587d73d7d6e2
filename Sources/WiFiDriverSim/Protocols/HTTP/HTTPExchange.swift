import WiFiSimValues

/// One request of a client, from the connection to the end of the response.
///
/// - Input: `connected(at:)` when the connection to the server of `url` is there, `receive(_:at:)`,
///   `connectionClosed(at:)`, `advance(to:)`.
/// - Output: `takeOutput(_:at:)`, in the blocks that the connection takes; `deadline`, when `advance(to:)` is due.
///   Most inputs return events.
///
/// After `.finished` and `.failed` nothing more happens. The owner makes connections and closes them. Time only moves
/// forward. Sans-IO and deterministic. Of a response, at most its head is kept.
package struct HTTPExchange {
    package struct Options: Sendable {
        /// How long the server may be silent: while connecting, while it takes no bytes, and while it sends none. The
        /// default is that of esp_http_client.
        package var timeout = Duration.seconds(5)
        /// Redirections that are followed; with 0 the response 3xx is the result, as in ESP-AT. esp_http_client follows
        /// 10.
        package var redirectionLimit = 0
        package var limits = HTTPLimits()

        package init() {}
    }

    package enum Event: Equatable, Sendable {
        /// The head of the response, that of a followed redirection excepted.
        case head(HTTPResponse)
        /// A piece of the body, never empty. Chunked coding is undone.
        case body(ArraySlice<UInt8>)
        /// The exchange goes on at `url`. Unless the connection is reused, the owner closes it, connects to the new
        /// server and calls `connected(at:)`.
        case redirected(to: URL, reusesConnection: Bool)
        /// The response is complete. `keepsConnection` tells whether the connection can carry another request.
        case finished(keepsConnection: Bool)
        case failed(HTTPFailure)
    }

    private enum State {
        case connecting
        case waiting
        /// The body of a redirection is skipped.
        case skipping(to: URL)
        case finished
    }

    /// The URL in use: that of the request, or of the last redirection.
    package private(set) var url: URL
    private var request: HTTPRequest
    private var body: [UInt8]
    private let options: Options
    private var state = State.connecting
    private var parser: HTTPResponseParser
    /// The bytes of the request that the connection has not taken.
    private var output = ByteQueue()
    private var redirections = 0
    /// The last sign of life of the server, or the start; `nil` while the owner takes no bytes.
    private var lastActivity: Instant?

    /// Makes an exchange. The wait for the connection begins at `now`.
    /// - Parameters:
    ///   - request: the head, with the length of `body` in it.
    ///   - body: the body; it is sent unchanged.
    ///   - url: where the request goes.
    ///   - options: time-out, redirections, limits.
    ///   - now: the time.
    package init(
        _ request: HTTPRequest, body: [UInt8] = [], to url: URL, options: Options = Options(), at now: Instant
    ) {
        self.request = request
        self.body = body
        self.url = url
        self.options = options
        parser = HTTPResponseParser(for: request.method, limits: options.limits)
        lastActivity = now
    }

    /// Whether the exchange is over.
    package var isFinished: Bool { if case .finished = state { true } else { false } }

    /// When the server has been silent for too long; `nil` while paused and after the end.
    package var deadline: Instant? { isFinished ? nil : lastActivity.map { $0 + options.timeout } }

    /// Whether there is something to send.
    package var hasOutput: Bool { !output.isEmpty }

    /// The connection to the server of `url` is there.
    package mutating func connected(at now: Instant) {
        guard case .connecting = state else { return }
        lastActivity = now
        sendRequest()
    }

    private mutating func sendRequest() {
        state = .waiting
        output.append(whole: request.encoded)
        output.append(contentsOf: body)
    }

    /// Takes at most `limit` bytes for the server.
    package mutating func takeOutput(_ limit: Int = .max, at now: Instant) -> [UInt8] {
        guard hasOutput else { return [] }
        if lastActivity != nil { lastActivity = now }
        return output.take(limit)
    }

    /// The owner reads no bytes from the connection for now, so the server is not to blame for silence.
    package mutating func pause() { lastActivity = nil }

    /// The owner reads bytes again.
    package mutating func resume(at now: Instant) { lastActivity = lastActivity ?? now }

    /// Takes bytes from the server.
    package mutating func receive(_ bytes: [UInt8], at now: Instant) -> [Event] {
        guard !bytes.isEmpty, !isFinished else { return [] }
        if lastActivity != nil { lastActivity = now }
        return read(bytes[...]) { parser, rest throws(HTTPError) in try parser.next(from: &rest) }
    }

    /// The connection has ended, or could not be made.
    package mutating func connectionClosed(at now: Instant) -> [Event] {
        lastActivity = now
        switch state {
        case .finished: return []
        case .connecting: return [fail(.notConnected)]
        case .skipping(let url):
            // The new server does not depend on how the body of the redirection ended.
            return [follow(to: url, reusesConnection: false)]
        case .waiting: return read([]) { parser, _ throws(HTTPError) in try parser.close() }
        }
    }

    /// Moves the time. Due at `deadline`.
    package mutating func advance(to now: Instant) -> [Event] {
        guard let deadline, deadline <= now else { return [] }
        if case .connecting = state { return [fail(.notConnected)] }
        return [fail(.timedOut)]
    }

    private mutating func read(
        _ bytes: ArraySlice<UInt8>,
        next: (inout HTTPResponseParser, inout ArraySlice<UInt8>) throws(HTTPError) -> HTTPResponseParser.Event?
    ) -> [Event] {
        var events: [Event] = []
        var rest = bytes
        do throws(HTTPError) {
            while !isFinished, let event = try next(&parser, &rest) {
                events += take(event, isLast: rest.isEmpty)
                if case .connecting = state { break }
            }
        } catch {
            events.append(fail(HTTPFailure(error)))
        }
        return events
    }

    private mutating func take(_ event: HTTPResponseParser.Event, isLast: Bool) -> [Event] {
        switch (event, state) {
        case (_, .connecting), (_, .finished): return []
        case (.head(let response), _):
            guard options.redirectionLimit > 0, let location = response.redirection else { return [.head(response)] }
            guard redirections < options.redirectionLimit else { return [fail(.tooManyRedirections)] }
            redirections += 1
            do throws(URLError) {
                let target = try url.resolving(location)
                if response.status == 303, request.method != .head { becomeGet() }
                guard parser.keepsConnection else { return [follow(to: target, reusesConnection: false)] }
                state = .skipping(to: target)
                return []
            } catch {
                return [fail(.badRedirection(error))]
            }
        case (.body, .skipping): return []
        case (.body(let data), .waiting): return [.body(data)]
        case (.end, .skipping(let target)):
            let reuses = keepsConnection(isLast) && target.sharesServer(with: url)
            return [follow(to: target, reusesConnection: reuses)]
        case (.end, .waiting):
            let keeps = keepsConnection(isLast)
            end()
            return [.finished(keepsConnection: keeps)]
        }
    }

    /// Whether the connection carries another request: not with bytes after the response, nor if the server has answered
    /// before it took the whole request.
    private func keepsConnection(_ isLast: Bool) -> Bool {
        parser.keepsConnection && request.keepsConnection && isLast && output.isEmpty
    }

    private mutating func follow(to target: URL, reusesConnection: Bool) -> Event {
        url = target
        request.target = target.target
        request.fields.set(HTTPField("Host", target.authority))
        parser = HTTPResponseParser(for: request.method, limits: options.limits)
        output.removeAll()
        state = .connecting
        if reusesConnection { sendRequest() }
        return .redirected(to: target, reusesConnection: reusesConnection)
    }

    private mutating func becomeGet() {
        request.method = .get
        body = []
        for name in ["Content-Type", "Content-Length", "Transfer-Encoding"] { request.fields.remove(name) }
    }

    private mutating func fail(_ failure: HTTPFailure) -> Event {
        end()
        return .failed(failure)
    }

    private mutating func end() {
        state = .finished
        output.removeAll()
        body = []
    }
}

/// Why an exchange has no complete response.
package enum HTTPFailure: Error, Equatable, Sendable {
    /// There is no connection, or not in time.
    case notConnected
    /// The server was silent for too long.
    case timedOut
    /// The connection ended before the head of the response was complete.
    case closed
    /// The connection ended before the body was complete. The bytes that are missing; `nil` if the body is chunked.
    case incomplete(missing: Int?)
    /// The server does not speak HTTP/1.1.
    case invalid(HTTPError)
    case tooManyRedirections
    /// The value of Location is no URL.
    case badRedirection(URLError)

    init(_ error: HTTPError) {
        switch error {
        case .incompleteHead: self = .closed
        case .incompleteBody(let missing): self = .incomplete(missing: missing)
        default: self = .invalid(error)
        }
    }
}

extension HTTPResponse {
    /// The value of Location, if a client follows it.
    fileprivate var redirection: String? {
        [301, 302, 303, 307, 308].contains(status) ? fields["Location"] : nil
    }
}

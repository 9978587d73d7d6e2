/// Reads the response to one request from the bytes of a connection, in blocks of any size.
///
/// Call `next(from:)` until it returns `nil`, after each block and once before the first; call `close()` when the
/// connection has ended. The events do not depend on the blocks, except for the pieces of the body. Bytes after the
/// response stay in the block: after `101 Switching Protocols` they belong to the new protocol. After an error, each
/// call throws it again. Nothing of a body is kept, and of a head no more than the limits.
package struct HTTPResponseParser {
    package enum Event: Equatable, Sendable {
        /// The head. Interim responses (status 100 to 199, except 101) are skipped.
        case head(HTTPResponse)
        /// A piece of the body, never empty. Chunked coding is undone.
        case body(ArraySlice<UInt8>)
        /// The response is complete. The fields after the last chunk.
        case end(trailers: HTTPFields)
    }

    private enum State {
        case startLine
        /// The status line has been read.
        case fields(HTTPResponse)
        case body(HTTPBodyReader)
        case done
        case failed(HTTPError)
    }

    private let method: HTTPMethod
    private let limits: HTTPLimits
    private var state = State.startLine
    private var head: HTTPHeadReader

    /// Whether the connection can carry another request once the response is complete. Known from the head on.
    package private(set) var keepsConnection = false

    /// Makes a parser for the response to a request with this method.
    package init(for method: HTTPMethod = .get, limits: HTTPLimits = HTTPLimits()) {
        self.method = method
        self.limits = limits
        head = HTTPHeadReader(limits, joinsLines: true)
    }

    /// Whether the response has been read to its end.
    package var isComplete: Bool { if case .done = state { true } else { false } }

    /// Takes the next event from the front of `bytes`; `nil` when more bytes are needed, and after the end.
    package mutating func next(from bytes: inout ArraySlice<UInt8>) throws(HTTPError) -> Event? {
        do {
            return try event(from: &bytes)
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// The connection has ended. Returns the end of a body that ends so; `nil` if the response had ended before.
    package mutating func close() throws(HTTPError) -> Event? {
        switch state {
        case .startLine, .fields: state = .failed(.incompleteHead)
        case .body(var body):
            do throws(HTTPError) {
                guard case .end(let trailers) = try body.close() else { return nil }
                state = .done
                return .end(trailers: trailers)
            } catch {
                state = .failed(error)
            }
        case .done: return nil
        case .failed: break
        }
        guard case .failed(let error) = state else { return nil }
        throw error
    }

    private mutating func event(from bytes: inout ArraySlice<UInt8>) throws(HTTPError) -> Event? {
        while true {
            switch state {
            case .startLine:
                guard let line = try head.startLine(from: &bytes, beginning: "HTTP/", otherwise: .noStatusLine)
                else { return nil }
                state = .fields(try HTTPResponse(statusLine: line, fields: HTTPFields()))
            case .fields(var response):
                guard let fields = try head.fields(from: &bytes) else { return nil }
                response.fields = fields
                guard response.status >= 200 || response.status == 101 else {
                    // The room of the head stays used, so that interim responses have an end.
                    state = .startLine
                    continue
                }
                let framing = try framing(of: response)
                keepsConnection = response.keepsConnection && framing != .untilClose
                state = .body(HTTPBodyReader(framing, limits))
                return .head(response)
            case .body(var body):
                // Without a second reference to the lines that the reader keeps.
                state = .done
                let event = try body.next(from: &bytes)
                switch event {
                case .end(let trailers): return .end(trailers: trailers)
                case .data(let data):
                    state = .body(body)
                    return .body(data)
                case nil:
                    state = .body(body)
                    return nil
                }
            case .done: return nil
            case .failed(let error): throw error
            }
        }
    }

    /// RFC 9112, section 6.3.
    private func framing(of response: HTTPResponse) throws(HTTPError) -> HTTPBodyReader.Framing {
        let length = try response.fields.contentLength()
        if method == .head || [101, 204, 304].contains(response.status) { return .length(0) }
        let codings = response.fields.list("Transfer-Encoding")
        guard let last = codings.last else { return length.map { .length($0) } ?? .untilClose }
        guard length == nil else { throw .contradictoryLengths }
        return last.lowercased() == "chunked" ? .chunked : .untilClose
    }
}

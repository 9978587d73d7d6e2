/// Reads the requests of one connection, in blocks of any size.
///
/// Call `next(from:)` until it returns `nil`, after each block. After the end of a request the next one begins; a server
/// that has not answered yet keeps the rest of the block and calls again. The events do not depend on the blocks, except
/// for the pieces of the body. After an error, each call throws it again: answer 400 and close. Nothing of a body is
/// kept, and of a head no more than the limits.
package struct HTTPRequestParser {
    package enum Event: Equatable, Sendable {
        /// The head. If `expectsContinue` is true, the client waits for `100 Continue`.
        case head(HTTPRequest)
        /// A piece of the body, never empty. Chunked coding is undone.
        case body(ArraySlice<UInt8>)
        /// The request is complete. The fields after the last chunk.
        case end(trailers: HTTPFields)
    }

    private enum State {
        case startLine
        /// The request line has been read.
        case fields(HTTPRequest)
        case body(HTTPBodyReader)
        case failed(HTTPError)
    }

    private let limits: HTTPLimits
    private var state = State.startLine
    private var head: HTTPHeadReader

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
        head = HTTPHeadReader(limits, joinsLines: false)
    }

    /// Takes the next event from the front of `bytes`; `nil` when more bytes are needed.
    package mutating func next(from bytes: inout ArraySlice<UInt8>) throws(HTTPError) -> Event? {
        do {
            return try event(from: &bytes)
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func event(from bytes: inout ArraySlice<UInt8>) throws(HTTPError) -> Event? {
        while true {
            switch state {
            case .startLine:
                guard let line = try head.startLine(from: &bytes, otherwise: .noRequestLine) else { return nil }
                state = .fields(try HTTPRequest(requestLine: line, fields: HTTPFields()))
            case .fields(var request):
                guard let fields = try head.fields(from: &bytes) else { return nil }
                head.renewRoom()
                request.fields = fields
                state = .body(HTTPBodyReader(try framing(of: request), limits))
                return .head(request)
            case .body(var body):
                // Without a second reference to the lines that the reader keeps.
                state = .startLine
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
            case .failed(let error): throw error
            }
        }
    }

    /// RFC 9112, section 6.3. A request without a length has no body.
    private func framing(of request: HTTPRequest) throws(HTTPError) -> HTTPBodyReader.Framing {
        let length = try request.fields.contentLength()
        guard let last = request.fields.list("Transfer-Encoding").last else { return .length(length ?? 0) }
        guard length == nil else { throw .contradictoryLengths }
        guard last.lowercased() == "chunked" else { throw .unsupportedCoding }
        return .chunked
    }
}

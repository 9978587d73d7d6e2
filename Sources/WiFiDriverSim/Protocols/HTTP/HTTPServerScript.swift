import WiFiSimValues

/// What a server of the world answers.
package struct HTTPServerScript: Sendable, Equatable {
    /// By target: a path with its query, or a path for all queries that have no reply of their own.
    package var replies: [String: HTTPReply]
    /// The reply to all other targets.
    package var otherwise = HTTPReply(404)
    /// In bytes: a request with a longer body is refused with status 413.
    package var longestBody = 1 << 20

    package init(_ replies: [String: HTTPReply] = [:]) { self.replies = replies }

    package func reply(to request: HTTPRequest) -> HTTPReply {
        replies[request.target] ?? replies[String(request.path)] ?? otherwise
    }
}

/// A response of a server of the world, with the time that it takes and what is wrong with it.
package struct HTTPReply: Sendable, Equatable {
    package enum Body: Sendable, Equatable {
        case bytes([UInt8])
        /// That of the request.
        case echo
    }

    /// How the client finds the end of the body.
    package enum Coding: Sendable, Equatable {
        case length
        /// Chunks of at most this many bytes.
        case chunked(Int)
        case untilClose
    }

    package enum Misbehaviour: Sendable, Equatable {
        /// Never answers.
        case silent
        /// Closes the connection after this many bytes of the response, its head included.
        case cutsOff(after: Int)
        /// Sends another Content-Length than that of the body, and closes the connection after the body.
        case claimsLength(Int)
        /// Sends one byte each interval.
        case trickles(Duration)
        /// Sends these bytes in place of a response, and closes the connection.
        case sends([UInt8])
    }

    package var status: Int
    package var fields: HTTPFields
    package var body: Body
    package var coding = Coding.length
    /// From the end of the request to the first byte of the response.
    package var delay = Duration.zero
    /// Answers after the head of the request, without its body, and closes the connection.
    package var answersBeforeBody = false
    package var misbehaviour: Misbehaviour?

    package init(_ status: Int = 200, fields: HTTPFields = HTTPFields(), body: Body = .bytes([])) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// A response with a text.
    package init(_ status: Int = 200, fields: HTTPFields = HTTPFields(), text: String) {
        self.init(status, fields: fields, body: .bytes(Array(text.utf8)))
    }

    /// A response that sends the client to another URL.
    package static func redirection(_ status: Int = 302, to location: String) -> HTTPReply {
        HTTPReply(status, fields: ["Location": location])
    }

    /// Whether the connection ends with the reply, whatever the client asks for.
    fileprivate var closes: Bool {
        switch misbehaviour {
        case .cutsOff, .claimsLength, .sends: true
        case .silent, .trickles, nil: coding == .untilClose || answersBeforeBody
        }
    }
}

/// The bytes of a reply to one request.
struct EncodedReply {
    var bytes: [UInt8]
    let closes: Bool

    init(_ reply: HTTPReply, to request: HTTPRequest, body received: [UInt8]) {
        closes = reply.closes || !request.keepsConnection
        if case .sends(let bytes) = reply.misbehaviour {
            self.bytes = bytes
            return
        }
        let body =
            switch reply.body {
            case .bytes(let bytes): bytes
            case .echo: received
            }
        var response = HTTPResponse(reply.status, fields: reply.fields)
        let hasBody = ![204, 304].contains(reply.status)
        // A client of HTTP/1.0 knows no chunks.
        let coding = request.minorVersion == 0 && reply.coding != .length ? .untilClose : reply.coding
        switch (coding, reply.misbehaviour) {
        case (_, .claimsLength(let length)): response.fields.set(HTTPField("Content-Length", "\(length)"))
        case (.length, _) where hasBody: response.fields.set(HTTPField("Content-Length", "\(body.count)"))
        case (.chunked, _) where hasBody: response.fields.set(HTTPField("Transfer-Encoding", "chunked"))
        default: break
        }
        if closes { response.fields.set(HTTPField("Connection", "close")) }
        bytes = response.encoded
        if hasBody, request.method != .head { bytes += Self.encode(body, coding) }
        if case .cutsOff(let count) = reply.misbehaviour { bytes = Array(bytes.prefix(max(0, count))) }
    }

    private static func encode(_ body: [UInt8], _ coding: HTTPReply.Coding) -> [UInt8] {
        guard case .chunked(let size) = coding else { return body }
        var chunks: [UInt8] = []
        for start in stride(from: 0, to: body.count, by: max(1, size)) {
            chunks += HTTPChunks.chunk(body[start...].prefix(max(1, size)))
        }
        return chunks + HTTPChunks.end()
    }
}

/// Why the bytes of a peer are no HTTP/1.1 message, or a field is none.
package enum HTTPError: Error, Equatable, Sendable {
    /// The response does not begin with a status line.
    case noStatusLine
    /// The request does not begin with a request line.
    case noRequestLine
    /// The version is not 1.0 to 1.9.
    case unsupportedVersion
    /// The line, with escapes and at most 80 bytes of it.
    case badField(String)
    /// In bytes.
    case lineTooLong(limit: Int)
    /// In bytes. The head includes those of interim responses.
    case headTooLong(limit: Int)
    /// Content-Length is no number.
    case badLength
    /// A length does not fit in 63 bits.
    case lengthTooLarge
    /// Lengths that differ, or a length beside Transfer-Encoding.
    case contradictoryLengths
    /// The body of a request has a transfer coding other than chunked.
    case unsupportedCoding
    case badChunkSize
    /// No CR LF follows the data of a chunk.
    case badChunkEnd
    /// The connection ended before the head was complete.
    case incompleteHead
    /// The connection ended before the body was complete. The number of bytes that its length still promised; `nil` if
    /// the body is chunked.
    case incompleteBody(missing: Int?)
}

extension HTTPError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noStatusLine: "the answer has no status line: check that the port is that of an HTTP server"
        case .noRequestLine: "the request has no request line: send METHOD /path HTTP/1.1"
        case .unsupportedVersion: "the message is not HTTP/1.0 or HTTP/1.1: use one of these versions"
        case .badField(let line): "\"\(line)\" is no field: write it as Name: value"
        case .lineTooLong(let limit): "a line of the head has more than \(limit) bytes: shorten the field or the path"
        case .headTooLong(let limit): "the head has more than \(limit) bytes: send fewer fields"
        case .badLength: "Content-Length is no number: send the number of bytes of the body"
        case .lengthTooLarge: "a length does not fit in 63 bits: send the number of bytes of the body or the chunk"
        case .contradictoryLengths: "the lengths of the body differ: send one Content-Length or Transfer-Encoding"
        case .unsupportedCoding: "the transfer coding is not chunked: send the body chunked or with Content-Length"
        case .badChunkSize: "a chunk does not begin with its size: send it in hexadecimal digits"
        case .badChunkEnd: "a chunk does not end where its size says: send a CR LF after its data"
        case .incompleteHead: "the connection ended in the head: look into the server's log"
        case .incompleteBody(.some(let missing)): "the connection ended \(missing) bytes before the end of the body"
        case .incompleteBody(nil): "the connection ended before the last chunk"
        }
    }
}

/// What a parser accepts, in bytes. What is longer ends in an error, so that a parser never keeps more than this.
package struct HTTPLimits: Sendable {
    /// A line with its end: a status line, a field, the size of a chunk with its extensions.
    package var line = 16_384
    /// The lines of a head, or of a trailer, together.
    package var head = 65_536

    package init() {}
}

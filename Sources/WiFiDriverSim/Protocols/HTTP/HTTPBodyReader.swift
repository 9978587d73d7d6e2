/// Finds the end of a body (RFC 9112, section 6).
struct HTTPBodyReader {
    enum Framing: Equatable {
        /// In bytes.
        case length(Int)
        case chunked
        case untilClose
    }

    enum Event: Equatable {
        /// Never empty.
        case data(ArraySlice<UInt8>)
        /// The fields after the last chunk.
        case end(trailers: HTTPFields)
    }

    private enum State {
        /// The bytes that are left.
        case data(Int)
        case untilClose
        case chunkSize
        case chunkData(Int)
        /// After the data of a chunk, where CR LF or LF must follow.
        case chunkEnd(hasCR: Bool)
        case trailers
        case done
    }

    private var state: State
    /// The lines of the chunks' sizes and of the trailer.
    private var lines: HTTPHeadReader

    init(_ framing: Framing, _ limits: HTTPLimits) {
        lines = HTTPHeadReader(limits, joinsLines: true)
        state =
            switch framing {
            case .length(let length): .data(length)
            case .chunked: .chunkSize
            case .untilClose: .untilClose
            }
    }

    /// Takes the next event from the front of `bytes`; `nil` when more bytes are needed, and after the end.
    mutating func next(from bytes: inout ArraySlice<UInt8>) throws(HTTPError) -> Event? {
        while true {
            switch state {
            case .data(0):
                state = .done
                return .end(trailers: HTTPFields())
            case .data(let count):
                guard let data = Self.take(count, from: &bytes) else { return nil }
                state = .data(count - data.count)
                return .data(data)
            case .untilClose:
                return Self.take(.max, from: &bytes).map { .data($0) }
            case .chunkSize:
                guard let line = try lines.line(from: &bytes) else { return nil }
                lines.renewRoom()
                let size = try Self.chunkSize(line)
                state = size == 0 ? .trailers : .chunkData(size)
            case .chunkData(let count):
                guard let data = Self.take(count, from: &bytes) else { return nil }
                state = data.count == count ? .chunkEnd(hasCR: false) : .chunkData(count - data.count)
                return .data(data)
            case .chunkEnd(let hasCR):
                guard let byte = bytes.popFirst() else { return nil }
                switch (byte, hasCR) {
                case (0x0A, _): state = .chunkSize
                case (0x0D, false): state = .chunkEnd(hasCR: true)
                default: throw .badChunkEnd
                }
            case .trailers:
                guard let trailers = try lines.fields(from: &bytes) else { return nil }
                state = .done
                return .end(trailers: trailers)
            case .done: return nil
            }
        }
    }

    /// The connection has ended. Returns the end of a body that ends so; `nil` if the body had ended before.
    mutating func close() throws(HTTPError) -> Event? {
        switch state {
        case .done: return nil
        case .untilClose, .data(0):
            state = .done
            return .end(trailers: HTTPFields())
        case .data(let count): throw .incompleteBody(missing: count)
        case .chunkSize, .chunkData, .chunkEnd, .trailers: throw .incompleteBody(missing: nil)
        }
    }

    private static func take(_ count: Int, from bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !bytes.isEmpty else { return nil }
        let taken = bytes.prefix(count)
        bytes = bytes[taken.endIndex...]
        return taken
    }

    /// The size at the start of a line; an extension may follow it (RFC 9112, section 7.1.1).
    private static func chunkSize(_ line: [UInt8]) throws(HTTPError) -> Int {
        let word = line.prefix { $0 != UInt8(ascii: ";") }.trimmingBlanks()
        guard let first = word.first, Character(Unicode.Scalar(first)).isHexDigit,
            word.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
        else { throw .badChunkSize }
        guard let size = Int(String(decoding: word, as: UTF8.self), radix: 16) else { throw .lengthTooLarge }
        return size
    }
}

/// Writes a chunked body (RFC 9112, section 7.1).
package enum HTTPChunks {
    /// A chunk; nothing for no data, because an empty chunk would be the last one.
    package static func chunk(_ data: some Collection<UInt8>, extensions: String = "") -> [UInt8] {
        guard !data.isEmpty else { return [] }
        return Array("\(String(data.count, radix: 16))\(extensions)\r\n".utf8) + data + [0x0D, 0x0A]
    }

    /// The last chunk and the trailer.
    package static func end(trailers: HTTPFields = HTTPFields()) -> [UInt8] { Array("0\r\n".utf8) + trailers.encoded }
}

/// A part of a frame, as a client with a small buffer reports it.
package struct WebSocketPiece: Equatable, Sendable {
    /// That of the message: text or binary, also in its later frames.
    package let opcode: WebSocketOpcode
    /// Whether the frame is the last one of its message.
    package let isFinalFrame: Bool
    /// In bytes.
    package let frameLength: Int
    /// The place of `bytes` in the frame.
    package let offset: Int
    package let bytes: [UInt8]

    /// Whether the piece is the last one of its message.
    package var isEnd: Bool { isFinalFrame && offset + bytes.count == frameLength }
}

/// Cuts frames into pieces of the buffer's size. How the bytes arrive does not matter. A frame without payload is one
/// piece.
struct WebSocketPieces {
    private let size: Int
    private var frame = WebSocketFrameHead(.text, length: 0)
    private var opcode = WebSocketOpcode.text
    private var offset = 0
    private var buffer: [UInt8] = []

    /// - Parameter size: in bytes, at least 1.
    init(size: Int) { self.size = max(1, size) }

    mutating func begin(_ frame: WebSocketFrameHead, of opcode: WebSocketOpcode) {
        self.frame = frame
        self.opcode = opcode
        offset = 0
        buffer = []
    }

    mutating func take(_ payload: ArraySlice<UInt8>) -> [WebSocketPiece] {
        var pieces: [WebSocketPiece] = []
        var rest = payload
        while !rest.isEmpty {
            let taken = rest.prefix(size - buffer.count)
            rest = rest.dropFirst(taken.count)
            buffer += taken
            if buffer.count == size { pieces.append(flush()) }
        }
        return pieces
    }

    /// The last piece of the frame, unless it is complete.
    mutating func end() -> [WebSocketPiece] { buffer.isEmpty && frame.length > 0 ? [] : [flush()] }

    private mutating func flush() -> WebSocketPiece {
        defer {
            offset += buffer.count
            buffer = []
        }
        return WebSocketPiece(
            opcode: opcode, isFinalFrame: frame.isFinal, frameLength: frame.length, offset: offset, bytes: buffer)
    }
}

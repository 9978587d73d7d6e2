/// Reads the frames of one direction, in blocks of any size, and checks them (RFC 6455, section 5).
///
/// Call `next(from:)` until it returns `nil`, after each block. The events do not depend on the blocks, except for the
/// pieces of the payload. After an error, each call throws it again. Of a frame, at most the head and the 125 bytes of a
/// control frame are kept.
package struct WebSocketDecoder {
    package enum Event: Equatable, Sendable {
        /// A frame of a message begins. Its opcode is that of the message only in the first frame.
        case frame(WebSocketFrameHead, of: WebSocketOpcode)
        /// A piece of the frame's payload, never empty, without its mask.
        case payload(ArraySlice<UInt8>)
        /// The frame is complete, and with it the message if it is the last one.
        case frameEnd(isLast: Bool)
        /// A control frame.
        case ping([UInt8])
        case pong([UInt8])
        case close(WebSocketClosure?)
    }

    private enum State {
        case head
        /// The payload of a frame of a message, or of a control frame. `offset` bytes have been taken.
        case payload(WebSocketFrameHead, offset: Int)
        case failed(WebSocketError)
    }

    private let isMasked: Bool
    private let longestMessage: Int
    private var state = State.head
    private var head: [UInt8] = []
    private var control: [UInt8] = []
    /// The message that is incomplete: its opcode and its length so far.
    private var message: (opcode: WebSocketOpcode, length: Int)?
    private var text = UTF8Checker()

    /// - Parameters:
    ///   - isMasked: whether the frames come from a client, which masks them.
    ///   - longestMessage: in bytes, all frames together.
    package init(isMasked: Bool, longestMessage: Int = .max) {
        self.isMasked = isMasked
        self.longestMessage = longestMessage
    }

    /// Takes the next event from the front of `bytes`; `nil` when more bytes are needed.
    package mutating func next(from bytes: inout ArraySlice<UInt8>) throws(WebSocketError) -> Event? {
        do {
            return try event(from: &bytes)
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func event(from bytes: inout ArraySlice<UInt8>) throws(WebSocketError) -> Event? {
        while true {
            switch state {
            case .head:
                guard let byte = bytes.popFirst() else { return nil }
                head.append(byte)
                guard let frame = try WebSocketFrameHead.read(head) else { continue }
                head.removeAll(keepingCapacity: true)
                try check(frame)
                state = .payload(frame, offset: 0)
                if !frame.opcode.isControl, let message { return .frame(frame, of: message.opcode) }
            case .payload(let frame, let offset) where offset == frame.length:
                state = .head
                return try end(of: frame)
            case .payload(let frame, let offset):
                guard !bytes.isEmpty else { return nil }
                var piece = bytes.prefix(frame.length - offset)
                bytes = bytes[piece.endIndex...]
                state = .payload(frame, offset: offset + piece.count)
                if let mask = frame.mask {
                    var unmasked = Array(piece)
                    WebSocketMask.apply(mask, to: &unmasked, from: 0, offset: offset)
                    piece = unmasked[...]
                }
                if frame.opcode.isControl {
                    control += piece
                } else {
                    guard message?.opcode == .text, let bad = text.take(piece) else { return .payload(piece) }
                    // What comes before is good.
                    state = .failed(.badText)
                    if bad > piece.startIndex { return .payload(piece[..<bad]) }
                }
            case .failed(let error): throw error
            }
        }
    }

    private mutating func check(_ frame: WebSocketFrameHead) throws(WebSocketError) {
        guard frame.reserved == 0 else { throw .reservedBits(frame.reserved) }
        guard !frame.opcode.isReserved else { throw .reservedOpcode(frame.opcode) }
        guard (frame.mask != nil) == isMasked else { throw isMasked ? .unmasked : .masked }
        if frame.opcode.isControl {
            guard frame.isFinal else { throw .fragmentedControl }
            guard frame.length <= 125 else { throw .longControl }
            return
        }
        var current: (opcode: WebSocketOpcode, length: Int)
        if frame.opcode == .continuation {
            guard let message else { throw .strayContinuation }
            current = message
        } else {
            guard message == nil else { throw .unfinishedMessage }
            current = (frame.opcode, 0)
            text = UTF8Checker()
        }
        guard frame.length <= longestMessage - current.length else { throw .messageTooLong(limit: longestMessage) }
        current.length += frame.length
        message = current
    }

    private mutating func end(of frame: WebSocketFrameHead) throws(WebSocketError) -> Event {
        guard frame.opcode.isControl else {
            if frame.isFinal {
                if message?.opcode == .text, !text.isComplete { throw .badText }
                message = nil
            }
            return .frameEnd(isLast: frame.isFinal)
        }
        defer { control = [] }
        switch frame.opcode {
        case .ping: return .ping(control)
        case .pong: return .pong(control)
        default: return .close(try WebSocketClosure.read(control))
        }
    }
}

/// Assembles command lines.
struct LineBuffer {
    /// In bytes, the longest command line including its end (ESP-AT docs, AT command set, index).
    static let limit = 256

    private var bytes: [UInt8] = []
    private var isTooLong = false
    /// Whether the current line was answered with `busy p...`.
    var isRefusing = false
    /// The number of bytes of `restartLine` that the current line has matched.
    var restartMatch = 0
    /// The only line that is accepted while a command runs.
    static let restartLine = Array("AT+RST\r\n".utf8)

    enum Step: Equatable {
        case more
        case line([UInt8])
        case failed(CommandError)
    }

    /// Takes bytes from the front, up to the end of a line.
    mutating func take(_ input: inout Slice<UnsafeRawBufferPointer>) -> Step {
        let part = input.prefix { $0 != UInt8(ascii: "\n") }
        input = input.dropFirst(part.count)
        // The limit includes the LF. A CR without an LF after it is part of the line.
        let room = Self.limit - 1 - bytes.count
        bytes.append(contentsOf: part.prefix(room))
        if part.count > room { isTooLong = true }
        guard input.popFirst() != nil else { return .more }
        defer {
            bytes.removeAll(keepingCapacity: true)
            isTooLong = false
        }
        // The firmware does not look at such a line, so it finds no AT.
        if isTooLong { return .failed(CommandError(kind: .noAT)) }
        guard bytes.last == UInt8(ascii: "\r") else {
            return bytes.isEmpty ? .line([]) : .failed(CommandError(kind: .noTerminator))
        }
        return .line(Array(bytes.dropLast()))
    }
}

/// Assembles command lines.
struct LineBuffer {
    /// The longest command line with its end (ESP-AT docs, AT command set, index).
    static let limit = 256

    private var bytes: [UInt8] = []
    private var isTooLong = false
    /// The line that comes in was answered with `busy p...`.
    var isRefusing = false
    /// How much of `restartLine` the line that comes in has matched so far.
    var restartMatch = 0
    /// The one line that is taken while a command runs.
    static let restartLine = Array("AT+RST\r\n".utf8)

    enum Step: Equatable {
        case more
        case line([UInt8])
        case failed(CommandError)
    }

    /// Takes bytes from the front, to the end of a line at most.
    mutating func take(_ input: inout Slice<UnsafeRawBufferPointer>) -> Step {
        let part = input.prefix { $0 != UInt8(ascii: "\n") }
        input = input.dropFirst(part.count)
        // The LF counts too; a CR that no LF follows is part of the line.
        let room = Self.limit - 1 - bytes.count
        bytes.append(contentsOf: part.prefix(room))
        if part.count > room { isTooLong = true }
        guard input.popFirst() != nil else { return .more }
        defer {
            bytes.removeAll(keepingCapacity: true)
            isTooLong = false
        }
        // It is not looked at: no AT was found.
        if isTooLong { return .failed(CommandError(kind: .noAT)) }
        guard bytes.last == UInt8(ascii: "\r") else {
            return bytes.isEmpty ? .line([]) : .failed(CommandError(kind: .noTerminator))
        }
        return .line(Array(bytes.dropLast()))
    }
}

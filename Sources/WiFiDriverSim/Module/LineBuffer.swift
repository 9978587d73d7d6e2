/// Assembles command lines.
struct LineBuffer {
    /// The longest command line with its end (ESP-AT docs, AT command set, index).
    static let limit = 256

    private var bytes: [UInt8] = []
    private var isTooLong = false
    /// The line that comes in was answered with `busy p...`.
    var isRefusing = false

    enum Step: Equatable {
        case more
        case line([UInt8])
        case failed(CommandError)
    }

    mutating func append(_ byte: UInt8) -> Step {
        guard byte == UInt8(ascii: "\n") else {
            // The LF counts too; a CR that no LF follows is part of the line.
            if bytes.count < Self.limit - 1 { bytes.append(byte) } else { isTooLong = true }
            return .more
        }
        defer {
            bytes.removeAll(keepingCapacity: true)
            isTooLong = false
        }
        if isTooLong { return .failed(CommandError(kind: .length)) }
        guard bytes.last == UInt8(ascii: "\r") else {
            return bytes.isEmpty ? .line([]) : .failed(CommandError(kind: .noTerminator))
        }
        return .line(Array(bytes.dropLast()))
    }
}

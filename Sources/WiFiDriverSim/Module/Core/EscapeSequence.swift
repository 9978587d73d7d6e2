import WiFiSimValues

/// Finds the `+++` that ends data mode: three characters close together, with silence before and after (ESP-AT docs,
/// TCP-IP, `+++`).
struct EscapeSequence {
    /// The minimum silence before and after the sequence, and the limit for pauses within it.
    static let guardTime = Duration.milliseconds(20)
    private static let length = 3

    /// When the last byte arrived.
    private var lastByte: Instant
    /// The number of characters held back because they may be part of the sequence.
    private(set) var kept = 0

    /// Starts at `now`, as if a byte had just arrived.
    init(at now: Instant) { lastByte = now }

    /// When the silence is long enough to decide about the characters held back. `nil` if there are none.
    var deadline: Instant? { kept > 0 ? lastByte + Self.guardTime : nil }

    enum Finding: Equatable {
        /// The bytes may be part of the sequence and are held back.
        case kept
        /// The bytes are data, and so are the `pluses` characters held back before them.
        case data(pluses: Int)
    }

    /// Examines bytes from the line.
    mutating func take(_ bytes: Slice<UnsafeRawBufferPointer>, at now: Instant) -> Finding {
        let canBegin = kept > 0 || now - lastByte >= Self.guardTime
        lastByte = now
        if canBegin, kept + bytes.count <= Self.length, bytes.allSatisfy({ $0 == UInt8(ascii: "+") }) {
            kept += bytes.count
            return .kept
        }
        defer { kept = 0 }
        return .data(pluses: kept)
    }

    /// Decides about the characters held back, after the silence: whether they were the sequence, and otherwise how
    /// many of them are data.
    mutating func resolve() -> (isComplete: Bool, pluses: Int) {
        defer { kept = 0 }
        return kept == Self.length ? (true, 0) : (false, kept)
    }
}

import WiFiSimValues

/// Finds the `+++` that ends data mode: three characters close together, with silence before and after
/// (ESP-AT docs, TCP-IP, `+++`).
struct EscapeSequence {
    /// More silence than this stands before and after, less between the characters.
    static let guardTime = Duration.milliseconds(20)
    private static let length = 3

    /// When the last byte came.
    private var lastByte: Instant
    /// The characters kept back because they may be the sequence.
    private(set) var kept = 0

    /// The line is taken for busy until now.
    init(at now: Instant) { lastByte = now }

    /// When silence tells what the characters kept back were.
    var deadline: Instant? { kept > 0 ? lastByte + Self.guardTime : nil }

    enum Finding: Equatable {
        /// The bytes may be a part of the sequence and are kept back.
        case kept
        /// They are data, and so are the characters kept back before them.
        case data(pluses: Int)
    }

    /// Looks at bytes that come from the line.
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

    /// The silence after what was kept back is over: whether that was the sequence, or how many pluses are data.
    mutating func resolve() -> (isComplete: Bool, pluses: Int) {
        defer { kept = 0 }
        return kept == Self.length ? (true, 0) : (false, kept)
    }
}

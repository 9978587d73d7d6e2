import WiFiSimValues

/// Splits bytes as a serial line might deliver them.
struct Splitter {
    private let delivery: TranscriptPlayer.Delivery
    private var random: SeededGenerator

    init(_ delivery: TranscriptPlayer.Delivery) {
        self.delivery = delivery
        random = if case .split(let seed) = delivery { SeededGenerator(seed) } else { SeededGenerator(0) }
    }

    mutating func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        switch delivery {
        case .whole: return [bytes]
        case .byteByByte: return bytes.map { [$0] }
        case .split:
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...rest.count, using: &random))
                pieces.append(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            return pieces
        }
    }
}

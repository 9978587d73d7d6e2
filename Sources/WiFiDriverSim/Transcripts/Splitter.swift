/// Splits bytes as a serial line might deliver them.
struct Splitter {
    private let delivery: TranscriptPlayer.Delivery
    private var random: SplitMix64

    init(_ delivery: TranscriptPlayer.Delivery) {
        self.delivery = delivery
        random = if case .split(let seed) = delivery { SplitMix64(seed: seed) } else { SplitMix64(seed: 0) }
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

/// Sebastiano Vigna's SplitMix64 generator. Any seed is good.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

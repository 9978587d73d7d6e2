import WiFiSimValues

/// The changes of the bytes of one phase.
///
/// Sans-IO: bytes go in through `pass`, and pieces for the line come out; `end` gives what follows the last byte.
struct ByteFilter {
    enum Piece: Equatable {
        case bytes([UInt8])
        /// What follows comes later by this time.
        case pause(Duration)
    }

    private let effects: [Fault.ByteEffect]
    private var passedCount = 0
    private var hasBegun = false
    /// What was said, for a fault that says it again.
    private var said: [UInt8] = []

    init(_ effects: [Fault.ByteEffect]) { self.effects = effects }

    var isEmpty: Bool { effects.isEmpty }

    mutating func pass(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [Piece] {
        var pieces: [Piece] = [.bytes(bytes)]
        if effects.contains(.double) { said += bytes }
        for effect in effects { pieces = pieces.flatMap { apply(effect, to: $0, total: bytes.count, &random) } }
        hasBegun = true
        passedCount += bytes.count
        return pieces
    }

    mutating func end() -> [Piece] {
        guard hasBegun else { return [] }
        var pieces: [Piece] = []
        for effect in effects {
            switch effect {
            case .double: pieces.append(.bytes(said))
            case .insert(let text, .after): pieces.append(.bytes(Array(text.utf8) + [0x0D, 0x0A]))
            default: break
            }
        }
        return pieces
    }

    private func apply(
        _ effect: Fault.ByteEffect, to piece: Piece, total: Int, _ random: inout SeededGenerator
    ) -> [Piece] {
        guard case .bytes(let bytes) = piece else { return [piece] }
        switch effect {
        case .lose(nil): return []
        case .lose(let count?): return [.bytes(Array(bytes.dropFirst(max(0, count - passedCount))))]
        case .cut(let count): return [.bytes(Array(bytes.prefix(max(0, count - passedCount))))]
        case .garble: return [.bytes(Self.garbled(bytes, &random))]
        case .double, .insert(_, .after): return [piece]
        case .insert(let text, .before):
            return hasBegun ? [piece] : [.bytes(Array(text.utf8) + [0x0D, 0x0A] + bytes)]
        case .insert(let text, .inside):
            guard !hasBegun else { return [piece] }
            return [.bytes(bytes[..<(bytes.count / 2)] + Array(text.utf8) + bytes[(bytes.count / 2)...])]
        case .delay(let time): return hasBegun ? [piece] : [.pause(time), piece]
        case .split(let count, let time):
            let first = count - passedCount
            guard (0..<bytes.count).contains(first) else { return [piece] }
            return [.bytes(Array(bytes[..<first])), .pause(time), .bytes(Array(bytes[first...]))]
        }
    }

    /// Flips a bit in about every third byte, at least in one.
    private static func garbled(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        guard !bytes.isEmpty else { return bytes }
        var garbled = bytes.map { byte in
            Int.random(in: 0..<3, using: &random) == 0 ? byte ^ 1 << UInt8.random(in: 0..<8, using: &random) : byte
        }
        if garbled == bytes {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            garbled[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        return garbled
    }
}

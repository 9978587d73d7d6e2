import WiFiSimValues

/// The changes of the bytes of one phase.
///
/// Sans-IO: bytes go in through `pass`, and pieces for the line come out; `end` gives what follows the last byte. How
/// the bytes are divided among the calls of `pass` makes no difference to the sum of the pieces, except for where the
/// middle of the first bytes is.
struct ByteFilter {
    enum Piece: Equatable {
        case bytes([UInt8])
        /// What follows comes later by this time.
        case pause(Duration)
    }

    /// How far the middle of the bytes is from the first, and whether they end.
    struct Extent {
        /// Where text is inserted inside; `nil` is the middle of the first bytes that come.
        var middle: Int?
        /// Whether they have no end, so that there is no second time for all of them: each byte comes twice.
        var isEndless = false
    }

    private var stages: [Stage]
    private(set) var hasBegun = false

    init(_ effects: [Fault.ByteEffect], _ extent: Extent = Extent()) {
        // Text in front comes last, so that the others count the bytes as they were.
        stages = (effects.filter { !$0.isInFront } + effects.filter(\.isInFront)).map {
            Stage(effect: $0, extent: extent)
        }
    }

    var isEmpty: Bool { stages.isEmpty }

    mutating func pass(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [Piece] {
        guard !bytes.isEmpty else { return [] }
        hasBegun = true
        var pieces = [Piece.bytes(bytes)]
        for index in stages.indices { pieces = pieces.flatMap { stages[index].pass($0, &random) } }
        return pieces
    }

    mutating func end(_ random: inout SeededGenerator) -> [Piece] {
        guard hasBegun else { return [] }
        var pieces: [Piece] = []
        for index in stages.indices {
            pieces = pieces.flatMap { stages[index].pass($0, &random) } + stages[index].end()
        }
        return pieces
    }
}

extension Fault.ByteEffect {
    fileprivate var isInFront: Bool { if case .insert(_, .before) = self { true } else { false } }
}

/// One effect, and how far it has come.
private struct Stage {
    let effect: Fault.ByteEffect
    var extent: ByteFilter.Extent
    private var passedCount = 0
    /// What was said, for a fault that says it again.
    private var said: [UInt8] = []

    init(effect: Fault.ByteEffect, extent: ByteFilter.Extent) {
        self.effect = effect
        self.extent = extent
    }

    mutating func pass(_ piece: ByteFilter.Piece, _ random: inout SeededGenerator) -> [ByteFilter.Piece] {
        guard case .bytes(let bytes) = piece, !bytes.isEmpty else { return [piece] }
        let isFirst = passedCount == 0
        defer { passedCount += bytes.count }
        switch effect {
        case .lose(nil): return []
        case .lose(let count?): return [.bytes(Array(bytes.dropFirst(max(0, count - passedCount))))]
        case .cut(let count): return [.bytes(Array(bytes.prefix(max(0, count - passedCount))))]
        case .garble: return [.bytes(garbled(bytes, &random))]
        case .double where extent.isEndless: return [.bytes(bytes.flatMap { [$0, $0] })]
        case .double:
            said += bytes
            return [piece]
        case .insert(let text, .before): return [.bytes(isFirst ? text.line + bytes : bytes)]
        case .insert(let text, .inside):
            let middle = extent.middle ?? bytes.count / 2
            extent.middle = middle
            guard let index = index(of: middle, in: bytes) else { return [piece] }
            return [.bytes(bytes[..<index] + Array(text.utf8) + bytes[index...])]
        case .insert(_, .after): return [piece]
        case .delay(let time): return isFirst ? [.pause(time), piece] : [piece]
        case .split(let count, let time):
            guard let index = index(of: count, in: bytes) else { return [piece] }
            return [.bytes(Array(bytes[..<index])), .pause(time), .bytes(Array(bytes[index...]))]
        }
    }

    func end() -> [ByteFilter.Piece] {
        switch effect {
        case .double: [.bytes(said)]
        case .insert(let text, .after): [.bytes(text.line)]
        default: []
        }
    }

    /// The index of the byte that has this number among all, counted from 0.
    private func index(of number: Int, in bytes: [UInt8]) -> Int? {
        bytes.indices.contains(number - passedCount) ? number - passedCount : nil
    }

    /// Flips a bit of the first and the third byte, and of about every third of the others.
    private func garbled(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let isChosen = Int.random(in: 0..<3, using: &random) == 0 || [0, 2].contains(passedCount + index)
            return isChosen ? byte ^ 1 << UInt8.random(in: 0..<8, using: &random) : byte
        }
    }
}

extension String {
    /// The text as a line.
    fileprivate var line: [UInt8] { Array(utf8) + [0x0D, 0x0A] }
}

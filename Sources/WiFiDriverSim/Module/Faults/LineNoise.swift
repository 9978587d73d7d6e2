import WiFiSimValues

extension Fault.LineEffect {
    /// Changes what has become of a byte on a line that fails.
    /// - Returns: whether it has changed anything.
    func change(_ copies: inout [UInt8], _ random: inout SeededGenerator) -> Bool {
        switch self {
        case .lose(let chance):
            guard chance.happens(&random), !copies.isEmpty else { return false }
            copies = []
        case .flip(let chance):
            guard chance.happens(&random), !copies.isEmpty else { return false }
            copies[0] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case .double(let chance):
            guard chance.happens(&random), !copies.isEmpty else { return false }
            copies += copies
        case .insert(let chance):
            guard chance.happens(&random) else { return false }
            copies.append(.random(in: 0...255, using: &random))
        case .mute: return false
        }
        return true
    }
}

import WiFiSimValues

/// The failures of the serial line in one direction.
struct LineNoise {
    var effects: [Fault.LineEffect] = []

    func pass(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for byte in bytes {
            var copies = [byte]
            for effect in effects {
                switch effect {
                case .lose(let chance): if chance.happens(&random) { copies = [] }
                case .flip(let chance):
                    if chance.happens(&random), !copies.isEmpty {
                        copies[0] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    }
                case .double(let chance): if chance.happens(&random) { copies += copies }
                case .insert(let chance):
                    if chance.happens(&random) { copies.append(.random(in: 0...255, using: &random)) }
                case .mute: break
                }
            }
            result += copies
        }
        return result
    }
}

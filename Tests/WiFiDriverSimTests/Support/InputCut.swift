import WiFiSimValues

/// How a test cuts the bytes of a connection into blocks.
enum InputCut: CaseIterable {
    case whole, bytes, random

    func blocks(of bytes: [UInt8]) -> [[UInt8]] {
        var random = SeededGenerator(UInt64(bytes.count))
        return blocks(of: bytes, using: &random)
    }

    func blocks(of bytes: [UInt8], using random: inout SeededGenerator) -> [[UInt8]] {
        var blocks: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count =
                switch self {
                case .whole: rest.count
                case .bytes: 1
                case .random: Int.random(in: 1...rest.count, using: &random)
                }
            blocks.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return blocks
    }
}

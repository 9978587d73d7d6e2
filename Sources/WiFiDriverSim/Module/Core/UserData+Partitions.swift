/// The contents of the partitions.
extension UserData {
    /// The bytes of a partition, without the erased bytes at its end.
    func content(of partition: String) -> [UInt8] {
        partitions[partition]?.bytes ?? Credential(rawValue: partition)?.factoryImage.withoutErasedEnd ?? []
    }

    mutating func setContent(of partition: String, to bytes: [UInt8]) {
        let content = bytes.withoutErasedEnd
        partitions[partition] = nil
        if content != self.content(of: partition) { partitions[partition] = FlashBytes(content) }
    }

    /// Programs bytes. In flash, this can only clear bits.
    mutating func write(_ bytes: [UInt8], to partition: String, at offset: Int) {
        var content = content(of: partition)
        content += [UInt8](repeating: 0xFF, count: max(0, offset + bytes.count - content.count))
        for (index, byte) in bytes.enumerated() { content[offset + index] &= byte }
        setContent(of: partition, to: content)
    }

    mutating func erase(_ range: Range<Int>, of partition: String) {
        var content = content(of: partition)
        for index in range.clamped(to: content.indices) { content[index] = 0xFF }
        setContent(of: partition, to: content)
    }
}

/// The images that older firmware has in a partition for each kind of certificate (ESP-AT, tools/AtPKI.py): `F1 F1`,
/// the number of items, their total length; for each item its type, number, length and bytes, padded to a multiple of
/// four.
extension Credential {
    private var itemType: UInt8 {
        switch self {
        case .clientAuthority, .serverAuthority: 1
        case .clientCertificate, .serverCertificate: 2
        case .clientKey, .serverKey: 3
        }
    }

    /// The factory image. Older firmware has one set of certificates.
    fileprivate var factoryImage: [UInt8] {
        let bytes = Array(factory[0].utf8)
        var item = [itemType, 0, UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8)] + bytes
        item += [UInt8](repeating: 0xFF, count: (4 - bytes.count % 4) % 4)
        let length = (0..<4).map { UInt8(truncatingIfNeeded: item.count >> ($0 * 8)) }
        return [0xF1, 0xF1, 1, 0] + length + item
    }

    /// The bytes of the item with this number. Empty if there is none.
    func item(_ number: Int, in image: [UInt8]) -> [UInt8] {
        guard image.count >= 8, image[0] == 0xF1, image[1] == 0xF1 else { return [] }
        var position = 8
        for _ in 0..<Int(image[2]) | Int(image[3]) << 8 {
            guard position + 4 <= image.count else { break }
            let length = Int(image[position + 2]) | Int(image[position + 3]) << 8
            let end = position + 4 + length
            guard end <= image.count else { break }
            if image[position] == itemType, Int(image[position + 1]) == number {
                return Array(image[position + 4..<end])
            }
            position = end + (4 - length % 4) % 4
        }
        return []
    }
}

extension [UInt8] {
    fileprivate var withoutErasedEnd: [UInt8] { Array(self[..<(lastIndex { $0 != 0xFF }.map { $0 + 1 } ?? 0)]) }
}

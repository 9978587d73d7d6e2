/// What a UART reads if the sender has another bit rate, as the ESP8266's boot ROM has.
package enum Misreading {
    /// The bytes that an 8N1 receiver at `readRate` reads when `bytes` are sent at `sentRate`. Bytes with a framing
    /// error are kept as sampled. The rates are in bits per second.
    package static func bytes(_ bytes: some Collection<UInt8>, sentAt sentRate: Int, readAt readRate: Int) -> [UInt8] {
        if sentRate == readRate { return Array(bytes) }
        let wave = Wave(bytes: Array(bytes))
        let sentBitsPerReadBit = Double(sentRate) / Double(readRate)
        var read: [UInt8] = []
        var time = 0.0
        while let start = wave.firstLow(from: time) {
            var byte: UInt8 = 0
            for bit in 0..<8 where wave.level(at: start + (1.5 + Double(bit)) * sentBitsPerReadBit) { byte |= 1 << bit }
            read.append(byte)
            time = wave.firstHigh(from: start + 9.5 * sentBitsPerReadBit)
        }
        return read
    }

    /// The line's level over time, in bit times of the sender.
    private struct Wave {
        let bytes: [UInt8]
        private var end: Double { Double(bytes.count * 10) }

        func level(at time: Double) -> Bool {
            guard time >= 0, time < end else { return true }
            let bit = Int(time)
            return switch bit % 10 {
            case 0: false
            case 9: true
            default: bytes[bit / 10] >> (bit % 10 - 1) & 1 == 1
            }
        }

        func firstLow(from time: Double) -> Double? {
            var time = time
            while time < end, level(at: time) { time = time.rounded(.down) + 1 }
            return time < end ? time : nil
        }

        func firstHigh(from time: Double) -> Double {
            var time = time
            while time < end, !level(at: time) { time = time.rounded(.down) + 1 }
            return time
        }
    }
}

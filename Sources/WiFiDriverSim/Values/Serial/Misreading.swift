/// What a UART reads of the other end's bits, whose rate or frame may differ: that of the ESP8266's boot ROM, or of a
/// host that did not follow `UART_CUR`.
package enum Misreading {
    /// What the receiver reads.
    package struct Reading: Equatable, Sendable {
        /// All bytes, also those with an error: the FIFO keeps them as sampled (ESP32 TRM, UART_CONF0_REG,
        /// UART_ERR_WR_MASK = 0, the reset value, which ESP-IDF leaves).
        package var bytes: [UInt8] = []
        /// The number of bytes whose stop bit was low.
        package var framingErrors = 0
        /// The number of bytes with a wrong parity bit.
        package var parityErrors = 0

        package init(bytes: [UInt8] = [], framingErrors: Int = 0, parityErrors: Int = 0) {
            self.bytes = bytes
            self.framingErrors = framingErrors
            self.parityErrors = parityErrors
        }
    }

    /// What a receiver with the frame `read` makes of `bytes` that are sent with the frame `sent`, back to back on a
    /// line that is idle before and after them.
    package static func bytes(_ bytes: some Collection<UInt8>, sent: UARTFrame, read: UARTFrame) -> Reading {
        // A receiver looks at one stop bit, however many there are.
        if (sent.bitRate, sent.dataBits, sent.parity) == (read.bitRate, read.dataBits, read.parity) {
            let mask = sent.dataMask
            return Reading(bytes: mask == 0xFF ? Array(bytes) : bytes.map { $0 & mask })
        }
        return reading(
            of: edges(of: bytes, sent), read, bitTime: Double(max(1, sent.bitRate)) / Double(max(1, read.bitRate)))
    }

    /// What a receiver with the frame `read` makes of a break, a low line for `duration`: one zero byte with a framing
    /// error if it is longer than a byte.
    package static func lineBreak(lasting duration: Duration, read: UARTFrame) -> Reading {
        let bits = Double(duration.nanoseconds) * Double(read.bitRate) / 1_000_000_000
        return reading(of: bits > 0 ? [0, bits] : [], read, bitTime: 1)
    }

    /// The times at which the level changes, in bit times of the sender. The line is high before the first and after
    /// the last.
    private static func edges(of bytes: some Collection<UInt8>, _ frame: UARTFrame) -> [Double] {
        var edges: [Double] = []
        edges.reserveCapacity(bytes.count * 6)
        var start = 0.0
        for byte in bytes {
            let data = byte & frame.dataMask
            var isHigh = false
            edges.append(start)
            func bit(_ number: Int, _ level: Bool) {
                if level != isHigh { edges.append(start + Double(number)) }
                isHigh = level
            }
            for number in 0..<frame.dataBits.value { bit(1 + number, data >> number & 1 == 1) }
            if let parity = frame.parity.bit(after: data) { bit(1 + frame.dataBits.value, parity) }
            bit(frame.bitsBeforeStop, true)
            start += frame.bitsPerByte
        }
        return edges
    }

    /// Samples the middle of each bit, and takes its time anew from the edge of each start bit. `bitTime` is the
    /// receiver's, in the unit of `edges`.
    private static func reading(of edges: [Double], _ frame: UARTFrame, bitTime: Double) -> Reading {
        var reading = Reading()
        // The number of edges passed: the line is high if it is even.
        var passed = 0
        while passed < edges.count {
            let start = edges[passed]
            func level(_ bit: Int) -> Bool {
                let time = start + (Double(bit) + 0.5) * bitTime
                while passed < edges.count, edges[passed] <= time { passed += 1 }
                return passed.isMultiple(of: 2)
            }
            passed += 1
            var byte: UInt8 = 0
            for number in 0..<frame.dataBits.value where level(1 + number) { byte |= 1 << number }
            reading.bytes.append(byte)
            if let parity = frame.parity.bit(after: byte), level(1 + frame.dataBits.value) != parity {
                reading.parityErrors += 1
            }
            if !level(frame.bitsBeforeStop) {
                reading.framingErrors += 1
                // The next start bit is looked for once the line is high.
                passed += 1
            }
        }
        return reading
    }
}

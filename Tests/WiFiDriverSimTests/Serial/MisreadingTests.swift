import Testing
@testable import WiFiSimValues

struct MisreadingTests {
    private typealias Reading = Misreading.Reading

    private func frame(
        _ bitRate: Int, _ dataBits: UARTConfiguration.DataBits = 8, _ parity: UARTFrame.Parity = .none,
        _ stopBits: UARTFrame.StopBits = .one
    ) -> UARTFrame {
        UARTFrame(bitRate: bitRate, dataBits: dataBits, parity: parity, stopBits: stopBits)
    }

    @Test func `Equal frames read what is sent, in as many bits as they have`() {
        let bytes = (0...255).map(UInt8.init)
        for dataBits in 5...8 {
            let frame = UARTFrame(bitRate: 9600, dataBits: .init(dataBits) ?? 8, parity: .even, stopBits: .two)
            let mask = UInt8((1 << dataBits) - 1)
            #expect(Misreading.bytes(bytes, sent: frame, read: frame) == Reading(bytes: bytes.map { $0 & mask }))
        }
    }

    @Test(arguments: UARTFrame.Parity.allCases)
    func `Rates that are close are read correctly, and all numbers of stop bits`(parity: UARTFrame.Parity) {
        let bytes = (0...255).map(UInt8.init)
        for stopBits in UARTFrame.StopBits.allCases {
            for rate in [112_900, 115_200, 117_500] {
                let sent = frame(rate, 8, parity, stopBits)
                #expect(Misreading.bytes(bytes, sent: sent, read: frame(115_200, 8, parity)) == Reading(bytes: bytes))
            }
        }
        // In ten bits the error grows to more than half a bit.
        let wrong = Misreading.bytes(bytes, sent: frame(107_000), read: frame(115_200))
        #expect(wrong.bytes != bytes && wrong.framingErrors > 0)
    }

    @Test func `A receiver at twice the rate sees each bit twice`() {
        // Start 0, data 1 0 1 0 1 0 1 0, stop 1, each twice.
        let reading = Misreading.bytes([0x55], sent: frame(9600), read: frame(19_200))
        #expect(reading == Reading(bytes: [0x66, 0xE6], framingErrors: 1))
    }

    @Test func `A receiver at a tenth of the rate makes one byte of several`() {
        let reading = Misreading.bytes([UInt8](repeating: 0x55, count: 100), sent: frame(96_000), read: frame(9600))
        #expect((8...12).contains(reading.bytes.count))
    }

    @Test func `The parity bit of the sender is the eighth data bit of a receiver without parity`() {
        let reading = Misreading.bytes([0x41, 0x43], sent: frame(9600, 7, .even), read: frame(9600))
        #expect(reading == Reading(bytes: [0x41, 0xC3]))
    }

    @Test func `A byte with a wrong parity bit is kept and counted`() {
        let reading = Misreading.bytes([0x41, 0xC1], sent: frame(9600), read: frame(9600, 7, .even))
        #expect(reading == Reading(bytes: [0x41, 0x41], parityErrors: 1))
        #expect(
            Misreading.bytes([0x41], sent: frame(9600, 8, .odd), read: frame(9600, 8, .even))
                == Reading(bytes: [0x41], parityErrors: 1))
        #expect(
            Misreading.bytes([0x00, 0x41], sent: frame(9600, 8, .space), read: frame(9600, 8, .mark))
                == Reading(bytes: [0x00, 0x41], parityErrors: 2))
    }

    @Test func `A parity bit in the place of the stop bit is a framing error if it is zero`() {
        let reading = Misreading.bytes([0x41, 0x43, 0x41], sent: frame(9600, 8, .even), read: frame(9600))
        #expect(reading == Reading(bytes: [0x41, 0x43, 0x41], framingErrors: 2))
    }

    @Test func `A break is one zero byte with a framing error`() {
        #expect(
            Misreading.lineBreak(lasting: .milliseconds(250), read: frame(115_200))
                == Reading(bytes: [0], framingErrors: 1))
        #expect(Misreading.lineBreak(lasting: .zero, read: frame(115_200)) == Reading())
        // Shorter than a byte, it is a byte: start bit, four zeros, ones.
        #expect(Misreading.lineBreak(lasting: .microseconds(500), read: frame(10_000)) == Reading(bytes: [0xF0]))
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `A reading is what sampling the level bit by bit gives`(seed: UInt64) {
        var random = SeededGenerator(seed)
        func some() -> UARTFrame {
            UARTFrame(
                bitRate: [1200, 9600, 74_880, 115_200, 250_001].randomElement(using: &random) ?? 1,
                dataBits: .init(Int.random(in: 5...8, using: &random)) ?? 8,
                parity: UARTFrame.Parity.allCases.randomElement(using: &random) ?? .none,
                stopBits: UARTFrame.StopBits.allCases.randomElement(using: &random) ?? .one)
        }
        let (sent, read) = (some(), some())
        let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let reading = Misreading.bytes(bytes, sent: sent, read: read)
        #expect(reading == sampled(bytes, sent, read), "\(sent) read as \(read)")
    }

    /// A slow model: the level at a time follows from the byte and the bit that are sent then.
    private func sampled(_ bytes: [UInt8], _ sent: UARTFrame, _ read: UARTFrame) -> Reading {
        func level(_ time: Double) -> Bool {
            let index = Int(time / sent.bitsPerByte)
            guard time >= 0, index < bytes.count else { return true }
            let bit = Int(time - Double(index) * sent.bitsPerByte)
            let data = bytes[index] & UInt8((1 << sent.dataBits.value) - 1)
            if bit == 0 { return false }
            if bit <= sent.dataBits.value { return data >> (bit - 1) & 1 == 1 }
            guard bit == sent.dataBits.value + 1 else { return true }
            switch sent.parity {
            case .none, .mark: return true
            case .space: return false
            case .even: return data.nonzeroBitCount % 2 == 1
            case .odd: return data.nonzeroBitCount % 2 == 0
            }
        }
        // Frames begin at multiples of half a bit.
        func first(_ wanted: Bool, from time: Double) -> Double? {
            var time = time
            while time <= Double(bytes.count) * sent.bitsPerByte {
                if level(time) == wanted { return time }
                time = (time * 2).rounded(.down) / 2 + 0.5
            }
            return wanted ? time : nil
        }
        var reading = Reading()
        let bitTime = Double(sent.bitRate) / Double(read.bitRate)
        let hasParity = read.parity != .none
        var time = 0.0
        while let start = first(false, from: time) {
            func sample(_ bit: Int) -> Bool { level(start + (Double(bit) + 0.5) * bitTime) }
            var byte: UInt8 = 0
            for bit in 0..<read.dataBits.value where sample(bit + 1) { byte |= 1 << bit }
            reading.bytes.append(byte)
            if hasParity {
                let ones = byte.nonzeroBitCount + (sample(read.dataBits.value + 1) ? 1 : 0)
                let isRight =
                    switch read.parity {
                    case .none: true
                    case .even: ones % 2 == 0
                    case .odd: ones % 2 == 1
                    case .mark: sample(read.dataBits.value + 1)
                    case .space: !sample(read.dataBits.value + 1)
                    }
                if !isRight { reading.parityErrors += 1 }
            }
            let stop = read.dataBits.value + (hasParity ? 2 : 1)
            if !sample(stop) { reading.framingErrors += 1 }
            time = first(true, from: start + (Double(stop) + 0.5) * bitTime) ?? .infinity
        }
        return reading
    }

    @Test func `A module's configuration has a frame`() {
        var configuration = UARTConfiguration()
        #expect(UARTFrame(configuration) == UARTFrame(bitRate: 115_200))
        configuration.baud = 9600
        configuration.dataBits = 7
        configuration.parity = 2
        configuration.stopBits = 2
        #expect(UARTFrame(configuration) == frame(9600, 7, .even, .oneAndHalf))
        configuration.parity = 1
        configuration.stopBits = 3
        #expect(UARTFrame(configuration) == frame(9600, 7, .odd, .two))
        #expect(frame(9600, 7, .odd, .two).bitsPerByte == 11)
        #expect(frame(115_200).byteTime == .nanoseconds(86_805))
        // A tty that has hung up has no rate.
        #expect(Misreading.bytes([1], sent: frame(0), read: frame(9600)).bytes.count > 0)
    }
}

/// How one end of a serial line sends and reads bytes.
///
/// On a line that works, both ends use the same frame. `Misreading` says what is read otherwise.
public struct UARTFrame: Hashable, Sendable {
    /// Bits per second, 1 or more. A tty with the rate 0 has hung up.
    public var bitRate: Int
    /// 5 to 8. The bits above them are not sent, and read as 0.
    public var dataBits: UARTConfiguration.DataBits
    /// The time between two bytes, at least.
    public var stopBits: StopBits
    /// What the bit after the data bits is.
    public var parity: Parity

    /// The length of the stop bit.
    public enum StopBits: Sendable, CaseIterable {
        /// One bit time.
        case one
        /// One and a half bit times.
        case oneAndHalf
        /// Two bit times.
        case two
    }

    /// The parity bit.
    public enum Parity: Sendable, CaseIterable {
        /// There is no parity bit.
        case none
        /// The number of ones in data and parity is odd.
        case odd
        /// The number of ones in data and parity is even.
        case even
        /// Always one.
        case mark
        /// Always zero.
        case space
    }

    /// A frame at `bitRate` bits per second; 8N1 unless given otherwise.
    public init(
        bitRate: Int, dataBits: UARTConfiguration.DataBits = 8, parity: Parity = .none, stopBits: StopBits = .one
    ) {
        self.bitRate = bitRate
        self.dataBits = dataBits
        self.stopBits = stopBits
        self.parity = parity
    }

    /// The frame of a module's UART.
    public init(_ configuration: UARTConfiguration) {
        bitRate = configuration.baud.value
        dataBits = configuration.dataBits
        stopBits = configuration.stopBits == 1 ? .one : configuration.stopBits == 2 ? .oneAndHalf : .two
        parity = configuration.parity == 0 ? .none : configuration.parity == 1 ? .odd : .even
    }

    /// The length of one byte on the line, in bit times: start bit, data bits, parity bit and stop bits.
    public var bitsPerByte: Double { Double(bitsBeforeStop) + stopBits.length }

    /// The time that one byte takes; at least a nanosecond.
    public var byteTime: Duration {
        .nanoseconds(max(1, Int64(bitsPerByte * 1_000_000_000 / Double(max(1, bitRate)))))
    }

    /// Start bit, data bits and parity bit.
    var bitsBeforeStop: Int { 1 + dataBits.value + (parity == .none ? 0 : 1) }

    /// The data bits that are set in a byte of ones.
    var dataMask: UInt8 { UInt8(truncatingIfNeeded: (1 << dataBits.value) - 1) }
}

extension UARTFrame.StopBits {
    /// In bit times.
    var length: Double {
        switch self {
        case .one: 1
        case .oneAndHalf: 1.5
        case .two: 2
        }
    }
}

extension UARTFrame.Parity {
    /// The parity bit after these data bits; `nil` without parity.
    func bit(after data: UInt8) -> Bool? {
        switch self {
        case .none: nil
        case .odd: data.nonzeroBitCount.isMultiple(of: 2)
        case .even: !data.nonzeroBitCount.isMultiple(of: 2)
        case .mark: true
        case .space: false
        }
    }
}

/// The configuration of a UART, with the numbers of UART_CUR (ESP-AT docs, Basic, UART_CUR).
public struct UARTConfiguration: Codable, Equatable, Sendable {
    /// Bits per second, 80 to 5,000,000.
    public var baud: Baud = 115_200
    /// 5 to 8.
    public var dataBits: DataBits = 8
    /// 1: one, 2: one and a half, 3: two.
    public var stopBits: StopBits = 1
    /// 0: none, 1: odd, 2: even.
    public var parity: Parity = 0
    /// 0: none, bit 0: RTS, bit 1: CTS. Has an effect on a line that behaves like a
    /// UART; any other line always has room.
    public var flowControl: FlowControl = 0

    /// A bit rate in bits per second.
    public typealias Baud = Bounded<80, 5_000_000>
    /// A number of data bits.
    public typealias DataBits = Bounded<5, 8>
    /// A number of stop bits, as UART_CUR counts them.
    public typealias StopBits = Bounded<1, 3>
    /// A parity, as UART_CUR numbers it.
    public typealias Parity = Bounded<0, 2>
    /// The flow control lines, as UART_CUR numbers them.
    public typealias FlowControl = Bounded<0, 3>

    /// 115,200 bits per second, 8N1, no flow control.
    public init() {}

    /// The length of one byte on the line, in bit times: start bit, data bits, parity bit and stop bits.
    public var bitsPerByte: Double { UARTFrame(self).bitsPerByte }

    /// Whether the module's RTS says when the host has to wait.
    package var usesRTS: Bool { flowControl.value & 1 != 0 }
    /// Whether the module waits while its CTS is not asserted.
    package var usesCTS: Bool { flowControl.value & 2 != 0 }
}

/// Values are those of UART_CUR (ESP-AT docs, Basic, UART_CUR).
public struct UARTConfiguration: Codable, Equatable, Sendable {
    /// Bits per second, 80 to 5,000,000.
    public var baud: Baud = 115_200
    public var dataBits: DataBits = 8
    /// 1: one, 2: one and a half, 3: two.
    public var stopBits: StopBits = 1
    /// 0: none, 1: odd, 2: even.
    public var parity: Parity = 0
    /// 0: none, bit 0: RTS, bit 1: CTS. The line here always has room and is always drained.
    public var flowControl: FlowControl = 0

    public typealias Baud = Bounded<80, 5_000_000>
    public typealias DataBits = Bounded<5, 8>
    public typealias StopBits = Bounded<1, 3>
    public typealias Parity = Bounded<0, 2>
    public typealias FlowControl = Bounded<0, 3>

    public init() {}

    /// Bit times that one byte takes on the line.
    public var bitsPerByte: Double {
        1 + Double(dataBits.value) + (parity == 0 ? 0 : 1) + Double(stopBits.value + 1) / 2
    }
}

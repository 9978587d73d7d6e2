/// Values are those of UART_CUR (ESP-AT docs, Basic, UART_CUR).
public struct UARTConfiguration: Codable, Equatable, Sendable {
    /// Bits per second, 80 to 5,000,000.
    public var baud = 115_200
    public var dataBits = 8
    /// 1: one, 2: one and a half, 3: two.
    public var stopBits = 1
    /// 0: none, 1: odd, 2: even.
    public var parity = 0
    /// 0: none, bit 0: RTS, bit 1: CTS. The line here always has room and is always drained.
    public var flowControl = 0

    public init() {}

    /// Bit times that one byte takes on the line.
    public var bitsPerByte: Double {
        1 + Double(dataBits) + (parity == 0 ? 0 : 1) + Double(stopBits + 1) / 2
    }
}

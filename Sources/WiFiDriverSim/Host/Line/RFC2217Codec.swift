import WiFiSimValues

/// A serial port over Telnet, as its clients see it. A placeholder until the protocol is there.
final class RFC2217Codec: LineCodec {
    var onSignal: (LineSignal) -> Void = { _ in }
    let hasPendingInput = false
    let hasOutput = false
    init(resetLine: ResetLine, speed: Int) {}
    func begin() {}
    func read(
        into buffer: UnsafeMutableRawBufferPointer, _ receive: Receive
    ) throws(SystemError) -> FileDescriptor.Transfer { try receive(buffer) }
    func write(_ bytes: UnsafeRawBufferPointer, _ send: Send) throws(SystemError) -> FileDescriptor.Transfer {
        try send(bytes)
    }
    func flush(_ send: Send) throws(SystemError) {}
    func configure(_ configuration: UARTConfiguration) {}
}

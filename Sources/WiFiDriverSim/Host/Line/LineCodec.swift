import WiFiSimValues

/// How the bytes of a serial line travel on a connection.
///
/// Belongs to the event loop's thread.
protocol LineCodec: AnyObject {
    typealias Receive = (UnsafeMutableRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer
    typealias Send = (UnsafeRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer

    var onSignal: (LineSignal) -> Void { get set }
    /// True if input that was read has not been delivered.
    var hasPendingInput: Bool { get }
    /// True if output of the codec waits to be sent.
    var hasOutput: Bool { get }
    /// The settings of the client's end; `nil` if it has none.
    var hostSettings: TerminalSettings? { get }
    /// A client has come.
    func begin()
    /// The client has gone.
    func end()
    func read(into buffer: UnsafeMutableRawBufferPointer, _ receive: Receive) throws(SystemError)
        -> FileDescriptor.Transfer
    func write(_ bytes: UnsafeRawBufferPointer, _ send: Send) throws(SystemError) -> FileDescriptor.Transfer
    func flush(_ send: Send) throws(SystemError)
    func configure(_ configuration: UARTConfiguration)
}

/// The bytes as they are.
final class RawCodec: LineCodec {
    var onSignal: (LineSignal) -> Void = { _ in }
    let hasPendingInput = false
    let hasOutput = false
    let hostSettings: TerminalSettings? = nil
    func begin() {}
    func end() {}

    func read(
        into buffer: UnsafeMutableRawBufferPointer, _ receive: Receive
    ) throws(SystemError) -> FileDescriptor.Transfer { try receive(buffer) }

    func write(_ bytes: UnsafeRawBufferPointer, _ send: Send) throws(SystemError) -> FileDescriptor.Transfer {
        try send(bytes)
    }

    func flush(_ send: Send) throws(SystemError) {}
    func configure(_ configuration: UARTConfiguration) {}
}

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
    /// False while the client has asked for no more bytes.
    var takesOutput: Bool { get }
    /// True while the client is to be read although nobody takes its bytes, because it says more than bytes.
    var readsAhead: Bool { get }
    /// False while too much waits to be sent. The client is then not read.
    var takesInput: Bool { get }
    /// True if a client can end its own direction and still receive.
    var hasTwoDirections: Bool { get }
    /// The settings of the client's end, as they were for the bytes that were read last; `nil` if it has none.
    var hostSettings: TerminalSettings? { get }
    /// A client has come.
    func begin()
    /// The client has gone.
    func end()
    func read(into buffer: UnsafeMutableRawBufferPointer, _ receive: Receive) throws(SystemError)
        -> FileDescriptor.Transfer
    /// Reads while nobody takes bytes.
    /// - Returns: false if the client has ended.
    func readAhead(_ receive: Receive) throws(SystemError) -> Bool
    func write(_ bytes: UnsafeRawBufferPointer, _ send: Send) throws(SystemError) -> FileDescriptor.Transfer
    func flush(_ send: Send) throws(SystemError)
    func configure(_ configuration: UARTConfiguration)
}

/// The bytes as they are.
final class RawCodec: LineCodec {
    var onSignal: (LineSignal) -> Void = { _ in }
    let hasPendingInput = false
    let hasOutput = false
    let takesOutput = true
    let readsAhead = false
    let takesInput = true
    let hasTwoDirections = true
    let hostSettings: TerminalSettings? = nil
    func begin() {}
    func end() {}

    func read(
        into buffer: UnsafeMutableRawBufferPointer, _ receive: Receive
    ) throws(SystemError) -> FileDescriptor.Transfer { try receive(buffer) }

    func readAhead(_ receive: Receive) -> Bool { true }

    func write(_ bytes: UnsafeRawBufferPointer, _ send: Send) throws(SystemError) -> FileDescriptor.Transfer {
        try send(bytes)
    }

    func flush(_ send: Send) throws(SystemError) {}
    func configure(_ configuration: UARTConfiguration) {}
}

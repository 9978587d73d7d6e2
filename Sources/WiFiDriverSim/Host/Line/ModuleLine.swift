import WiFiSimValues

/// The module's end of a serial line, on an event loop.
///
/// One client at a time has the other end. Call `start` once. From then on, the line calls `onReady` when there may be
/// bytes to read or room to write, and `onSignal` for what is not a byte, both on the loop's thread. Belongs to the event
/// loop's thread.
package protocol ModuleLine: AnyObject {
    /// The name with which a client opens the other end: a path, a URL of pyserial, or `unix:PATH`. A line that is itself
    /// a client has the name of what it has opened.
    var name: String { get }
    /// True while bytes can be written. On a pseudo-terminal always: they wait for the next client.
    var takesOutput: Bool { get }
    /// True if another client may come after one has ended.
    var outlivesClients: Bool { get }
    /// True if the client may still receive after a read has reported its end: it has closed only its own direction.
    var mayReceiveAfterEnd: Bool { get }
    /// True if the line holds bytes that it has read and not delivered, which the loop does not report.
    var hasPendingInput: Bool { get }
    /// The settings of the host's end, as they were for the bytes that were read last; `nil` if it has none, and follows
    /// the module.
    var hostSettings: TerminalSettings? { get }
    func start(_ handlers: LineHandlers) throws(SystemError)
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer
    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer
    /// Selects what `onReady` reports.
    func update(for interest: EventLoop.Interest)
    /// Called when a read or write has reported the end of the client: drops unread output and waits for the next
    /// client.
    /// - Returns: false if the line has ended for good.
    func clientEnded() throws(SystemError) -> Bool
    /// The module's UART has this configuration from now on.
    func configure(_ configuration: UARTConfiguration) throws(SystemError)
    /// Ends the line, with its file if it has one.
    func close()
}

extension ModuleLine {
    package var takesOutput: Bool { true }
    package var mayReceiveAfterEnd: Bool { false }
    package var hasPendingInput: Bool { false }
    package var outlivesClients: Bool { true }
    package var hostSettings: TerminalSettings? { nil }
    package func configure(_ configuration: UARTConfiguration) throws(SystemError) {}
    package func close() {}
}

/// What a line calls.
package struct LineHandlers {
    package var onReady: (EventLoop.Readiness) -> Void
    package var onSignal: (LineSignal) -> Void

    package init(
        onReady: @escaping (EventLoop.Readiness) -> Void, onSignal: @escaping (LineSignal) -> Void = { _ in }
    ) {
        self.onReady = onReady
        self.onSignal = onSignal
    }
}

/// Something that happens on a line besides bytes.
package enum LineSignal: Equatable, Sendable {
    /// A client has come.
    case connected
    /// The line that resets the board is pulled, or let go.
    case reset(isHeld: Bool)
    /// The host has sent a break.
    case lineBreak
    /// The client drops the bytes that it has not received yet.
    case purgeOutput
    /// A message for the log.
    case notice(String)
}

/// A line between two ends of this process: one end of a socket pair.
package final class FixedLine: ModuleLine {
    private let descriptor: FileDescriptor
    private let loop: EventLoop
    private var watch: LineWatch?

    /// Takes a non-blocking descriptor.
    package init(_ descriptor: FileDescriptor, on loop: EventLoop) {
        self.descriptor = descriptor
        self.loop = loop
    }

    package let name = "a socket pair"
    package let outlivesClients = false

    package func start(_ handlers: LineHandlers) throws(SystemError) {
        watch = try LineWatch(descriptor, for: .read, on: loop, handler: handlers.onReady)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        try descriptor.read(into: buffer)
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        try descriptor.send(bytes)
    }

    package func update(for interest: EventLoop.Interest) { watch?.update(for: interest) }

    package func clientEnded() -> Bool {
        watch?.end()
        return false
    }
}

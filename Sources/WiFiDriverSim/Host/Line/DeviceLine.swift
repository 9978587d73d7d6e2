import CPosix
import Glibc
import WiFiSimValues

/// A line on a tty that exists: a serial adapter with a microcontroller at its other end, or the pseudo-terminal of an
/// emulator.
///
/// The tty gets the bit rate of the module's UART. If the tty disappears, for example because the adapter is unplugged,
/// the line reopens it when it returns. The wiring is that of a null modem: the host's RTS is CTS here, its DTR is DSR.
package final class DeviceLine: ModuleLine {
    private let path: String
    private let loop: EventLoop
    private var settings: TerminalSettings
    private let resetLine: ResetLine
    private var isHeldInReset = false
    private var device: FileDescriptor?
    private var watch: LineWatch?
    private var handlers = LineHandlers { _ in }
    private var interest = EventLoop.Interest.read
    private var reopening: Ticker?
    private var modemPolling: Ticker?

    /// Opens the tty, 8N1. `speed` is in bits per second.
    package init(path: String, speed: Int, resetLine: ResetLine, on loop: EventLoop) throws(SystemError) {
        self.path = path
        self.loop = loop
        self.resetLine = resetLine
        settings = TerminalSettings(UARTFrame(bitRate: speed))
        let device = try Self.open(path, settings)
        // A tty without modem lines would never reset the module.
        if resetLine != .nothing {
            do throws(SystemError) {
                _ = try device.modemLines()
            } catch {
                throw SystemError("look for a reset line at \(path)", code: error.code)
            }
        }
        self.device = device
    }

    private static func open(_ path: String, _ settings: TerminalSettings) throws(SystemError) -> FileDescriptor {
        let device = FileDescriptor(
            owning: try systemCall("open \(path)") {
                cposix_open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
            })
        guard isatty(device.rawValue) == 1 else { throw SystemError("open \(path) as a tty", code: ENOTTY) }
        try device.setTerminal(settings)
        return device
    }

    package var name: String { "tty:\(path)" }
    package var takesOutput: Bool { device != nil }

    package func start(_ handlers: LineHandlers) throws(SystemError) {
        self.handlers = handlers
        if let device { watch = try LineWatch(device, for: interest, on: loop, handler: handlers.onReady) }
        guard resetLine != .nothing else { return }
        followResetLine()
        modemPolling = try Ticker(every: Self.modemInterval, on: loop) { [weak self] in self?.followResetLine() }
    }

    /// The system cannot report a change to an event loop.
    private static let modemInterval = Duration.milliseconds(10)

    /// Follows the host's modem lines.
    private func followResetLine() {
        guard let device, let lines = try? device.modemLines() else { return }
        let isHeld = resetLine.isHeld(rts: lines.contains(.cts), dtr: lines.contains(.dsr))
        guard isHeld != isHeldInReset else { return }
        isHeldInReset = isHeld
        handlers.onSignal(.reset(isHeld: isHeld))
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        try endingIfGone { () throws(SystemError) in try device?.read(into: buffer) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        try endingIfGone { () throws(SystemError) in try device?.write(bytes) }
    }

    /// An adapter that is unplugged fails with these codes.
    private func endingIfGone(
        _ transfer: () throws(SystemError) -> FileDescriptor.Transfer?
    ) throws(SystemError) -> FileDescriptor.Transfer {
        do throws(SystemError) {
            return try transfer() ?? .wouldBlock
        } catch {
            if [ENXIO, ENODEV].contains(error.code) { return .ended }
            throw error
        }
    }

    package func update(for interest: EventLoop.Interest) {
        self.interest = interest
        watch?.update(for: interest)
    }

    package func configure(_ configuration: UARTConfiguration) throws(SystemError) {
        settings = TerminalSettings(UARTFrame(configuration), hasFlowControl: configuration.flowControl != 0)
        if let device { try device.setTerminal(settings) }
    }

    /// How long a vanished tty is left alone before it is tried again.
    private static let reopenInterval = Duration.milliseconds(200)

    package func clientEnded() throws(SystemError) -> Bool {
        forget()
        handlers.onSignal(.notice("\(path) is gone; it is opened again when it is back"))
        reopening?.stop()
        reopening = try Ticker(every: Self.reopenInterval, on: loop) { [weak self] in self?.reopen() }
        return true
    }

    private func reopen() {
        guard let device = try? Self.open(path, settings),
            let watch = try? LineWatch(device, for: interest, on: loop, handler: handlers.onReady)
        else { return }
        reopening?.stop()
        reopening = nil
        self.device = device
        self.watch = watch
        handlers.onSignal(.notice("\(path) is back"))
        handlers.onSignal(.connected)
    }

    package func close() {
        reopening?.stop()
        modemPolling?.stop()
        forget()
    }

    private func forget() {
        watch?.end()
        watch = nil
        device = nil
    }
}

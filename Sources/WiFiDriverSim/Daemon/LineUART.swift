import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// The UARTs at the two ends of a line, if the line behaves like one (`--uart real`).
///
/// Bytes of the host go in through `receive` and wait in the module's receiving buffers; the module's bytes go to the
/// host through `transmit`. Where the ends differ, each reads what a UART makes of the other's bits. Belongs to the event
/// loop's thread.
final class LineUART {
    /// The module's end.
    private(set) var configuration: UARTConfiguration
    private let buffers: UARTBuffers
    private let line: any ModuleLine
    private var receiver: UARTReceiver
    /// What is on its way to the host, as the host reads it.
    var outbound = ByteQueue()
    private(set) var framingErrors = 0
    private(set) var parityErrors = 0
    private let log: (String) -> Void
    /// True after a loss, until all bytes have been taken: one loss is told once.
    private var tellsLoss = true

    init(
        _ configuration: UARTConfiguration, buffers: UARTBuffers, line: any ModuleLine, log: @escaping (String) -> Void
    ) {
        self.configuration = configuration
        self.buffers = buffers
        self.line = line
        self.log = log
        receiver = UARTReceiver(buffers)
    }

    func configure(_ configuration: UARTConfiguration) { self.configuration = configuration }

    /// In bytes: with more output, the firmware waits.
    var transmitRing: Int { buffers.transmitRing }

    /// The host's end. Without settings of its own it follows the module, and heeds RTS.
    private var host: TerminalSettings {
        line.hostSettings ?? TerminalSettings(UARTFrame(configuration), hasFlowControl: true)
    }

    // MARK: From the host

    /// The number of bytes that the host may send now. With flow control, it waits while RTS is released.
    var room: Int {
        guard configuration.usesRTS, host.hasFlowControl else { return .max }
        return receiver.rtsIsAsserted ? receiver.room : 0
    }

    /// Takes bytes as the host has sent them.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        take(Misreading.bytes(Array(bytes), sent: host.frame, read: UARTFrame(configuration)))
    }

    /// The host holds the line low for longer than a byte.
    func receiveBreak() { take(Misreading.Reading(bytes: [0], framingErrors: 1)) }

    private func take(_ reading: Misreading.Reading) {
        framingErrors += reading.framingErrors
        parityErrors += reading.parityErrors
        let lost = receiver.receive(reading.bytes)
        guard lost > 0, tellsLoss else { return }
        tellsLoss = false
        let reason = configuration.usesRTS ? "the host does not heed RTS" : "flow control is off"
        log("bytes lost: the FIFO was full and \(reason)")
    }

    /// Takes at most `limit` received bytes, for the firmware.
    func take(_ limit: Int) -> [UInt8] {
        let bytes = receiver.take(limit)
        if receiver.isEmpty { tellsLoss = true }
        return bytes
    }

    var hasInput: Bool { !receiver.isEmpty }

    /// True if nothing is on its way in either direction.
    var isEmpty: Bool { receiver.isEmpty && outbound.isEmpty }

    // MARK: To the host

    /// Puts bytes on their way, as the host reads them.
    func transmit(_ bytes: [UInt8]) {
        let reading = Misreading.bytes(bytes, sent: UARTFrame(configuration), read: host.frame)
        reading.bytes.withUnsafeBytes { outbound.append(contentsOf: $0) }
    }

    /// Drops what waits in either direction. The counts stay.
    func removeAll() {
        receiver.removeAll()
        outbound.removeAll()
    }

    /// The counts, for observers.
    var counts: ModuleState.UARTCounts {
        ModuleState.UARTCounts(
            lost: receiver.lostBytes, overruns: receiver.overruns, framingErrors: framingErrors,
            parityErrors: parityErrors)
    }
}

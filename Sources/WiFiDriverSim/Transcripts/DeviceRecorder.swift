import WiFiSimHost
import WiFiSimValues

/// Relays between a client and a real module, and records both directions. This is what `wifisim record FILE --device
/// TTY` does.
///
/// The client opens a line; the bit rates that it sets there are set on the device. Belongs to the thread
/// that made it.
package final class DeviceRecorder {
    private let loop: EventLoop
    private let device: DevicePort
    /// Watches the device.
    private let watched: FileDescriptor
    /// The line that the client opens.
    private let line: any ModuleLine
    private let file: RecordingFile
    private var speed: Int
    private var toDevice = ByteQueue()
    private var toClient = ByteQueue()
    private var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    private var failure: SystemError?
    private var isStopped = false

    /// How a client opens the line.
    package var lineName: String { line.name }

    /// Opens the device and makes the file.
    /// - Parameters:
    ///   - address: the serial port, or what else leads to the module.
    ///   - lineAddress: where the client's line is.
    ///   - speed: the bit rate, in bits per second, until the client sets another.
    ///   - path: the path of the new transcript; an existing file is not overwritten.
    ///   - profile: the firmware profile that is closest to the module.
    ///   - origin: the text of the transcript's `origin` line.
    /// - Throws: `SystemError` if the device or the file cannot be opened.
    package init(
        device address: DeviceAddress, line lineAddress: LineAddress, speed: Int, path: String, profile: String,
        origin: String
    ) throws(SystemError) {
        self.speed = speed
        device = try DevicePort(address, speed: speed)
        watched = try device.watchable()
        loop = try EventLoop()
        line = try lineAddress.open(speed: speed, resetLine: .nothing, on: loop)
        var header = Transcript.Header()
        header.profile = profile
        header.origin = origin
        file = try RecordingFile(path: path, header: header, at: loop.now)
        try loop.watch(watched, for: .read) { [unowned self] _ in
            guarded { () throws(SystemError) in try deviceIsReady() }
        }
        try line.start(
            LineHandlers(
                onReady: { [unowned self] _ in guarded { () throws(SystemError) in try clientIsReady() } },
                onSignal: { [unowned self] in if $0 == .purgeOutput { toClient.removeAll() } }))
    }

    /// Relays until a signal arrives or the device fails.
    /// - Throws: `SystemError` if the device or the file fails.
    package func run(until signals: SignalWatch) throws(SystemError) {
        try signals.watch(on: loop) { [unowned self] _ in isStopped = true }
        while !isStopped { try loop.wait(until: nil) }
        try file.finish(at: loop.now)
        if let failure { throw failure }
    }

    private func guarded(_ body: () throws(SystemError) -> Void) {
        do throws(SystemError) {
            try body()
        } catch {
            failure = error
            isStopped = true
        }
    }

    private func deviceIsReady() throws(SystemError) {
        let bytes = try device.read()
        if !bytes.isEmpty {
            try file.update(at: loop.now) { $0.record(bytes, fromHost: false, at: loop.now) }
            toClient.append(contentsOf: bytes)
        }
        try writeAll()
        if line.hasPendingInput { try clientIsReady() }
    }

    private func clientIsReady() throws(SystemError) {
        repeat {
            if toDevice.isEmpty { try readClient() }
            try writeAll()
        } while toDevice.isEmpty && line.hasPendingInput && !isStopped
    }

    private func readClient() throws(SystemError) {
        let transfer = buffer.withUnsafeMutableBytes { bytes in
            Result { () throws(SystemError) in try line.read(into: bytes) }
        }
        // The bit rate is that of the bytes that were read.
        try followSpeed()
        switch try transfer.get() {
        case .done(let count):
            let bytes = Array(buffer[..<count])
            try file.update(at: loop.now) { $0.record(bytes, fromHost: true, at: loop.now) }
            toDevice.append(contentsOf: bytes)
        case .wouldBlock: break
        case .ended:
            // What the client did not read is lost.
            toClient.removeAll()
            if !(try line.clientEnded()) { isStopped = true }
        }
    }

    /// Sets the device to the client's bit rate, which the client may have changed since it last wrote.
    private func followSpeed() throws(SystemError) {
        guard let current = line.hostSettings?.frame.bitRate, current > 0, current != speed else { return }
        speed = current
        try device.setSpeed(current)
        try file.update(at: loop.now) { $0.record(.baud(current), at: loop.now) }
    }

    private func writeAll() throws(SystemError) {
        while !toDevice.isEmpty {
            let sent = toDevice.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try device.write(bytes) }
            }
            let count = try sent.get()
            guard count > 0 else { break }
            toDevice.removeFirst(count)
        }
        while !toClient.isEmpty, line.takesOutput {
            let sent = toClient.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try line.write(bytes) }
            }
            guard case .done(let count) = try sent.get(), count > 0 else { break }
            toClient.removeFirst(count)
        }
        // Read from one side only when the other side has taken all bytes.
        try loop.update(watched, for: .init(reads: toClient.isEmpty || !line.takesOutput, writes: !toDevice.isEmpty))
        line.update(for: .init(reads: toDevice.isEmpty, writes: !toClient.isEmpty))
    }
}

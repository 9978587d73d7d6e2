import CPosix
import Glibc
import WiFiSimHost
import WiFiSimValues

/// Relays between a client and a real module, and records both directions. This is what `wifisim record FILE --device
/// TTY` does.
///
/// The client opens the pseudo-terminal; the bit rates that it sets there are set on the device. Belongs to the thread
/// that made it.
package final class DeviceRecorder {
    private let loop: EventLoop
    private let device: FileDescriptor
    private let terminal: PseudoTerminal
    private let devicePath: String
    private let file: RecordingFile
    private var speed: Int32
    private var toDevice = ByteQueue()
    private var toClient = ByteQueue()
    private var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    private var failure: SystemError?
    private var isStopped = false

    package var terminalPath: String { terminal.path }

    /// Opens the device and makes the file.
    /// - Parameters:
    ///   - devicePath: the path of the serial port.
    ///   - speed: the bit rate, in bits per second, until the client sets another.
    ///   - path: the path of the new transcript; an existing file is not overwritten.
    ///   - profile: the firmware profile that is closest to the module.
    ///   - origin: the text of the transcript's `origin` line.
    /// - Throws: `SystemError` if the device or the file cannot be opened.
    package init(device devicePath: String, speed: Int, path: String, profile: String, origin: String)
        throws(SystemError)
    {
        self.devicePath = devicePath
        self.speed = Int32(speed)
        device = FileDescriptor(
            owning: try systemCall("open \(devicePath)") {
                cposix_open(devicePath, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
            })
        try systemCall("set \(devicePath) raw") { [device, speed] in cposix_tty_set_raw(device.rawValue, Int32(speed)) }
        loop = try EventLoop()
        terminal = try PseudoTerminal(speed: speed)
        var header = Transcript.Header()
        header.profile = profile
        header.origin = origin
        file = try RecordingFile(path: path, header: header, at: loop.now)
        try loop.watch(device, for: .read) { [unowned self] _ in
            guarded { () throws(SystemError) in try deviceIsReady() }
        }
        try loop.watch(terminal.master, for: .read) { [unowned self] _ in
            guarded { () throws(SystemError) in try clientIsReady() }
        }
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
        if let bytes = try read(device) {
            try file.update(at: loop.now) { $0.record(bytes, fromHost: false, at: loop.now) }
            toClient.append(contentsOf: bytes)
        }
        try writeAll()
    }

    private func clientIsReady() throws(SystemError) {
        try followSpeed()
        if let bytes = try read(terminal.master) {
            try file.update(at: loop.now) { $0.record(bytes, fromHost: true, at: loop.now) }
            toDevice.append(contentsOf: bytes)
        }
        try writeAll()
    }

    private func read(_ descriptor: FileDescriptor) throws(SystemError) -> [UInt8]? {
        let transfer = buffer.withUnsafeMutableBytes { bytes in
            Result { () throws(SystemError) in try descriptor.read(into: bytes) }
        }
        switch try transfer.get() {
        case .done(let count): return Array(buffer[..<count])
        case .wouldBlock: return nil
        case .ended: throw SystemError("read \(devicePath)", code: ENODEV)
        }
    }

    /// Sets the device to the client's bit rate, which the client may have changed since it last wrote.
    private func followSpeed() throws(SystemError) {
        let current = cposix_tty_get_speed(terminal.master.rawValue)
        guard current > 0, current != speed else { return }
        speed = current
        try systemCall("set \(devicePath) to \(current) bits per second") {
            cposix_tty_set_raw(device.rawValue, current)
        }
        try file.update(at: loop.now) { $0.record(.baud(Int(current)), at: loop.now) }
    }

    private func writeAll() throws(SystemError) {
        try write(&toDevice, to: device)
        try write(&toClient, to: terminal.master)
        // Read from one side only when the other side has taken all bytes.
        try loop.update(device, for: .init(reads: toClient.isEmpty, writes: !toDevice.isEmpty))
        try loop.update(terminal.master, for: .init(reads: toDevice.isEmpty, writes: !toClient.isEmpty))
    }

    private func write(_ queue: inout ByteQueue, to descriptor: FileDescriptor) throws(SystemError) {
        while !queue.isEmpty {
            let transfer = queue.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try descriptor.write(bytes) }
            }
            guard case .done(let count) = try transfer.get(), count > 0 else { return }
            queue.removeFirst(count)
        }
    }
}

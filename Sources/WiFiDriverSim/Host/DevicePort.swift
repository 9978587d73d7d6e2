import CPosix
import Glibc
import WiFiSimValues

/// A serial port of this computer, raw, 8N1.
package final class DevicePort {
    let path: String
    private let descriptor: FileDescriptor
    private var buffer = [UInt8](repeating: 0, count: 16 * 1024)

    package init(_ path: String, speed: Int) throws(SystemError) {
        self.path = path
        descriptor = FileDescriptor(
            owning: try systemCall("open \(path)") { cposix_open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) })
        try setSpeed(speed)
    }

    package func setSpeed(_ speed: Int) throws(SystemError) {
        try systemCall("set \(path) to \(speed) bits per second") {
            cposix_tty_set_raw(descriptor.rawValue, Int32(clamping: speed))
        }
    }

    /// Writes all bytes, however long that takes.
    package func write(_ bytes: [UInt8]) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let transfer = rest.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try descriptor.write(bytes) }
            }
            switch try transfer.get() {
            case .done(let count): rest = rest.dropFirst(count)
            case .wouldBlock: _ = try wait(for: POLLOUT, milliseconds: -1)
            case .ended: throw SystemError("write \(path)", code: ENODEV)
            }
        }
    }

    /// Reads the available bytes; empty if there are none.
    package func read() throws(SystemError) -> [UInt8] {
        let transfer = buffer.withUnsafeMutableBytes { bytes in
            Result { () throws(SystemError) in try descriptor.read(into: bytes) }
        }
        switch try transfer.get() {
        case .done(let count): return Array(buffer[..<count])
        case .wouldBlock: return []
        case .ended: throw SystemError("read \(path)", code: ENODEV)
        }
    }

    /// Waits until there are bytes to read, at most `duration`.
    /// - Returns: true if there are bytes.
    package func waitForInput(_ duration: Duration) throws(SystemError) -> Bool {
        try wait(for: POLLIN, milliseconds: Int32(clamping: max(0, duration.nanoseconds + 999_999) / 1_000_000))
    }

    private func wait(for events: Int32, milliseconds: Int32) throws(SystemError) -> Bool {
        var interest = pollfd(fd: descriptor.rawValue, events: Int16(events), revents: 0)
        return try systemCall("poll \(path)") { poll(&interest, 1, milliseconds) } > 0
    }
}

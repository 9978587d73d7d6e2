import Glibc
import WiFiSimValues

/// A serial line to a module, used by one thread that waits for it.
package final class DevicePort {
    private let name: String
    private let port: SerialPort
    private var buffer = [UInt8](repeating: 0, count: 16 * 1024)

    /// Opens the line. `speed` is in bits per second.
    package init(_ address: DeviceAddress, speed: Int) throws(SystemError) {
        name = address.description
        port = try SerialPort(address, baud: speed)
    }

    package func setSpeed(_ speed: Int) throws(SystemError) { try port.setSpeed(speed) }

    /// Writes all bytes, however long that takes.
    package func write(_ bytes: [UInt8]) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest
            let count = try naming { () throws(SerialPortError) in
                try part.withUnsafeBytes { bytes in Result { () throws(SerialPortError) in try port.write(bytes) } }
                    .get()
            }
            rest = rest.dropFirst(count)
            if count == 0 {
                _ = try naming { () throws(SerialPortError) in try port.wait(toRead: false, orWrite: true, until: nil) }
            }
        }
    }

    /// Reads the available bytes; empty if there are none.
    package func read() throws(SystemError) -> [UInt8] {
        let count = try naming { () throws(SerialPortError) in
            try buffer.withUnsafeMutableBytes { bytes in
                Result { () throws(SerialPortError) in
                    try port.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<0]), bytes)
                }
            }.get()
        }
        return Array(buffer[..<count])
    }

    /// Waits until there are bytes to read, at most `duration`.
    /// - Returns: true if there are bytes.
    package func waitForInput(_ duration: Duration) throws(SystemError) -> Bool {
        try naming { () throws(SerialPortError) in
            try port.wait(
                toRead: true, orWrite: false,
                until: RealTime(nanoseconds: RealTime.now.nanoseconds + max(0, duration.nanoseconds)))
        }
    }

    private func naming<Value>(_ body: () throws(SerialPortError) -> Value) throws(SystemError) -> Value {
        do throws(SerialPortError) {
            return try body()
        } catch {
            switch error {
            case .vanished: throw SystemError("use \(name)", code: ENODEV)
            case .system(let error): throw error
            }
        }
    }

    /// A descriptor with which an event loop watches this line.
    package func watchable() throws(SystemError) -> FileDescriptor { try port.watchable() }

    /// Writes as many bytes as the line takes now. Returns their number.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        try naming { () throws(SerialPortError) in try port.write(bytes) }
    }
}

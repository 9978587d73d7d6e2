import CPosix
import Glibc

/// Whole files.
enum Files {
    static func read(_ path: String) throws(SystemError) -> [UInt8] {
        let descriptor = FileDescriptor(
            owning: try systemCall("open \(path)") { cposix_open(path, O_RDONLY | O_CLOEXEC) })
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = try systemCall("read \(path)") { Glibc.read(descriptor.rawValue, &buffer, buffer.count) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// Replaces a file whole: whoever reads it, and a crash, finds the old or the new.
    /// The mode says who may read it, before the process's mask.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(SystemError) {
        let temporary = "\(path).\(getpid()).tmp"
        do throws(SystemError) {
            let descriptor = FileDescriptor(
                owning: try systemCall("create \(temporary)") {
                    open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
                })
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = try systemCall("write \(temporary)") {
                    rest.withUnsafeBytes { Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count) }
                }
                rest = rest.dropFirst(count)
            }
            try systemCall("fsync \(temporary)") { fsync(descriptor.rawValue) }
            try systemCall("rename \(temporary) to \(path)") { rename(temporary, path) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    static func remove(_ path: String) { unlink(path) }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

import CPosix
import Glibc

/// A new file that grows.
final class AppendingFile {
    private let descriptor: FileDescriptor
    private let path: String

    /// Makes the file; one that is there already is not touched.
    init(new path: String) throws(SystemError) {
        self.path = path
        descriptor = FileDescriptor(
            owning: try systemCall("create \(path)") {
                open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
            })
    }

    func append(_ text: String) throws(SystemError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = try systemCall("write \(path)") {
                rest.withUnsafeBytes { Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }
}

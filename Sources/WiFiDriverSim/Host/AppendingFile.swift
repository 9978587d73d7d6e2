import CPosix
import Glibc

/// A file to which text is appended; a new one is readable only by the user.
package final class AppendingFile {
    private var descriptor: FileDescriptor
    private let path: String

    /// Creates the file. Throws if it exists.
    package init(new path: String) throws(SystemError) {
        self.path = path
        descriptor = FileDescriptor(owning: try systemCall("create \(path)") { open(path, Self.flags | O_EXCL, 0o600) })
    }

    /// Opens the file, or creates it.
    package init(_ path: String) throws(SystemError) {
        self.path = path
        descriptor = FileDescriptor(owning: try systemCall("open \(path)") { open(path, Self.flags, 0o600) })
    }

    private static let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC

    package func append(_ text: String) throws(SystemError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = try systemCall("write \(path)") {
                rest.withUnsafeBytes { Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Replaces the content of the file, completely or not at all.
    package func replace(with text: String) throws(SystemError) {
        try Files.write(Array(text.utf8), to: path, .secret)
        descriptor = FileDescriptor(owning: try systemCall("open \(path)") { open(path, Self.flags, 0o600) })
    }
}

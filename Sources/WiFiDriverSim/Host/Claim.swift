import CPosix
import Glibc
import WiFiSimValues

/// The exclusive use of a path by one process. The claim ends with the process, however it ends, and leaves no file.
///
/// It is the name of an abstract Unix socket (unix(7)), which the kernel gives to one socket at a time.
package final class Claim {
    private let descriptor: FileDescriptor

    /// Claims a path under its canonical name.
    /// - Parameters:
    ///   - path: the path.
    ///   - followsLast: true if a symbolic link stands for its target.
    /// - Throws: `ClaimError` if another process has claimed the path, or `SystemError`.
    package init(of path: String, followsLast: Bool) throws {
        // If the folder does not exist, creating the file reports it.
        let identity = (try? Files.canonicalPath(of: path, followsLast: followsLast)) ?? path
        descriptor = FileDescriptor(
            owning: try systemCall("socket") { socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }
        )
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The name is a digest, because a path can be longer than a socket's name.
        let name = Array("\0wifisim:\(SHA256.hexDigest(of: Array(identity.utf8)))".utf8)
        let offset = MemoryLayout<sockaddr_un>.offset(of: \sockaddr_un.sun_path) ?? 2
        withUnsafeMutableBytes(of: &address) {
            $0.baseAddress?.advanced(by: offset).copyMemory(from: name, byteCount: name.count)
        }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor.rawValue, $0, socklen_t(offset + name.count))
            }
        }
        guard result == 0 else {
            if errno == EADDRINUSE { throw ClaimError(path: path) }
            throw SystemError("claim \(path)")
        }
    }
}

/// Another simulator uses the path.
public struct ClaimError: Error, CustomStringConvertible {
    /// The path as given.
    public let path: String
    /// The message.
    public var description: String { "\(path): another wifisim uses it" }
}

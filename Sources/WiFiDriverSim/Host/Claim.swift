import CPosix
import Glibc
import WiFiSimValues

/// A path that only one process uses at a time. The claim ends with the process, however that ends, and leaves no file.
///
/// It is the name of an abstract Unix socket (unix(7)), of which the kernel gives out only one.
package final class Claim {
    private let descriptor: FileDescriptor

    /// Claims a path under its canonical name. `followsLast`: a symbolic link stands for its target.
    package init(of path: String, followsLast: Bool) throws {
        // Where there is no folder for it, whoever is to make the file says so.
        let identity = (try? Files.canonicalPath(of: path, followsLast: followsLast)) ?? path
        descriptor = FileDescriptor(
            owning: try systemCall("socket") { socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }
        )
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A path can be longer than a socket's name.
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

/// Another wifisim uses the path.
public struct ClaimError: Error, CustomStringConvertible {
    public let path: String
    public var description: String { "\(path): another wifisim uses it" }
}

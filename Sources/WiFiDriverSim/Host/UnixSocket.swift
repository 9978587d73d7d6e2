import CPosix
import Glibc

/// A Unix domain stream socket: a listening one with a path in the file system, or a client's.
package final class UnixSocket {
    package let descriptor: FileDescriptor
    /// The device and inode of the file that a listening socket has created.
    private var file: (device: dev_t, number: ino_t)?

    private init(owning rawValue: Int32) { descriptor = FileDescriptor(owning: rawValue) }

    private static func make(flags: Int32) throws(SystemError) -> UnixSocket {
        UnixSocket(
            owning: try systemCall("socket") {
                socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue) | flags, 0)
            })
    }

    /// Makes two sockets that are connected to each other.
    package static func pair() throws(SystemError) -> (FileDescriptor, FileDescriptor) {
        var ends: [Int32] = [-1, -1]
        try systemCall("socketpair") {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        return (FileDescriptor(owning: ends[0]), FileDescriptor(owning: ends[1]))
    }

    /// Listens at a path that only its owner may use. Replaces a socket that an ended process left behind.
    /// - Throws: `SystemError`, with EADDRINUSE if another process listens there or another file exists.
    package static func listening(at path: String) throws(SystemError) -> UnixSocket {
        if isSocket(path), !isAlive(path) { unlink(path) }
        let socket = try make(flags: Int32(SOCK_NONBLOCK.rawValue))
        // The umask sets the mode at creation; a later chmod would leave a gap.
        let mask = umask(0o177)
        defer { umask(mask) }
        try socket.call("listen at \(path)", path, bind)
        socket.file = identity(of: path)
        do throws(SystemError) {
            try systemCall("listen at \(path)") { listen(socket.descriptor.rawValue, SOMAXCONN) }
        } catch {
            socket.removeFile(path)
            throw error
        }
        return socket
    }

    /// Removes the file of a listening socket, unless another file has replaced it.
    package func removeFile(_ path: String) {
        guard let file, let found = Self.identity(of: path), file == found else { return }
        unlink(path)
    }

    private static func identity(of path: String) -> (device: dev_t, number: ino_t)? {
        var information = stat()
        return lstat(path, &information) == 0 ? (information.st_dev, information.st_ino) : nil
    }

    /// Connects to a listening socket. The socket's reads and writes block.
    package static func connecting(to path: String) throws(SystemError) -> UnixSocket {
        let socket = try make(flags: 0)
        try socket.call("connect to \(path)", path, connect)
        return socket
    }

    /// True if a process listens at the path, even if its queue of clients is full.
    package static func isAlive(_ path: String) -> Bool {
        do throws(SystemError) {
            let socket = try make(flags: Int32(SOCK_NONBLOCK.rawValue))
            try socket.call("connect to \(path)", path, connect)
            return true
        } catch {
            return error.code == EAGAIN
        }
    }

    private static func isSocket(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFSOCK
    }

    /// Accepts the next client; `nil` if there is none, or on failure with the reason in `errno`.
    package func accept() -> UnixSocket? {
        let client = retryingInterrupts {
            accept4(descriptor.rawValue, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
        }
        return client >= 0 ? UnixSocket(owning: client) : nil
    }

    private func call(
        _ operation: String, _ path: String,
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        let offset = MemoryLayout<sockaddr_un>.offset(of: \sockaddr_un.sun_path) ?? 2
        let longest = MemoryLayout<sockaddr_un>.size - offset - 1
        guard name.count <= longest else {
            throw SystemError(
                operation, code: ENAMETOOLONG, reason: "the path of a socket has at most \(longest) bytes")
        }
        withUnsafeMutableBytes(of: &address) { buffer in
            buffer.baseAddress?.advanced(by: offset).copyMemory(from: name, byteCount: name.count)
        }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result != 0 { throw SystemError(operation) }
    }
}

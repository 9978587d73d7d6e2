import CPosix
import Glibc

/// An open file descriptor that is closed with its owner.
package final class FileDescriptor {
    package let rawValue: Int32
    private var isOwned = true

    package init(owning rawValue: Int32) { self.rawValue = rawValue }
    deinit { if isOwned { close(rawValue) } }

    /// Gives up ownership: the caller has to close the descriptor.
    package func release() -> Int32 {
        isOwned = false
        return rawValue
    }

    /// The result of a non-blocking read or write.
    package enum Transfer: Equatable {
        /// This many bytes were transferred.
        case done(Int)
        case wouldBlock
        /// The other side is closed.
        case ended
    }

    /// Reads the available bytes, at most as many as the buffer holds.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer {
        let count = retryingInterrupts { Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
        if count > 0 { return .done(count) }
        // A pty reports EIO when the other side is not open.
        return count == 0 || errno == EIO ? .ended : try Self.transferFailure("read")
    }

    /// Writes as many bytes as there is room for.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
        let count = retryingInterrupts { Glibc.write(rawValue, bytes.baseAddress, bytes.count) }
        if count >= 0 { return .done(count) }
        return errno == EPIPE || errno == EIO ? .ended : try Self.transferFailure("write")
    }

    /// As `write`, for a socket: a connection that has ended raises no SIGPIPE.
    package func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
        let count = retryingInterrupts { Glibc.send(rawValue, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
        if count >= 0 { return .done(count) }
        return errno == EPIPE || errno == ECONNRESET ? .ended : try Self.transferFailure("send")
    }

    static func transferFailure(_ operation: String) throws(SystemError) -> Transfer {
        let code = errno
        if code == EAGAIN || code == EWOULDBLOCK { return .wouldBlock }
        throw SystemError(operation, code: code)
    }

    package func makeNonBlocking() throws(SystemError) {
        let flags = try systemCall("fcntl F_GETFL") { fcntl(rawValue, F_GETFL) }
        try systemCall("fcntl F_SETFL") { fcntl(rawValue, F_SETFL, flags | O_NONBLOCK) }
    }
}

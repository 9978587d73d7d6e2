import CPosix
import Glibc

/// An open file descriptor that closes with its owner.
package final class FileDescriptor {
    package let rawValue: Int32
    private var isOwned = true

    package init(owning rawValue: Int32) { self.rawValue = rawValue }
    deinit { if isOwned { close(rawValue) } }

    /// Hands the descriptor over: the caller closes it.
    package func release() -> Int32 {
        isOwned = false
        return rawValue
    }

    /// What a non-blocking read or write came to.
    package enum Transfer: Equatable {
        case done(Int)
        case wouldBlock
        /// The other side is gone.
        case ended
    }

    /// Reads what is there, at most the buffer.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer {
        let count = retryingInterrupts { Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
        if count > 0 { return .done(count) }
        // EIO is a pty's way to say that nobody has the other side open.
        return count == 0 || errno == EIO ? .ended : try Self.transferFailure("read")
    }

    /// Writes what there is room for.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
        let count = retryingInterrupts { Glibc.write(rawValue, bytes.baseAddress, bytes.count) }
        if count >= 0 { return .done(count) }
        return errno == EPIPE || errno == EIO ? .ended : try Self.transferFailure("write")
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

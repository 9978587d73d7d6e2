import CPosix
import Glibc

/// The reason why a serial port stopped working.
package enum SerialPortError: Error, Equatable {
    /// The other end is gone: the adapter was unplugged, or the pty's master or the socket's peer was closed.
    case vanished
    case system(SystemError)
}

/// A client's end of a serial line: a tty, a pty's slave, one end of a socket pair, or a connection to a line elsewhere.
///
/// The descriptor is non-blocking. Any thread may call any method. If two threads read, or write, at the same time, the
/// order of the bytes is undefined, so the caller appoints one of each.
package final class SerialPort: Sendable {
    private let descriptor: Int32
    /// A write to a socket raises SIGPIPE unless it uses `send`; a write to a tty never does.
    private let isSocket: Bool
    private let waker: Int32
    /// Present if the line is reached by RFC 2217.
    private let telnet: TelnetPort?

    /// Opens a line. A tty is raw, 8N1; `baud` is its bit rate in bits per second, which raw connections do not have.
    package convenience init(_ address: DeviceAddress, baud: Int) throws(SystemError) {
        switch address {
        case .tty(let path): try self.init(path: path, baud: baud)
        case .unix(let path):
            let connection = try UnixSocket.connecting(to: path).descriptor
            try self.init(adopting: connection.rawValue)
            _ = connection.release()
        case .tcp(let host, let port):
            let connection = try Socket.connection(toHost: host, port: port)
            try self.init(adopting: connection.rawValue)
            _ = connection.release()
        case .rfc2217(let host, let port):
            let connection = try Socket.connection(toHost: host, port: port)
            let telnet = try TelnetPort(connection.rawValue, speed: baud)
            try self.init(adopting: connection.rawValue, telnet: telnet)
            _ = connection.release()
        }
    }

    /// Opens the tty at `path`, raw 8N1 at `baud` bits per second.
    package convenience init(path: String, baud: Int) throws(SystemError) {
        let descriptor = try systemCall("open \(path)") {
            open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        }
        do throws(SystemError) {
            if isatty(descriptor) == 1 {
                _ = try systemCall("set raw mode on \(path)") { cposix_tty_set_raw(descriptor, Int32(baud)) }
            }
            try self.init(adopting: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Takes ownership of `descriptor` and closes it with this object. If this throws, the caller keeps ownership.
    package convenience init(adopting descriptor: Int32) throws(SystemError) {
        try self.init(adopting: descriptor, telnet: nil)
    }

    private init(adopting descriptor: Int32, telnet: TelnetPort?) throws(SystemError) {
        self.telnet = telnet
        let flags = try systemCall("fcntl") { fcntl(descriptor, F_GETFL) }
        try systemCall("fcntl") { fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
        waker = try systemCall("eventfd") { eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) }
        var status = stat()
        isSocket = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
        self.descriptor = descriptor
    }

    deinit {
        close(waker)
        close(descriptor)
    }

    /// Changes the bit rate, in bits per second. A raw connection has none.
    package func setSpeed(_ speed: Int) throws(SystemError) {
        if let telnet { return telnet.setSpeed(speed) }
        guard isatty(descriptor) == 1 else { return }
        _ = try systemCall("set \(speed) bits per second") { cposix_tty_set_raw(descriptor, Int32(clamping: speed)) }
    }

    /// Reads the available bytes, first into `first`, then into `second`. Returns their number, 0 if there are none.
    package func read(
        into first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer
    ) throws(SerialPortError) -> Int {
        if let count = telnet?.takeEarly(into: first, second) { return count }
        let count = retryingInterrupts {
            if first.isEmpty || telnet != nil { return Glibc.read(descriptor, second.baseAddress, second.count) }
            let parts: InlineArray<2, iovec> = [
                iovec(iov_base: first.baseAddress, iov_len: first.count),
                iovec(iov_base: second.baseAddress, iov_len: second.count),
            ]
            return parts.span.withUnsafeBufferPointer { readv(descriptor, $0.baseAddress, 2) }
        }
        if count > 0 { return telnet?.decode(count, into: first, second) ?? count }
        if count == 0 { throw .vanished }
        switch errno {
        case EAGAIN: return 0
        case EIO, ENXIO, ENODEV, ECONNRESET: throw .vanished
        default: throw .system(SystemError("read the serial line"))
        }
    }

    /// Writes as many bytes as the line takes now. Returns their number, 0 if it takes none.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SerialPortError) -> Int {
        if let telnet { return telnet.write(bytes) }
        let count = retryingInterrupts {
            isSocket
                ? send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
                : Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
        if count >= 0 { return count }
        switch errno {
        case EAGAIN: return 0
        case EIO, EPIPE, ENXIO, ENODEV, ECONNRESET: throw .vanished
        default: throw .system(SystemError("write the serial line"))
        }
    }

    /// Sleeps until the line has bytes to read or room to write, as requested, `wake()` is called, or the deadline
    /// passes (`nil`: never). A line whose other end is gone counts as ready; the next read or write throws.
    /// - Returns: true if a read was requested and the line is ready for it.
    package func wait(
        toRead reads: Bool, orWrite writes: Bool, until deadline: RealTime?
    ) throws(SerialPortError) -> Bool {
        if reads, telnet?.hasEarly ?? false { return true }
        // A server that has suspended the data says by its bytes when it takes more.
        let isSuspended = writes && telnet?.isSuspended ?? false
        let events = (reads || isSuspended ? Int16(POLLIN) : 0) | (writes && !isSuspended ? Int16(POLLOUT) : 0)
        var descriptors: InlineArray<2, pollfd> = [
            pollfd(fd: reads || writes ? descriptor : -1, events: events, revents: 0),
            pollfd(fd: waker, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let left = deadline?.millisecondsLeft ?? -1
            var span = descriptors.mutableSpan
            let count = span.withUnsafeMutableBufferPointer { poll($0.baseAddress, 2, left) }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(SystemError("poll the serial line"))
            }
            if descriptors[1].revents != 0 { drainWaker() }
            if isSuspended, !reads, descriptors[0].revents != 0 { telnet?.absorb() }
            return reads && Int32(descriptors[0].revents) & (POLLIN | POLLHUP | POLLERR | POLLNVAL) != 0
        }
    }

    /// Ends the current or the next `wait`.
    package func wake() {
        var one: UInt64 = 1
        _ = retryingInterrupts { Glibc.write(waker, &one, 8) }
    }

    private func drainWaker() {
        var count: UInt64 = 0
        _ = retryingInterrupts { Glibc.read(waker, &count, 8) }
    }

    /// A duplicate of the descriptor, to watch the line with and nothing else.
    package func watchable() throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try systemCall("dup") { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) })
    }

    /// Makes a watch on this line. It must not outlive the port.
    package func makeWatch() throws(SystemError) -> SerialPortWatch { try SerialPortWatch(descriptor) }
}

/// Lets a thread sleep until bytes arrive on a line that no other thread reads at the time.
///
/// Arming and disarming cost one system call each and wake no thread. A caller that reads the line itself can therefore
/// keep the watching thread asleep.
package final class SerialPortWatch: Sendable {
    private let descriptor: Int32
    private let poller: Int32
    private let waker: Int32

    fileprivate init(_ descriptor: Int32) throws(SystemError) {
        self.descriptor = descriptor
        let poller = try systemCall("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        let waker: Int32
        do throws(SystemError) {
            waker = try systemCall("eventfd") { eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) }
        } catch {
            close(poller)
            throw error
        }
        self.poller = poller
        self.waker = waker
        try control(EPOLL_CTL_ADD, descriptor, EPOLLONESHOT.rawValue)
        try control(EPOLL_CTL_ADD, waker, EPOLLIN.rawValue)
    }

    deinit {
        close(waker)
        close(poller)
    }

    /// Makes `sleep` return once when bytes are available.
    package func arm() { try? control(EPOLL_CTL_MOD, descriptor, EPOLLIN.rawValue | EPOLLONESHOT.rawValue) }

    package func disarm() { try? control(EPOLL_CTL_MOD, descriptor, EPOLLONESHOT.rawValue) }

    /// Sleeps until an armed line has bytes, `wake` is called or the deadline passes (`nil`: never).
    package func sleep(until deadline: RealTime? = nil) {
        var events: InlineArray<2, epoll_event> = .init(repeating: epoll_event())
        var span = events.mutableSpan
        let count = retryingInterrupts {
            span.withUnsafeMutableBufferPointer {
                epoll_wait(poller, $0.baseAddress, 2, deadline?.millisecondsLeft ?? -1)
            }
        }
        for index in 0..<max(0, Int(count)) where events[index].data.fd == waker {
            var value: UInt64 = 0
            _ = retryingInterrupts { Glibc.read(waker, &value, 8) }
        }
    }

    package func wake() {
        var one: UInt64 = 1
        _ = retryingInterrupts { Glibc.write(waker, &one, 8) }
    }

    private func control(_ operation: Int32, _ target: Int32, _ events: UInt32) throws(SystemError) {
        var event = epoll_event(events: events, data: epoll_data_t(fd: target))
        try systemCall("epoll_ctl") { epoll_ctl(poller, operation, target, &event) }
    }
}

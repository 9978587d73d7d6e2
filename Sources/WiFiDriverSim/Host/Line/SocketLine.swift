import CPosix
import Glibc
import WiFiSimValues

/// A line on a listening TCP or Unix domain socket, for one client at a time.
///
/// A second client is closed at once. When the client ends, the next one may come. Output waits while there is none.
package final class SocketLine: ModuleLine {
    package let name: String
    private let listener: Listener
    private let loop: EventLoop
    private let codec: any LineCodec
    private var handlers = LineHandlers { _ in }
    private var client: FileDescriptor?
    /// A client that came when the end of the one before was not processed yet.
    private var nextClient: FileDescriptor?
    private var interest = EventLoop.Interest.read

    private enum Listener {
        case tcp(Socket)
        case unix(UnixSocket, path: String)

        var descriptor: FileDescriptor {
            switch self {
            case .tcp(let socket): socket.descriptor
            case .unix(let socket, _): socket.descriptor
            }
        }

        func accept() -> FileDescriptor? {
            switch self {
            case .tcp(let socket):
                guard let (client, _) = socket.accept() else { return nil }
                try? client.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
                return client.descriptor
            case .unix(let socket, _): return socket.accept()?.descriptor
            }
        }
    }

    /// Listens for clients that send and receive raw bytes over TCP.
    package static func tcp(at endpoint: Endpoint, on loop: EventLoop) throws(SystemError) -> SocketLine {
        let socket = try Socket.listening(at: endpoint)
        return SocketLine(
            .tcp(socket), name: "socket://\(socket.reachableEndpoint ?? endpoint)", codec: RawCodec(), on: loop)
    }

    /// Listens for clients that speak RFC 2217.
    package static func rfc2217(
        at endpoint: Endpoint, resetLine: ResetLine, speed: Int, on loop: EventLoop
    ) throws(SystemError) -> SocketLine {
        let socket = try Socket.listening(at: endpoint)
        return SocketLine(
            .tcp(socket), name: "rfc2217://\(socket.reachableEndpoint ?? endpoint)",
            codec: RFC2217Codec(resetLine: resetLine, speed: speed), on: loop)
    }

    /// Listens at a path that only its owner may use.
    package static func unix(at path: String, on loop: EventLoop) throws(SystemError) -> SocketLine {
        SocketLine(
            .unix(try UnixSocket.listening(at: path), path: path), name: "unix:\(path)", codec: RawCodec(), on: loop)
    }

    private init(_ listener: Listener, name: String, codec: any LineCodec, on loop: EventLoop) {
        self.listener = listener
        self.name = name
        self.codec = codec
        self.loop = loop
    }

    package var takesOutput: Bool { client != nil }
    package var hasPendingInput: Bool { codec.hasPendingInput }
    package var hostSettings: TerminalSettings? { client == nil ? nil : codec.hostSettings }

    package func start(_ handlers: LineHandlers) throws(SystemError) {
        self.handlers = handlers
        codec.onSignal = handlers.onSignal
        try loop.watch(listener.descriptor, for: .read) { [weak self] _ in self?.accept() }
    }

    package func close() {
        loop.unwatch(listener.descriptor)
        endClient()
        if case .unix(let socket, let path) = listener { socket.removeFile(path) }
    }

    // MARK: Clients

    private func accept() {
        guard let newClient = listener.accept() else {
            // The pending client would make the loop spin.
            if errno == EMFILE || errno == ENFILE { loop.pause(listener.descriptor, for: .milliseconds(100)) }
            return
        }
        if let client {
            // The end of a client that comes again may not have been read yet.
            if client.hasEnded, nextClient == nil { nextClient = newClient }
            return
        }
        begin(newClient)
    }

    private func begin(_ newClient: FileDescriptor) {
        do throws(SystemError) {
            try newClient.makeNonBlocking()
            try loop.watch(newClient, for: interest) { [weak self] in self?.isReady($0) }
        } catch {
            return handlers.onSignal(.notice("\(error)"))
        }
        client = newClient
        codec.begin()
        handlers.onSignal(.connected)
        handlers.onReady(EventLoop.Readiness.canWriteOnly)
    }

    private func endClient() {
        guard let client else { return }
        loop.unwatch(client)
        self.client = nil
        codec.end()
    }

    private func isReady(_ readiness: EventLoop.Readiness) {
        if codec.hasOutput { flushCodec() }
        handlers.onReady(readiness)
    }

    package func clientEnded() -> Bool {
        endClient()
        if let next = nextClient {
            nextClient = nil
            begin(next)
        }
        return true
    }

    // MARK: Bytes

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        guard let client else { return .wouldBlock }
        let transfer = try codec.read(into: buffer) { buffer throws(SystemError) in
            do throws(SystemError) {
                return try client.read(into: buffer)
            } catch {
                if error.code == ECONNRESET { return .ended }
                throw error
            }
        }
        if codec.hasOutput { flushCodec() }
        return transfer
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        guard let client else { return .wouldBlock }
        return try codec.write(bytes) { bytes throws(SystemError) in try client.send(bytes) }
    }

    /// Sends what the codec itself has to say. A client that has ended is found by the next read.
    private func flushCodec() {
        guard let client else { return }
        try? codec.flush { bytes throws(SystemError) in try client.send(bytes) }
        update(for: interest)
    }

    package func update(for interest: EventLoop.Interest) {
        self.interest = interest
        guard let client else { return }
        var interest = interest
        if codec.hasOutput { interest.writes = true }
        try? loop.update(client, for: interest)
    }

    package func configure(_ configuration: UARTConfiguration) { codec.configure(configuration) }
}

extension FileDescriptor {
    /// True if the other end of this connection sends no more, even if bytes of it have not been read yet.
    fileprivate var hasEnded: Bool {
        var status = pollfd(fd: rawValue, events: Int16(0x2000 /* POLLRDHUP */), revents: 0)
        return poll(&status, 1, 0) > 0 && status.revents != 0
    }
}

extension Socket {
    /// The endpoint at which programs on this computer reach a listening socket.
    fileprivate var reachableEndpoint: Endpoint? {
        guard var endpoint = localEndpoint else { return nil }
        switch endpoint.address {
        case .v4(.any): endpoint.address = .v4(.loopback)
        case .v6(.any): endpoint.address = .v6(.loopback)
        default: break
        }
        return endpoint
    }
}

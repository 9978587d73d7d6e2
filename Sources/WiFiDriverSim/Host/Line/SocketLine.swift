import CPosix
import Glibc
import WiFiSimValues

/// A line on a listening TCP or Unix domain socket, for one client at a time.
///
/// A second client is closed at once. When the client ends, the next one may come. Output waits while there is none. A
/// client of raw bytes that has closed its own direction gets the rest of its answer, until the next one comes.
package final class SocketLine: ModuleLine {
    package let name: String
    private let listener: Listener
    private let loop: EventLoop
    private let codec: any LineCodec
    private var handlers = LineHandlers { _ in }
    private var client: LineWatch?
    /// True once reading ahead has met the end of the client.
    private var hasReadToEnd = false
    /// True while the next client waits for the end of this one to be processed.
    private var isNextWaiting = false
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
                client.noticeLostPeer()
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

    deinit { removeFile() }

    package var takesOutput: Bool { client != nil && codec.takesOutput }
    package var mayReceiveAfterEnd: Bool { codec.hasTwoDirections && !isNextWaiting }
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
        removeFile()
    }

    private func removeFile() {
        if case .unix(let socket, let path) = listener { socket.removeFile(path) }
    }

    // MARK: Clients

    private func accept() {
        if let client, client.descriptor.hasEnded {
            // It comes again, and its end has not been read yet: the new one stays in the listener's queue until then.
            isNextWaiting = true
            try? loop.update(listener.descriptor, for: .nothing)
            return handlers.onReady(.hangUp)
        }
        guard let newClient = listener.accept() else {
            // The pending client would make the loop spin.
            if errno == EMFILE || errno == ENFILE { loop.pause(listener.descriptor, for: .milliseconds(100)) }
            return
        }
        if client == nil { begin(newClient) }
    }

    private func begin(_ newClient: FileDescriptor) {
        do throws(SystemError) {
            try newClient.makeNonBlocking()
            client = try LineWatch(newClient, for: interest, on: loop) { [weak self] in self?.isReady($0) }
        } catch {
            return handlers.onSignal(.notice("\(error)"))
        }
        hasReadToEnd = false
        codec.begin()
        flushCodec()
        handlers.onSignal(.connected)
        handlers.onReady(EventLoop.Readiness.canWriteOnly)
    }

    private func endClient() {
        guard let client else { return }
        client.end()
        self.client = nil
        codec.end()
        guard isNextWaiting else { return }
        isNextWaiting = false
        try? loop.update(listener.descriptor, for: .read)
    }

    private func isReady(_ readiness: EventLoop.Readiness) {
        if codec.hasOutput { flushCodec() }
        guard readiness.canRead, !interest.reads else { return handlers.onReady(readiness) }
        readAhead()
        handlers.onReady(readiness.hasHungUp ? .hangUp : .canWriteOnly)
    }

    package func clientEnded() -> Bool {
        endClient()
        return true
    }

    // MARK: Bytes

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        guard let client else { return .wouldBlock }
        let transfer = try codec.read(into: buffer) { buffer throws(SystemError) in
            try ending { () throws(SystemError) in try client.descriptor.read(into: buffer) }
        }
        if codec.hasOutput { flushCodec() }
        return transfer
    }

    private func readAhead() {
        guard let client, codec.readsAhead else { return }
        let goesOn = try? codec.readAhead { buffer throws(SystemError) in
            try ending { () throws(SystemError) in try client.descriptor.read(into: buffer) }
        }
        if goesOn != true { hasReadToEnd = true }
        flushCodec()
    }

    /// A connection that fails has ended.
    private func ending(
        _ transfer: () throws(SystemError) -> FileDescriptor.Transfer
    ) throws(SystemError) -> FileDescriptor.Transfer {
        do throws(SystemError) {
            return try transfer()
        } catch {
            if error.code != ECONNRESET { handlers.onSignal(.notice("\(error)")) }
            return .ended
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        guard let client else { return .wouldBlock }
        return try codec.write(bytes) { bytes throws(SystemError) in
            try ending { () throws(SystemError) in try client.descriptor.send(bytes) }
        }
    }

    /// Sends what the codec itself has to say. A client that has ended is found by the next read.
    private func flushCodec() {
        guard let client else { return }
        try? codec.flush { bytes throws(SystemError) in try client.descriptor.send(bytes) }
        update(for: interest)
    }

    package func update(for interest: EventLoop.Interest) {
        self.interest = interest
        client?.update(
            for: EventLoop.Interest(
                reads: interest.reads && codec.takesInput || codec.readsAhead && !hasReadToEnd,
                writes: interest.writes && codec.takesOutput || codec.hasOutput, isOnce: interest.isOnce))
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
    /// Ends the connection half a minute after the peer's computer has gone silent. Otherwise a client that lost its network
    /// would have the line for good.
    fileprivate func noticeLostPeer() {
        try? set(SOL_SOCKET, SO_KEEPALIVE, 1)
        try? set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 15)
        try? set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 5)
        try? set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    }

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

import Glibc

/// A TCP connection on the host, with the credit that the module's stack has given for it.
final class Connection {
    let socket: Socket
    /// As the module sees it.
    let peer: Endpoint
    private let id: SocketID
    private let loop: EventLoop
    private let announce: (NetworkEvent) -> Void
    private var phase: Phase
    /// Bytes that the module still takes.
    private var credit = 0
    /// Bytes of the module that the host has not yet taken.
    private var outbound = ByteQueue()

    private enum Phase {
        case connecting
        case open
        /// The system reports an end that the module has no credit to see yet; it is not watched meanwhile.
        case ending
        case closed
    }

    /// The most that one read takes, so that other modules get their turn.
    private static let longestRead = 64 * 1024

    init(
        _ id: SocketID, _ socket: Socket, to peer: Endpoint, isConnecting: Bool, on loop: EventLoop,
        announce: @escaping (NetworkEvent) -> Void
    ) throws(SystemError) {
        self.id = id
        self.socket = socket
        self.peer = peer
        self.loop = loop
        self.announce = announce
        phase = isConnecting ? .connecting : .open
        try loop.watch(socket.descriptor, for: isConnecting ? .write : []) { [weak self] in self?.handle($0) }
    }

    func close(aborting: Bool) {
        phase = .closed
        loop.unwatch(socket.descriptor)
        if aborting { socket.closeByReset() }
    }

    func allow(_ bytes: Int) {
        credit += bytes
        lookAgain()
    }

    /// Nothing gets through in either direction.
    var isPaused = false {
        didSet { if isPaused != oldValue { lookAgain() } }
    }

    private func lookAgain() {
        if case .ending = phase, !isPaused, credit > 0 {
            phase = .open
            watchAgain()
        } else {
            updateInterest()
        }
    }

    /// Sends now what the host takes now; the events that follow at once.
    func send(_ bytes: [UInt8]) -> [NetworkEvent] {
        switch phase {
        case .closed, .connecting: return [.sendFailed(id)]
        case .open, .ending: break
        }
        guard outbound.isEmpty, !isPaused else {
            outbound.append(contentsOf: bytes)
            return []
        }
        switch bytes.withUnsafeBytes(socket.send) {
        case .success(.done(bytes.count)): return [.sent(id)]
        case .success(.done(let count)): outbound.append(contentsOf: bytes[count...])
        case .success(.wouldBlock): outbound.append(contentsOf: bytes)
        case .success(.ended), .failure: return [.sendFailed(id)]
        }
        updateInterest()
        return []
    }

    /// Drops what the host has not taken.
    func abandonSend() {
        outbound.removeAll()
        updateInterest()
    }

    private func handle(_ readiness: EventLoop.Readiness) {
        switch phase {
        case .closed, .ending: return
        case .connecting: finishConnecting()
        case .open:
            if !isPaused, readiness.canWrite || readiness.hasHungUp, !outbound.isEmpty { flush() }
            if case .closed = phase { return }
            if !isPaused, credit > 0, readiness.canRead || readiness.hasHungUp {
                read()
            } else if readiness.hasHungUp {
                // The system would report it without end.
                phase = .ending
                loop.unwatch(socket.descriptor)
            }
        }
    }

    private func finishConnecting() {
        let code = socket.takeError()
        guard code == 0, let local = socket.localEndpoint else {
            close(aborting: true)
            return announce(.connectFailed(id, ConnectFailure(errno: code)))
        }
        phase = .open
        updateInterest()
        announce(.connected(id, local: local))
    }

    private func read() {
        var outcome = Result<FileDescriptor.Transfer, SystemError>.success(.wouldBlock)
        let limit = min(credit, Self.longestRead)
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            outcome = socket.receive(into: UnsafeMutableRawBufferPointer(buffer))
            if case .success(.done(let read)) = outcome { count = read }
        }
        switch outcome {
        case .success(.done):
            credit -= bytes.count
            updateInterest()
            announce(.received(id, bytes, from: nil))
        case .success(.wouldBlock): break
        case .success(.ended), .failure:
            close(aborting: false)
            announce(.closed(id))
        }
    }

    private func flush() {
        switch outbound.withUnsafeBytes(socket.send) {
        case .success(.done(let count)):
            outbound.removeFirst(count)
            updateInterest()
            if outbound.isEmpty { announce(.sent(id)) }
        case .success(.wouldBlock): break
        case .success(.ended), .failure:
            outbound.removeAll()
            updateInterest()
            announce(.sendFailed(id))
        }
    }

    private var interest: EventLoop.Interest {
        switch phase {
        case .connecting: return .write
        case .ending, .closed: return []
        case .open:
            var interest: EventLoop.Interest = []
            if isPaused { return interest }
            if credit > 0 { interest.insert(.read) }
            if !outbound.isEmpty { interest.insert(.write) }
            return interest
        }
    }

    private func updateInterest() {
        try? loop.update(socket.descriptor, for: interest)
    }

    private func watchAgain() {
        try? loop.watch(socket.descriptor, for: interest) { [weak self] in self?.handle($0) }
    }
}

extension ConnectFailure {
    fileprivate init(errno code: Int32) {
        self =
            switch code {
            case ECONNREFUSED, ECONNRESET: .refused
            case ETIMEDOUT: .timedOut
            default: .unreachable
            }
    }
}

extension Socket {
    /// Applies what CIPTCPOPT and CIPSTART set; interval and count are the firmware's (ESP-AT docs, TCP-IP, CIPSTART).
    func apply(_ options: TCPOptions) {
        try? set(SOL_SOCKET, SO_KEEPALIVE, options.keepAlive > 0 ? 1 : 0)
        if options.keepAlive > 0 {
            try? set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, Int32(options.keepAlive))
            try? set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 1)
            try? set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
        }
        // Always: the module hands over whole blocks, and a small block that waits for an ACK serves nobody.
        try? set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }
}

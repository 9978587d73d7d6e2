import Glibc
import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// A TCP connection on the computer's network, with or without TLS, that reads only as far as the module's stack has
/// given credit.
///
/// Belongs to the event loop's thread.
final class Connection {
    let socket: Socket
    /// The peer's address as the module sees it.
    let peer: Endpoint
    private let id: SocketID
    private let tls: TLSSession?
    private let loop: EventLoop
    private let announce: (NetworkEvent) -> Void
    private var phase: Phase
    /// In bytes: how much the module still accepts.
    private var credit = 0
    /// The module's bytes that the computer has not taken yet. Like the module's own stack, it accepts a block at once
    /// if no bytes wait before it.
    private var outbound = ByteQueue()
    /// The length of the last block in `outbound` if the module still waits for its `sent`; 0 otherwise.
    private var unanswered = 0

    private enum Phase {
        case connecting
        /// The handshake is in progress; the event is announced when it completes.
        case shakingHands(NetworkEvent)
        case open
        /// The peer has ended the connection, but the module has no credit to see it. The socket is not watched in this
        /// phase.
        case ending
        case closed
    }

    /// The state of a connection at its creation.
    enum Beginning {
        /// The socket has begun to connect.
        case connecting
        /// The socket is connected. With TLS, the event is announced after the handshake.
        case accepted(NetworkEvent)
    }

    /// In bytes: the most that one read takes, so that other modules get their turn.
    private static let longestRead = 64 * 1024

    init(
        _ id: SocketID, _ socket: Socket, to peer: Endpoint, _ beginning: Beginning, tls: TLSSession?,
        on loop: EventLoop, announce: @escaping (NetworkEvent) -> Void
    ) throws(SystemError) {
        self.id = id
        self.socket = socket
        self.peer = peer
        self.tls = tls
        self.loop = loop
        self.announce = announce
        phase =
            switch beginning {
            case .connecting: .connecting
            case .accepted(let event): tls == nil ? .open : .shakingHands(event)
            }
        try loop.watch(socket.descriptor, for: interest) { [weak self] in self?.handle($0) }
    }

    /// True while the module has closed the connection and bytes already answered with `SEND OK` wait to be sent.
    private(set) var isDraining = false
    /// Called when draining has ended.
    var drained: () -> Void = {}

    /// Ends the connection at once, or after draining if bytes already answered with `SEND OK` have to be sent first.
    /// - Parameter aborting: true to drop them and reset the connection.
    func close(aborting: Bool) {
        if !aborting, case .open = phase {
            dropUnanswered()
            flush()
            isDraining = !outbound.isEmpty || hasUnsent
            if isDraining { return updateInterest() }
            tls?.end(over: socket)
        }
        end()
        if aborting { socket.closeByReset() }
    }

    /// Ends draining, even if bytes are left. The computer still sends what its socket has taken.
    func endDraining() {
        tls?.end(over: socket)
        end()
        drained()
    }

    private func end() {
        phase = .closed
        loop.unwatch(socket.descriptor)
    }

    /// Lets the module receive `bytes` more bytes.
    /// - Returns: the events that follow at once, from bytes that TLS has already decrypted.
    func allow(_ bytes: Int) -> [NetworkEvent] {
        credit += bytes
        return lookAgain()
    }

    /// True while the peer is cut off: nothing passes in either direction.
    private(set) var isPaused = false

    /// Cuts the connection off or reconnects it.
    /// - Returns: the events that follow at once.
    func pause(_ isPaused: Bool) -> [NetworkEvent] {
        guard isPaused != self.isPaused else { return [] }
        self.isPaused = isPaused
        return lookAgain()
    }

    private func lookAgain() -> [NetworkEvent] {
        if case .ending = phase, !isPaused, credit > 0 {
            phase = .open
            watchAgain()
        } else {
            updateInterest()
        }
        return canReadOn ? read() : []
    }

    /// True if TLS holds decrypted bytes. The socket reports nothing of those.
    private var canReadOn: Bool {
        guard case .open = phase, let tls, !isPaused, credit > 0 else { return false }
        return tls.hasReceived
    }

    /// Queues bytes, which `flush` sends.
    /// - Returns: the events that follow at once.
    func send(_ bytes: [UInt8]) -> [NetworkEvent] {
        guard takesBytes else { return [.sendFailed(id)] }
        let hasRoom = takesBlocks
        outbound.append(whole: bytes)
        if hasRoom { return [.sent(id)] }
        unanswered = bytes.count
        return []
    }

    /// Queues bytes that were already answered with `SEND OK`.
    func take(_ bytes: [UInt8]) {
        // If an unanswered block is still queued, the module has abandoned it; otherwise it would not have sent more.
        unanswered = 0
        if takesBytes { outbound.append(whole: bytes) }
    }

    /// True if a block can be answered with `SEND OK` at once.
    var takesBlocks: Bool { takesBytes && outbound.isEmpty && !hasUnsent && !isPaused }

    private var takesBytes: Bool {
        switch phase {
        case .closed, .connecting, .shakingHands: false
        // The peer's end lies beyond the cut, so the module cannot know of it yet.
        case .ending: isPaused
        case .open: true
        }
    }

    /// Drops the bytes of the last `send` that the computer has not taken, except for a TLS record in progress.
    func abandonSend() {
        dropUnanswered()
        updateInterest()
    }

    private func dropUnanswered() {
        outbound.removeLast(min(unanswered, outbound.count))
        unanswered = 0
    }

    /// True while the connection is being made, or a block waits for room.
    var awaitsComputer: Bool {
        switch phase {
        case .connecting, .shakingHands: true
        case .open: unanswered > 0 || hasUnsent
        case .ending, .closed: false
        }
    }

    // MARK: The socket, or TLS on it

    private var hasUnsent: Bool { tls?.hasUnsent ?? false }

    private func transmit(_ bytes: UnsafeRawBufferPointer) -> Result<FileDescriptor.Transfer, SystemError> {
        if let tls { tls.send(bytes, over: socket) } else { socket.send(bytes) }
    }

    private func receive(
        into buffer: UnsafeMutableRawBufferPointer
    ) -> Result<FileDescriptor.Transfer, SystemError> {
        if let tls { tls.receive(into: buffer, from: socket) } else { socket.receive(into: buffer) }
    }

    // MARK: What the loop reports

    private func handle(_ readiness: EventLoop.Readiness) {
        switch phase {
        case .closed, .ending: return
        case .connecting: finishConnecting()
        case .shakingHands(let event): shakeHands(for: event)
        case .open:
            if readiness.canWrite || readiness.hasHungUp { flush() }
            if case .closed = phase { return }
            if !isPaused, !isDraining, credit > 0, readiness.canRead || readiness.hasHungUp {
                for event in read() { announce(event) }
            } else if readiness.hasHungUp {
                // The loop would report the hang-up again and again.
                if isDraining { return endDraining() }
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
        if tls == nil {
            open(.connected(id, local: local))
        } else {
            shakeHands(for: .connected(id, local: local))
        }
    }

    private func shakeHands(for event: NetworkEvent) {
        phase = .shakingHands(event)
        do throws(TLSFailure) {
            if try tls?.shakeHands(over: socket) ?? true { return open(event) }
            updateInterest()
        } catch {
            close(aborting: false)
            announce(.connectFailed(id, .handshake(error.reason)))
        }
    }

    private func open(_ event: NetworkEvent) {
        phase = .open
        updateInterest()
        announce(event)
    }

    /// Reads as far as the credit allows.
    private func read() -> [NetworkEvent] {
        var events: [NetworkEvent] = []
        repeat {
            var outcome = Result<FileDescriptor.Transfer, SystemError>.success(.wouldBlock)
            let limit = min(credit, Self.longestRead)
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
                outcome = receive(into: UnsafeMutableRawBufferPointer(buffer))
                if case .success(.done(let read)) = outcome { count = read }
            }
            switch outcome {
            case .success(.done):
                credit -= bytes.count
                events.append(.received(id, bytes, from: nil))
            case .success(.wouldBlock): break
            case .success(.ended), .failure:
                close(aborting: false)
                events.append(.closed(id))
                return events
            }
        } while canReadOn
        updateInterest()
        return events
    }

    /// Sends the bytes that the computer takes now.
    func flush() {
        guard case .open = phase, !isPaused, !outbound.isEmpty || hasUnsent else { return }
        var answer: NetworkEvent?
        switch outbound.withUnsafeBytes(transmit) {
        case .success(.done(let count)):
            outbound.removeFirst(count)
            if outbound.isEmpty, !hasUnsent { answer = .sent(id) }
        case .success(.wouldBlock): break
        case .success(.ended), .failure:
            outbound.removeAll()
            answer = .sendFailed(id)
        }
        updateInterest()
        guard let answer else { return }
        if isDraining {
            endDraining()
        } else if unanswered > 0 {
            unanswered = 0
            announce(answer)
        }
    }

    private var interest: EventLoop.Interest {
        let writes = !outbound.isEmpty || hasUnsent
        return switch phase {
        case .connecting: .write
        case .ending, .closed: .nothing
        case .shakingHands: EventLoop.Interest(reads: true, writes: writes)
        case .open: isPaused ? .nothing : EventLoop.Interest(reads: credit > 0 && !isDraining, writes: writes)
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
    /// Applies the options of CIPTCPOPT and CIPSTART. The keep-alive interval and count are the firmware's (ESP-AT
    /// docs, TCP-IP, CIPSTART).
    func apply(_ options: TCPOptions) {
        try? set(SOL_SOCKET, SO_KEEPALIVE, options.keepAlive > 0 ? 1 : 0)
        if options.keepAlive > 0 {
            try? set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, Int32(options.keepAlive.value))
            try? set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 1)
            try? set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
        }
        // "Default: 0" (ESP-AT docs, TCP-IP, CIPTCPOPT): a small block waits while an earlier one is unacknowledged.
        try? set(Int32(IPPROTO_TCP), TCP_NODELAY, options.noDelay ? 1 : 0)
    }
}

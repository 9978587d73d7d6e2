import WiFiSimValues

/// A host on a virtual network that a test or a transcript plays. It has one connection at a time, the latest.
public final class VirtualPeer {
    // The simulation owns the network and outlives its use.
    private unowned let network: VirtualNetwork
    private var state = State.idle
    private var transport = Transport.tcp
    /// How it takes part in TLS; `nil` does not.
    private(set) var tls: TLSPeer?
    /// This peer's address and port.
    public private(set) var endpoint: Endpoint?
    /// What has come from the module and was not taken.
    private var received = ByteQueue()

    public enum State: Equatable, Sendable {
        case idle
        case listening
        case connecting
        case connected
        /// The module closed the connection, or reset it.
        case closedByModule, resetByModule
        /// No server listens at the port.
        case refusedByModule
        case closedByPeer
    }

    private var socket: VirtualNetwork.SocketReference?
    /// The UDP socket whose datagrams come here, although another peer listens at the same address and port by now.
    var correspondent: VirtualNetwork.SocketReference?
    /// When it has its connection, before which it says nothing.
    private var connectedAt = Instant.zero
    /// What it said without a connection.
    private var unsent: [Saying] = []

    private enum Saying {
        case bytes([UInt8])
        case close(Closing)
    }

    private enum Closing { case both, sending, reset }

    package init(network: VirtualNetwork) { self.network = network }

    /// The stack of the module that it is connected to.
    var moduleStack: Int? { socket?.stack }

    /// How its connection is.
    public var phase: State { state }
    public var receivedCount: Int { received.count }

    // MARK: What it does

    /// Waits for connections or datagrams at an address and port. It takes `acceptDelay` to accept a connection.
    public func listen(
        _ transport: Transport = .tcp, at endpoint: Endpoint, acceptDelay delay: Duration = .zero, tls: TLSPeer? = nil
    ) {
        self.transport = transport
        self.tls = tls
        self.endpoint = endpoint
        if state != .connected { state = .listening }
        network.listen(.peer(self, acceptDelay: delay), transport, at: endpoint)
    }

    /// Connects to a server of a module, or takes aim at one of its UDP ports.
    public func connect(
        _ transport: Transport = .tcp, toPort port: UInt16, ofModule module: Int = 0, from endpoint: Endpoint,
        tls: TLSPeer? = nil
    ) {
        self.transport = transport
        self.tls = tls
        self.endpoint = endpoint
        socket = nil
        network.hosts.insert(endpoint.address)
        // Answers come back to where datagrams come from.
        if transport == .udp { network.listen(.peer(self, acceptDelay: .zero), .udp, at: endpoint) }
        guard network.stacks.indices.contains(module) else {
            state = .refusedByModule
            return
        }
        state = .connecting
        network.send(
            .peerConnect(self, stack: module, transport, port: port),
            after: network.stacks[module].latency(to: endpoint.address))
    }

    public func send(_ bytes: [UInt8]) { say(.bytes(bytes)) }
    public func send(_ text: String) { say(.bytes(Array(text.utf8))) }

    /// Ends the connection; the module sees that after all that was sent.
    public func close() { say(.close(.both)) }

    /// Says that it will send no more, and still takes what comes.
    public func halfClose() { say(.close(.sending)) }

    /// Ends the connection at once, as with a TCP reset.
    public func reset() { say(.close(.reset)) }

    private func say(_ saying: Saying) {
        guard let socket, state == .connected || transport == .udp else {
            unsent.append(saying)
            return
        }
        let delay =
            network.stacks[socket.stack].latency(to: endpoint?.address) + max(.zero, connectedAt - network.now)
        switch saying {
        case .bytes(let bytes):
            network.send(.toModule(socket, bytes, from: transport == .udp ? endpoint : nil), after: delay)
        case .close(let closing):
            if closing != .sending { state = .closedByPeer }
            network.send(.closeOfRemote(socket, isReset: closing == .reset), after: delay)
        }
    }

    private func saySoFar() {
        let sayings = unsent
        unsent = []
        for saying in sayings { say(saying) }
    }

    /// Takes at most `limit` of the bytes that have come.
    public func take(_ limit: Int = .max) -> [UInt8] { received.take(limit) }

    /// The bytes that have come, without taking them.
    package var pending: [UInt8] { received.withUnsafeBytes { Array($0) } }

    // MARK: What comes

    /// A module has connected.
    func accept(_ socket: VirtualNetwork.SocketReference, after delay: Duration) {
        self.socket = socket
        state = .connected
        connectedAt = network.now + delay
        saySoFar()
    }

    /// The own connection has reached the module.
    func connectionArrives(at stack: VirtualStack, _ transport: Transport, _ port: UInt16) {
        guard let endpoint, case .world = stack.route(to: endpoint.address) else { return }
        let accepted =
            switch transport {
            case .tcp: stack.accept(from: endpoint, toPort: port, remote: .peer(self))
            case .udp: stack.socketID(udpPort: port).map(stack.reference)
            }
        guard let accepted else {
            state = .refusedByModule
            return
        }
        socket = accepted
        if transport == .udp { correspondent = accepted }
        state = .connected
        saySoFar()
    }

    func receive(_ bytes: [UInt8]) { received.append(contentsOf: bytes) }

    func receiveDatagram(_ bytes: [UInt8], from socket: VirtualNetwork.SocketReference) {
        self.socket = socket
        correspondent = socket
        state = .connected
        receive(bytes)
        saySoFar()
    }

    func moduleClosed(isReset: Bool) {
        socket = nil
        guard state != .closedByPeer else { return }
        state = isReset ? .resetByModule : .closedByModule
    }
}

import WiFiSimValues

/// A host in a virtual network, played by a test or a transcript. It has one connection at a time, the latest.
///
/// Calls that send (`send`, `close`, `halfClose`, `reset`) take effect in order. Before there is a connection they are
/// kept and take effect when it is open. Owned by the thread of the simulation.
public final class VirtualPeer {
    // Unowned: the simulation owns the network and keeps it alive.
    private unowned let network: VirtualNetwork
    private var state = State.idle
    private var transport = Transport.tcp
    /// Its side of TLS. `nil` means that it does not use TLS.
    private(set) var tls: TLSPeer?
    /// The address and port of this peer.
    public private(set) var endpoint: Endpoint?
    /// Bytes from the module that have not been taken.
    private var received = ByteQueue()

    /// The state of its connection.
    public enum State: Equatable, Sendable {
        /// It has not listened or connected yet.
        case idle
        /// It waits for a connection or a datagram.
        case listening
        /// It has asked the module for a connection.
        case connecting
        /// It can send and receive.
        case connected
        /// The module has closed the connection.
        case closedByModule
        /// The module has reset the connection.
        case resetByModule
        /// No server of the module listens at the port.
        case refusedByModule
        /// It has closed or reset the connection itself.
        case closedByPeer
    }

    /// The module's socket of the connection.
    private var socket: VirtualNetwork.SocketReference?
    /// The UDP socket whose datagrams it receives, even after another peer listens at the same endpoint.
    var correspondent: VirtualNetwork.SocketReference?
    /// When its connection is open. It sends nothing before that.
    private var connectedAt = Instant.zero
    /// What it has sent without a connection.
    private var unsent: [Saying] = []

    private enum Saying {
        case bytes([UInt8])
        case close(Closing)
    }

    private enum Closing { case both, sending, reset }

    package init(network: VirtualNetwork) { self.network = network }

    /// The index of the stack of the connected module.
    var moduleStack: Int? { socket?.stack }

    /// The state of its connection.
    public var phase: State { state }

    /// The number of bytes that `take` can return.
    public var receivedCount: Int { received.count }

    // MARK: What it does

    /// Waits for connections or datagrams at an endpoint. Accepting a connection takes `acceptDelay`.
    public func listen(
        _ transport: Transport = .tcp, at endpoint: Endpoint, acceptDelay delay: Duration = .zero, tls: TLSPeer? = nil
    ) {
        self.transport = transport
        self.tls = tls
        self.endpoint = endpoint
        if state != .connected { state = .listening }
        network.listen(.peer(self, acceptDelay: delay), transport, at: endpoint)
    }

    /// Connects to a server of a module, or selects one of its UDP ports as the destination. If the module does not
    /// exist, the state becomes `refusedByModule`.
    public func connect(
        _ transport: Transport = .tcp, toPort port: UInt16, ofModule module: Int = 0, from endpoint: Endpoint,
        tls: TLSPeer? = nil
    ) {
        self.transport = transport
        self.tls = tls
        self.endpoint = endpoint
        socket = nil
        network.hosts.insert(endpoint.address)
        // Answers come back to the source endpoint of the datagrams.
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

    /// Sends bytes, or one datagram. Before there is a connection they wait for it.
    public func send(_ bytes: [UInt8]) { say(.bytes(bytes)) }

    /// Sends text as UTF-8.
    public func send(_ text: String) { say(.bytes(Array(text.utf8))) }

    /// Closes the connection, after all bytes sent before.
    public func close() { say(.close(.both)) }

    /// Closes its sending direction. It still receives.
    public func halfClose() { say(.close(.sending)) }

    /// Resets the connection, as a TCP RST does.
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

    /// Takes at most `limit` of the received bytes.
    public func take(_ limit: Int = .max) -> [UInt8] { received.take(limit) }

    /// The received bytes, without taking them.
    package var pending: [UInt8] { received.withUnsafeBytes { Array($0) } }

    // MARK: What comes

    /// A module has connected to this peer.
    func accept(_ socket: VirtualNetwork.SocketReference, after delay: Duration) {
        self.socket = socket
        state = .connected
        connectedAt = network.now + delay
        saySoFar()
    }

    /// This peer's connection has reached the module.
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

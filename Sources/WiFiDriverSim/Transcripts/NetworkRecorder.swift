import WiFiSimModule
import WiFiSimValues

/// Records a module's network traffic as the actions of its peers, so that the recording can be checked on a network in
/// memory.
///
/// Each connection is a peer of its own, and so is each address with which a UDP socket exchanges datagrams. Several
/// links to one server are therefore distinct peers.
struct NetworkRecorder {
    private var sockets: [SocketID: Socket] = [:]
    private var queries: [(id: QueryID, name: String)] = []
    private var peerCount = 0
    private var connectionCount = 0
    private var serversWithTLS: Set<UInt16> = []

    private struct Socket {
        let transport: Transport
        /// The peer of a connection, or the default destination of datagrams.
        let peer: Endpoint
        var localPort: UInt16 = 0
        var tls: TLSPeer?
        /// True until the connection is established or has failed.
        var isConnecting = false
        /// The names of its peers in the recording.
        var names: [Endpoint: String] = [:]
    }

    mutating func record(_ request: NetworkRequest, in recorder: inout TranscriptRecorder, at now: Instant) {
        switch request {
        case .connect(let id, let peer, _, let tls):
            sockets[id] = Socket(transport: .tcp, peer: peer, tls: tls == nil ? nil : TLSPeer(), isConnecting: true)
            // The outcome is known later, but its line belongs before this one's effects.
            recorder.beginHold(at: now)
        case .openUDP(let id, let peer, let localPort):
            sockets[id] = Socket(transport: .udp, peer: peer, localPort: localPort)
            if peer.port != 0 { meet(peer, of: id, in: &recorder) }
        case .send(let id, let bytes, let target):
            guard let socket = sockets[id] else { return }
            let peer = target ?? socket.peer
            guard peer.port != 0 else { return }
            if socket.transport == .udp { meet(peer, of: id, in: &recorder) }
            recorder.record(.peer(name: name(of: peer, of: id), .receives(Payload(recording: bytes))), at: now)
        case .close(let id, let aborting):
            guard let socket = sockets[id] else { return }
            defer { sockets[id] = nil }
            guard socket.transport == .tcp else { return }
            // The module closed before the connection was established.
            if socket.isConnecting { return endHold(of: id, .ignores(.tcp, socket.peer), in: &recorder) }
            recorder.record(.peer(name: name(of: socket.peer, of: id), .sees(aborting ? .reset : .close)), at: now)
        case .resolve(let query, let name, _):
            queries.append((query, name))
            recorder.beginHold(at: now)
        case .cancelQuery(let query): endQuery(query, .silent, in: &recorder)
        case .reset:
            for (id, socket) in sockets.sorted(by: { $0.key < $1.key }) where socket.isConnecting {
                endHold(of: id, .ignores(.tcp, socket.peer), in: &recorder)
            }
            sockets = [:]
            giveUpQueries(in: &recorder)
        case .listen(let port, _, let tls):
            if tls == nil { serversWithTLS.remove(port) } else { serversWithTLS.insert(port) }
        case .allow, .abandonSend, .setOptions, .stopListening, .ping, .interfaces: break
        }
    }

    mutating func record(_ event: NetworkEvent, in recorder: inout TranscriptRecorder, at now: Instant) {
        switch event {
        case .connected(let id, let local):
            guard let socket = sockets[id] else { return }
            // The module chose the port at random.
            if socket.localPort == 0 {
                connectionCount += 1
                recorder.nameLocalPort(local.port, "local\(connectionCount)")
            }
            sockets[id]?.localPort = local.port
            guard socket.transport == .tcp else { return }
            sockets[id]?.isConnecting = false
            endHold(of: id, .listens(.tcp, socket.peer, after: .zero, socket.tls), in: &recorder)
        case .connectFailed(let id, let failure):
            guard let socket = sockets[id] else { return }
            defer { sockets[id] = nil }
            guard socket.isConnecting else { return }
            let action: Transcript.PeerAction =
                switch failure {
                case .refused: .refuses(.tcp, socket.peer)
                case .handshake: .listens(.tcp, socket.peer, after: .zero, TLSPeer(refuses: true))
                case .unreachable, .timedOut, .addressInUse: .ignores(.tcp, socket.peer)
                }
            endHold(of: id, action, in: &recorder)
        case .accepted(let id, let peer, let local):
            sockets[id] = Socket(transport: .tcp, peer: peer, localPort: local.port)
            let tls = serversWithTLS.contains(local.port) ? TLSPeer() : nil
            recorder.record(
                .peer(name: name(of: peer, of: id), .connects(.tcp, port: local.port, from: peer, tls)), at: now)
        case .received(let id, let bytes, let sender):
            guard let socket = sockets[id] else { return }
            let peer = sender ?? socket.peer
            if socket.names[peer] == nil {
                recorder.record(
                    .peer(name: name(of: peer, of: id), .connects(.udp, port: socket.localPort, from: peer)), at: now)
            }
            recorder.record(.peer(name: name(of: peer, of: id), .sends(recorder.stored(bytes))), at: now)
        case .closed(let id):
            guard let socket = sockets[id] else { return }
            recorder.record(.peer(name: name(of: socket.peer, of: id), .closes), at: now)
            sockets[id] = nil
        case .resolved(let query, let addresses): endQuery(query, .addresses(addresses), in: &recorder)
        case .sent, .sendFailed, .listening, .listenFailed, .pinged: break
        }
    }

    /// Records the peer of a UDP socket before the first datagram to it.
    private mutating func meet(_ peer: Endpoint, of id: SocketID, in recorder: inout TranscriptRecorder) {
        guard sockets[id]?.names[peer] == nil else { return }
        recorder.record(timeless: .peer(name: name(of: peer, of: id), .listens(.udp, peer, after: .zero)))
    }

    /// Records the outcome of a connection before the lines that depend on it.
    private mutating func endHold(
        of id: SocketID, _ action: Transcript.PeerAction, in recorder: inout TranscriptRecorder
    ) {
        guard let peer = sockets[id]?.peer else { return }
        recorder.endHold(.peer(name: name(of: peer, of: id), action))
    }

    private mutating func giveUpQueries(in recorder: inout TranscriptRecorder) {
        for (_, name) in queries { recorder.endHold(.name(name, .silent)) }
        queries = []
    }

    private mutating func endQuery(
        _ query: QueryID, _ outcome: Transcript.Resolution, in recorder: inout TranscriptRecorder
    ) {
        guard let index = queries.firstIndex(where: { $0.id == query }) else { return }
        recorder.endHold(.name(queries.remove(at: index).name, outcome))
    }

    private mutating func name(of peer: Endpoint, of id: SocketID) -> String {
        if let name = sockets[id]?.names[peer] { return name }
        peerCount += 1
        let name = "peer\(peerCount)"
        sockets[id]?.names[peer] = name
        return name
    }
}

/// Writes a module's dealings with the network into a recording, as what its peers do, so that the recording can be checked
/// on a network in memory.
struct NetworkRecorder {
    private var names: [Endpoint: String] = [:]
    private var sockets: [SocketID: Socket] = [:]
    private var queries: [String] = []
    private var connectionCount = 0
    private var serverHasTLS = false

    private struct Socket {
        let transport: Transport
        let peer: Endpoint
        var localPort: UInt16 = 0
        var tls: TLSPeer?
    }

    mutating func record(_ request: NetworkRequest, in recorder: inout TranscriptRecorder, at now: Instant) {
        switch request {
        case .connect(let id, let peer, _, let tls):
            sockets[id] = Socket(transport: .tcp, peer: peer, tls: tls == nil ? nil : TLSPeer())
            // What becomes of it is known later, and belongs before it.
            recorder.beginHold(at: now)
        case .openUDP(let id, let peer, let localPort):
            sockets[id] = Socket(transport: .udp, peer: peer, localPort: localPort)
            guard peer.port != 0 else { return }
            recorder.record(.peer(name: name(of: peer), .listens(.udp, peer, after: .zero)), at: now)
        case .send(let id, let bytes, let target):
            guard let socket = sockets[id] else { return }
            let peer = target ?? socket.peer
            guard peer.port != 0 else { return }
            if names[peer] == nil {
                recorder.record(.peer(name: name(of: peer), .listens(socket.transport, peer, after: .zero)), at: now)
            }
            recorder.record(.peer(name: name(of: peer), .receives(Payload(recording: bytes))), at: now)
        case .close(let id, let aborting):
            guard let socket = sockets.removeValue(forKey: id), socket.transport == .tcp else { return }
            recorder.record(.peer(name: name(of: socket.peer), .sees(aborting ? .reset : .close)), at: now)
        case .resolve(let name, _):
            queries.append(name)
            recorder.beginHold(at: now)
        case .cancelQuery:
            for _ in queries { recorder.endHold(nil) }
            queries = []
        case .reset:
            sockets = [:]
            for _ in queries { recorder.endHold(nil) }
            queries = []
        case .listen(_, _, let tls): serverHasTLS = tls != nil
        case .allow, .abandonSend, .setOptions, .stopListening, .ping, .interfaces: break
        }
    }

    mutating func record(_ event: NetworkEvent, in recorder: inout TranscriptRecorder, at now: Instant) {
        switch event {
        case .connected(let id, let local):
            guard let socket = sockets[id] else { return }
            // One that the module chose by chance.
            if socket.localPort == 0 {
                connectionCount += 1
                recorder.nameLocalPort(local.port, "local\(connectionCount)")
            }
            sockets[id]?.localPort = local.port
            guard socket.transport == .tcp else { return }
            recorder.endHold(.peer(name: name(of: socket.peer), .listens(.tcp, socket.peer, after: .zero, socket.tls)))
        case .connectFailed(let id, let failure):
            guard let socket = sockets.removeValue(forKey: id), socket.transport == .tcp else { return }
            let action: Transcript.PeerAction =
                switch failure {
                case .refused: .refuses(.tcp, socket.peer)
                case .handshake: .listens(.tcp, socket.peer, after: .zero, TLSPeer(refuses: true))
                case .unreachable, .timedOut, .addressInUse: .ignores(.tcp, socket.peer)
                }
            recorder.endHold(.peer(name: name(of: socket.peer), action))
        case .accepted(let id, let peer, let local):
            sockets[id] = Socket(transport: .tcp, peer: peer, localPort: local.port)
            let tls = serverHasTLS ? TLSPeer() : nil
            recorder.record(.peer(name: name(of: peer), .connects(.tcp, port: local.port, from: peer, tls)), at: now)
        case .received(let id, let bytes, let sender):
            guard let socket = sockets[id] else { return }
            let peer = sender ?? socket.peer
            if names[peer] == nil {
                recorder.record(
                    .peer(name: name(of: peer), .connects(.udp, port: socket.localPort, from: peer)), at: now)
            }
            recorder.record(.peer(name: name(of: peer), .sends(recorder.stored(bytes))), at: now)
        case .closed(let id):
            guard let socket = sockets.removeValue(forKey: id) else { return }
            recorder.record(.peer(name: name(of: socket.peer), .closes), at: now)
        case .resolved(let addresses):
            guard !queries.isEmpty else { return }
            recorder.endHold(.name(queries.removeFirst(), .addresses(addresses)))
        case .sent, .sendFailed, .listening, .listenFailed, .pinged: break
        }
    }

    private mutating func name(of peer: Endpoint) -> String {
        if let name = names[peer] { return name }
        let name = "peer\(names.count + 1)"
        names[peer] = name
        return name
    }
}

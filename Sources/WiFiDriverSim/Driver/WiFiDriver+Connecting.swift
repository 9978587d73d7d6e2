/// Connect: connections of stream sockets, peers of datagram sockets.
extension WiFiDriver {
    func connect(_ number: Int32, to peer: Endpoint?) throws(SocketFailure) {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            guard let peer, peer.address.family == socket.family else { throw .invalidArgument }
            guard socket.isStream else { return try setPeer(peer, of: socket) }
            switch socket.state {
            case .idle, .bound: break
            case .connecting: throw .alreadyConnecting
            case .connectFailed(let failure):
                socket.state = .idle
                throw failure
            case .connected: throw .isConnected
            case .listening, .datagram: throw .invalidArgument
            }
            if peer.port == 0 || peer.address.isUnspecified { throw .invalidArgument }
            socket.state = .connecting
            enqueue { [self] in openConnection(of: socket, to: peer) }
            if !socket.isBlocking { throw .inProgress }
            while case .connecting = socket.state {
                if socket.isClosed { throw .aborted }
                if !waitForProgress(on: socket.topic), line?.isLost ?? true { throw .aborted }
            }
            if socket.isClosed { throw .aborted }
            if case .connectFailed(let failure) = socket.state {
                socket.state = .idle
                throw failure
            }
        }
    }

    /// The firmware does not say why a connection failed; a refusal comes sooner than this, a time-out later.
    private static let refusalLimit = Duration.seconds(1)

    /// Carries out a Connect, on the worker's thread.
    private func openConnection(of socket: DriverSocket, to peer: Endpoint) {
        takeSlot(isLong: true)
        defer {
            releaseSlot()
            notify(socket.topic)
        }
        if socket.isClosed { return }
        if makeReady() != nil {
            socket.state = .connectFailed(.unspecified)
            return
        }
        var failure = SocketFailure.noMemory
        // A peer may take the number in the same moment: then the next one.
        for _ in 0..<Self.linkLimit {
            guard let link = takeFreeLink() else { break }
            let connection = DriverConnection(
                link: link, isDatagram: false, family: socket.family, owner: socket.number, peer: peer)
            links[link] = connection
            setPushing(link, false)
            var command = CommandText("CIPSTART").field(link).quoted(socket.family == .v6 ? "TCPv6" : "TCP")
                .quoted(peer.address).field(peer.port)
            if dialect.hasCommandTimeout {
                command = command.field(socket.keepsAlive ? Self.keepAliveSeconds : 0).empty()
                    .field(connectTimeout.milliseconds)
            } else if socket.keepsAlive {
                command = command.field(Self.keepAliveSeconds)
            }
            let start = RealTime.now
            // Where the firmware keeps the time, its answer is waited for.
            let limit = dialect.hasCommandTimeout ? connectTimeout + .milliseconds(900) : connectTimeout
            let reply = transact(command, expecting: .linkOpened(link), timeout: limit)
            if reply.isDone, links[link] === connection || connection.ending != nil {
                if socket.isClosed {
                    connection.discards = true
                    _ = transact(CommandText("CIPCLOSE").field(link), expecting: .linkClosed(link))
                    if links[link] === connection { links[link] = nil }
                } else {
                    connection.isOpen = true
                    socket.state = .connected(connection)
                }
                return
            }
            if links[link] === connection { links[link] = nil }
            // Taken by a peer, whose report has told so or not.
            if reply.outcome == .refused, links[link] != nil || reply.contains("ALREADY CONNECT") {
                if links[link] == nil, connection.localPort != nil || connection.queue.count > 0 {
                    acceptIncoming(link, peer: nil, localPort: nil)
                }
                blockedLinks.insert(link)
                continue
            }
            failure = connectFailure(reply, after: .now - start)
            break
        }
        blockedLinks = []
        socket.state = .connectFailed(failure)
        // The caller need not wait until the module is through with it; everybody else has to.
        notify(socket.topic)
        if conversation == .lost { _ = makeReady() }
    }

    private static let keepAliveSeconds = 7200

    private func connectFailure(_ reply: Reply, after elapsed: Duration) -> SocketFailure {
        switch reply.outcome {
        case .timedOut, .stillBusy: .timedOut
        // Without a network there is nobody who could refuse; the firmwares differ in what they say then.
        case .refused where !isInNetwork || reply.contains("no ip"): .unspecified
        case .refused: elapsed < Self.refusalLimit ? .refused : .timedOut
        case .done, .notDelivered: .unspecified
        case .moduleReset, .lineLost: .aborted
        }
    }

    var isInNetwork: Bool { station.isConnected || accessPointIsActive }

    /// The highest free number: the module gives the lowest to connections that come in. A Close that still waits for its
    /// turn is carried out before there is none. The slot is the caller's.
    private func takeFreeLink() -> Int? {
        func free() -> Int? { links.indices.last { links[$0] == nil && !blockedLinks.contains($0) } }
        if let link = free() { return link }
        for connection in unwantedConnections { closeLinkNow(connection) }
        return free()
    }

    // MARK: Datagram sockets

    private func setPeer(_ peer: Endpoint, of socket: DriverSocket) throws(SocketFailure) {
        guard case .datagram(var datagram) = socket.state else { throw .unspecified }
        if peer.address.isUnspecified {
            datagram.peer = nil
            datagram.connection?.onlySource = nil
            socket.state = .datagram(datagram)
            return
        }
        if peer.port == 0 { throw .invalidArgument }
        datagram.peer = peer
        datagram.connection?.onlySource = peer
        socket.state = .datagram(datagram)
        try openDatagramLinkSoon(socket)
    }

    /// The same without waiting for a long command: behind one, the worker does it.
    func openDatagramLinkSoon(_ socket: DriverSocket) throws(SocketFailure) {
        if !isLineBusyForLong { return try openDatagramLink(socket) }
        enqueue { [self] in try? openDatagramLink(socket) }
    }

    /// Gives a datagram socket its link, and a free port if it is not bound; by `deadline` if the line is free by then.
    func openDatagramLink(_ socket: DriverSocket, until deadline: RealTime? = nil) throws(SocketFailure) {
        guard case .datagram(let datagram) = socket.state else { throw .unspecified }
        if let connection = datagram.connection, connection.ending == nil { return }
        let isBound = datagram.local != nil
        // A port of the module's choice would not be known; one of ours may be taken elsewhere: then the next.
        for _ in 0..<(isBound ? 1 : 8) {
            let port = datagram.local?.port ?? ephemeralPort()
            let outcome = withSlot(for: socket, until: deadline) {
                openDatagramLink(socket, port: port)
            } otherwise: {
                $0
            }
            switch outcome {
            case nil: throw socket.isClosed ? .aborted : .wouldBlock
            case .done: return
            case .refused: continue
            case .timedOut, .stillBusy, .notDelivered: throw .unspecified
            case .moduleReset, .lineLost: throw .aborted
            }
        }
        throw links.contains { $0 == nil } ? .unspecified : .noMemory
    }

    private func openDatagramLink(_ socket: DriverSocket, port: UInt16) -> CommandExchange.Outcome {
        // Another thread may have done it meanwhile.
        guard case .datagram(var datagram) = socket.state, !socket.isClosed else { return .notDelivered }
        if let connection = datagram.connection, connection.ending == nil { return .done }
        guard let link = takeFreeLink() else { return .refused }
        let connection = DriverConnection(
            link: link, isDatagram: true, family: socket.family, owner: socket.number, peer: nil)
        connection.localPort = port
        connection.onlySource = datagram.peer
        links[link] = connection
        // Datagrams are pushed: so their bounds are known.
        setPushing(link, true)
        // With mode 2 anybody may send; each CIPSEND names its destination.
        let any: IPAddress = socket.family == .v6 ? .v6(.any) : .v4(.any)
        let remote = datagram.peer ?? Endpoint(any, port)
        let reply = transact(
            CommandText("CIPSTART").field(link).quoted(socket.family == .v6 ? "UDPv6" : "UDP").quoted(remote.address)
                .field(remote.port).field(port).field(2), expecting: .linkOpened(link))
        guard reply.isDone else {
            if links[link] === connection { links[link] = nil }
            return reply.outcome
        }
        guard case .datagram(let current) = socket.state else { return .notDelivered }
        datagram = current
        datagram.connection = connection
        connection.isOpen = true
        if datagram.local == nil { datagram.local = Endpoint(any, port) }
        connection.onlySource = datagram.peer
        socket.state = .datagram(datagram)
        if socket.isClosed {
            connection.discards = true
            _ = transact(CommandText("CIPCLOSE").field(link), expecting: .linkClosed(link))
            if links[link] === connection { links[link] = nil }
        }
        return .done
    }

    /// Has a link push what it receives, or keep it until it is asked for; the slot is the caller's. Where there is one mode
    /// for all links, all of them push while one has to: a read does not tell where a datagram ends.
    func setPushing(_ link: Int, _ pushing: Bool) {
        guard receivesPassively, pushingLinks.contains(link) != pushing else { return }
        if dialect.hasReceiveType {
            guard transact(CommandText("CIPRECVTYPE").field(link).field(pushing ? 0 : 1)).isDone else { return }
        } else if dialect.isUDPPassive {
            let isFirstOrLast = pushingLinks.subtracting([link]).isEmpty
            if isFirstOrLast {
                guard transact(CommandText("CIPRECVMODE").field(pushing ? 0 : 1)).isDone else { return }
            }
            // What waited was pushed.
            if pushing { for connection in links { connection?.hasDataWaiting = false } }
        } else {
            return
        }
        if pushing { pushingLinks.insert(link) } else { pushingLinks.remove(link) }
    }

    /// The next port of the dynamic range (RFC 6335) that no socket has.
    private func ephemeralPort() -> UInt16 {
        while true {
            let port = nextEphemeralPort
            nextEphemeralPort = port == .max ? 49152 : port + 1
            if !sockets.contains(where: { $0?.localPort == port }) { return port }
        }
    }
}

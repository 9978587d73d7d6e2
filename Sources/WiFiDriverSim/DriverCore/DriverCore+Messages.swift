import CDriverWiFi
import WiFiSimValues

/// Applies the module's messages to the state.
extension DriverCore {
    /// Passes messages and payload from the parser to the core.
    struct Dispatcher: ResponseHandler {
        let core: DriverCore

        func message(_ message: ModuleMessage) { core.receive(message) }

        func payload(_ bytes: UnsafeRawBufferPointer) {
            switch core.sink {
            case .connection(let connection) where !connection.discards:
                connection.queue.append(bytes)
                core.noteChange()
            case .discard, .connection: core.droppedCount += bytes.count
            }
        }
    }

    private func receive(_ message: ModuleMessage) {
        switch message {
        case .linkOpened(let link, let details): linkOpened(link, details)
        case .linkClosed(let link): linkClosed(link)
        case .dataWaiting(let link):
            connection(at: link)?.hasDataWaiting = true
            noteChange()
        case .payload(let header): sink = sink(for: header)
        case .gotAddress:
            station.isConnected = true
            station.addressIsStale = true
            noteChange()
        case .leftNetwork: forgetNetwork()
        case .stationJoined(let mac): report(UInt32(ARM_WIFI_EVENT_AP_CONNECT), mac)
        case .stationLeft(let mac): report(UInt32(ARM_WIFI_EVENT_AP_DISCONNECT), mac)
        case .ready: moduleRestarted()
        case .ok, .error, .prompt, .sendOK, .sendFailed, .busy, .joinedNetwork, .text: break
        }
        commandReceived(message)
    }

    /// The station has left its network. The addresses that the network assigned are no longer valid.
    func forgetNetwork() {
        station.isConnected = false
        options.forgetAssigned()
        noteChange()
    }

    // MARK: Links

    private var listener: (socket: DriverSocket, listener: DriverSocket.Listener)? {
        for socket in sockets {
            if let socket, case .listening(let listener) = socket.state, !listener.isAborted {
                return (socket, listener)
            }
        }
        return nil
    }

    private func linkOpened(_ link: Int, _ details: LinkDetails?) {
        guard links.indices.contains(link) else { return }
        if let connection = links[link], details?.isIncoming != true || connection.owner == nil {
            // The answer to CIPSTART, or an incoming connection whose data came before this report.
            connection.isOpen = true
            connection.localPort = details?.localPort ?? connection.localPort
            connection.learn(peer: details?.peer)
            return
        }
        // The previous connection on this link has ended and its report was lost. During a CIPSTART, the reply decides
        // instead.
        if let connection = links[link], let owner = connection.owner,
            case .connected(let current)? = sockets[owner]?.state, current === connection
        {
            linkClosed(link)
        }
        // An incoming connection. If a CIPSTART for this number is in progress, it will be refused.
        acceptIncoming(link, peer: details?.peer, localPort: details?.localPort)
    }

    /// The connection of a link. The data of an incoming connection may come before its report.
    private func connection(at link: Int) -> DriverConnection? {
        guard links.indices.contains(link) else { return nil }
        return links[link] ?? (listener == nil ? nil : acceptIncoming(link, peer: nil, localPort: nil))
    }

    /// Creates a connection that the module has accepted. Without a listener, it is closed again.
    @discardableResult
    func acceptIncoming(_ link: Int, peer: Endpoint?, localPort: UInt16?) -> DriverConnection {
        let listener = self.listener
        let connection = DriverConnection(
            link: link, isDatagram: false, family: listener?.socket.family ?? .v4, owner: nil, peer: peer)
        connection.isOpen = true
        connection.localPort = localPort
        links[link] = connection
        if let (_, listener) = listener {
            if listener.pending.count >= Self.pendingLimit,
                let ended = listener.pending.firstIndex(where: { $0.ending != nil })
            {
                listener.pending.remove(at: ended)
            }
            listener.pending.append(connection)
        } else {
            connection.discards = true
            closeUnwantedLinks()
        }
        noteChange()
        return connection
    }

    private func linkClosed(_ link: Int) {
        // A report for a link that is not open yet is about the failed connection before it, and comes after that
        // command's end.
        guard links.indices.contains(link), let connection = links[link], connection.isOpen else { return }
        connection.queue.dropUnfinishedDatagram()
        // Without a network the cause is local. The loss of the network is reported first.
        connection.end(station.isConnected || accessPointIsActive ? .byPeer : .aborted)
        links[link] = nil
        noteChange()
    }

    private func sink(for header: PayloadHeader) -> Sink {
        let connection =
            switch header.origin {
            case .pushed(let link): connection(at: link)
            case .read: readTarget
            }
        guard let connection, !connection.discards else { return .discard }
        if connection.isDatagram {
            if let only = connection.onlySource, let source = header.source, source != only { return .discard }
            if let source = header.source, source.address.family != connection.family { return .discard }
            let limit = Self.datagramLimit
            if connection.queue.count + header.count > limit.bytes || connection.queue.datagramCount >= limit.count {
                return .discard
            }
            connection.queue.beginDatagram(length: header.count, source: header.source)
        } else {
            connection.learn(peer: header.source)
        }
        return .connection(connection)
    }

    func isPassive(_ connection: DriverConnection) -> Bool {
        receivesPassively && !connection.isDatagram && !pushesEverything
    }

    /// Whether all links push. Before 3.3 one mode applies to all links, and one with datagrams has to push.
    var pushesEverything: Bool { !dialect.hasReceiveType && !pushingLinks.isEmpty }

    // MARK: The module or the line is gone

    /// Handles a `ready` that no command asked for: the setup and all connections are lost.
    private func moduleRestarted() {
        guard power == .full || power == .low else { return }
        needsSetup = true
        abortEverything()
    }

    /// Ends all connections with `aborted`, the code for a local cause.
    func abortEverything() {
        for connection in links.compactMap({ $0 }) {
            connection.queue.dropUnfinishedDatagram()
            connection.end(.aborted)
        }
        links = Array(repeating: nil, count: Self.linkLimit)
        servedListener = nil
        for socket in sockets.compactMap({ $0 }) {
            if case .listening(let listener) = socket.state { listener.isAborted = true }
        }
        forgetNetwork()
        accessPointIsActive = false
        mode = 1
        noteChange()
    }
}

import CDriverWiFi

/// What the module says, applied to the driver's state. Called with the lock held.
extension WiFiDriver {
    /// Hands messages and payload to a driver.
    private struct Dispatcher: ResponseHandler {
        let driver: WiFiDriver
        let line: DriverLine

        func message(_ message: ModuleMessage) { driver.receive(message, from: line) }

        func payload(_ bytes: UnsafeRawBufferPointer) {
            switch line.sink {
            case .connection(let connection) where !connection.discards:
                connection.queue.append(bytes)
                driver.noteReadable(connection)
            case .discard, .connection: line.droppedCount += bytes.count
            }
        }
    }

    func handle(_ input: DriverLine.Input, from line: DriverLine) {
        changed = []
        let direct = min(input.count, input.room.count)
        if direct > 0, case .connection(let connection) = line.sink {
            connection.queue.commit(direct)
            line.parser.payloadDelivered(direct)
            noteReadable(connection)
        }
        if input.count > direct {
            var dispatcher = Dispatcher(driver: self, line: line)
            // While it parses, nothing that a message leads to may look at the parser.
            line.parser.parse(
                UnsafeRawBufferPointer(rebasing: input.bytes[..<(input.count - direct)]), into: &dispatcher)
        }
        notify(changed)
    }

    private func noteReadable(_ connection: DriverConnection) {
        if let owner = connection.owner { changed.insert(.socket(owner)) }
    }

    private func receive(_ message: ModuleMessage, from line: DriverLine) {
        switch message {
        case .linkOpened(let link, let details): linkOpened(link, details)
        case .linkClosed(let link): linkClosed(link)
        case .dataWaiting(let link):
            guard let connection = connection(at: link) else { break }
            connection.hasDataWaiting = true
            noteReadable(connection)
        case .payload(let header): line.sink = sink(for: header, on: line)
        case .gotAddress:
            station.isConnected = true
            station.addressIsStale = true
        case .leftNetwork: forgetNetwork()
        case .stationJoined(let mac): report(UInt32(ARM_WIFI_EVENT_AP_CONNECT), mac, on: line)
        case .stationLeft(let mac): report(UInt32(ARM_WIFI_EVENT_AP_DISCONNECT), mac, on: line)
        case .ready: moduleRestarted()
        case .ok, .error, .prompt, .sendOK, .sendFailed, .busy, .joinedNetwork, .text: break
        }
        guard let before = exchange?.state else { return }
        exchange?.receive(message)
        if exchange?.state != before || exchange?.hasUnexplainedOK == true { changed.insert(.command) }
        concludeUnconfirmed()
    }

    private func report(_ event: UInt32, _ mac: MACAddress, on line: DriverLine) {
        guard eventCallback != nil else { return }
        guard events.count < Self.eventLimit else {
            droppedEvents += 1
            return
        }
        events.append((event, mac))
        line.watch.wake()
    }

    /// The station is in no network any more, and what that has assigned is gone with it.
    func forgetNetwork() {
        station.isConnected = false
        options.forgetAssigned()
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
            // Our own CIPSTART, or an incoming one whose data came before this report.
            connection.isOpen = true
            connection.localPort = details?.localPort ?? connection.localPort
            connection.learn(peer: details?.peer)
            return
        }
        // A connection that was open here has ended, and the report of it is lost. While CIPSTART is under way, its reply tells.
        if let connection = links[link], let owner = connection.owner,
            case .connected(let current)? = sockets[owner]?.state, current === connection
        {
            linkClosed(link)
        }
        // An incoming connection; if CIPSTART is under way with this number it will be refused.
        acceptIncoming(link, peer: details?.peer, localPort: details?.localPort)
    }

    /// The connection of a link; data may come before the report of an incoming one.
    private func connection(at link: Int) -> DriverConnection? {
        guard links.indices.contains(link) else { return nil }
        return links[link] ?? (listener == nil ? nil : acceptIncoming(link, peer: nil, localPort: nil))
    }

    /// Makes a connection that the module has accepted; without anybody to accept it, it is to be closed.
    @discardableResult
    func acceptIncoming(_ link: Int, peer: Endpoint?, localPort: UInt16?) -> DriverConnection {
        let listener = self.listener
        let connection = DriverConnection(
            link: link, isDatagram: false, family: listener?.socket.family ?? .v4, owner: nil, peer: peer)
        connection.isOpen = true
        connection.localPort = localPort
        links[link] = connection
        if let (socket, listener) = listener {
            if listener.pending.count >= Self.pendingLimit,
                let ended = listener.pending.firstIndex(where: { $0.ending != nil })
            {
                listener.pending.remove(at: ended)
            }
            listener.pending.append(connection)
            changed.insert(socket.topic)
        } else {
            connection.discards = true
            enqueueClosing()
        }
        return connection
    }

    private func linkClosed(_ link: Int) {
        // A link that is not open yet is another than the one that has failed: its report comes after the command's end.
        guard links.indices.contains(link), let connection = links[link], connection.isOpen else { return }
        connection.queue.dropUnfinishedDatagram()
        // Without a network, that is why: the report of its loss comes before.
        connection.end(station.isConnected || accessPointIsActive ? .byPeer : .aborted)
        links[link] = nil
        noteReadable(connection)
    }

    private func sink(for header: PayloadHeader, on line: DriverLine) -> DriverLine.Sink {
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

    // MARK: The module or the line is gone

    /// `ready`, and nobody has asked for it: what was set up is gone, and with it every connection.
    private func moduleRestarted() {
        guard power == .full || power == .low else { return }
        needsSetup = true
        abortEverything()
    }

    func loseLine() {
        guard let line, !line.isLost else { return }
        line.lose()
        exchange?.end(.lineLost)
        concludeUnconfirmed()
        abortEverything()
        notify(.all)
    }

    /// Ends all connections with a code that says it happened here.
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
        changed.formUnion(.all)
    }
}

import WiFiSimValues

/// The traffic of the links: network events and the reports about them.
extension Module {
    func handleNetwork(_ event: NetworkEvent) {
        switch event {
        case .connected(let socket, let local):
            guard let id = links.id(of: socket) else { return request(.close(socket, aborting: true)) }
            links[id]?.opened(at: local, now)
            reportConnection(id)
        case .connectFailed(let socket, let failure):
            let id = links.id(of: socket)
            if case .handshake(let reason) = failure {
                emit(.log("\(id.map { "link \($0)" } ?? "a client of the server"): no SSL connection: \(reason)"))
            }
            if let id { links[id] = nil }
        case .accepted(let socket, let peer, let local):
            accept(socket, from: peer, at: local)
        case .received(let socket, let bytes, let sender):
            if let id = links.id(of: socket) { receive(bytes, from: sender, on: id) }
        case .closed(let socket):
            if let id = links.id(of: socket) { peerClosed(id) }
        case .listenFailed(links.server?.port):
            links.server = nil
            session.awaitsPassthroughClient = false
        case .sent, .sendFailed, .listening, .listenFailed, .resolved, .pinged:
            // Answers to the command that runs.
            break
        }
    }

    // MARK: Opening and closing

    private func accept(_ socket: SocketID, from peer: Endpoint, at local: Endpoint) {
        guard let server = links.server, server.port == local.port, isServing(on: server.interface, to: peer.address)
        else {
            return request(.close(socket, aborting: true))
        }
        guard links.servedCount < session.serverLimit, let id = links.firstFree() else {
            report("Have \(links.servedCount) Connections")
            return request(.close(socket, aborting: true))
        }
        links[id] = Link(
            server.type, socket: socket, plan: nil, remote: peer,
            local: local, phase: .open, lastActivity: now)
        request(.setOptions(socket, settings.tcpOptions[id]))
        reportConnection(id)
        passThroughFirstClient()
    }

    private func reportConnection(_ id: Int) {
        guard let link = links[id] else { return }
        links.hadConnection = true
        if settings.systemMessages.detailsConnections {
            report(
                "+LINK_CONN:0,\(id),\"\(link.typeName)\",\(link.isServed ? 1 : 0),\"\(link.remote.address)\","
                    + "\(link.remote.port),\(link.local.port)")
        } else {
            report("\(linkPrefix(id))CONNECT")
        }
    }

    private func peerClosed(_ id: Int) {
        guard let link = links[id] else { return }
        if link.received.isEmpty {
            reportClosed(id)
        } else {
            link.phase = .closedByPeer
        }
    }

    /// Reports the end of a link.
    func reportClosed(_ id: Int) {
        links[id] = nil
        report("\(linkPrefix(id))CLOSED")
    }

    /// Closes a link from the module's side.
    func closeLink(_ id: Int, aborting: Bool = false) {
        guard let link = links[id] else { return }
        request(.close(link.socket, aborting: aborting))
        reportClosed(id)
    }

    func closeLinks(where matches: (Link) -> Bool) {
        for (id, link) in links.open where matches(link) { closeLink(id) }
    }

    /// `0,` if links are numbered (CIPMUX=1), otherwise empty.
    func linkPrefix(_ id: Int) -> String { session.multiplexes ? "\(id)," : "" }

    // MARK: Receiving

    func isPassive(_ id: Int) -> Bool { links[id].map { isPassive($0, id) } ?? false }

    private func isPassive(_ link: Link, _ id: Int) -> Bool {
        // "The configuration can not be used in the Wi-Fi passthrough mode" (ESP-AT docs, TCP-IP, CIPRECVTYPE).
        guard session.receivesPassively[id], !session.passesThrough else { return false }
        return firmware.passiveReceiveOfAllTypes || link.transport == .tcp && !link.hasTLS
    }

    private func receive(_ bytes: [UInt8], from sender: Endpoint?, on id: Int) {
        guard let link = links[id] else { return }
        link.credit -= bytes.count
        if sender != nil {
            link.credit -= NetworkRequest.datagramOverhead
            // The firmware does not reassemble fragments (ESP-AT docs, TCP-IP, CIPSTART). An empty datagram has no
            // report.
            guard 1...Self.longestDatagramTaken ~= bytes.count else {
                return logDrop(
                    "a datagram of \(bytes.count) bytes, of 1 to \(Self.longestDatagramTaken) that are taken", id)
            }
        }
        link.lastActivity = now
        if let sender { link.follow(sender) }
        guard isPassive(link, id) else { return push(bytes, from: sender ?? link.remote, on: id) }
        // A datagram that does not fit into the buffer is lost (ESP-AT docs, TCP-IP, CIPRECVTYPE).
        if sender != nil, link.received.count + bytes.count > receiveWindow {
            return logDrop("a datagram of \(bytes.count) bytes, the receive buffer is full", id)
        }
        link.received.append(bytes, from: sender, isEncrypted: link.hasTLS)
        guard !link.hasReported else { return }
        if sender != nil { links.announceAt = now } else { announce(id) }
    }

    /// Reports the number of bytes that wait in a passive link. Not repeated until they are read.
    private func announce(_ id: Int) {
        links[id]?.hasReported = true
        let line = "+IPD,\(linkPrefix(id))\(waitingLength(id))"
        asReport {
            // Two messages for SYSMSGFILTER.
            if session.messageFilters.isOn { writeLine("") }
            writeLine(session.messageFilters.isOn ? line : "\r\n" + line)
        }
    }

    /// Pushes the buffer of a link that is no longer passive, then reports the close that waited for it.
    func pushBuffered(_ id: Int) {
        while let link = links[id], !link.received.isEmpty {
            let piece = link.received.takePiece(firmware.longestPush)
            push(piece.bytes, from: piece.sender ?? link.remote, on: id)
        }
        links[id]?.hasReported = false
        if links[id]?.phase == .closedByPeer { reportClosed(id) }
    }

    /// The number of waiting bytes in `+IPD` and CIPRECVLEN.
    func waitingLength(_ id: Int) -> Int {
        guard let link = links[id] else { return firmware.lengthOfNoLink }
        guard link.hasTLS else { return link.received.count }
        // Encrypted bytes are in the TCP window, so they are limited by it even with short records.
        let encrypted = min(link.received.encryptedCount, max(receiveWindow, firmware.receiveWindow))
        let decrypted = link.received.decryptedCount
        return firmware.addsEncryptedLength ? decrypted + encrypted : decrypted > 0 ? decrypted : encrypted
    }

    private func push(_ bytes: [UInt8], from peer: Endpoint?, on id: Int) {
        if session.passesThrough { return passOn(bytes) }
        var header = "\r\n+IPD,\(linkPrefix(id))\(bytes.count)"
        if session.showsPeer, let peer { header += ",\(quoted(peer.address)),\(peer.port)" }
        header += ":"
        asReport { write(header, bytes) }
    }

    /// An address as this firmware prints it.
    func quoted(_ address: IPAddress) -> String { firmware.quotesAddresses ? "\"\(address)\"" : "\(address)" }

    /// Removes the bytes that CIPRECVDATA reads, and returns their sender. `finishRead` then sends the reports that
    /// follow.
    func read(_ id: Int, limit: Int) -> (bytes: [UInt8], sender: Endpoint?) {
        guard let link = links[id] else { return ([], nil) }
        link.hasReported = false
        let (bytes, sender, lost) = link.received.take(limit)
        if lost > 0 { logDrop("\(lost) bytes of a datagram that was read in part", id) }
        return (bytes, sender ?? link.remote)
    }

    /// Called after the answer to a read: reports the remaining bytes, or the close that waited for the end of the
    /// data.
    func finishRead(_ id: Int) {
        guard let link = links[id] else { return }
        if !link.received.isEmpty {
            announce(id)
        } else if link.phase == .closedByPeer {
            reportClosed(id)
        }
    }

    /// Gives the network as much credit as there is room for, in the passive buffer or in the output to the line.
    func replenishLinks() {
        for id in 0..<Links.limit {
            guard let link = links[id], link.phase == .open else { continue }
            let room =
                switch (link.transport, isPassive(link, id)) {
                case (.tcp, true): receiveWindow - link.received.count
                case (.udp, true): Self.longestDatagram
                case (.tcp, false): output.count < Self.lineHighWater ? firmware.longestPush : 0
                case (.udp, false): output.count < Self.lineHighWater ? Self.longestDatagram : 0
                }
            guard room > link.credit else { continue }
            request(.allow(link.socket, bytes: room - link.credit))
            link.credit = room
        }
    }

    /// In bytes. With more output waiting, sockets are not read.
    private static let lineHighWater = 4096
    private static let longestDatagram = 65_535
    private static let longestDatagramTaken = 1460

    /// Logs dropped data: the first time, the second, the fourth, the eighth and so on.
    private func logDrop(_ what: String, _ id: Int) {
        session.dropCount += 1
        guard session.dropCount & (session.dropCount - 1) == 0 else { return }
        emit(.log("link \(id): dropped \(what) (\(session.dropCount) since the start)"))
    }

    // MARK: Time

    /// Reports waiting datagrams, and closes served links that were idle for CIPSTO's time.
    func advanceLinks() {
        if let due = links.announceAt, due <= now {
            links.announceAt = nil
            for (id, link) in links.open where isPassive(link, id) && !link.hasReported && !link.received.isEmpty {
                announce(id)
            }
        }
        guard session.serverTimeout > 0, links.server != nil else { return }
        for (id, link) in links.open where link.isServed && link.lastActivity + .seconds(session.serverTimeout) <= now {
            closeLink(id)
        }
    }
}

extension Link {
    func opened(at local: Endpoint, _ now: Instant) {
        self.local = local
        phase = .open
        lastActivity = now
    }

    /// Makes a sender the new remote endpoint, if the mode of the link permits it.
    func follow(_ sender: Endpoint) {
        switch peerRule {
        case .fixed: break
        case .firstSender where sender != remote:
            remote = sender
            peerRule = .fixed
        case .firstSender: break
        case .everySender: remote = sender
        }
    }
}

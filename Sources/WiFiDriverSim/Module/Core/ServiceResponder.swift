import WiFiSimValues

/// MDNS: answers queries for the module's service.
struct ServiceResponder {
    let service: MulticastDNS.Service
    let socket: SocketID
    var isOpen = false
}

extension BackgroundClient {
    /// MDNS=1.
    static let serviceResponder = BackgroundClient(takes: { $0.responderTakes($1) })
}

extension Module {
    /// Starts to answer. The waiting command ends when the port is open or cannot be opened.
    func announce(_ service: MulticastDNS.Service) {
        stopAnnouncing()
        let socket = links.newSocket()
        responder = ServiceResponder(service: service, socket: socket)
        request(.openUDP(socket, peer: MulticastDNS.group, localPort: MulticastDNS.group.port))
    }

    func stopAnnouncing() {
        if let responder { request(.close(responder.socket, aborting: true)) }
        responder = nil
    }

    /// - Returns: whether the event belongs to the responder.
    fileprivate func responderTakes(_ event: NetworkEvent) -> Bool {
        guard let responder else { return false }
        switch event {
        case .connected(let socket, _) where socket == responder.socket:
            self.responder?.isOpen = true
            request(.allow(socket, bytes: Self.queryCredit))
            finishCommand(.ok)
        case .connectFailed(let socket, _) where socket == responder.socket:
            self.responder = nil
            finishCommand(.failed(.failed))
        case .received(let socket, let bytes, let sender) where socket == responder.socket:
            request(.allow(socket, bytes: bytes.count + NetworkRequest.datagramOverhead))
            if let sender { answer(bytes, from: sender, responder) }
        case .sent(let socket) where socket == responder.socket,
            .sendFailed(let socket) where socket == responder.socket:
            break
        default: return false
        }
        return true
    }

    private static let queryCredit = 16_384

    private func answer(_ query: [UInt8], from sender: Endpoint, _ responder: ServiceResponder) {
        let address = station.lease?.address ?? softAP.accessPoint?.network.gateway
        // A query from another port comes from a host without multicast DNS, which gets the answer alone.
        let isAlone = sender.port != MulticastDNS.group.port
        guard let address,
            let (answer, isUnicast) = MulticastDNS.answer(
                to: query, for: responder.service, at: address, repeatsQuestion: isAlone)
        else { return }
        request(.send(responder.socket, answer, to: isAlone || isUnicast ? sender : MulticastDNS.group))
    }
}

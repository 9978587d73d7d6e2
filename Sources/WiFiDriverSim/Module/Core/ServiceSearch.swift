import WiFiSimValues

/// MDNS=2: a search for services on the local network.
struct ServiceSearch {
    let search: MulticastDNS.Search
    /// The number of results that ends the search at once.
    let limit: Int
    fileprivate let socket: SocketID
    fileprivate var records: [MulticastDNS.FoundRecord] = []
}

extension BackgroundClient {
    /// MDNS=2.
    static let serviceSearch = BackgroundClient(takes: { $0.searchTakes($1) })
}

extension Module {
    /// Starts a search. The waiting command ends with `limit` results, or by `endSearch`.
    func look(for search: MulticastDNS.Search, limit: Int) {
        let socket = links.newSocket()
        self.search = ServiceSearch(search: search, limit: limit, socket: socket)
        // A port of its own, so that the answers are sent only to it (RFC 6762, section 5.1).
        request(.openUDP(socket, peer: MulticastDNS.group, localPort: 0))
    }

    /// - Returns: whether the event belongs to the search.
    fileprivate func searchTakes(_ event: NetworkEvent) -> Bool {
        guard let search else { return false }
        switch event {
        case .connected(let socket, _) where socket == search.socket:
            request(.allow(socket, bytes: Self.answerCredit))
            guard station.lease != nil || softAP.accessPoint != nil else { break }
            request(.send(socket, search.search.query, to: MulticastDNS.group))
        case .connectFailed(let socket, _) where socket == search.socket:
            self.search = nil
            finishCommand(.failed(.failed))
        case .received(let socket, let bytes, _) where socket == search.socket:
            request(.allow(socket, bytes: bytes.count + NetworkRequest.datagramOverhead))
            let news = MulticastDNS.records(in: bytes).filter { !search.records.contains($0) }
            let records = Array((search.records + news).prefix(MulticastDNS.recordLimit))
            self.search?.records = records
            if search.search.findings(in: records).count >= search.limit { finishCommand(endSearch()) }
        case .sent(let socket) where socket == search.socket, .sendFailed(let socket) where socket == search.socket:
            break
        default: return false
        }
        return true
    }

    private static let answerCredit = 65_536

    /// Writes the results and ends the search.
    func endSearch() -> CommandOutcome {
        guard let search else { return .failed(.failed) }
        self.search = nil
        request(.close(search.socket, aborting: true))
        let interface = station.lease == nil ? 2 : 1
        for finding in search.search.findings(in: search.records).prefix(search.limit) {
            // IP=0 means IPv4, over which the answers arrive.
            let text = "IF=\(interface)\r\nIP=0\r\n" + finding.lines.map { $0 + "\r\n" }.joined()
            write("+MDNS:\(text.utf8.count),\r\n" + text)
        }
        return .ok
    }
}

extension MulticastDNS.Finding {
    /// The lines as the core libraries of 4.1 and 5.0 print them (at_mdns_write_results).
    fileprivate var lines: [String] {
        (instance.map { ["PTR=\($0)"] } ?? []) + (server.map { ["SRV=\($0)"] } ?? []) + texts.map { "TXT=\($0)" }
            + addresses.map { address in
                switch address {
                case .v4: "A=\(address)"
                case .v6(let ip): "AAAA=\(ip.allGroups)"
                }
            }
    }
}

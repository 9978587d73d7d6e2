import WiFiSimValues

/// Queries to the network: names and pings. Each has an id. The running command has one at a time; background clients
/// have their own.
extension Module {
    func request(_ request: NetworkRequest) {
        if case .reset = request { commandQuery = nil }
        emit(.network(request))
    }

    /// Resolves a name for the running command.
    func resolve(_ name: String, _ family: IPAddress.Family?) {
        request(.resolve(newCommandQuery(), name: name, family))
    }

    /// Pings an address for the running command.
    func ping(_ address: IPAddress) { request(.ping(newCommandQuery(), address)) }

    private func newCommandQuery() -> QueryID {
        cancelCommandQuery()
        let query = newQuery()
        commandQuery = query
        return query
    }

    /// Cancels the query of a command that has ended without the answer, which must not go to a later command.
    func cancelCommandQuery() {
        guard let query = commandQuery else { return }
        commandQuery = nil
        request(.cancelQuery(query))
    }

    /// Resolves a name for a background client.
    /// - Returns: the id of the answer.
    func resolveInBackground(_ name: String) -> QueryID {
        let query = newQuery()
        request(.resolve(query, name: name, .v4))
        return query
    }

    private func newQuery() -> QueryID {
        lastQuery &+= 1
        return QueryID(rawValue: lastQuery)
    }

    /// - Returns: whether the event answers a query of the running command, or no query at all.
    func isForCommand(_ event: NetworkEvent) -> Bool {
        switch event {
        case .resolved(let query, _), .pinged(let query, _):
            guard query == commandQuery else { return false }
            commandQuery = nil
            return true
        default: return true
        }
    }
}

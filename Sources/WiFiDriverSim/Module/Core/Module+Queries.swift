import WiFiSimValues

/// What the network is asked. It answers one `resolve` or `ping` at a time: a command's goes first, and what the module
/// asks on its own behalf waits.
extension Module {
    func request(_ request: NetworkRequest) {
        switch request {
        case .resolve, .ping:
            hasOpenQuery = true
            if isResolvingInBackground { emit(.network(.cancelQuery)) }
            if timeClient.isResolving { postponeTime() }
            if update?.isResolving ?? false { postponeUpdate() }
        default: break
        }
        emit(.network(request))
    }

    private var isResolvingInBackground: Bool { timeClient.isResolving || update?.isResolving ?? false }

    /// Asks for a name's addresses on the module's own behalf, unless somebody waits for an answer.
    /// - Returns: whether it asks.
    func resolveInBackground(_ name: String) -> Bool {
        guard !hasOpenQuery, !isResolvingInBackground else { return false }
        emit(.network(.resolve(name: name, .v4)))
        return true
    }
}

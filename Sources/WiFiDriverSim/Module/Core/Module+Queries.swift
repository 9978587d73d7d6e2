import WiFiSimValues

/// Queries to the network. It answers one `resolve` or `ping` at a time: those of commands have precedence, and those
/// that the module makes for itself wait.
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

    /// Resolves a name for the module itself, unless another query is open.
    /// - Returns: whether the query was sent.
    func resolveInBackground(_ name: String) -> Bool {
        guard !hasOpenQuery, !isResolvingInBackground else { return false }
        emit(.network(.resolve(name: name, .v4)))
        return true
    }
}

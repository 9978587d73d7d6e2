import WiFiSimValues

/// A client of the network that the module runs beside its links, such as the time client.
///
/// It has its own sockets and name queries, and gives their credit itself. It takes every event with one of their ids;
/// links and commands do not see that event. It runs whatever command is in progress. A new client is an entry of
/// `all`, and a variable of the module for its state.
struct BackgroundClient: Sendable {
    /// - Returns: whether the event belongs to the client.
    var takes: @Sendable (Module, NetworkEvent) -> Bool
    /// The next time at which `advance` has something to do.
    var deadline: @Sendable (Module) -> Instant? = { _ in nil }
    /// Does what is due.
    var advance: @Sendable (Module) -> Void = { _ in }

    static let all = [timeClient, update, serviceResponder, serviceSearch]
}

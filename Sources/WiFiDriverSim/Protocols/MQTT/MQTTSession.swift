import WiFiSimValues

/// What a broker knows about a client, connected or not.
struct MQTTSession {
    let clientID: MQTTText
    /// Whether the session ends with its connection.
    let isClean: Bool
    /// The number of its connection in the broker.
    var connection: Int?
    private(set) var subscriptions: [MQTTSubscription] = []
    var inFlight = MQTTInFlight()
    /// The packet IDs of QoS 2 that have arrived and are not released.
    var unreleased: Set<UInt16> = []
    /// Messages that are not sent yet.
    private(set) var queue = Queue<MQTTMessage>()
    /// The memory of the messages in the queue, in bytes.
    private(set) var queueCost = 0

    init(clientID: MQTTText, isClean: Bool) {
        self.clientID = clientID
        self.isClean = isClean
    }

    /// Adds a subscription, or replaces one with the same filter. Has no effect if there are `limit` already.
    /// - Returns: whether the subscription is there.
    mutating func subscribe(_ subscription: MQTTSubscription, limit: Int) -> Bool {
        if let index = subscriptions.firstIndex(where: { $0.filter == subscription.filter }) {
            subscriptions[index] = subscription
            return true
        }
        guard subscriptions.count < limit else { return false }
        subscriptions.append(subscription)
        return true
    }

    mutating func unsubscribe(_ filter: MQTTText) { subscriptions.removeAll { $0.filter == filter } }

    /// The highest quality of the subscriptions for a topic; `nil` if there is none.
    func qos(for topic: MQTTText) -> MQTTQoS? {
        subscriptions.lazy.filter { $0.filter.matches(topic) }.map(\.qos).max()
    }

    /// Adds a message. A full queue drops it.
    mutating func enqueue(_ message: MQTTMessage, _ limits: MQTTBroker.Limits) {
        guard queue.count < limits.queuedMessages, queueCost + message.cost <= limits.queuedBytes else { return }
        queue.append(message)
        queueCost += message.cost
    }

    mutating func dequeue() -> MQTTMessage? {
        guard let message = queue.popFirst() else { return nil }
        queueCost -= message.cost
        return message
    }

    /// Without a connection, no message of QoS 0 is kept.
    mutating func dropVolatile() {
        queue.removeAll { $0.qos == .atMostOnce }
        queueCost = queue.elements.reduce(0) { $0 + $1.cost }
    }
}

import WiFiSimValues

/// How a broker misbehaves. A change affects what happens from then on.
package struct MQTTBrokerFaults: Equatable, Sendable {
    /// The packets that the broker does not send, such as PUBACK or PINGRESP.
    package var withheld: Set<MQTTPacketType> = []
    /// The broker answers each CONNECT with this code, and closes.
    package var refusal: MQTTReturnCode?
    /// Each packet of the broker comes this much later.
    package var delay = Duration.zero
    /// The broker closes a connection after this number of packets, when it has answered the last of them.
    package var cutsOffAfter: Int?
    /// A SUBSCRIBE for these filters, or for filters that they match as if they were topics, is answered with 0x80.
    package var forbiddenFilters: [MQTTText] = []
    /// The broker closes the connection instead of answering 0x80, as ThingsBoard does.
    package var closesOnForbiddenFilter = false

    package init() {}

    /// The broker accepts connections and says nothing.
    package static var silent: Self {
        var faults = Self()
        faults.withheld = Set(MQTTPacketType.allCases)
        return faults
    }

    func forbids(_ filter: MQTTText) -> Bool {
        forbiddenFilters.contains { $0 == filter || $0.matches(filter) }
    }
}

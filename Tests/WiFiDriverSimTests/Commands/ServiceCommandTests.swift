import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct ServiceCommandTests {
    /// The instance that a module announces in answer to a query for services of this type. `nil` if it does not
    /// answer.
    private func announced(by firmware: Firmware, as command: String, askedFor type: String) -> DomainName? {
        let host = Conversation.joined(firmware)
        guard host.ask(command).hasSuffix(ok) else { return nil }
        let browser = host.simulation.makePeer()
        browser.connect(.udp, toPort: 5353, from: Endpoint(.v4(IPv4Address(10, 0, 2, 77)), 40_000))
        browser.send(MulticastDNS.Search.services(type: type, proto: "_tcp").query)
        host.listen()
        for record in MulticastDNS.records(in: browser.take()) {
            if case .pointer(let instance) = record.data { return instance }
        }
        return nil
    }

    @Test
    func
        `An instance that is not named is the host's on NONOS, which marks the service, and the service's on 3.1 and 4.1`()
    {
        let command = "AT+MDNS=1,\"dcchost\",\"withrottle\",2560"
        let old = announced(by: .esp8266v1_7, as: command, askedFor: "_withrottle")
        #expect(old?.text == "dcchost._withrottle._tcp.local")
        for firmware in [Firmware.esp32c3v3_3, .esp32c3v4_1] {
            let new = announced(by: firmware, as: command, askedFor: "withrottle")
            #expect(new?.text == "withrottle.withrottle._tcp.local")
            #expect(announced(by: firmware, as: command, askedFor: "_withrottle") == nil)
        }
        // A named instance keeps its name.
        let named = announced(
            by: .esp32c3v4_1, as: "AT+MDNS=1,\"dcchost\",\"_withrottle\",2560,\"engine\"", askedFor: "_withrottle")
        #expect(named?.text == "engine._withrottle._tcp.local")
    }
}

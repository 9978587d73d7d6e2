import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation

/// The name server that DHCP announces, as a client with its own resolver uses it.
struct NameServerTests {
    private static let query: [UInt8] =
        [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + DomainName(["gateway", "wifisim"]).bytes + [0, 1, 0, 1]
    private static let answer: [UInt8] =
        [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + query[12...] + [
            0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 2, 2,
        ]

    private func ask(_ host: Conversation, _ bytes: [UInt8]) -> [UInt8] {
        host.ask("AT+CIPSEND=\(bytes.count)")
        host.send(bytes)
        let said = host.listenForBytes()
        guard let start = said.firstRange(of: Array("+IPD,".utf8)),
            let colon = said[start.upperBound...].firstIndex(of: UInt8(ascii: ":"))
        else { return [] }
        return Array(said[(colon + 1)...])
    }

    @Test(arguments: Firmware.all)
    func `It answers over UDP and TCP`(firmware: Firmware) {
        let host = Conversation.joined(firmware)
        host.ask("AT+CIPSTART=\"UDP\",\"10.0.2.3\",53")
        #expect(ask(host, Self.query) == Self.answer)
        host.ask("AT+CIPCLOSE")
        host.ask("AT+CIPSTART=\"TCP\",\"10.0.2.3\",53")
        #expect(ask(host, DNSStream.framed(Self.query)) == DNSStream.framed(Self.answer))
        // In two parts.
        #expect(ask(host, Array(DNSStream.framed(Self.query).prefix(9))) == [])
        #expect(ask(host, Array(DNSStream.framed(Self.query).dropFirst(9))) == DNSStream.framed(Self.answer))
    }

    @Test func `It answers no bytes that are not a query, and nothing while the world has it off`() throws {
        let host = Conversation.joined()
        host.ask("AT+CIPSTART=\"UDP\",\"10.0.2.3\",53")
        #expect(ask(host, Array("hello".utf8)) == [])
        try host.simulation.make(.accessPoint("wifisim", .dns(.off)))
        #expect(ask(host, Self.query) == [])
        try host.simulation.make(.accessPoint("wifisim", .dns(.on)))
        #expect(ask(host, Self.query) == Self.answer)
    }
}

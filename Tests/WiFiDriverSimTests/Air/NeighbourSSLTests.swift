import Testing

@testable import WiFiDriverSim

/// SSL links from one module to another.
struct NeighbourSSLTests {
    private func connect(_ server: String, client: String) -> String {
        let room = Room.stations()
        _ = room.ask(0, "AT+CIPMUX=1")
        _ = room.ask(0, server)
        #expect(room.ask(1, "AT+CIPSSLCCONF=\(client)") == ok)
        return room.ask(1, "AT+CIPSTART=\"SSL\",\"10.0.2.15\",333")
    }

    @Test func `A module is the SSL server of another`() {
        #expect(connect("AT+CIPSERVER=1,333,\"SSL\"", client: "2,0,0") == "CONNECT\r\n" + ok)
        #expect(connect("AT+CIPSERVER=1,333,\"SSL\",1", client: "3,0,0") == "CONNECT\r\n" + ok)
    }

    @Test func `It requires a certificate, or TLS fails`() {
        #expect(connect("AT+CIPSERVER=1,333,\"SSL\",1", client: "2,0,0") == refused + "CLOSED\r\n")
        #expect(connect("AT+CIPSERVER=1,333", client: "0") == refused + "CLOSED\r\n")
    }
}

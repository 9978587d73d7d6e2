import Testing

@testable import WiFiDriverSim

/// Modules of one running program that reach each other.
struct NeighbourProgramTests {
    private func modules() throws -> (program: Program, clients: [SerialClient]) {
        let program = try Program(["run", "--count", "2"])
        let clients = try (0..<2).map { _ in
            let path = try #require(program.readLine())
            let client = try SerialClient(path, of: program)
            try client.command("ATE0")
            return client
        }
        return (program, clients)
    }

    @Test func `Stations on one AP reach each other and the host`() throws {
        let (program, clients) = try modules()
        for client in clients { try client.join() }
        let port = try Listener().port
        try clients[0].command("AT+CIPMUX=1")
        try clients[0].command("AT+CIPSERVER=1,\(port)")
        try clients[1].command("AT+CIPSTART=\"TCP\",\"10.0.2.15\",\(port)")
        try clients[0].read(until: "0,CONNECT\r\n")
        try clients[1].command("AT+CIPSEND=\(treacherousPayload.count)")
        try clients[1].read(until: ">")
        try clients[1].write(treacherousPayload)
        try clients[1].read(until: "SEND OK\r\n")
        #expect(try clients[0].receivePush() == treacherousPayload)
        // This computer reaches the same server.
        let peer = try Peer(connectingTo: port)
        try clients[0].read(until: "1,CONNECT\r\n")
        peer.send(Array("host".utf8))
        #expect(try clients[0].receivePush() == Array("host".utf8))
        #expect(try clients[1].command("AT+PING=\"10.0.2.15\"").contains("+PING:"))
        try clients[0].command("AT+CIPCLOSE=0")
        try clients[1].read(until: "CLOSED\r\n")
        withExtendedLifetime(program) {}
    }

    @Test func `Datagrams go to the neighbour and to the host from one socket`() throws {
        let (program, clients) = try modules()
        for client in clients { try client.join() }
        let ports = try [Listener().port, Listener().port]
        try clients[0].command("AT+CIPSTART=\"UDP\",\"10.0.2.16\",\(ports[1]),\(ports[0]),2")
        try clients[1].command("AT+CIPSTART=\"UDP\",\"10.0.2.15\",\(ports[0]),\(ports[1]),2")
        for _ in 0..<200 {
            for (from, to) in [(0, 1), (1, 0)] {
                try clients[from].command("AT+CIPSEND=4")
                try clients[from].read(until: ">")
                try clients[from].write(Array("ping".utf8))
                try clients[from].read(until: "SEND OK\r\n")
                #expect(try clients[to].receivePush() == Array("ping".utf8))
            }
        }
        withExtendedLifetime(program) {}
    }

    @Test func `A station reaches a soft-AP's server, and the host too`() throws {
        let (program, clients) = try modules()
        let port = try Listener().port
        try clients[0].command("AT+CWMODE=2")
        try clients[0].command("AT+CWSAP=\"lab\",\"12345678\",5,3")
        try clients[0].command("AT+CIPMUX=1")
        try clients[0].command("AT+CIPSERVER=1,\(port)")
        try clients[1].command("AT+CWMODE=1")
        try clients[1].command("AT+CWJAP=\"lab\",\"12345678\"")
        try clients[0].read(until: "+DIST_STA_IP:\"84:f7:03:00:00:02\",\"192.168.4.2\"\r\n")
        try clients[1].command("AT+CIPSTART=\"TCP\",\"192.168.4.1\",\(port)")
        try clients[0].read(until: "0,CONNECT\r\n")
        let peer = try Peer(connectingTo: port)
        try clients[0].read(until: "1,CONNECT\r\n")
        try clients[0].command("AT+CWQIF")
        try clients[1].read(until: "WIFI DISCONNECT\r\nCLOSED\r\n")
        try clients[0].read(until: "0,CLOSED\r\n")
        peer.send(Array("host".utf8))
        #expect(try clients[0].receivePush() == Array("host".utf8))
        withExtendedLifetime(program) {}
    }
}

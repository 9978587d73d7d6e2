import Testing

@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Several users of one network: each tells its sockets, servers and queries from those of the others.
@Suite final class NetworkIdentityTests {
    private let simulation: Simulation
    private let stack: VirtualStack
    private var now: Instant

    init() {
        simulation = Simulation()
        stack = simulation.modules[0].stack
        simulation.send("AT+CWMODE=1\r\n")
        simulation.run(for: .milliseconds(100))
        simulation.send("AT+CWJAP=\"wifisim\",\"password\"\r\n")
        simulation.run(for: .seconds(5))
        _ = simulation.takeOutput()
        now = simulation.now
    }

    /// The events of the next second.
    private func events() -> [NetworkEvent] {
        now = now + .seconds(1)
        simulation.network.advance(to: now)
        return stack.takeEvents()
    }

    @Test func `Servers on two ports listen, accept and close one by one`() {
        stack.handle(.listen(port: 80, .v4), at: now)
        stack.handle(.listen(port: 81, .v4), at: now)
        #expect(events() == [.listening(port: 80), .listening(port: 81)])
        let peers = [simulation.makePeer(), simulation.makePeer()]
        for (index, peer) in peers.enumerated() {
            let port = UInt16(80 + index)
            peer.connect(toPort: port, from: Endpoint(.v4(IPv4Address(10, 0, 2, 50)), 4000 + port))
        }
        let ports = events().compactMap { event -> UInt16? in
            if case .accepted(_, _, let local) = event { local.port } else { nil }
        }
        #expect(ports == [80, 81])
        stack.handle(.stopListening(port: 80), at: now)
        let late = [simulation.makePeer(), simulation.makePeer()]
        for (index, peer) in late.enumerated() {
            peer.connect(toPort: UInt16(80 + index), from: Endpoint(.v4(IPv4Address(10, 0, 2, 51)), 4000))
        }
        _ = events()
        #expect(late.map(\.phase) == [.refusedByModule, .connected])
    }

    @Test func `Queries at the same time are answered by their ids, and a cancelled one is not`() throws {
        let ids = (1...3).map { QueryID(rawValue: $0) }
        stack.handle(.resolve(ids[0], name: "gateway.wifisim", .v4), at: now)
        stack.handle(.resolve(ids[1], name: "nowhere.test", .v4), at: now)
        stack.handle(.ping(ids[2], .v4(IPv4Address(10, 0, 2, 2))), at: now)
        stack.handle(.cancelQuery(ids[1]), at: now)
        let answers = events()
        #expect(Set(answers.map(\.query)) == [ids[0], ids[2]])
        #expect(answers.contains(.resolved(ids[0], [.v4(IPv4Address(10, 0, 2, 2))])))
    }

    @Test func `A command's query and the time client's are asked at the same time`() {
        let simulation = Simulation()
        let host = { (line: String, time: Duration) -> String in
            simulation.send(line + "\r\n")
            simulation.run(for: time)
            return simulation.takeOutput()
        }
        _ = host("AT+CWMODE=1", .milliseconds(100))
        _ = host("AT+CWJAP=\"wifisim\",\"password\"", .seconds(5))
        _ = host("AT+CIPSNTPCFG=1,0,\"gateway.wifisim\"", .zero)
        let answer = host("AT+CIPDOMAIN=\"gateway.wifisim\"", .seconds(1))
        #expect(answer.contains("+CIPDOMAIN:\"10.0.2.2\"\r\n"))
        #expect(answer.contains("+TIME_UPDATED\r\n"))
    }
}

import Testing
@testable import WiFiSimModule
@testable import WiFiSimValues

/// The faults of new connections, of servers, of names and of pings.
struct FaultyConnectTests {
    @Test func `A peer refuses`() {
        let fault = NetworkFault(.refuse, on: .peer(FaultStage.peer.address, port: 7))
        let stage = FaultStage([fault])
        _ = stage.connect(1)
        _ = stage.connect(2, to: FaultStage.other)
        #expect(stage.takeHeard() == ["0 failed refused", "0 connected"])
        #expect(stage.takeAsked() == ["0 connect"])
        #expect(stage.fired == [fault])
        stage.set([fault, NetworkFault(.latency(.milliseconds(10)))])
        _ = stage.connect(3)
        stage.run(for: .seconds(1))
        #expect(stage.takeHeard() == ["20 failed refused"])
    }

    @Test func `A peer cannot be reached, which a router says later`() {
        let stage = FaultStage([NetworkFault(.unreachable(after: .seconds(3)))])
        let id = stage.connect()
        stage.run(for: .seconds(5))
        #expect(stage.takeHeard() == ["3000 failed unreachable"])
        stage.handle(.close(id, aborting: true))
        // The module may give up before.
        let second = stage.connect(2)
        stage.run(for: .seconds(1))
        stage.handle(.close(second, aborting: true))
        stage.run(for: .seconds(5))
        #expect(stage.takeHeard() == [])
        // What the fault holds ends with it.
        _ = stage.connect(3)
        stage.set([])
        #expect(stage.takeHeard() == ["11000 failed unreachable"])
    }

    @Test func `Nobody answers`() {
        let stage = FaultStage([NetworkFault(.noAnswer, on: .link(1))])
        let id = stage.connect()
        stage.run(for: .seconds(100))
        #expect(stage.takeHeard() == [])
        stage.handle(.close(id, aborting: true))
        _ = stage.connect(2)
        #expect(stage.takeHeard() == ["100000 connected"])
    }

    @Test func `With a broken certificate the connection is made, and the handshake fails`() {
        let stage = FaultStage([NetworkFault(.brokenCertificate)])
        _ = stage.connect(1)
        _ = stage.connect(2, tls: TLSConfiguration())
        #expect(stage.takeHeard() == ["0 connected", "0 failed handshake(\"certificate verify failed\")"])
        #expect(stage.takeAsked() == ["0 connect", "0 connect", "0 reset"])
        // A client of the module's own server.
        let client = SocketID(.computer, 1)
        stage.handle(.listen(port: 443, .v4, TLSConfiguration()))
        stage.happen(.accepted(client, peer: FaultStage.peer, local: Endpoint(.v4(.any), 443)))
        #expect(stage.takeHeard() == ["0 failed handshake(\"certificate verify failed\")"])
    }

    @Test func `Clients of a deaf server get no answer, until they are reset`() {
        let fault = NetworkFault(.deaf)
        let stage = FaultStage()
        let old = SocketID(.computer, 1)
        let local = Endpoint(.v4(.any), 80)
        stage.happen(.accepted(old, peer: FaultStage.peer, local: local))
        stage.set([fault])
        let silent = SocketID(.computer, 2)
        stage.happen(.accepted(silent, peer: FaultStage.peer, local: local))
        for _ in 0..<10 { stage.deliver(String(repeating: "x", count: 1000), on: silent) }
        stage.deliver("still here", on: old)
        let gone = SocketID(.computer, 3)
        stage.happen(.accepted(gone, peer: FaultStage.peer, local: local))
        stage.happen(.closed(gone))
        #expect(stage.takeHeard() == ["0 accepted", "0 received still here"])
        #expect(stage.network.credit[silent, default: 0] >= 0)
        #expect(stage.fired == [fault, fault])
        stage.set([])
        #expect(stage.takeAsked() == ["0 reset"])
        #expect(stage.takeHeard() == [])
    }

    @Test func `A deaf server keeps a limited number of clients`() {
        let stage = FaultStage([NetworkFault(.deaf)])
        for number in 1...100 as ClosedRange<UInt32> {
            let local = Endpoint(.v4(.any), 80)
            stage.happen(.accepted(SocketID(.computer, number), peer: FaultStage.peer, local: local))
        }
        #expect(stage.takeAsked().count == 100 - FaultyNetwork.lingeringLimit)
    }

    @Test func `An accepted connection has the faults of its peer and of its link`() {
        let stage = FaultStage([
            NetworkFault(.latency(.milliseconds(10)), on: .peer(FaultStage.peer.address), direction: .toModule)
        ])
        let id = SocketID(.module, 4)
        stage.happen(.accepted(id, peer: FaultStage.peer, local: Endpoint(.v4(.any), 80)))
        stage.deliver("early", on: id)
        stage.run(for: .milliseconds(10))
        stage.set([NetworkFault(.latency(.milliseconds(100)), on: .link(4))])
        stage.deliver("late", on: id)
        stage.run(for: .seconds(1))
        #expect(stage.takeHeard() == ["10 accepted", "10 received early", "110 received late"])
    }

    // MARK: Names and pings

    private func resolve(_ stage: FaultStage, _ name: String = "Example.org", _ number: UInt32 = 1) {
        stage.handle(.resolve(QueryID(rawValue: number), name: name, .v4))
    }

    @Test func `A name is slow, then as usual`() {
        let stage = FaultStage([NetworkFault(.name("example.ORG", .slow(.seconds(2))))])
        resolve(stage)
        resolve(stage, "other.org", 2)
        stage.run(for: .seconds(5))
        #expect(stage.takeAsked() == ["0 resolve other.org", "2000 resolve Example.org"])
        #expect(stage.takeHeard() == ["0 resolved 10.0.2.2", "2000 resolved 10.0.2.2"])
        resolve(stage)
        stage.run(for: .seconds(1))
        stage.set([])
        #expect(stage.takeHeard() == ["6000 resolved 10.0.2.2"])
    }

    @Test func `A name is unknown, has other addresses, or no answer`() throws {
        let unknown = NetworkFault(.name("example.org", .unknown(after: .seconds(1))))
        let stage = FaultStage([unknown])
        resolve(stage)
        stage.run(for: .seconds(5))
        #expect(stage.takeHeard() == ["1000 resolved "])
        let six = try #require(IPAddress("fec0::1"))
        let addresses = NetworkFault(.name("*", .addresses([six, FaultStage.other.address])))
        stage.set([addresses])
        resolve(stage)
        #expect(stage.takeHeard() == ["5000 resolved 10.0.2.3"])
        let silent = NetworkFault(.name("*", .silent))
        stage.set([silent])
        resolve(stage)
        stage.run(for: .seconds(100))
        #expect(stage.takeHeard() == [])
        #expect(stage.takeAsked() == [])
        #expect(stage.fired == [unknown, addresses, silent])
    }

    @Test func `A query that is cancelled has no answer`() {
        let stage = FaultStage([
            NetworkFault(.name("example.org", .slow(.seconds(1)))), NetworkFault(.latency(.seconds(1))),
        ])
        resolve(stage)
        resolve(stage, "other.org", 2)
        stage.handle(.ping(QueryID(rawValue: 3), FaultStage.peer.address))
        for number in 1...3 as ClosedRange<UInt32> { stage.handle(.cancelQuery(QueryID(rawValue: number))) }
        stage.run(for: .seconds(10))
        #expect(stage.takeHeard() == [])
    }

    @Test func `Latency adds to pings and name queries`() {
        let stage = FaultStage([
            NetworkFault(.latency(.milliseconds(10))),
            NetworkFault(.latency(.milliseconds(100)), on: .peer(FaultStage.peer.address)),
            NetworkFault(.latency(.milliseconds(1000)), on: .link(0)),
        ])
        resolve(stage)
        stage.handle(.ping(QueryID(rawValue: 2), FaultStage.peer.address))
        stage.run(for: .seconds(5))
        #expect(stage.takeHeard() == ["20 resolved 10.0.2.2", "220 pinged 222ms"])
    }

    @Test func `Pings are lost`() {
        let stage = FaultStage([NetworkFault(.loss(100), on: .peer(FaultStage.peer.address))])
        stage.handle(.ping(QueryID(rawValue: 1), FaultStage.peer.address))
        stage.handle(.ping(QueryID(rawValue: 2), FaultStage.other.address))
        #expect(stage.takeHeard() == ["0 pinged 2ms"])
    }
}

import Testing
@testable import WiFiSimModule
@testable import WiFiSimValues

/// The faults of datagrams.
struct FaultyDatagramTests {
    private let peer = FaultStage.peer

    @Test func `Datagrams are lost at random, in either direction`() {
        let stage = FaultStage([NetworkFault(.loss(25))])
        let id = stage.openUDP()
        _ = stage.takeAsked()
        for _ in 0..<1000 {
            stage.send("out", on: id, to: peer)
            stage.deliver("in", on: id, from: peer)
        }
        let heard = stage.takeHeard()
        #expect(heard.count { $0 == "0 sent" } == 1000)
        #expect(700...800 ~= heard.count { $0 == "0 received in" })
        #expect(700...800 ~= stage.takeAsked().count)
        #expect(stage.fired.count == 1)
    }

    @Test func `A lost datagram gives its credit back`() {
        let stage = FaultStage([NetworkFault(.loss(100), direction: .toModule)])
        let id = stage.openUDP()
        let credit = stage.network.credit[id]
        for _ in 0..<10_000 { stage.deliver("lost", on: id, from: peer) }
        #expect(stage.network.credit[id] == credit)
    }

    @Test func `Datagrams count by their own address`() {
        let stage = FaultStage([NetworkFault(.loss(100), on: .peer(FaultStage.other.address, port: 8))])
        let id = stage.openUDP()
        _ = stage.takeAsked()
        stage.send("one", on: id, to: peer)
        stage.send("two", on: id, to: FaultStage.other)
        stage.deliver("three", on: id, from: FaultStage.other)
        stage.deliver("four", on: id, from: peer)
        #expect(stage.takeAsked() == ["0 send one"])
        #expect(stage.takeHeard() == ["0 connected", "0 sent", "0 sent", "0 received four"])
    }

    @Test func `The next datagram overtakes one, or it comes 100 ms later`() {
        let fault = NetworkFault(.reorder(100))
        let stage = FaultStage([fault])
        let id = stage.openUDP()
        _ = stage.takeHeard()
        _ = stage.takeAsked()
        for text in ["a", "b", "c"] {
            stage.deliver(text, on: id, from: peer)
            stage.send(text, on: id, to: peer)
        }
        stage.run(for: .seconds(1))
        #expect(stage.takeHeard().filter { $0 != "0 sent" } == ["0 received b", "0 received a", "100 received c"])
        #expect(stage.takeAsked() == ["0 send b", "0 send a", "100 send c"])
        // It is not held when the fault goes.
        stage.deliver("d", on: id, from: peer)
        stage.set([])
        #expect(stage.takeHeard() == ["1000 received d"])
    }

    @Test func `Latency with jitter keeps the order of datagrams`() {
        let stage = FaultStage()
        let id = stage.openUDP()
        stage.set([NetworkFault(.latency(.milliseconds(10), jitter: .milliseconds(100)))])
        for number in 0..<10 {
            stage.deliver("\(number)", on: id, from: peer)
            stage.send("\(number)", on: id, to: peer)
        }
        _ = stage.takeAsked()
        #expect(stage.takeHeard().count { $0 == "0 sent" } == 10)
        stage.run(for: .milliseconds(110))
        #expect(stage.received[id] == Array("0123456789".utf8))
        #expect(stage.takeAsked().map { $0.last } == Array("0123456789"))
        #expect(stage.takeHeard().count == 10)
    }

    @Test func `A bandwidth holds datagrams back whole`() {
        let stage = FaultStage([NetworkFault(.bandwidth(bytesPerSecond: 100))])
        let id = stage.openUDP()
        _ = stage.takeAsked()
        stage.send("0123456789", on: id, to: peer)
        stage.deliver("01234", on: id, from: peer)
        stage.run(for: .seconds(1))
        #expect(stage.takeHeard() == ["0 connected", "50 received 01234", "100 sent"])
        #expect(stage.takeAsked() == ["100 send 0123456789"])
    }

    @Test(arguments: [NetworkFault.Effect.timeout(nil), .halfOpen])
    func `Nothing passes while the peer is gone`(effect: NetworkFault.Effect) {
        let stage = FaultStage([NetworkFault(effect)])
        let id = stage.openUDP()
        _ = stage.takeAsked()
        stage.send("lost", on: id, to: peer)
        stage.deliver("lost", on: id, from: peer)
        stage.set([])
        stage.send("out", on: id, to: peer)
        stage.deliver("in", on: id, from: peer)
        #expect(stage.takeHeard() == ["0 connected", "0 sent", "0 sent", "0 received in"])
        #expect(stage.takeAsked() == ["0 send out"])
    }

    @Test(arguments: [NetworkFault.Effect.slice(bytes: 1, delay: .seconds(1)), .limit(bytes: 1), .reset(after: .zero)])
    func `What is for TCP leaves datagrams alone`(effect: NetworkFault.Effect) {
        let stage = FaultStage([NetworkFault(effect)])
        let id = stage.openUDP()
        stage.run(for: .seconds(10))
        stage.send("out", on: id, to: peer)
        stage.deliver("in", on: id, from: peer)
        #expect(stage.takeHeard() == ["0 connected", "10000 sent", "10000 received in"])
        #expect(stage.takeAsked() == ["0 open", "10000 send out"])
        #expect(stage.fired == [])
    }

    @Test func `A close sends what is under way, and frees the port`() {
        let stage = FaultStage([NetworkFault(.latency(.seconds(1)))])
        let id = stage.openUDP()
        stage.send("bye", on: id, to: peer)
        stage.deliver("late", on: id, from: peer)
        stage.handle(.close(id, aborting: false))
        stage.run(for: .seconds(10))
        #expect(stage.takeAsked() == ["0 open", "0 send bye", "0 close"])
        #expect(stage.takeHeard() == ["0 connected", "0 sent"])
    }
}

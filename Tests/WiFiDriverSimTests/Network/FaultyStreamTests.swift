import Testing
@testable import WiFiSimModule
@testable import WiFiSimValues

/// The faults of TCP connections.
struct FaultyStreamTests {
    @Test func `Without faults everything passes at once`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.send("hello", on: id)
        stage.deliver("there", on: id)
        stage.happen(.closed(id))
        stage.handle(.close(id, aborting: false))
        #expect(stage.takeAsked() == ["0 connect", "0 send hello", "0 close"])
        #expect(stage.takeHeard() == ["0 connected", "0 sent", "0 received there", "0 closed"])
        #expect(stage.faulty.nextDeadline == nil)
    }

    // MARK: Latency

    @Test func `Latency delays the connection, the data and the end in both directions`() {
        let stage = FaultStage([NetworkFault(.latency(.milliseconds(50)))])
        let id = stage.connect()
        stage.run(for: .milliseconds(100))
        #expect(stage.takeAsked() == ["50 connect"])
        #expect(stage.takeHeard() == ["100 connected"])
        stage.send("hello", on: id)
        // A block is sent once the module's stack has taken it.
        #expect(stage.takeHeard() == ["100 sent"])
        stage.deliver("there", on: id)
        stage.happen(.closed(id))
        stage.run(for: .milliseconds(50))
        #expect(stage.takeAsked() == ["150 send hello"])
        #expect(stage.takeHeard() == ["150 received there", "150 closed"])
        #expect(stage.fired.count == 1)
    }

    @Test func `Latency of one direction leaves the other alone`() {
        let stage = FaultStage([NetworkFault(.latency(.milliseconds(50)), direction: .toModule)])
        let id = stage.connect()
        stage.run(for: .milliseconds(50))
        stage.send("hello", on: id)
        stage.deliver("there", on: id)
        stage.run(for: .milliseconds(60))
        #expect(stage.takeAsked() == ["0 connect", "50 send hello"])
        #expect(stage.takeHeard() == ["50 connected", "50 sent", "100 received there"])
    }

    @Test func `Jitter keeps the order of a stream`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([NetworkFault(.latency(.zero, jitter: .milliseconds(100)), direction: .toModule)])
        for number in 0..<10 { stage.deliver("\(number)", on: id) }
        stage.run(for: .milliseconds(100))
        #expect(stage.received[id] == Array("0123456789".utf8))
        #expect(Set(stage.heard.map { $0.prefix { $0 != " " } }).count > 2)
    }

    @Test func `Latencies add up`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([
            NetworkFault(.latency(.milliseconds(50))), NetworkFault(.latency(.milliseconds(20)), on: .link(1)),
            NetworkFault(.latency(.milliseconds(7)), on: .link(2)),
            NetworkFault(.latency(.milliseconds(3)), on: .peer(FaultStage.peer.address)),
            NetworkFault(.latency(.milliseconds(1)), on: .peer(FaultStage.peer.address, port: 8)),
        ])
        _ = stage.takeHeard()
        stage.deliver("x", on: id)
        stage.run(for: .milliseconds(100))
        #expect(stage.heard == ["73 received x"])
        #expect(stage.fired.count == 3)
    }

    // MARK: Bandwidth

    @Test func `A bandwidth holds the sender back, and loses nothing`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([NetworkFault(.bandwidth(bytesPerSecond: 1000), direction: .fromModule)])
        _ = stage.takeHeard()
        _ = stage.takeAsked()
        stage.send(String(repeating: "x", count: 100), on: id)
        stage.run(for: .milliseconds(99))
        #expect(stage.takeHeard() == [])
        stage.run(for: .milliseconds(1))
        #expect(stage.takeHeard() == ["100 sent"])
        #expect(
            stage.takeAsked() == [20, 40, 60, 80, 100].map { "\($0) send \(String(repeating: "x", count: 20))" })
        // The line was idle, which is not made up for.
        stage.run(for: .seconds(1))
        stage.send("y", on: id)
        stage.run(for: .milliseconds(1))
        #expect(stage.takeAsked() == ["1101 send y"])
    }

    @Test func `A bandwidth to the module`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([NetworkFault(.bandwidth(bytesPerSecond: 10)), NetworkFault(.bandwidth(bytesPerSecond: 500))])
        _ = stage.takeHeard()
        stage.deliver("abc", on: id)
        stage.happen(.closed(id))
        stage.run(for: .seconds(1))
        #expect(stage.heard == ["100 received a", "200 received b", "300 received c", "300 closed"])
    }

    // MARK: Slices, limits

    @Test func `A stream arrives in slices`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([NetworkFault(.slice(bytes: 2, delay: .milliseconds(10)))])
        _ = stage.takeHeard()
        _ = stage.takeAsked()
        stage.deliver("abcde", on: id)
        stage.send("xyz", on: id)
        stage.run(for: .seconds(1))
        #expect(stage.takeHeard() == ["0 received ab", "0 sent", "10 received cd", "20 received e"])
        #expect(stage.takeAsked() == ["0 send xy", "10 send z"])
        #expect(stage.fired.count == 1)
    }

    @Test func `A limit closes the connection after its bytes`() {
        let fault = NetworkFault(.limit(bytes: 5), direction: .toModule)
        let stage = FaultStage([fault])
        let id = stage.connect()
        stage.deliver("abc", on: id)
        stage.send("much more than that", on: id)
        stage.deliver("defg", on: id)
        stage.deliver("h", on: id)
        stage.happen(.closed(id))
        #expect(stage.takeHeard() == ["0 connected", "0 received abc", "0 sent", "0 received de", "0 closed"])
        #expect(stage.takeAsked() == ["0 connect", "0 send much more than that", "0 close"])
        #expect(stage.fired == [fault])
        // It is a limit for each connection.
        let second = stage.connect(2)
        stage.deliver("abcd", on: second)
        #expect(stage.takeHeard() == ["0 connected", "0 received abcd"])
    }

    @Test func `A limit of what the module sends lets the last bytes arrive before the end`() {
        let stage = FaultStage([NetworkFault(.limit(bytes: 3))])
        let id = stage.connect()
        stage.network.takesSends = false
        stage.deliver("a", on: id)
        stage.send("bcd", on: id)
        #expect(stage.takeHeard() == ["0 connected", "0 received a", "0 closed"])
        #expect(stage.takeAsked() == ["0 connect", "0 send bc"])
        stage.happen(.sent(id))
        #expect(stage.takeAsked() == ["0 close"])
        #expect(stage.takeHeard() == [])
        stage.send("too late", on: id)
        #expect(stage.takeHeard() == ["0 send failed"])
    }

    // MARK: Ends

    @Test func `In a timeout nothing passes, and the connection is closed after it`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.run(for: .seconds(1))
        stage.set([NetworkFault(.timeout(.seconds(2)))])
        _ = stage.takeHeard()
        _ = stage.takeAsked()
        stage.deliver("abc", on: id)
        stage.send("xyz", on: id)
        stage.run(for: .seconds(5))
        #expect(stage.takeHeard() == ["1000 sent", "3000 closed"])
        #expect(stage.takeAsked() == ["3000 close"])
        // A new connection is made, and has its own time.
        _ = stage.connect(2)
        stage.run(for: .seconds(5))
        #expect(stage.takeHeard() == ["6000 connected", "8000 closed"])
        #expect(stage.fired.count == 2)
    }

    @Test func `A timeout without end is a stall: what it held arrives when it is over`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([NetworkFault(.timeout(nil))])
        _ = stage.takeHeard()
        _ = stage.takeAsked()
        stage.deliver("abc", on: id)
        stage.happen(.closed(id))
        stage.send("xyz", on: id)
        stage.run(for: .seconds(1000))
        #expect(stage.takeHeard() == ["0 sent"])
        #expect(stage.faulty.nextDeadline == nil)
        stage.set([])
        #expect(stage.takeHeard() == ["1000000 received abc", "1000000 closed"])
        #expect(stage.takeAsked() == ["1000000 send xyz"])
    }

    @Test func `In a stall, sends wait once the room is full`() {
        let stage = FaultStage([NetworkFault(.timeout(nil))])
        let id = stage.connect()
        _ = stage.takeHeard()
        var count = 0
        while count < 100 {
            stage.send(String(repeating: "x", count: 8192), on: id)
            guard stage.takeHeard() == ["0 sent"] else { break }
            count += 1
        }
        #expect(count * 8192 == FaultyNetwork.sendRoom)
        // The module gives up: that block is dropped, and no other.
        stage.handle(.abandonSend(id))
        stage.send("y", on: id)
        stage.set([])
        #expect(stage.takeHeard() == ["0 sent"])
        let sent = stage.takeAsked().dropFirst()
        #expect(sent.count == count + 1)
        #expect(sent.last == "0 send y")
        #expect(sent.allSatisfy { $0 != "0 abandon" })
    }

    @Test func `A reset comes some time after the connection or the fault`() {
        let stage = FaultStage()
        _ = stage.connect()
        stage.run(for: .seconds(10))
        let fault = NetworkFault(.reset(after: .seconds(1)))
        stage.set([fault])
        stage.run(for: .milliseconds(500))
        // It is the same fault, which began before.
        stage.set([fault, NetworkFault(.loss(1))])
        let second = stage.connect(2)
        stage.run(for: .seconds(5))
        #expect(stage.takeHeard() == ["0 connected", "10500 connected", "11000 closed", "11500 closed"])
        #expect(stage.takeAsked() == ["0 connect", "10500 connect", "11000 reset", "11500 reset"])
        #expect(stage.fired == [fault, fault])
        stage.happen(.received(second, [1], from: nil))
        #expect(stage.takeHeard() == [])
    }

    @Test func `A slow close delays the end, not the data`() {
        let stage = FaultStage([NetworkFault(.slowClose(.seconds(1)))])
        let id = stage.connect()
        stage.deliver("abc", on: id)
        stage.happen(.closed(id))
        let second = stage.connect(2)
        stage.send("xyz", on: second)
        stage.handle(.close(second, aborting: false))
        stage.run(for: .seconds(2))
        #expect(stage.takeHeard() == ["0 connected", "0 received abc", "0 connected", "0 sent", "1000 closed"])
        #expect(stage.takeAsked() == ["0 connect", "0 connect", "0 send xyz", "1000 close"])
        #expect(stage.fired.count == 2)
    }

    @Test func `The peer of a half-open connection is gone without a word, for good`() {
        let stage = FaultStage()
        let id = stage.connect()
        let idle = stage.connect(2)
        let fault = NetworkFault(.halfOpen)
        stage.set([fault])
        _ = stage.takeHeard()
        _ = stage.takeAsked()
        stage.send("abc", on: id)
        stage.deliver("xyz", on: id)
        stage.happen(.closed(id))
        stage.send("def", on: id)
        stage.set([])
        stage.send("ghi", on: id)
        stage.deliver("xyz", on: id)
        #expect(stage.takeHeard() == ["0 sent", "0 sent", "0 sent"])
        #expect(stage.takeAsked() == [])
        #expect(stage.fired == [fault])
        stage.handle(.close(id, aborting: false))
        // A connection that has lost nothing goes on.
        stage.send("jkl", on: idle)
        #expect(stage.takeAsked() == ["0 reset", "0 send jkl"])
    }

    @Test func `Of a partial send only the first bytes arrive, and only once`() {
        let fault = NetworkFault(.partialSend(bytes: 2), on: .link(1))
        let stage = FaultStage([fault])
        let id = stage.connect()
        let other = stage.connect(2)
        stage.send("other", on: other)
        stage.send("abcd", on: id)
        stage.send("efgh", on: id)
        #expect(stage.takeAsked() == ["0 connect", "0 connect", "0 send other", "0 send ab", "0 send efgh"])
        #expect(stage.takeHeard() == ["0 connected", "0 connected", "0 sent", "0 send failed", "0 sent"])
        #expect(stage.fired == [fault])
        #expect(stage.faulty.faults == [])
    }

    // MARK: Combinations

    @Test func `Latency, bandwidth and slices combine`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([
            NetworkFault(.latency(.milliseconds(100))), NetworkFault(.bandwidth(bytesPerSecond: 100)),
            NetworkFault(.slice(bytes: 1, delay: .milliseconds(3))),
        ])
        _ = stage.takeHeard()
        stage.deliver("abcd", on: id)
        stage.run(for: .seconds(1))
        // Two bytes depart every 20 ms.
        #expect(stage.heard == ["120 received a", "123 received b", "140 received c", "143 received d"])
        #expect(stage.fired.count == 3)
    }

    @Test func `When the faults are gone, what they held is delivered at once, in order`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([
            NetworkFault(.latency(.seconds(10))), NetworkFault(.bandwidth(bytesPerSecond: 10)),
            NetworkFault(.slice(bytes: 1, delay: .seconds(1))),
        ])
        _ = stage.takeHeard()
        _ = stage.takeAsked()
        stage.deliver("abcde", on: id)
        stage.send("vwxyz", on: id)
        stage.run(for: .milliseconds(250))
        stage.set([])
        #expect(stage.received[id] == Array("abcde".utf8))
        #expect(
            stage.takeHeard() == ["250 sent", "250 received a", "250 received b", "250 received cde"])
        #expect(stage.takeAsked() == ["250 send v", "250 send w", "250 send xyz"])
        #expect(stage.faulty.nextDeadline == nil)
    }

    @Test func `A fault that stays goes on when another one goes`() {
        let stage = FaultStage()
        let id = stage.connect()
        let slices = NetworkFault(.slice(bytes: 1, delay: .milliseconds(10)))
        stage.set([NetworkFault(.latency(.seconds(10))), slices])
        _ = stage.takeHeard()
        stage.deliver("abc", on: id)
        stage.run(for: .milliseconds(100))
        stage.set([slices])
        stage.run(for: .milliseconds(100))
        #expect(stage.heard == ["100 received a", "110 received b", "120 received c"])
    }

    @Test func `An unrelated change does not hasten anything`() {
        let stage = FaultStage()
        let id = stage.connect()
        let latency = NetworkFault(.latency(.milliseconds(200)))
        stage.set([latency])
        _ = stage.takeHeard()
        stage.deliver("abc", on: id)
        stage.run(for: .milliseconds(100))
        stage.set([latency, NetworkFault(.latency(.seconds(1)), on: .link(2))])
        stage.run(for: .seconds(1))
        #expect(stage.heard == ["200 received abc"])
    }

    // MARK: Close and restart

    @Test func `A close comes after what was sent before it`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([NetworkFault(.latency(.milliseconds(100)))])
        _ = stage.takeHeard()
        _ = stage.takeAsked()
        stage.network.takesSends = false
        stage.send("abc", on: id)
        stage.send("def", on: id)
        stage.deliver("late", on: id)
        stage.handle(.close(id, aborting: false))
        stage.run(for: .milliseconds(200))
        #expect(stage.takeAsked() == ["100 send abc"])
        // The network takes a stream block by block.
        stage.happen(.sent(id))
        #expect(stage.takeAsked() == ["200 send def"])
        stage.happen(.sent(id))
        #expect(stage.takeAsked() == ["200 close"])
        #expect(stage.takeHeard() == ["0 sent", "0 sent"])
        #expect(stage.faulty.nextDeadline == nil)
    }

    @Test func `A close drops a block that the module still waits for`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([NetworkFault(.bandwidth(bytesPerSecond: 50))])
        _ = stage.takeAsked()
        stage.send("abcd", on: id)
        stage.run(for: .milliseconds(50))
        stage.handle(.close(id, aborting: false))
        stage.run(for: .seconds(1))
        #expect(stage.takeAsked() == ["20 send a", "40 send b", "50 close"])
    }

    @Test func `An abort takes what is held with it`() {
        let stage = FaultStage([NetworkFault(.latency(.milliseconds(100)), direction: .fromModule)])
        let id = stage.connect()
        stage.run(for: .milliseconds(100))
        stage.send("abc", on: id)
        stage.handle(.close(id, aborting: true))
        stage.run(for: .seconds(1))
        #expect(stage.takeAsked() == ["100 connect", "100 reset"])
        // A connection that has not reached the peer.
        let second = stage.connect(2)
        stage.handle(.close(second, aborting: true))
        stage.run(for: .seconds(1))
        #expect(stage.takeAsked() == ["1100 reset"])
        #expect(stage.takeHeard() == ["100 connected", "100 sent"])
    }

    @Test func `A block that the network does not take breaks the stream`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([NetworkFault(.latency(.milliseconds(100)))])
        stage.network.takesSends = false
        stage.send("abc", on: id)
        stage.send("def", on: id)
        stage.run(for: .milliseconds(100))
        _ = stage.takeAsked()
        stage.happen(.sendFailed(id))
        stage.happen(.closed(id))
        stage.run(for: .milliseconds(100))
        #expect(stage.takeAsked() == [])
        #expect(stage.takeHeard() == ["0 connected", "0 sent", "0 sent", "200 closed"])
    }

    @Test func `A restart of the module drops what is held`() {
        let stage = FaultStage()
        let id = stage.connect()
        stage.set([NetworkFault(.latency(.seconds(1)))])
        stage.send("abc", on: id)
        stage.deliver("xyz", on: id)
        stage.handle(.resolve(QueryID(rawValue: 1), name: "a", nil))
        _ = stage.takeAsked()
        _ = stage.takeHeard()
        stage.handle(.reset)
        stage.set([])
        stage.run(for: .seconds(10))
        #expect(stage.takeAsked() == ["0 restart"])
        #expect(stage.takeHeard() == [])
        // The numbers begin again.
        #expect(stage.connect() == id)
        stage.send("new", on: id)
        #expect(stage.takeHeard() == ["10000 connected", "10000 sent"])
    }

    @Test func `Sockets that the module has closed do not pile up`() {
        let stage = FaultStage([NetworkFault(.timeout(nil))])
        for number in 1...100 as ClosedRange<UInt32> {
            let id = stage.connect(number)
            stage.send("x", on: id)
            stage.handle(.close(id, aborting: false))
        }
        #expect(stage.takeAsked().count { $0 == "0 reset" } == 100 - FaultyNetwork.lingeringLimit)
        stage.set([])
        #expect(stage.takeAsked().count { $0 == "0 close" } == FaultyNetwork.lingeringLimit)
    }
}

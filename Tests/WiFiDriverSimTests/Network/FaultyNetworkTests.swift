import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// What holds for all faults, with random traffic in random pieces.
struct FaultyNetworkTests {
    /// Random traffic on one connection, in both directions, while the network answers late.
    private final class Traffic {
        let stage: FaultStage
        let id: SocketID
        private var random: SeededGenerator
        /// What each end has sent.
        private(set) var fromModule: [UInt8] = []
        private(set) var toModule: [UInt8] = []
        private var heardCount = 0
        private var requestCount = 0
        private(set) var awaitsSent = false
        /// Whether the network owes the answer to a send.
        private var owesAnswer = false
        /// Whether the module knows of the end, and whether the network does.
        private(set) var hasEnded = false
        private(set) var isClosed = false
        /// How much has arrived at the network, and at the module.
        private var arrivedCount = 0
        private var checkedCount = 0

        init(seed: UInt64) {
            stage = FaultStage(seed: seed)
            stage.network.takesSends = false
            random = SeededGenerator(seed)
            id = SocketID(.module, 1)
            stage.handle(.connect(id, to: FaultStage.peer, TCPOptions()))
            look()
        }

        func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }

        private func bytes(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in .random(in: 0x61...0x7A, using: &random) }
        }

        /// Whether all that is for the module has arrived, and in the other direction too.
        var isWhole: Bool { checkedCount == toModule.count }
        var isWholeInBoth: Bool { isWhole && arrivedCount == fromModule.count }

        /// Checks what has come to each end.
        func look() {
            for event in stage.heard[heardCount...].map({ $0.drop { $0 != " " }.dropFirst() }) {
                #expect(!hasEnded, "\(event) after the end")
                switch event {
                case "sent", "send failed":
                    #expect(awaitsSent)
                    awaitsSent = false
                case "closed": hasEnded = true
                default: break
                }
            }
            heardCount = stage.heard.count
            for (_, request) in stage.network.requests[requestCount...] {
                if case .close = request { isClosed = true }
                guard case .send(_, let bytes, _) = request else { continue }
                #expect(!owesAnswer, "a block before the last one is taken")
                owesAnswer = true
                let isNext = fromModule.dropFirst(arrivedCount).prefix(bytes.count) == bytes[...]
                #expect(isNext)
                arrivedCount += bytes.count
            }
            requestCount = stage.network.requests.count
            let new = stage.received[id, default: []][checkedCount...]
            let isNext = toModule.dropFirst(checkedCount).prefix(new.count) == new
            #expect(isNext)
            checkedCount += new.count
        }

        func step() {
            look()
            switch number(0...9) {
            case 0...2 where !awaitsSent && !hasEnded:
                send(bytes(number(1...300)))
            case 3...4:
                let credit = stage.network.credit[id, default: 0]
                guard credit > 0, !isClosed else { break }
                let block = bytes(number(1...min(credit, 300)))
                toModule += block
                stage.network.deliver(block, on: id)
            case 5 where !hasEnded:
                let held = toModule.count - checkedCount
                let room = 600 - held - stage.network.credit[id, default: 0]
                if room > 0 { stage.handle(.allow(id, bytes: room)) }
            case 6...7: answer()
            default: stage.run(for: .milliseconds(number(0...200)))
            }
            look()
        }

        func send(_ block: [UInt8]) {
            fromModule += block
            awaitsSent = true
            stage.handle(.send(id, block, to: nil))
        }

        func answer() {
            guard owesAnswer else { return }
            owesAnswer = false
            guard !hasEnded else { return }
            stage.happen(isClosed ? .sendFailed(id) : .sent(id))
            look()
        }

        /// The peer closes the connection.
        func end() {
            isClosed = true
            owesAnswer = false
            stage.happen(.closed(id))
        }

        /// Lets everything pass that is on its way.
        func finish() {
            for _ in 0..<100_000 {
                look()
                answer()
                guard let next = stage.faulty.nextDeadline ?? (owesAnswer ? stage.now : nil) else { return }
                stage.run(for: max(.zero, next - stage.now))
            }
            Issue.record("there is no end")
        }

        /// Faults that change a stream's times only.
        func pathFaults() -> [NetworkFault] {
            let all: [NetworkFault.Effect] = [
                .latency(.milliseconds(number(0...500)), jitter: .milliseconds(number(0...300))),
                .bandwidth(bytesPerSecond: number(100...5000)),
                .slice(bytes: number(1...200), delay: .milliseconds(number(0...20))),
                .slowClose(.milliseconds(number(0...100))),
            ]
            return choose(all)
        }

        func anyFaults() -> [NetworkFault] {
            let all: [NetworkFault.Effect] = [
                .timeout(nil), .timeout(.milliseconds(number(0...2000))), .limit(bytes: number(0...1000)),
                .reset(after: .milliseconds(number(0...2000))), .halfOpen, .loss(50), .reorder(50), .deaf, .refuse,
            ]
            return pathFaults() + (number(0...2) == 0 ? choose([all[number(0...all.count - 1)]]) : [])
        }

        private func choose(_ effects: [NetworkFault.Effect]) -> [NetworkFault] {
            let scopes: [NetworkFault.Scope] = [.all, .link(1), .peer(FaultStage.peer.address), .link(2)]
            return effects.filter { _ in Bool.random(using: &random) }.map {
                let direction = NetworkFault.Direction.allCases[number(0...2)]
                return NetworkFault($0, on: scopes[number(0...3)], direction: direction)
            }
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `Data arrives whole and in order, whatever its times`(seed: UInt64) {
        let traffic = Traffic(seed: seed)
        for step in 0..<400 {
            if step % 100 == 0 { traffic.stage.set(traffic.pathFaults()) }
            traffic.step()
        }
        traffic.finish()
        #expect(traffic.isWholeInBoth)
        #expect(!traffic.awaitsSent)
        #expect(!traffic.hasEnded)
        // The end comes after all that.
        traffic.send([0x61])
        traffic.stage.handle(.close(traffic.id, aborting: false))
        traffic.finish()
        let last = traffic.stage.network.requests.suffix(2).map(\.request)
        #expect(last.last == .close(traffic.id, aborting: false))
        #expect(traffic.stage.faulty.nextDeadline == nil)
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `The end of the peer comes after its data`(seed: UInt64) {
        let traffic = Traffic(seed: seed)
        for step in 0..<200 {
            if step % 50 == 0 { traffic.stage.set(traffic.pathFaults()) }
            traffic.step()
        }
        traffic.end()
        if seed % 2 == 0 { traffic.stage.set([]) }
        traffic.finish()
        #expect(traffic.isWhole)
        #expect(traffic.hasEnded)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `What arrives is the beginning of what was sent, whatever happens`(seed: UInt64) {
        let traffic = Traffic(seed: seed)
        for step in 0..<300 {
            if step % 30 == 0 { traffic.stage.set(step % 90 == 60 ? [] : traffic.anyFaults()) }
            traffic.step()
        }
        traffic.stage.set([])
        traffic.finish()
        #expect(traffic.stage.faulty.nextDeadline == nil)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `The same seed and calls give the same events at the same times`(seed: UInt64) {
        let runs = (0..<2).map { _ in
            let traffic = Traffic(seed: seed)
            for step in 0..<300 {
                if step % 30 == 0 { traffic.stage.set(traffic.anyFaults()) }
                traffic.step()
            }
            return (traffic.stage.heard, traffic.stage.fired, traffic.stage.network.requests.map { "\($0)" })
        }
        #expect(runs[0].0 == runs[1].0)
        #expect(runs[0].1 == runs[1].1)
        #expect(runs[0].2 == runs[1].2)
    }

    // MARK: In front of the network in memory

    /// A network in memory behind faults, and the instant at which its module has joined the access point.
    private func joined() -> (Simulation, FaultyNetwork, Instant) {
        let simulation = Simulation()
        simulation.send("AT+CWMODE=1\r\n")
        simulation.run(for: .milliseconds(100))
        simulation.send("AT+CWJAP=\"wifisim\",\"password\"\r\n")
        simulation.run(for: .seconds(5))
        _ = simulation.takeOutput()
        return (simulation, FaultyNetwork(simulation.modules[0].stack, seed: 1), simulation.now)
    }

    private func run(_ faulty: FaultyNetwork, from now: inout Instant, for duration: Duration) -> [NetworkEvent] {
        let end = now + duration
        var events = faulty.takeEvents(at: now)
        while let next = faulty.nextDeadline, next <= end {
            now = max(now, next)
            faulty.advance(to: now)
            events += faulty.takeEvents(at: now)
        }
        now = end
        return events
    }

    @Test func `An echo in memory comes back through latency, bandwidth and slices`() throws {
        var (simulation, faulty, now) = joined()
        withExtendedLifetime(simulation) {
            let id = SocketID(.module, 1000)
            faulty.set(
                [
                    NetworkFault(.latency(.milliseconds(100), jitter: .milliseconds(30))),
                    NetworkFault(.bandwidth(bytesPerSecond: 10_000)),
                    NetworkFault(.slice(bytes: 100, delay: .milliseconds(1))),
                ], at: now)
            faulty.handle(.connect(id, to: Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 7), TCPOptions()), at: now)
            #expect(run(faulty, from: &now, for: .milliseconds(200)) == [])
            #expect(run(faulty, from: &now, for: .milliseconds(62)).count == 1)
            faulty.handle(.allow(id, bytes: 5000), at: now)
            let block = (0..<5000).map { UInt8(truncatingIfNeeded: $0 * 7) }
            faulty.handle(.send(id, block, to: nil), at: now)
            let early = run(faulty, from: &now, for: .milliseconds(499))
            #expect(early.allSatisfy { $0 != .sent(id) })
            var back: [UInt8] = []
            var pieces = 0
            for case .received(_, let bytes, _) in early + run(faulty, from: &now, for: .seconds(5)) {
                back += bytes
                pieces += 1
                #expect(bytes.count <= 100)
            }
            let isWhole = back == block
            #expect(isWhole)
            #expect(pieces >= 50)
        }
    }

    @Test func `A peer in memory sees the end that a limit makes`() throws {
        var (simulation, faulty, now) = joined()
        let peer = simulation.makePeer()
        let endpoint = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 6000)
        peer.listen(at: endpoint)
        let id = SocketID(.module, 1000)
        faulty.set([NetworkFault(.limit(bytes: 10), direction: .toModule)], at: now)
        faulty.handle(.connect(id, to: endpoint, TCPOptions()), at: now)
        _ = run(faulty, from: &now, for: .seconds(1))
        faulty.handle(.allow(id, bytes: 100), at: now)
        faulty.handle(.send(id, Array("request".utf8), to: nil), at: now)
        _ = run(faulty, from: &now, for: .seconds(1))
        #expect(peer.take() == Array("request".utf8))
        peer.send("a long answer")
        let events = run(faulty, from: &now, for: .seconds(1))
        #expect(events == [.received(id, Array("a long ans".utf8), from: nil), .closed(id)])
        #expect(peer.phase == .closedByModule)
    }

    @Test func `Datagrams in memory are lost and delayed`() throws {
        var (simulation, faulty, now) = joined()
        withExtendedLifetime(simulation) {
            let id = SocketID(.module, 1000)
            let echo = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 7)
            faulty.handle(.openUDP(id, peer: echo, localPort: 0), at: now)
            faulty.handle(.allow(id, bytes: 65_535), at: now)
            _ = run(faulty, from: &now, for: .zero)
            faulty.set([NetworkFault(.loss(50)), NetworkFault(.latency(.milliseconds(50)))], at: now)
            var back = 0
            for number in 0..<200 as Range<UInt8> {
                faulty.handle(.send(id, [number], to: echo), at: now)
                for case .received(_, let bytes, from: echo) in run(faulty, from: &now, for: .milliseconds(102)) {
                    #expect(bytes == [number])
                    back += 1
                    faulty.handle(.allow(id, bytes: bytes.count + NetworkRequest.datagramOverhead), at: now)
                }
            }
            #expect(25...75 ~= back)
        }
    }
}

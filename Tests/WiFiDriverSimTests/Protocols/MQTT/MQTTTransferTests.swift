import Testing
import WiFiSimValues

@testable import WiFiSimProtocols

@Suite struct `Between a client and a broker of MQTT` {
    /// Two clients with kept sessions, each subscribed to the other's topic.
    private func stage(_ qos: MQTTQoS, seed: UInt64) throws -> (stage: MQTTStage, peers: [Int]) {
        var limits = MQTTBroker.Limits()
        limits.queuedMessages = 5000
        var stage = MQTTStage(broker: MQTTBroker(limits: limits), seed: seed)
        let peers = try ["a", "b"].map { name in
            stage.add(try MQTTClient(MQTTConnect(clientID: MQTTText(name), keepAlive: 10, isCleanSession: false)))
        }
        stage.run(for: .seconds(1))
        try stage.subscribe(0, to: "to/a", qos)
        try stage.subscribe(1, to: "to/b", qos)
        stage.run(for: .seconds(1))
        for peer in peers {
            #expect(stage.takeEvents(of: peer) == [.connected(sessionPresent: false), .subscribed(1, [qos])])
        }
        return (stage, peers)
    }

    /// Sends 1,000 messages each way.
    /// - Returns: the numbers that have arrived at each client, in order, and the number of cuts.
    private func transfer(_ qos: MQTTQoS, cuts: Int, seed: UInt64) throws -> (arrived: [[Int]], cuts: Int) {
        var (stage, peers) = try stage(qos, seed: seed)
        stage.cuts = cuts
        var sent = [0, 0]
        try stage.run(for: .seconds(3600)) { stage in
            for peer in peers {
                let burst = sent[peer] + 20
                while sent[peer] < min(burst, 1000), stage.peers[peer].client.isConnected {
                    let message = MQTTMessage(peer == 0 ? "to/b" : "to/a", "\(sent[peer])", qos)
                    do {
                        _ = try stage.publish(message, from: peer)
                    } catch MQTTClient.CallError.tooManyInFlight {
                        break
                    }
                    sent[peer] += 1
                }
            }
            guard sent == [1000, 1000], peers.allSatisfy({ stage.peers[$0].events.count >= 1000 }) else { return false }
            return peers.allSatisfy { Set(stage.payloads(at: $0)).count == 1000 }
        }
        stage.cuts = 0
        stage.run(for: .seconds(60))
        let arrived = peers.map { peer in
            stage.payloads(at: peer).map { Int(String(decoding: $0, as: UTF8.self)) ?? -1 }
        }
        for peer in peers {
            let published = stage.takeEvents(of: peer).filter { if case .published = $0 { true } else { false } }
            #expect(published.count == (qos == .atMostOnce ? 0 : 1000))
        }
        return (arrived, stage.cutCount)
    }

    @Test(arguments: MQTTQoS.allCases)
    func `1,000 messages arrive each way`(qos: MQTTQoS) throws {
        let (arrived, _) = try transfer(qos, cuts: 0, seed: 1)
        for numbers in arrived { #expect(numbers == Array(0..<1000)) }
    }

    @Test(arguments: [UInt64](1...3))
    func `1,000 messages of QoS 1 arrive although connections are lost`(seed: UInt64) throws {
        let (arrived, cuts) = try transfer(.atLeastOnce, cuts: 50, seed: seed)
        #expect(cuts > 20)
        for numbers in arrived {
            #expect(Set(numbers) == Set(0..<1000))
            // Of the first copies, each is in order.
            var seen: Set<Int> = []
            #expect(numbers.filter { seen.insert($0).inserted } == Array(0..<1000))
        }
    }

    @Test(arguments: [UInt64](1...3))
    func `1,000 messages of QoS 2 arrive once although connections are lost`(seed: UInt64) throws {
        let (arrived, cuts) = try transfer(.exactlyOnce, cuts: 50, seed: seed)
        #expect(cuts > 20)
        for numbers in arrived { #expect(numbers == Array(0..<1000)) }
    }

    @Test func `pings keep an idle connection for hours`() throws {
        var (stage, peers) = try stage(.atMostOnce, seed: 1)
        stage.run(for: .seconds(3 * 3600))
        for peer in peers { #expect(stage.takeEvents(of: peer).isEmpty) }
    }

    @Test func `a broker that does not answer pings is left within the keep-alive, again and again`() throws {
        var (stage, _) = try stage(.atMostOnce, seed: 1)
        stage.broker.faults.withheld = [.pingresp]
        stage.run(for: .seconds(61))
        let events = stage.takeEvents(of: 0)
        // Every 10 s and a little, from the first ping on.
        #expect(events.filter { $0 == .disconnected(.pingTimeout) }.count == 6)
        #expect(events.filter { $0 == .connected(sessionPresent: true) }.count == 6)
    }

    @Test func `a withheld PUBACK lets the message be sent again and expire`() throws {
        var stage = MQTTStage()
        var configuration = MQTTClient.Configuration()
        configuration.repeatInterval = .seconds(5)
        configuration.expiry = .seconds(30)
        let publisher = stage.add(try MQTTClient(MQTTConnect(clientID: "p"), configuration))
        let watcher = stage.add(try MQTTClient(MQTTConnect(clientID: "w")))
        stage.run(for: .seconds(1))
        try stage.subscribe(watcher, to: "#", .atMostOnce)
        stage.run(for: .seconds(1))
        stage.broker.faults.withheld = [.puback]
        let id = try #require(try stage.publish(MQTTMessage("t", "x", .atLeastOnce), from: publisher))
        stage.run(for: .seconds(60))
        #expect(stage.payloads(at: watcher).count == 6)
        #expect(stage.takeEvents(of: publisher).last == .failed(id, .expired))
    }

    @Test func `payloads of all lengths arrive whole or in parts`() throws {
        var stage = MQTTStage()
        let peer = stage.add(try MQTTClient(MQTTConnect(clientID: "c")))
        stage.run(for: .seconds(1))
        try stage.subscribe(peer, to: "t", .exactlyOnce)
        stage.run(for: .seconds(1))
        _ = stage.takeEvents(of: peer)
        for length in Array(0...40) + Array(1000...1040) + [2000, 2035, 2036, 2037, 5000] {
            let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let message = MQTTMessage(
                topic: "t", payload: payload, qos: MQTTQoS(rawValue: UInt8(length % 3)) ?? .atMostOnce)
            _ = try stage.publish(message, from: peer)
            stage.run(for: .seconds(1))
            #expect(stage.payloads(at: peer).flatMap { $0 } == payload)
            _ = stage.takeEvents(of: peer)
        }
    }
}

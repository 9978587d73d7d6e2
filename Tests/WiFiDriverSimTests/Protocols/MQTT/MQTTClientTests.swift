import Testing
import WiFiSimValues

@testable import WiFiSimProtocols

private func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

extension MQTTClient {
    /// A client whose broker has accepted it at 0 ms, with events and output taken.
    fileprivate static func connected(
        _ options: MQTTConnect = MQTTConnect(clientID: "c"), _ configuration: Configuration = Configuration()
    ) throws -> MQTTClient {
        var client = try MQTTClient(options, configuration)
        client.connected(at: .zero)
        #expect(client.hear(.connack(.accepted, sessionPresent: false)) == [.connected(sessionPresent: false)])
        #expect(client.said() == [.connect(options)])
        return client
    }

    /// Takes packets.
    /// - Returns: the events.
    fileprivate mutating func hear(_ packets: MQTTPacket..., time: Int = 0) -> [Event] {
        for packet in packets { receive(mqttBytes(packet), at: at(time)) }
        return events()
    }

    fileprivate mutating func events() -> [Event] {
        var events: [Event] = []
        while let event = next() { events.append(event) }
        return events
    }

    /// The packets in the output.
    fileprivate mutating func said() -> [MQTTPacket] { MQTTDecoded(output.take(.max)).packets }

    fileprivate mutating func advance(_ milliseconds: Int) -> [Event] {
        advance(to: at(milliseconds))
        return events()
    }
}

private func message(_ text: String, _ qos: MQTTQoS, id: UInt16 = 0, isDuplicate: Bool = false) -> MQTTPacket {
    .publish(MQTTPublish(MQTTMessage("t", text, qos), packetID: id, isDuplicate: isDuplicate))
}

private func received(_ text: String, _ qos: MQTTQoS, id: UInt16 = 0, isDuplicate: Bool = false) -> MQTTClient.Event {
    .message(MQTTPart(whole: MQTTPublish(MQTTMessage("t", text, qos), packetID: id, isDuplicate: isDuplicate)))
}

private let kept = MQTTConnect(clientID: "c", isCleanSession: false)

@Suite struct `A client of MQTT` {
    @Test func `connects, and is refused with each code`() throws {
        for code in MQTTReturnCode.allCases where code != .accepted {
            var client = try MQTTClient(MQTTConnect(clientID: "c"))
            client.connected(at: .zero)
            #expect(!client.isConnected)
            #expect(client.hear(.connack(code, sessionPresent: false)) == [.disconnected(.refused(code))])
            #expect(client.nextDeadline == nil)
        }
        let client = try MQTTClient.connected()
        #expect(client.isConnected)
    }

    @Test func `refuses options that cannot be sent`() {
        #expect(throws: MQTTError.wildcardInTopic("#")) {
            try MQTTClient(MQTTConnect(clientID: "c", will: MQTTMessage("#", "")))
        }
    }

    @Test func `waits 10 s for CONNACK`() throws {
        var client = try MQTTClient(MQTTConnect(clientID: "c"))
        client.connected(at: at(500))
        #expect(client.nextDeadline == at(10_500))
        #expect(client.advance(10_499) == [])
        #expect(client.advance(10_500) == [.disconnected(.noAnswer)])
        #expect(client.output.isEmpty)
        // And so on the next connection.
        client.connected(at: at(20_000))
        #expect(client.nextDeadline == at(30_000))
        client.closed(at: at(20_001))
        #expect(client.events() == [.disconnected(.closed)])
    }

    @Test func `publishes with each quality`() throws {
        var client = try MQTTClient.connected()
        #expect(try client.publish(MQTTMessage("t", "0"), at: at(1)) == nil)
        #expect(try client.publish(MQTTMessage("t", "1", .atLeastOnce), at: at(1)) == 1)
        #expect(try client.publish(MQTTMessage("t", "2", .exactlyOnce), at: at(1)) == 2)
        #expect(
            client.said() == [
                message("0", .atMostOnce), message("1", .atLeastOnce, id: 1), message("2", .exactlyOnce, id: 2),
            ])
        #expect(client.hear(.pubrec(2), .puback(1)) == [.published(1)])
        #expect(client.said() == [.pubrel(2)])
        #expect(client.hear(.pubrec(2)) == [])
        #expect(client.said() == [.pubrel(2)])
        #expect(client.hear(.pubcomp(2)) == [.published(2)])
        #expect(client.said() == [])
    }

    @Test func `receives with each quality, and a message of QoS 2 once`() throws {
        var client = try MQTTClient.connected()
        #expect(
            client.hear(message("0", .atMostOnce), message("1", .atLeastOnce, id: 7), message("2", .exactlyOnce, id: 8))
                == [received("0", .atMostOnce), received("1", .atLeastOnce, id: 7), received("2", .exactlyOnce, id: 8)])
        #expect(client.said() == [.puback(7), .pubrec(8)])
        #expect(client.hear(message("2", .exactlyOnce, id: 8, isDuplicate: true)) == [])
        #expect(client.said() == [.pubrec(8)])
        #expect(client.hear(.pubrel(8)) == [])
        #expect(client.said() == [.pubcomp(8)])
        #expect(client.hear(message("3", .exactlyOnce, id: 8)) == [received("3", .exactlyOnce, id: 8)])
        #expect(
            client.hear(message("1", .atLeastOnce, id: 7, isDuplicate: true))
                == [received("1", .atLeastOnce, id: 7, isDuplicate: true)])
    }

    @Test func `receives a long message in parts, and answers after the last`() throws {
        var configuration = MQTTClient.Configuration()
        configuration.buffer = 512
        var client = try MQTTClient.connected(MQTTConnect(clientID: "c"), configuration)
        let long = String(repeating: "x", count: 1200)
        let bytes = mqttBytes(message(long, .exactlyOnce, id: 3))
        client.receive(Array(bytes.dropLast()), at: .zero)
        let lengths = client.events().map {
            if case .message(let part) = $0 { part.publish.message.payload.count } else { 0 }
        }
        #expect(lengths == [512 - 8, 512])
        #expect(client.said() == [])
        client.receive(Array(bytes.suffix(1)), at: .zero)
        #expect(client.events().count == 1)
        #expect(client.said() == [.pubrec(3)])
        #expect(client.hear(message(long, .exactlyOnce, id: 3, isDuplicate: true)) == [])
        #expect(client.said() == [.pubrec(3)])
    }

    @Test func `subscribes and unsubscribes`() throws {
        var client = try MQTTClient.connected()
        let wanted = [MQTTSubscription(filter: "a/#", qos: .exactlyOnce), .init(filter: "+", qos: .atLeastOnce)]
        #expect(try client.subscribe(wanted, at: .zero) == 1)
        #expect(try client.unsubscribe(["a/#"], at: .zero) == 2)
        #expect(client.said() == [.subscribe(1, wanted), .unsubscribe(2, ["a/#"])])
        #expect(client.hear(.suback(1, [.atMostOnce, nil])) == [.subscribed(1, [.atMostOnce, nil])])
        #expect(client.hear(.unsuback(2)) == [.unsubscribed(2)])
        #expect(try client.subscribe(wanted, at: .zero) == 3)
        #expect(
            client.hear(.suback(3, [nil])) == [
                .failed(3, .connectionLost), .disconnected(.violation(.wrongGrantCount(1, expected: 2))),
            ])
    }

    @Test func `refuses calls that cannot be sent`() throws {
        var client = try MQTTClient(MQTTConnect(clientID: "c"))
        #expect(throws: MQTTClient.CallError.notConnected) { try client.publish(MQTTMessage("t", ""), at: .zero) }
        client.connected(at: .zero)
        #expect(throws: MQTTClient.CallError.notConnected) { try client.unsubscribe(["t"], at: .zero) }
        client = try MQTTClient.connected()
        #expect(throws: MQTTClient.CallError.invalid(.wildcardInTopic("t/+"))) {
            try client.publish(MQTTMessage("t/+", ""), at: .zero)
        }
        #expect(throws: MQTTClient.CallError.invalid(.emptyList(.subscribe))) { try client.subscribe([], at: .zero) }
        #expect(throws: MQTTClient.CallError.tooLong(65_537, limit: 65_536)) {
            try client.publish(MQTTMessage("t", String(repeating: "x", count: 65_530), .atMostOnce), at: .zero)
        }
        #expect(client.output.isEmpty)
        #expect(try client.publish(MQTTMessage("t", String(repeating: "x", count: 65_529)), at: .zero) == nil)
        #expect(throws: MQTTClient.CallError.outputFull) { try client.publish(MQTTMessage("t", ""), at: .zero) }
        _ = client.said()
        for _ in 0..<20 { _ = try client.publish(MQTTMessage("t", "", .atLeastOnce), at: .zero) }
        #expect(throws: MQTTClient.CallError.tooManyInFlight) {
            try client.publish(MQTTMessage("t", "", .atLeastOnce), at: .zero)
        }
    }

    @Test func `gives each packet in flight its own ID, also after 65,535`() throws {
        var client = try MQTTClient.connected()
        // 1 and 3 stay in flight.
        for _ in 1...3 { _ = try client.publish(MQTTMessage("t", "", .atLeastOnce), at: .zero) }
        #expect(client.hear(.puback(2)) == [.published(2)])
        var expected: UInt16 = 3
        for _ in 0..<70_000 {
            expected = expected == .max ? 2 : expected == 2 ? 4 : expected + 1
            let id = try client.publish(MQTTMessage("t", "", .atLeastOnce), at: .zero)
            try #require(id == expected)
            try #require(client.hear(.puback(expected)) == [.published(expected)])
            client.output.removeAll()
        }
    }

    @Test func `pings after half the keep-alive, and gives up after another half`() throws {
        var client = try MQTTClient.connected(MQTTConnect(clientID: "c", keepAlive: 60))
        #expect(client.nextDeadline == at(30_000))
        // Anything that is sent restarts the time; anything that arrives does not.
        _ = try client.publish(MQTTMessage("t", ""), at: at(10_000))
        #expect(client.hear(message("x", .atMostOnce), time: 15_000).count == 1)
        _ = client.said()
        #expect(client.nextDeadline == at(40_000))
        #expect(client.advance(39_999) == [])
        #expect(client.said() == [])
        #expect(client.advance(40_000) == [])
        #expect(client.said() == [.pingreq])
        #expect(client.hear(.pingresp, time: 40_100) == [])
        #expect(client.nextDeadline == at(70_100))
        #expect(client.advance(70_100) == [])
        // Messages do not replace the answer.
        _ = try client.publish(MQTTMessage("t", ""), at: at(80_000))
        #expect(client.hear(message("x", .atMostOnce), time: 85_000).count == 1)
        #expect(client.advance(100_099) == [])
        #expect(client.advance(100_100) == [.disconnected(.pingTimeout)])
        #expect(client.nextDeadline == nil)
    }

    @Test func `does not ping without keep-alive`() throws {
        var client = try MQTTClient.connected(MQTTConnect(clientID: "c", keepAlive: 0))
        #expect(client.nextDeadline == nil)
        #expect(client.advance(1_000_000_000) == [])
        #expect(client.said() == [])
    }

    @Test func `misses no answer that its owner holds up`() throws {
        var client = try MQTTClient.connected(MQTTConnect(clientID: "c", keepAlive: 10))
        #expect(client.advance(5000) == [])
        client.isHeldUp = true
        #expect(client.advance(10_000) == [])
        #expect(client.nextDeadline == at(15_000))
        client.isHeldUp = false
        #expect(client.hear(.pingresp, time: 12_000) == [])
        #expect(client.advance(17_000) == [])
        // Bytes that are not read yet.
        client.receive(mqttBytes(message("x", .atMostOnce), .pingresp), at: at(18_000))
        client.advance(to: at(22_000))
        #expect(client.events() == [received("x", .atMostOnce)])
        // Half a packet is no answer.
        #expect(client.advance(27_000) == [])
        client.receive([0xD0], at: at(28_000))
        #expect(client.events() == [])
        #expect(client.advance(32_000) == [.disconnected(.pingTimeout)])
    }

    @Test func `sends what is unanswered again on the next connection of a kept session`() throws {
        var client = try MQTTClient.connected(kept)
        for (text, qos) in [("1", MQTTQoS.atLeastOnce), ("2", .exactlyOnce), ("3", .exactlyOnce), ("4", .atLeastOnce)] {
            _ = try client.publish(MQTTMessage("t", text, qos), at: .zero)
        }
        let subscription = try client.subscribe([MQTTSubscription(filter: "s", qos: .atMostOnce)], at: .zero)
        #expect(client.hear(.pubrec(3), message("in", .exactlyOnce, id: 9)) == [received("in", .exactlyOnce, id: 9)])
        client.closed(at: at(1))
        #expect(client.events() == [.disconnected(.closed), .failed(subscription, .connectionLost)])
        client.connected(at: at(2))
        #expect(client.hear(.connack(.accepted, sessionPresent: true)) == [.connected(sessionPresent: true)])
        #expect(
            client.said() == [
                .connect(kept), .pubrel(3), message("1", .atLeastOnce, id: 1, isDuplicate: true),
                message("2", .exactlyOnce, id: 2, isDuplicate: true),
                message("4", .atLeastOnce, id: 4, isDuplicate: true),
            ])
        // The broker repeats what it had sent.
        #expect(client.hear(message("in", .exactlyOnce, id: 9, isDuplicate: true)) == [])
        // A broker that has lost the session uses the packet ID for another message.
        client.closed(at: at(3))
        client.connected(at: at(4))
        #expect(client.events() == [.disconnected(.closed)])
        #expect(
            client.hear(.connack(.accepted, sessionPresent: false), message("new", .exactlyOnce, id: 9))
                == [.connected(sessionPresent: false), received("new", .exactlyOnce, id: 9)])
    }

    @Test func `forgets a clean session with its connection`() throws {
        var client = try MQTTClient.connected()
        let id = try #require(try client.publish(MQTTMessage("t", "1", .exactlyOnce), at: .zero))
        #expect(client.hear(message("in", .exactlyOnce, id: 9)).count == 1)
        client.closed(at: at(1))
        #expect(client.events() == [.disconnected(.closed), .failed(id, .connectionLost)])
        client.connected(at: at(2))
        #expect(
            client.hear(.connack(.accepted, sessionPresent: false), message("in", .exactlyOnce, id: 9)).count == 2)
        #expect(client.said() == [.connect(client.options), .pubrec(9)])
    }

    @Test func `repeats and forgets unanswered messages at the set times`() throws {
        var configuration = MQTTClient.Configuration()
        configuration.repeatInterval = .seconds(5)
        configuration.expiry = .seconds(12)
        var client = try MQTTClient.connected(MQTTConnect(clientID: "c", keepAlive: 0), configuration)
        let id = try #require(try client.publish(MQTTMessage("t", "1", .atLeastOnce), at: .zero))
        let subscription = try client.subscribe([MQTTSubscription(filter: "s", qos: .atMostOnce)], at: at(1000))
        _ = client.said()
        #expect(client.nextDeadline == at(5000))
        #expect(client.advance(5000) == [])
        #expect(client.said() == [message("1", .atLeastOnce, id: id, isDuplicate: true)])
        // It is not queued again behind itself.
        #expect(client.advance(10_000) == [])
        #expect(client.said() == [message("1", .atLeastOnce, id: id, isDuplicate: true)])
        #expect(client.nextDeadline == at(12_000))
        #expect(client.advance(12_000) == [.failed(id, .expired)])
        #expect(client.advance(13_000) == [.failed(subscription, .expired)])
        #expect(client.hear(.puback(id), .suback(subscription, [.atMostOnce])) == [])
        #expect(client.nextDeadline == nil)
    }

    @Test func `repeats a message and pings at the same time`() throws {
        var configuration = MQTTClient.Configuration()
        configuration.repeatInterval = .seconds(5)
        var client = try MQTTClient.connected(MQTTConnect(clientID: "c", keepAlive: 10), configuration)
        let id = try #require(try client.publish(MQTTMessage("t", "1", .atLeastOnce), at: .zero))
        let again = message("1", .atLeastOnce, id: id, isDuplicate: true)
        _ = client.said()
        #expect(client.advance(5000) == [])
        #expect(client.said() == [again, .pingreq])
        #expect(client.hear(.pingresp, time: 5500) == [])
        // The repetition at 10 s does not delay the ping at 10.5 s.
        #expect(client.advance(10_000) == [])
        #expect(client.said() == [again])
        #expect(client.nextDeadline == at(10_500))
        #expect(client.advance(10_500) == [])
        #expect(client.said() == [.pingreq])
        #expect(client.advance(15_000) == [])
        #expect(client.advance(15_500) == [.disconnected(.pingTimeout)] + [.failed(id, .connectionLost)])
    }

    @Test func `ignores answers to nothing, and ends those of QoS 2`() throws {
        var client = try MQTTClient.connected()
        #expect(client.hear(.puback(5), .pubcomp(5), .suback(5, [nil]), .unsuback(5), .pingresp) == [])
        #expect(client.said() == [])
        #expect(client.hear(.pubrec(5), .pubrel(6)) == [])
        #expect(client.said() == [.pubrel(5), .pubcomp(6)])
        // Answers of the wrong kind.
        let first = try #require(try client.publish(MQTTMessage("t", "1", .atLeastOnce), at: .zero))
        let second = try #require(try client.publish(MQTTMessage("t", "2", .exactlyOnce), at: .zero))
        #expect(client.hear(.pubcomp(first), .puback(second), .pubcomp(second), .suback(first, [nil])) == [])
        #expect(
            client.hear(.puback(first), .pubrec(second), .pubcomp(second)) == [.published(first), .published(second)])
    }

    @Test func `ends the connection at a violation, and reads no further`() throws {
        let packets: [MQTTPacket] = [
            .connect(MQTTConnect(clientID: "c")), .connack(.accepted, sessionPresent: false),
            .subscribe(1, [.init(filter: "a", qos: .atMostOnce)]),
            .unsubscribe(1, ["a"]), .pingreq, .disconnect,
        ]
        for packet in packets {
            var client = try MQTTClient.connected()
            #expect(
                client.hear(packet, message("x", .atMostOnce))
                    == [.disconnected(.violation(.unexpected(packet.type)))])
            #expect(client.output.isEmpty && !client.isConnected)
        }
        var client = try MQTTClient(MQTTConnect(clientID: "c"))
        client.connected(at: .zero)
        #expect(client.hear(.pingresp) == [.disconnected(.violation(.unexpected(.pingresp)))])
        client.connected(at: .zero)
        client.receive([0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1], at: .zero)
        #expect(client.events() == [.disconnected(.violation(.endlessLength))])
        #expect(client.hear(.connack(.accepted, sessionPresent: false)) == [])
    }

    @Test func `limits the messages of QoS 2 that the broker does not release`() throws {
        var configuration = MQTTClient.Configuration()
        configuration.mostUnreleased = 2
        var client = try MQTTClient.connected(MQTTConnect(clientID: "c"), configuration)
        #expect(client.hear(message("1", .exactlyOnce, id: 1), message("2", .exactlyOnce, id: 2)).count == 2)
        #expect(
            client.hear(message("3", .exactlyOnce, id: 3)).last
                == .disconnected(.violation(.tooManyUnreleased(3))))
    }

    @Test func `reads what arrived before the connection ended`() throws {
        var client = try MQTTClient.connected()
        client.receive(mqttBytes(message("a", .atLeastOnce, id: 1), message("b", .atMostOnce)), at: at(1))
        client.closed(at: at(2))
        #expect(!client.isConnected)
        #expect(
            client.events() == [received("a", .atLeastOnce, id: 1), received("b", .atMostOnce), .disconnected(.closed)])
        #expect(client.output.isEmpty)
    }

    @Test func `says goodbye`() throws {
        var client = try MQTTClient.connected()
        _ = try client.publish(MQTTMessage("t", "last"), at: at(1))
        client.disconnect(at: at(1))
        #expect(client.said() == [message("last", .atMostOnce), .disconnect])
        #expect(client.events() == [.disconnected(.requested)])
        client.closed(at: at(2))
        client.disconnect(at: at(3))
        #expect(client.events() == [] && client.output.isEmpty && client.nextDeadline == nil)
    }

    @Test func `reads no more than its owner takes`() throws {
        var client = try MQTTClient.connected()
        let flood = mqttBytes(message("", .exactlyOnce, id: 1))
        for _ in 0..<20_000 { client.receive(flood, at: .zero) }
        _ = client.events()
        #expect(client.output.count <= client.configuration.mostOutgoing + 4)
        var answers = 0
        while !client.output.isEmpty {
            answers += client.said().count
            _ = client.events()
        }
        #expect(answers == 20_000)
    }
}

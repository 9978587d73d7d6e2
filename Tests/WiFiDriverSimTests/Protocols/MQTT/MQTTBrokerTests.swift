import Testing
import WiFiSimValues

@testable import WiFiSimProtocols

private func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

extension MQTTBroker {
    /// Takes packets on a connection.
    /// - Returns: what the broker answers on it.
    fileprivate mutating func hear(_ id: Int, _ packets: MQTTPacket..., time: Int = 0) -> [MQTTPacket] {
        for packet in packets { receive(mqttBytes(packet), from: id, at: at(time)) }
        return said(id)
    }

    fileprivate mutating func said(_ id: Int) -> [MQTTPacket] { MQTTDecoded(takeOutput(of: id)).packets }

    /// Opens a connection.
    /// - Returns: the answer to CONNECT.
    fileprivate mutating func connect(
        _ id: Int, _ client: MQTTText, clean: Bool = true, will: MQTTMessage? = nil, keepAlive: UInt16 = 0,
        user: MQTTText? = nil, password: String? = nil, time: Int = 0
    ) -> [MQTTPacket] {
        open(id, at: at(time))
        return hear(
            id,
            .connect(
                MQTTConnect(
                    clientID: client, userName: user, password: password.map { Array($0.utf8) },
                    keepAlive: keepAlive, isCleanSession: clean, will: will)), time: time)
    }

    fileprivate mutating func subscribe(_ id: Int, _ filter: MQTTText, _ qos: MQTTQoS = .exactlyOnce) -> [MQTTPacket] {
        hear(id, .subscribe(1, [MQTTSubscription(filter: filter, qos: qos)]))
    }
}

private let accepted = MQTTPacket.connack(.accepted, sessionPresent: false)
private let present = MQTTPacket.connack(.accepted, sessionPresent: true)

private func message(
    _ topic: MQTTText, _ text: String, _ qos: MQTTQoS = .atMostOnce, id: UInt16 = 0, isRetained: Bool = false,
    isDuplicate: Bool = false
) -> MQTTPacket {
    .publish(
        MQTTPublish(MQTTMessage(topic, text, qos, isRetained: isRetained), packetID: id, isDuplicate: isDuplicate))
}

@Suite struct `A broker of MQTT` {
    @Test func `passes messages to those who subscribed, with the lower quality`() {
        var broker = MQTTBroker()
        #expect(broker.connect(1, "a") == [accepted] && broker.connect(2, "b") == [accepted])
        #expect(broker.subscribe(2, "x/+", .atLeastOnce) == [.suback(1, [.atLeastOnce])])
        #expect(broker.hear(1, message("x/1", "0")) == [])
        #expect(broker.said(2) == [message("x/1", "0")])
        #expect(broker.hear(1, message("x/1", "1", .atLeastOnce, id: 5)) == [.puback(5)])
        #expect(broker.said(2) == [message("x/1", "1", .atLeastOnce, id: 1)])
        #expect(broker.hear(1, message("x/1", "2", .exactlyOnce, id: 6)) == [.pubrec(6)])
        #expect(broker.said(2) == [message("x/1", "2", .atLeastOnce, id: 2)])
        // Not twice.
        #expect(broker.hear(1, message("x/1", "2", .exactlyOnce, id: 6, isDuplicate: true)) == [.pubrec(6)])
        #expect(broker.hear(1, .pubrel(6)) == [.pubcomp(6)])
        #expect(broker.said(2) == [])
        #expect(broker.hear(1, message("y", "0")) == [] && broker.said(2) == [])
        #expect(broker.hear(2, .unsubscribe(9, ["x/+"])) == [.unsuback(9)])
        #expect(broker.hear(1, message("x/1", "0")) == [] && broker.said(2) == [])
        #expect(broker.hear(1, .pingreq) == [.pingresp])
        #expect(broker.connectedClients == ["a", "b"])
    }

    @Test func `passes a message once to a client with several matching subscriptions`() {
        var broker = MQTTBroker()
        _ = broker.connect(1, "a")
        for (filter, qos) in [("#", MQTTQoS.atMostOnce), ("x", .exactlyOnce), ("+", .atLeastOnce)] {
            _ = broker.subscribe(1, MQTTText(filter), qos)
        }
        #expect(
            broker.hear(1, message("x", "2", .exactlyOnce, id: 1))
                == [message("x", "2", .exactlyOnce, id: 1), .pubrec(1)])
        #expect(broker.hear(1, .pubrec(1)) == [.pubrel(1)])
        #expect(broker.hear(1, .pubcomp(1)) == [])
    }

    @Test func `keeps retained messages`() throws {
        var broker = MQTTBroker()
        _ = broker.connect(1, "a")
        _ = broker.hear(
            1, message("r/1", "old", isRetained: true), message("r/2", "b", .atLeastOnce, id: 1, isRetained: true))
        try broker.publish(MQTTMessage("r/1", "a", .exactlyOnce, isRetained: true), at: .zero)
        #expect(
            broker.subscribe(1, "r/#", .atLeastOnce) == [
                .suback(1, [.atLeastOnce]), message("r/1", "a", .atLeastOnce, id: 1, isRetained: true),
                message("r/2", "b", .atLeastOnce, id: 2, isRetained: true),
            ])
        // To those who are there already, it is a message as any other.
        #expect(broker.hear(1, message("r/2", "", isRetained: true)) == [message("r/2", "")])
        #expect(broker.subscribe(1, "r/2", .atMostOnce) == [.suback(1, [.atMostOnce])])
        #expect(throws: MQTTError.wildcardInTopic("+")) { try broker.publish(MQTTMessage("+", ""), at: .zero) }
    }

    @Test func `publishes the will of a client that is lost, not of one that says goodbye`() {
        let will = MQTTMessage("w", "gone", .atLeastOnce, isRetained: true)
        var broker = MQTTBroker()
        _ = broker.connect(1, "watcher")
        _ = broker.subscribe(1, "w", .atMostOnce)
        _ = broker.connect(2, "a", will: will)
        #expect(broker.hear(2, .disconnect) == [] && broker.isFinished(2))
        broker.closed(2, at: .zero)
        #expect(broker.said(1) == [])
        _ = broker.connect(3, "a", will: will)
        broker.closed(3, at: .zero)
        #expect(broker.said(1) == [message("w", "gone")])
        _ = broker.connect(4, "a", will: will)
        #expect(broker.hear(4, .pingresp) == [] && broker.isFinished(4))
        #expect(broker.said(1) == [message("w", "gone")])
        _ = broker.connect(5, "a", will: will)
        #expect(broker.connect(6, "a") == [accepted] && broker.isFinished(5) && !broker.isFinished(6))
        #expect(broker.said(1) == [message("w", "gone")])
        #expect(broker.subscribe(1, "w", .atMostOnce).last == message("w", "gone", isRetained: true))
    }

    @Test func `ends a connection that is silent for one and a half times its keep-alive`() {
        var broker = MQTTBroker()
        #expect(broker.connect(1, "a", keepAlive: 10) == [accepted])
        #expect(broker.hear(1, .pingreq, time: 9000) == [.pingresp])
        broker.advance(to: at(23_999))
        #expect(!broker.isFinished(1))
        broker.receive([0xC0], from: 1, at: at(23_999))
        broker.advance(to: at(24_000))
        #expect(broker.isFinished(1))
        broker.closed(1, at: at(24_000))
        #expect(broker.nextDeadline == nil)
        // One that never sends CONNECT.
        broker.open(2, at: at(30_000))
        #expect(broker.nextDeadline == at(60_000))
        broker.advance(to: at(60_000))
        #expect(broker.popNews() == 2 && broker.isFinished(2))
    }

    @Test func `keeps sessions, with the messages of QoS 1 and 2`() {
        var broker = MQTTBroker()
        #expect(broker.connect(1, "a", clean: false) == [accepted])
        _ = broker.subscribe(1, "x")
        _ = broker.connect(2, "b")
        _ = broker.hear(2, message("x", "1", .exactlyOnce, id: 1), message("x", "2", .exactlyOnce, id: 2))
        #expect(broker.said(1).count == 2)
        #expect(broker.hear(1, .pubrec(2)) == [.pubrel(2)])
        broker.closed(1, at: .zero)
        _ = broker.hear(2, message("x", "3"), message("x", "4", .atLeastOnce, id: 3))
        #expect(
            broker.connect(3, "a", clean: false) == [
                present, .pubrel(2), message("x", "1", .exactlyOnce, id: 1, isDuplicate: true),
                message("x", "4", .atLeastOnce, id: 3),
            ])
        broker.closed(3, at: .zero)
        #expect(broker.connect(4, "a", clean: true) == [accepted])
        #expect(broker.hear(2, message("x", "5")) == [] && broker.said(4) == [])
        broker.closed(4, at: .zero)
        #expect(broker.sessionCount == 1)
        #expect(broker.connect(5, "a", clean: false) == [accepted])
    }

    @Test func `gives a session to the newer connection`() {
        var broker = MQTTBroker()
        _ = broker.connect(1, "a", clean: false)
        _ = broker.subscribe(1, "x")
        #expect(broker.connect(2, "a", clean: false) == [present])
        #expect(broker.isFinished(1))
        broker.closed(1, at: .zero)
        #expect(broker.hear(2, message("x", "!")) == [message("x", "!")])
    }

    @Test func `refuses clients`() {
        var limits = MQTTBroker.Limits()
        limits.sessions = 2
        var broker = MQTTBroker(users: ["u": Array("p".utf8), "open": []], limits: limits)
        func code(_ packets: [MQTTPacket]) -> MQTTReturnCode? {
            if case .connack(let code, false) = packets.first { code } else { nil }
        }
        #expect(code(broker.connect(1, "a")) == .notAuthorized && broker.isFinished(1))
        #expect(code(broker.connect(2, "a", user: "u", password: "q")) == .badUserNameOrPassword)
        #expect(code(broker.connect(3, "a", user: "v", password: "p")) == .badUserNameOrPassword)
        #expect(code(broker.connect(4, "a", user: "u")) == .badUserNameOrPassword)
        #expect(code(broker.connect(5, "a", user: "u", password: "p")) == .accepted)
        #expect(code(broker.connect(6, "b", user: "open")) == .accepted)
        #expect(code(broker.connect(7, "c", user: "open")) == .serverUnavailable)
        #expect(code(broker.connect(8, "b", user: "open")) == .accepted)
        broker = MQTTBroker()
        #expect(code(broker.connect(1, "", clean: false)) == .identifierRejected)
        #expect(code(broker.connect(2, "")) == .accepted && code(broker.connect(3, "")) == .accepted)
        #expect(broker.connectedClients.count == 2)
        // Another version.
        broker.open(4, at: .zero)
        broker.receive(`Packets of MQTT`.connect(level: 5, 2), from: 4, at: .zero)
        #expect(broker.said(4) == [.connack(.unacceptableLevel, sessionPresent: false)] && broker.isFinished(4))
    }

    @Test func `ends connections that violate the protocol`() {
        let early: [MQTTPacket] = [.pingreq, .publish(MQTTPublish(MQTTMessage("x", ""))), accepted, .disconnect]
        for (id, packet) in early.enumerated() {
            var broker = MQTTBroker()
            broker.open(id, at: .zero)
            #expect(broker.hear(id, packet) == [] && broker.isFinished(id))
        }
        let late: [MQTTPacket] = [
            .connect(MQTTConnect(clientID: "a")), accepted, .suback(1, [nil]), .unsuback(1), .pingresp,
        ]
        for (id, packet) in late.enumerated() {
            var broker = MQTTBroker()
            _ = broker.connect(id, "a")
            #expect(broker.hear(id, packet) == [] && broker.isFinished(id))
            #expect(broker.sessionCount == 0)
        }
    }

    @Test func `sends no more than its limits`() throws {
        var limits = MQTTBroker.Limits()
        limits.output = 2000
        limits.queuedMessages = 5
        limits.inFlight = 2
        limits.subscriptions = 1
        limits.retainedMessages = 1
        var broker = MQTTBroker(limits: limits)
        _ = broker.connect(1, "a")
        _ = broker.subscribe(1, "x")
        #expect(broker.subscribe(1, "y") == [.suback(1, [nil])])
        for number in 1...10 { try broker.publish(MQTTMessage("x", "\(number)", .atLeastOnce), at: .zero) }
        let texts = { (packets: [MQTTPacket]) in
            packets.compactMap {
                if case .publish(let publish) = $0 {
                    String(decoding: publish.message.payload, as: UTF8.self)
                } else {
                    nil
                }
            }
        }
        #expect(texts(broker.said(1)) == ["1", "2"])
        var rest: [String] = []
        for id in 1...8 { rest += texts(broker.hear(1, .puback(UInt16(id)))) }
        #expect(rest == ["3", "4", "5", "6", "7"])
        // Messages of QoS 0 wait for the connection to take bytes.
        let long = String(repeating: "x", count: 400)
        for _ in 0..<20 { try broker.publish(MQTTMessage("x", long), at: .zero) }
        #expect(texts(broker.said(1)).count == 3)
        #expect(texts(broker.said(1)).count == 3 && texts(broker.said(1)).count == 2 && broker.said(1) == [])
        // A client that does not read answers is cut off.
        for _ in 0..<1001 { broker.receive([0xC0, 0], from: 1, at: .zero) }
        #expect(broker.isFinished(1))
        try broker.publish(MQTTMessage("r1", "a", isRetained: true), at: .zero)
        try broker.publish(MQTTMessage("r2", "a", isRetained: true), at: .zero)
        _ = broker.connect(2, "b")
        #expect(broker.subscribe(2, "#").count == 2)
    }
}

@Suite struct `A broker of MQTT that misbehaves` {
    @Test func `is silent`() {
        var broker = MQTTBroker()
        broker.faults = .silent
        #expect(broker.connect(1, "a") == [] && !broker.isFinished(1))
        #expect(broker.hear(1, .pingreq) == [])
    }

    @Test func `withholds packets`() {
        var broker = MQTTBroker()
        broker.faults.withheld = [.puback, .pingresp]
        #expect(broker.connect(1, "a") == [accepted])
        #expect(broker.hear(1, message("x", "", .atLeastOnce, id: 1), .pingreq) == [])
        #expect(broker.hear(1, message("x", "", .exactlyOnce, id: 2)) == [.pubrec(2)])
    }

    @Test func `refuses with a code`() {
        var broker = MQTTBroker()
        broker.faults.refusal = .notAuthorized
        #expect(broker.connect(1, "a") == [.connack(.notAuthorized, sessionPresent: false)] && broker.isFinished(1))
    }

    @Test func `is late`() {
        var broker = MQTTBroker()
        broker.faults.delay = .seconds(3)
        broker.faults.refusal = .serverUnavailable
        #expect(broker.connect(1, "a") == [])
        broker.faults = MQTTBrokerFaults()
        #expect(!broker.isFinished(1) && broker.nextDeadline == at(3000))
        broker.advance(to: at(2999))
        #expect(broker.said(1) == [])
        broker.advance(to: at(3000))
        #expect(broker.said(1) == [.connack(.serverUnavailable, sessionPresent: false)] && broker.isFinished(1))
        // Without the fault, packets still do not overtake late ones.
        broker.faults.delay = .seconds(1)
        #expect(broker.connect(2, "a", time: 4000) == [])
        broker.faults.delay = .zero
        #expect(broker.hear(2, .pingreq, time: 4500) == [])
        broker.advance(to: at(5000))
        #expect(broker.said(2) == [accepted, .pingresp])
    }

    @Test func `cuts off after some packets`() {
        var broker = MQTTBroker()
        broker.faults.cutsOffAfter = 2
        #expect(broker.connect(1, "a") == [accepted] && !broker.isFinished(1))
        broker.receive(mqttBytes(.pingreq, .pingreq), from: 1, at: .zero)
        #expect(broker.said(1) == [.pingresp] && broker.isFinished(1))
        broker.faults.cutsOffAfter = 0
        broker.open(2, at: .zero)
        #expect(broker.isFinished(2))
    }

    @Test func `forbids filters`() {
        var broker = MQTTBroker()
        broker.faults.forbiddenFilters = ["secret/#", "one"]
        _ = broker.connect(1, "a")
        let wanted = ["secret/a", "open", "one", "secret/#", "#"].map {
            MQTTSubscription(filter: MQTTText($0), qos: .atLeastOnce)
        }
        #expect(broker.hear(1, .subscribe(1, wanted)) == [.suback(1, [nil, .atLeastOnce, nil, nil, .atLeastOnce])])
        broker.faults.closesOnForbiddenFilter = true
        #expect(broker.subscribe(1, "open") == [.suback(1, [.exactlyOnce])] && !broker.isFinished(1))
        #expect(broker.subscribe(1, "secret/a") == [] && broker.isFinished(1))
    }
}

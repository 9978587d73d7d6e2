import Testing
import WiFiSimValues

@testable import WiFiSimProtocols

/// Random sessions: packets, damaged packets and noise, as whole blocks and in pieces.
@Suite struct `Random input of MQTT` {
    private static let inputs = 50_000

    /// The bytes of random packets, and messages.
    private let packets: [[UInt8]]
    private let messages: [MQTTMessage]

    init() {
        var random = SeededGenerator(1)
        packets = (0..<2000).map { _ in mqttBytes(.random(using: &random)) }
        messages = (0..<200).map { _ in .random(using: &random) }
    }

    private func input(using random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            bytes += packets[Int.random(in: packets.indices, using: &random)]
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .random(40, using: &random)
        case 1:
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            return bytes
        case 2: return bytes.dropLast(Int.random(in: 0...bytes.count, using: &random))
        default: return bytes
        }
    }

    @Test func `gives a decoder the same, however it is cut`() {
        var random = SeededGenerator(2)
        for _ in 0..<Self.inputs {
            let bytes = input(using: &random)
            let divides = Bool.random(using: &random)
            let limit = Int.random(in: 16...400, using: &random)
            let whole = MQTTDecoded(bytes, limit: limit, dividesPublish: divides)
            if MQTTDecoded(bytes, cut: .random, limit: limit, dividesPublish: divides) != whole {
                Issue.record("the pieces of \(bytes) matter")
            }
        }
    }

    @Test func `does not make a client trap or grow`() throws {
        var random = SeededGenerator(3)
        var configuration = MQTTClient.Configuration()
        configuration.buffer = 128
        configuration.mostOutgoing = 4096
        configuration.repeatInterval = .seconds(5)
        configuration.expiry = .seconds(30)
        var client = try MQTTClient(MQTTConnect(clientID: "c", isCleanSession: false), configuration)
        var now = Instant.zero
        var connections = 0
        for _ in 0..<Self.inputs {
            now = now + .milliseconds(Int.random(in: 0...2000, using: &random))
            if !client.isConnected {
                client.connected(at: now)
                client.receive(mqttBytes(.connack(.accepted, sessionPresent: .random(using: &random))), at: now)
                connections += 1
            }
            let message = messages[Int.random(in: messages.indices, using: &random)]
            _ = try? client.publish(message, at: now)
            _ = try? client.subscribe([MQTTSubscription(filter: message.topic, qos: .atLeastOnce)], at: now)
            client.receive(input(using: &random), at: now)
            if Int.random(in: 0..<20, using: &random) == 0 { client.closed(at: now) }
            if let deadline = client.nextDeadline, deadline <= now { client.advance(to: now) }
            while let event = client.next() {
                if case .message(let part) = event, part.publish.message.payload.count > 128 {
                    Issue.record("a part of \(part.publish.message.payload.count) bytes")
                }
            }
            if client.output.count > 3 * 4096 { Issue.record("the output has \(client.output.count) bytes") }
            if Bool.random(using: &random) {
                // All that the client says is well formed.
                if let error = MQTTDecoded(client.output.take(.max)).error { Issue.record(error) }
            }
            if let deadline = client.nextDeadline, deadline <= now { Issue.record("the deadline has passed") }
        }
        #expect(connections > 1000)
    }

    @Test func `does not make a broker trap or grow`() {
        var random = SeededGenerator(4)
        var limits = MQTTBroker.Limits()
        limits.output = 4096
        limits.sessions = 20
        limits.queuedMessages = 50
        var broker = MQTTBroker(limits: limits)
        var now = Instant.zero
        for number in 0..<Self.inputs {
            now = now + .milliseconds(Int.random(in: 0...2000, using: &random))
            let id = Int.random(in: 0..<8, using: &random)
            if number.isMultiple(of: 500) {
                broker.faults = MQTTBrokerFaults()
                switch Int.random(in: 0..<4, using: &random) {
                case 0: broker.faults.delay = .seconds(2)
                case 1: broker.faults.cutsOffAfter = 5
                case 2: broker.faults.withheld = [.puback, .publish]
                default: break
                }
            }
            if let deadline = broker.nextDeadline, deadline <= now { broker.advance(to: now) }
            broker.open(id, at: now)
            if Bool.random(using: &random) {
                let clientID: MQTTText = ["a", "b", "c", ""].randomElement(using: &random) ?? ""
                let connect = MQTTConnect(
                    clientID: clientID, isCleanSession: .random(using: &random),
                    will: messages.randomElement(using: &random))
                broker.receive(
                    mqttBytes(.connect(connect), .subscribe(1, [.init(filter: "#", qos: .exactlyOnce)])), from: id,
                    at: now)
            }
            broker.receive(input(using: &random), from: id, at: now)
            while let news = broker.popNews() {
                let output = broker.takeOutput(of: news, atMost: Int.random(in: 0...3000, using: &random))
                if output.count > 4096 { Issue.record("the output has \(output.count) bytes") }
                if broker.isFinished(news) { broker.closed(news, at: now) }
                if output.isEmpty { break }
            }
            if Int.random(in: 0..<10, using: &random) == 0 { broker.closed(id, at: now) }
            if broker.sessionCount > 20 { Issue.record("there are \(broker.sessionCount) sessions") }
        }
    }
}

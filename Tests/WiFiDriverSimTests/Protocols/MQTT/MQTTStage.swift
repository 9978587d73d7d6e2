import WiFiSimValues

@testable import WiFiSimProtocols

/// Clients and a broker on a network in virtual time. Each block of bytes takes 1 to 20 ms and may be cut anywhere.
/// A client that loses its connection connects again after 50 ms.
struct MQTTStage {
    struct Peer {
        var client: MQTTClient
        fileprivate(set) var events: [MQTTClient.Event] = []
        fileprivate(set) var connection: Int?
        fileprivate var connectAt: Instant?
    }

    var broker: MQTTBroker
    private(set) var peers: [Peer] = []
    private(set) var now = Instant.zero
    var random: SeededGenerator
    /// Of a thousand deliveries, how many end the connection instead.
    var cuts = 0
    /// The number of connections that were cut.
    private(set) var cutCount = 0
    private var wire = TimedQueue<Lane, Parcel>()
    private var lastConnection = 0

    private struct Lane: Equatable {
        let connection: Int
        let isToBroker: Bool
    }

    private struct Parcel {
        let lane: Lane
        /// `nil` for the end of the connection.
        let bytes: [UInt8]?
    }

    init(broker: MQTTBroker = MQTTBroker(), seed: UInt64 = 1) {
        self.broker = broker
        random = SeededGenerator(seed)
    }

    /// Adds a client, which connects at once.
    /// - Returns: its index.
    mutating func add(_ client: MQTTClient) -> Int {
        peers.append(Peer(client: client, connectAt: now))
        return peers.count - 1
    }

    mutating func publish(_ message: MQTTMessage, from peer: Int) throws -> UInt16? {
        defer { settle() }
        return try peers[peer].client.publish(message, at: now)
    }

    mutating func subscribe(_ peer: Int, to filter: MQTTText, _ qos: MQTTQoS) throws {
        defer { settle() }
        _ = try peers[peer].client.subscribe([MQTTSubscription(filter: filter, qos: qos)], at: now)
    }

    /// Cuts the connection of a client, with all bytes that are on the way.
    mutating func cut(_ peer: Int) {
        guard let connection = peers[peer].connection else { return }
        cutCount += 1
        wire.removeAll { $0.lane.connection == connection }
        peers[peer].client.closed(at: now)
        broker.closed(connection, at: now)
        settle()
    }

    mutating func takeEvents(of peer: Int) -> [MQTTClient.Event] {
        defer { peers[peer].events = [] }
        return peers[peer].events
    }

    /// The payloads that have arrived at a client since `takeEvents`.
    func payloads(at peer: Int) -> [[UInt8]] {
        peers[peer].events.compactMap { if case .message(let part) = $0 { part.publish.message.payload } else { nil } }
    }

    /// Lets everything happen that is due in this time.
    mutating func run(for time: Duration) { run(for: time) { _ in false } }

    /// Lets everything happen that is due in this time, or until `isDone`.
    mutating func run(for time: Duration, until isDone: (inout MQTTStage) throws -> Bool) rethrows {
        let end = now + time
        settle()
        while try !isDone(&self) {
            var next = Instant?.earlier(wire.nextDue, broker.nextDeadline)
            for peer in peers { next = .earlier(next, .earlier(peer.client.nextDeadline, peer.connectAt)) }
            guard let next, next <= end else {
                now = end
                return
            }
            now = max(now, next)
            step()
            settle()
        }
    }

    private mutating func step() {
        if let parcel = wire.popFirst(dueBy: now)?.element { deliver(parcel) }
        if let deadline = broker.nextDeadline, deadline <= now { broker.advance(to: now) }
        for index in peers.indices {
            if let deadline = peers[index].client.nextDeadline, deadline <= now {
                peers[index].client.advance(to: now)
            }
            if let connectAt = peers[index].connectAt, connectAt <= now {
                lastConnection += 1
                peers[index].connectAt = nil
                peers[index].connection = lastConnection
                broker.open(lastConnection, at: now)
                peers[index].client.connected(at: now)
            }
        }
    }

    private mutating func deliver(_ parcel: Parcel) {
        let connection = parcel.lane.connection
        guard let peer = peers.firstIndex(where: { $0.connection == connection }) else { return }
        if cuts > 0, Int.random(in: 0..<1000, using: &random) < cuts { return cut(peer) }
        switch (parcel.bytes, parcel.lane.isToBroker) {
        case (let bytes?, true): broker.receive(bytes, from: connection, at: now)
        case (let bytes?, false): peers[peer].client.receive(bytes, at: now)
        case (nil, true): broker.closed(connection, at: now)
        case (nil, false): peers[peer].client.closed(at: now)
        }
    }

    private mutating func settle() {
        for index in peers.indices {
            while let event = peers[index].client.next() {
                peers[index].events.append(event)
                guard case .disconnected = event, let connection = peers[index].connection else { continue }
                send(peers[index].client.output.take(.max), Lane(connection: connection, isToBroker: true))
                send(nil, Lane(connection: connection, isToBroker: true))
                broker.closed(connection, at: now)
                peers[index].connection = nil
                peers[index].connectAt = now + .milliseconds(50)
            }
            if let connection = peers[index].connection {
                send(peers[index].client.output.take(.max), Lane(connection: connection, isToBroker: true))
            }
        }
        while let connection = broker.popNews() {
            send(broker.takeOutput(of: connection), Lane(connection: connection, isToBroker: false))
            if broker.isFinished(connection) {
                broker.closed(connection, at: now)
                send(nil, Lane(connection: connection, isToBroker: false))
            }
        }
    }

    /// Puts bytes on the wire, cut into at most two blocks.
    private mutating func send(_ bytes: [UInt8]?, _ lane: Lane) {
        let due = now + .milliseconds(Int.random(in: 1...20, using: &random))
        guard let bytes else { return wire.append(Parcel(lane: lane, bytes: nil), in: lane, at: due) }
        guard !bytes.isEmpty else { return }
        let cut = Int.random(in: 0...bytes.count, using: &random)
        for block in [bytes[..<cut], bytes[cut...]] where !block.isEmpty {
            wire.append(Parcel(lane: lane, bytes: Array(block)), in: lane, at: due)
        }
    }
}

/// The bytes of packets.
func mqttBytes(_ packets: MQTTPacket...) -> [UInt8] {
    var bytes = ByteQueue()
    for packet in packets { bytes.append(packet) }
    return bytes.take(.max)
}

extension MQTTMessage {
    init(_ topic: MQTTText, _ text: String, _ qos: MQTTQoS = .atMostOnce, isRetained: Bool = false) {
        self.init(topic: topic, payload: Array(text.utf8), qos: qos, isRetained: isRetained)
    }
}

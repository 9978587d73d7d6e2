import WiFiSimValues

/// A broker of MQTT 3.1.1 for the virtual world and for tests.
///
/// Connections have numbers that the owner chooses.
///
/// - Input: `open`, `receive` and `closed` for a connection; `advance` at `nextDeadline` or later; `publish` for a
///   message of the world.
/// - Output: `popNews` returns the connections that changed, one a call. For each of them, take its bytes with
///   `takeOutput`; if it then `isFinished`, close it and call `closed`.
///
/// `takeOutput` may be called with a limit, as the connection takes bytes. Meanwhile its messages wait in the session,
/// whose queue is limited; a full queue drops the newest message. A client that lets `Limits.output` bytes of answers
/// wait is cut off. A message comes once for each client, with the highest quality of its matching subscriptions.
/// Deterministic; time only moves forward.
package struct MQTTBroker {
    package struct Limits: Equatable, Sendable {
        /// The longest packet from a client, in bytes.
        package var packet = 256 * 1024
        /// Bytes for one connection. Above half of it no message is added, above it the connection is cut off.
        package var output = 256 * 1024
        package var sessions = 10_000
        /// Per session.
        package var subscriptions = 1000
        /// Messages of QoS 1 and 2 that one client has not answered.
        package var inFlight = 20
        /// Messages that wait for one client.
        package var queuedMessages = 1000
        package var queuedBytes = 1024 * 1024
        /// Messages of QoS 2 that one client may send without PUBREL.
        package var unreleased = 1000
        package var retainedMessages = 1000
        package var retainedBytes = 16 * 1024 * 1024

        package init() {}
    }

    /// The time in which a client must send CONNECT.
    package static let connectTimeout = Duration.seconds(30)

    package var faults = MQTTBrokerFaults()
    /// The passwords of the users; `nil` to accept everyone.
    package var users: [MQTTText: [UInt8]]?
    package let limits: Limits

    private var now = Instant.zero
    private var connections = MQTTSlots<Connection>()
    /// The slots of the connections by the owner's numbers.
    private var slots: [Int: Int] = [:]
    private var sessions = MQTTSlots<MQTTSession>()
    private var sessionOf: [MQTTText: Int] = [:]
    private var retained = MQTTRetained()
    /// The deadlines of the connections, by slot.
    private var deadlines = Deadlines()
    private var news = Queue<Int>()
    /// The slots with too much output.
    private var overflowing: [Int] = []
    private var lastAssignedID = 0

    private struct Connection {
        let id: Int
        var decoder: MQTTDecoder
        var output = ByteQueue()
        /// Packets that a fault delays.
        var late = TimedQueue<Int, [UInt8]>()
        var lateCount = 0
        var session: Int?
        var will: MQTTMessage?
        /// One and a half times the client's keep-alive; `nil` for none.
        var patience: Duration? = MQTTBroker.connectTimeout
        var heardAt: Instant
        var packetCount = 0
        /// Nothing is read any more. To be closed when the output is taken.
        var isEnding = false
        /// In `news`.
        var isNew = false

        var isFinished: Bool { isEnding && output.isEmpty && late.isEmpty }
        var deadline: Instant? {
            .earlier(isEnding ? nil : patience.map { heardAt + $0 }, late.nextDue)
        }
    }

    package init(users: [MQTTText: [UInt8]]? = nil, limits: Limits = Limits()) {
        self.users = users
        self.limits = limits
    }

    // MARK: Connections

    /// A client has connected. `id` must not be in use.
    package mutating func open(_ id: Int, at now: Instant) {
        self.now = now
        guard slots[id] == nil else { return }
        let slot = connections.insert(
            Connection(id: id, decoder: MQTTDecoder(limit: limits.packet), heardAt: now))
        slots[id] = slot
        if faults.cutsOffAfter == 0 { end(slot) }
        settle(slot)
    }

    /// Takes bytes from a client. Has no effect on a connection that is not open.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer, from id: Int, at now: Instant) {
        self.now = now
        guard let slot = slots[id], connections[slot]?.isEnding == false else { return }
        connections[slot]?.decoder.receive(bytes)
        do throws(MQTTError) {
            while connections[slot]?.isEnding == false, let item = try connections[slot]?.decoder.next() {
                connections[slot]?.heardAt = now
                if case .packet(let packet) = item { try take(packet, from: slot) }
                count(slot)
                endOverflowing()
            }
        } catch {
            if case .unsupportedLevel = error, connections[slot]?.packetCount == 0 {
                send(.connack(.unacceptableLevel, sessionPresent: false), to: slot)
            }
            end(slot)
        }
        settle(slot)
    }

    package mutating func receive(_ bytes: [UInt8], from id: Int, at now: Instant) {
        bytes.withUnsafeBytes { receive($0, from: id, at: now) }
    }

    /// A connection has ended. Without a DISCONNECT, the client's will is published.
    package mutating func closed(_ id: Int, at now: Instant) {
        self.now = now
        guard let slot = slots.removeValue(forKey: id) else { return }
        end(slot)
        connections.remove(slot)
        deadlines.set(slot, to: nil)
        endOverflowing()
    }

    /// Publishes a message of the world.
    /// - Throws: `MQTTError` if the topic is not allowed.
    package mutating func publish(_ message: MQTTMessage, at now: Instant) throws(MQTTError) {
        self.now = now
        try message.topic.checkTopic()
        route(message)
        endOverflowing()
    }

    /// When `advance` has something to do; `nil` for never.
    package var nextDeadline: Instant? {
        mutating get { deadlines.next() }
    }

    /// Sends late packets, and ends connections that have been silent too long.
    package mutating func advance(to now: Instant) {
        self.now = max(now, self.now)
        while let slot = deadlines.takeDue(by: self.now) {
            while let late = connections[slot]?.late.popFirst(dueBy: self.now)?.element {
                connections[slot]?.lateCount -= late.count
                connections[slot]?.output.append(contentsOf: late)
                announce(slot)
            }
            if let connection = connections[slot], !connection.isEnding, let patience = connection.patience,
                connection.heardAt + patience <= self.now
            {
                end(slot)
            }
            settle(slot)
        }
    }

    // MARK: Output

    /// Returns a connection with new output, or that is to be closed; `nil` if there is none.
    package mutating func popNews() -> Int? {
        while let id = news.popFirst() {
            guard let slot = slots[id], connections[slot]?.isNew == true else { continue }
            connections[slot]?.isNew = false
            return id
        }
        return nil
    }

    /// Removes and returns bytes for a client, at most `limit`.
    package mutating func takeOutput(of id: Int, atMost limit: Int = .max) -> [UInt8] {
        guard let slot = slots[id], let bytes = connections[slot]?.output.take(limit) else { return [] }
        if let session = connections[slot]?.session { pump(session) }
        if connections[slot]?.output.isEmpty == false || connections[slot]?.isFinished == true { announce(slot) }
        endOverflowing()
        return bytes
    }

    /// Whether the broker has closed the connection, and all its bytes are taken.
    package func isFinished(_ id: Int) -> Bool { slots[id].flatMap { connections[$0]?.isFinished } ?? false }

    /// The clients that are connected, in the order of their sessions.
    package var connectedClients: [MQTTText] {
        sessions.numbers.compactMap { sessions[$0] }.filter { $0.connection != nil }.map(\.clientID)
    }

    /// The number of sessions, with or without a connection.
    package var sessionCount: Int { sessions.count }

    private mutating func announce(_ slot: Int) {
        guard let connection = connections[slot], !connection.isNew else { return }
        connections[slot]?.isNew = true
        news.append(connection.id)
    }

    private mutating func send(_ packet: MQTTPacket, to slot: Int) {
        guard connections[slot]?.isEnding == false, !faults.withheld.contains(packet.type) else { return }
        if faults.delay <= .zero, connections[slot]?.late.isEmpty == true {
            connections[slot]?.output.append(packet)
            announce(slot)
        } else {
            var bytes = ByteQueue()
            bytes.append(packet)
            connections[slot]?.lateCount += bytes.count
            connections[slot]?.late.append(bytes.take(.max), in: 0, at: now + faults.delay)
            updateDeadline(slot)
        }
        if outputCount(slot) > limits.output { overflowing.append(slot) }
    }

    private func outputCount(_ slot: Int) -> Int {
        connections[slot].map { $0.output.count + $0.lateCount } ?? 0
    }

    private mutating func updateDeadline(_ slot: Int) { deadlines.set(slot, to: connections[slot]?.deadline) }

    private mutating func settle(_ slot: Int) {
        endOverflowing()
        updateDeadline(slot)
    }

    private mutating func endOverflowing() {
        while let slot = overflowing.popLast() {
            connections[slot]?.output.removeAll()
            connections[slot]?.late.removeAll { _ in true }
            connections[slot]?.lateCount = 0
            end(slot)
            updateDeadline(slot)
        }
    }

    // MARK: The life of a session

    private mutating func count(_ slot: Int) {
        connections[slot]?.packetCount += 1
        if let limit = faults.cutsOffAfter, let count = connections[slot]?.packetCount, count >= limit { end(slot) }
    }

    /// Ends a connection: the session goes on without it, or ends too, and the will is published.
    private mutating func end(_ slot: Int) {
        guard let connection = connections[slot], !connection.isEnding else { return }
        connections[slot]?.isEnding = true
        connections[slot]?.will = nil
        connections[slot]?.session = nil
        connections[slot]?.decoder = MQTTDecoder(limit: 0)
        announce(slot)
        if let number = connection.session {
            sessions[number]?.connection = nil
            sessions[number]?.dropVolatile()
            if sessions[number]?.isClean == true { removeSession(number) }
        }
        if let will = connection.will { route(will) }
    }

    private mutating func removeSession(_ number: Int) {
        guard let session = sessions[number] else { return }
        sessionOf[session.clientID] = nil
        sessions.remove(number)
    }

    private mutating func connect(_ connect: MQTTConnect, from slot: Int) throws(MQTTError) {
        guard connections[slot]?.session == nil else { throw .unexpected(.connect) }
        if let code = faults.refusal ?? refusal(of: connect) {
            send(.connack(code, sessionPresent: false), to: slot)
            return end(slot)
        }
        let clientID = connect.clientID.isEmpty ? assignedID() : connect.clientID
        // The older connection of this client ends, and perhaps its session.
        if let old = sessionOf[clientID].flatMap({ sessions[$0]?.connection }) { end(old) }
        if connect.isCleanSession, let old = sessionOf[clientID] { removeSession(old) }
        let present = sessionOf[clientID]
        let number = present ?? sessions.insert(MQTTSession(clientID: clientID, isClean: connect.isCleanSession))
        sessionOf[clientID] = number
        sessions[number]?.connection = slot
        connections[slot]?.session = number
        connections[slot]?.will = connect.will
        connections[slot]?.patience = connect.keepAlive == 0 ? nil : .milliseconds(Int(connect.keepAlive) * 1500)
        send(.connack(.accepted, sessionPresent: present != nil), to: slot)
        for packet in sessions[number]?.inFlight.repeated(at: now) ?? [] { send(packet, to: slot) }
        pump(number)
    }

    private func refusal(of connect: MQTTConnect) -> MQTTReturnCode? {
        if connect.clientID.isEmpty, !connect.isCleanSession { return .identifierRejected }
        if let users {
            guard let name = connect.userName else { return .notAuthorized }
            guard let password = users[name], password == connect.password ?? [] else {
                return .badUserNameOrPassword
            }
        }
        if sessionOf[connect.clientID] == nil, sessions.count >= limits.sessions { return .serverUnavailable }
        return nil
    }

    private mutating func assignedID() -> MQTTText {
        var id: MQTTText
        repeat {
            lastAssignedID += 1
            id = MQTTText("auto-\(lastAssignedID)")
        } while sessionOf[id] != nil
        return id
    }

    // MARK: Packets

    private mutating func take(_ packet: MQTTPacket, from slot: Int) throws(MQTTError) {
        if case .connect(let options) = packet { return try connect(options, from: slot) }
        guard let number = connections[slot]?.session else { throw .unexpected(packet.type) }
        switch packet {
        case .publish(let publish): try take(publish, from: slot, number)
        case .puback(let id), .pubcomp(let id):
            _ = sessions[number]?.inFlight.acknowledge(packet.type, id)
            pump(number)
        case .pubrec(let id):
            sessions[number]?.inFlight.release(id, at: now)
            send(.pubrel(id), to: slot)
        case .pubrel(let id):
            sessions[number]?.unreleased.remove(id)
            send(.pubcomp(id), to: slot)
        case .subscribe(let id, let subscriptions): subscribe(subscriptions, id, from: slot, number)
        case .unsubscribe(let id, let filters):
            for filter in filters { sessions[number]?.unsubscribe(filter) }
            send(.unsuback(id), to: slot)
        case .pingreq: send(.pingresp, to: slot)
        case .disconnect:
            connections[slot]?.will = nil
            end(slot)
        case .connect, .connack, .suback, .unsuback, .pingresp: throw .unexpected(packet.type)
        }
    }

    private mutating func take(_ publish: MQTTPublish, from slot: Int, _ number: Int) throws(MQTTError) {
        let id = publish.packetID
        switch publish.message.qos {
        case .atMostOnce: route(publish.message)
        case .atLeastOnce:
            route(publish.message)
            send(.puback(id), to: slot)
        case .exactlyOnce:
            if sessions[number]?.unreleased.insert(id).inserted == true {
                if let count = sessions[number]?.unreleased.count, count > limits.unreleased {
                    throw .tooManyUnreleased(count)
                }
                route(publish.message)
            }
            send(.pubrec(id), to: slot)
        }
    }

    private mutating func subscribe(
        _ subscriptions: [MQTTSubscription], _ id: UInt16, from slot: Int, _ number: Int
    ) {
        if faults.closesOnForbiddenFilter, subscriptions.contains(where: { faults.forbids($0.filter) }) {
            return end(slot)
        }
        let grants: [MQTTQoS?] = subscriptions.map { subscription in
            guard !faults.forbids(subscription.filter),
                sessions[number]?.subscribe(subscription, limit: limits.subscriptions) == true
            else { return nil }
            return subscription.qos
        }
        send(.suback(id, grants), to: slot)
        for (subscription, grant) in zip(subscriptions, grants) {
            guard let grant else { continue }
            for message in retained.messages(for: subscription.filter) { deliver(message, grant, to: number) }
        }
        pump(number)
    }

    // MARK: Messages

    private mutating func route(_ message: MQTTMessage) {
        if message.isRetained { retained.keep(message, limits) }
        var current = message
        current.isRetained = false
        for number in sessions.numbers {
            guard let qos = sessions[number]?.qos(for: message.topic) else { continue }
            deliver(current, qos, to: number)
            pump(number)
        }
    }

    private mutating func deliver(_ message: MQTTMessage, _ granted: MQTTQoS, to number: Int) {
        var message = message
        message.qos = min(message.qos, granted)
        guard message.qos > .atMostOnce || sessions[number]?.connection != nil else { return }
        sessions[number]?.enqueue(message, limits)
    }

    /// Sends what waits in a session, as far as the client's connection and answers allow.
    private mutating func pump(_ number: Int) {
        guard let slot = sessions[number]?.connection else { return }
        while outputCount(slot) < limits.output / 2, let first = sessions[number]?.queue.first {
            guard first.qos > .atMostOnce else {
                _ = sessions[number]?.dequeue()
                send(.publish(MQTTPublish(first)), to: slot)
                continue
            }
            guard let count = sessions[number]?.inFlight.count, count < limits.inFlight,
                let message = sessions[number]?.dequeue(),
                let id = sessions[number]?.inFlight.add(.publish(message), at: now)
            else { return }
            send(.publish(MQTTPublish(message, packetID: id)), to: slot)
        }
    }
}

/// Retained messages, in the order in which their topics came.
private struct MQTTRetained {
    private var stored: [MQTTMessage] = []
    private var cost = 0

    /// Keeps a message instead of the last one of its topic. An empty one removes it. Too much is not kept.
    mutating func keep(_ message: MQTTMessage, _ limits: MQTTBroker.Limits) {
        let index = stored.firstIndex { $0.topic == message.topic }
        let old = index.map { stored[$0].cost } ?? 0
        let isKept =
            !message.payload.isEmpty && cost - old + message.cost <= limits.retainedBytes
            && (index != nil || stored.count < limits.retainedMessages)
        cost += (isKept ? message.cost : 0) - old
        switch (index, isKept) {
        case (let index?, true): stored[index] = message
        case (let index?, false): stored.remove(at: index)
        case (nil, true): stored.append(message)
        case (nil, false): break
        }
    }

    func messages(for filter: MQTTText) -> [MQTTMessage] { stored.filter { filter.matches($0.topic) } }
}

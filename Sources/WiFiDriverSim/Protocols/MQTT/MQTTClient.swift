import WiFiSimValues

/// A client's session of MQTT 3.1.1: one session, one connection after the other.
///
/// - Input: `connected` when there is a connection to the broker, `receive`, `closed` when it has ended; the calls
///   `publish`, `subscribe`, `unsubscribe` and `disconnect`; `advance` at `nextDeadline` or later.
/// - Output: `output` holds the bytes for the broker. `next` returns the events, one a call.
///
/// After each input, call `next` until it returns `nil`, and drain `output`. Packets are read only as far as `next` is
/// called, and it returns `nil` while `output` is full; so an owner that stops calling holds the broker up, and nothing
/// grows. Each `connected` leads to one `disconnected` event. The owner then sends what is left in `output` and closes
/// the connection. Time only moves forward. The client does not connect again by itself, and subscribes to nothing again.
///
/// A message of QoS 1 or 2 that is not answered stays in the session, and is sent again with DUP after the next
/// CONNACK. Only a clean session ends with its connection, and its messages fail. Answers to nothing are ignored, as
/// esp-mqtt does; a PUBREC is always answered with PUBREL, and a PUBREL with PUBCOMP, so that the broker's side ends too.
package struct MQTTClient {
    package struct Configuration: Equatable, Sendable {
        /// The wait for CONNACK. The network timeout of esp-mqtt is 10 s.
        package var answerTimeout = Duration.seconds(10)
        /// After this time without an answer, a message is sent again; `nil` to do so only on a new connection.
        package var repeatInterval: Duration?
        /// After this time without an answer, a packet fails. `nil` to wait forever; the outbox of esp-mqtt has 30 s.
        package var expiry: Duration?
        /// The receive buffer in bytes. Longer messages come in parts; other longer packets are errors.
        package var buffer = 1024
        /// The number of packets that may wait for an answer.
        package var mostInFlight = 20
        /// The memory of messages that wait for an answer, in bytes, and the longest packet to be sent.
        package var mostOutgoing = 64 * 1024
        /// The number of messages of QoS 2 that the broker may send without PUBREL.
        package var mostUnreleased = 1000

        package init() {}
    }

    package enum Event: Equatable, Sendable {
        /// The broker has accepted the client.
        case connected(sessionPresent: Bool)
        /// A message, or a part of a long one. A message of QoS 2 comes once, unless it was cut off between two parts.
        case message(MQTTPart)
        /// The message with this packet ID has arrived at the broker.
        case published(UInt16)
        /// The granted quality for each filter; `nil` for a refused one.
        case subscribed(UInt16, [MQTTQoS?])
        case unsubscribed(UInt16)
        /// The packet with this ID gets no answer.
        case failed(UInt16, Failure)
        /// The connection is of no more use.
        case disconnected(Reason)
    }

    package enum Failure: Equatable, Sendable {
        /// The answer did not come in time.
        case expired
        /// The connection was lost, and the session does not keep the packet.
        case connectionLost
    }

    /// Why a connection has ended.
    package enum Reason: Equatable, Sendable {
        /// `disconnect` was called.
        case requested
        /// The connection was closed.
        case closed
        /// The broker refused with this code.
        case refused(MQTTReturnCode)
        /// No CONNACK came in time.
        case noAnswer
        /// No PINGRESP came in time.
        case pingTimeout
        case violation(MQTTError)
    }

    /// Why a call has no effect.
    package enum CallError: Error, Equatable, Sendable {
        case notConnected
        /// Wait for an answer: as many packets as allowed have none, or their messages need all the memory.
        case tooManyInFlight
        /// Drain `output` first.
        case outputFull
        /// The packet has this many bytes.
        case tooLong(Int, limit: Int)
        case invalid(MQTTError)
    }

    /// Bytes for the broker. The owner drains it.
    package var output = ByteQueue()
    /// Set this while the owner holds bytes of the broker back. Meanwhile no answer is missed.
    package var isHeldUp = false
    package let configuration: Configuration
    /// What the next connection says first.
    package let options: MQTTConnect

    private var state = State.idle
    private var now = Instant.zero
    private var decoder: MQTTDecoder
    private var events = Queue<Event>()
    private var inFlight = MQTTInFlight()
    /// The packet IDs of QoS 2 that have arrived and are not released.
    private var unreleased: Set<UInt16> = []
    /// The connection has ended; its last bytes may still be unread.
    private var isInputEnded = false
    /// Bytes have arrived, and `next` has not read all of them.
    private var isUnread = false
    /// Where a long message is that comes in parts.
    private var divided = Divided.none

    private enum State: Equatable {
        case idle
        /// CONNECT was sent. The answer must come by this time.
        case connecting(Instant)
        /// With keep-alive, the time of the next PINGREQ, or until when its answer must come.
        case connected(pingAt: Instant?, answerBy: Instant?)
    }

    private enum Divided { case none, new, old }

    /// Makes a client that is not connected.
    /// - Throws: `MQTTError` if a text or a length in the options is not allowed.
    package init(_ options: MQTTConnect, _ configuration: Configuration = Configuration()) throws(MQTTError) {
        try options.check()
        self.options = options
        self.configuration = configuration
        decoder = Self.decoder(configuration)
    }

    private static func decoder(_ configuration: Configuration) -> MQTTDecoder {
        MQTTDecoder(limit: configuration.buffer, dividesPublish: true)
    }

    /// Whether the broker has accepted the client, so that it may publish and subscribe.
    package var isConnected: Bool {
        if case .connected = state { !isInputEnded } else { false }
    }

    // MARK: The connection

    /// Starts on a new connection: sends CONNECT. A connection before it counts as closed.
    package mutating func connected(at now: Instant) {
        self.now = now
        if state != .idle { end(.closed) }
        output.removeAll()
        state = .connecting(now + configuration.answerTimeout)
        send(.connect(options))
    }

    /// Takes bytes from the broker.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer, at now: Instant) {
        self.now = now
        guard state != .idle, !isInputEnded, !bytes.isEmpty else { return }
        decoder.receive(bytes)
        isUnread = true
    }

    package mutating func receive(_ bytes: [UInt8], at now: Instant) {
        bytes.withUnsafeBytes { receive($0, at: now) }
    }

    /// The connection has ended. What has arrived is still read.
    package mutating func closed(at now: Instant) {
        self.now = now
        if state != .idle { isInputEnded = true }
    }

    /// Ends the connection with DISCONNECT. Has no effect without one.
    package mutating func disconnect(at now: Instant) {
        self.now = now
        guard state != .idle else { return }
        if isConnected { send(.disconnect) }
        end(.requested)
    }

    // MARK: Calls

    /// Sends a message.
    /// - Returns: the packet ID, for the events; `nil` at QoS 0, where there is none.
    package mutating func publish(_ message: MQTTMessage, at now: Instant) throws(CallError) -> UInt16? {
        self.now = now
        try check(.publish(MQTTPublish(message, packetID: message.qos == .atMostOnce ? 0 : 1)))
        let length = MQTTPublish(message).encodedLength
        guard length <= configuration.mostOutgoing else { throw .tooLong(length, limit: configuration.mostOutgoing) }
        guard message.qos > .atMostOnce else {
            send(.publish(MQTTPublish(message)))
            return nil
        }
        guard inFlight.isEmpty || inFlight.cost + message.cost <= configuration.mostOutgoing else {
            throw .tooManyInFlight
        }
        let id = try begin(.publish(message))
        send(.publish(MQTTPublish(message, packetID: id)))
        return id
    }

    /// Subscribes.
    /// - Returns: the packet ID, for the events.
    package mutating func subscribe(
        _ subscriptions: [MQTTSubscription], at now: Instant
    ) throws(CallError) -> UInt16 {
        self.now = now
        try check(.subscribe(1, subscriptions))
        try check(subscriptions.reduce(16) { $0 + $1.filter.bytes.count + 3 })
        let id = try begin(.subscribe(subscriptions.count))
        send(.subscribe(id, subscriptions))
        return id
    }

    /// Ends subscriptions.
    /// - Returns: the packet ID, for the events.
    package mutating func unsubscribe(_ filters: [MQTTText], at now: Instant) throws(CallError) -> UInt16 {
        self.now = now
        try check(.unsubscribe(1, filters))
        try check(filters.reduce(16) { $0 + $1.bytes.count + 2 })
        let id = try begin(.unsubscribe)
        send(.unsubscribe(id, filters))
        return id
    }

    /// What holds for all calls.
    private func check(_ packet: MQTTPacket) throws(CallError) {
        do throws(MQTTError) { try packet.check() } catch { throw .invalid(error) }
        guard isConnected else { throw .notConnected }
        guard output.count < configuration.mostOutgoing else { throw .outputFull }
    }

    private func check(_ length: Int) throws(CallError) {
        guard length <= configuration.mostOutgoing else { throw .tooLong(length, limit: configuration.mostOutgoing) }
    }

    private mutating func begin(_ content: MQTTInFlight.Content) throws(CallError) -> UInt16 {
        guard inFlight.count < min(configuration.mostInFlight, 60_000) else { throw .tooManyInFlight }
        return inFlight.add(content, at: now)
    }

    // MARK: Time

    /// When `advance` has something to do; `nil` for never.
    package var nextDeadline: Instant? {
        var deadline: Instant?
        switch state {
        case .connecting(let limit) where !isInputEnded: deadline = limit
        case .connected(let pingAt, let answerBy) where !isInputEnded:
            deadline = answerBy ?? pingAt
            if let interval = configuration.repeatInterval, let sentAt = inFlight.oldestMessageSentAt {
                deadline = .earlier(deadline, sentAt + interval)
            }
        case .idle, .connecting, .connected: break
        }
        if let expiry = configuration.expiry, let since = inFlight.oldestSince {
            deadline = .earlier(deadline, since + expiry)
        }
        return deadline
    }

    /// Does what is due.
    package mutating func advance(to now: Instant) {
        let now = max(now, self.now)
        self.now = now
        if let expiry = configuration.expiry {
            for id in inFlight.removeAll(where: { $0.since + expiry <= now }) {
                events.append(.failed(id, .expired))
            }
        }
        guard !isInputEnded else { return }
        repeatMessages()
        switch state {
        case .connecting(let limit) where limit <= now:
            if mayHaveAnswer { postpone() } else { end(.noAnswer) }
        case .connected(_, let answerBy?) where answerBy <= now:
            if mayHaveAnswer { postpone() } else { end(.pingTimeout) }
        case .connected(let pingAt?, nil) where pingAt <= now:
            send(.pingreq)
            state = .connected(pingAt: nil, answerBy: now + pingInterval)
        case .idle, .connecting, .connected: break
        }
    }

    /// PINGREQ follows the last packet after half the keep-alive, and its answer after another half (esp-mqtt).
    private var pingInterval: Duration { .milliseconds(Int(options.keepAlive) * 500) }

    /// Whether the answer may have come to the owner already, or to the decoder.
    private var mayHaveAnswer: Bool { isHeldUp || isUnread && !isOutputFull }

    /// Waits once more for the same answer.
    private mutating func postpone() {
        switch state {
        case .idle: break
        case .connecting: state = .connecting(now + configuration.answerTimeout)
        case .connected: state = .connected(pingAt: nil, answerBy: now + pingInterval)
        }
    }

    private mutating func repeatMessages() {
        guard isConnected, let interval = configuration.repeatInterval else { return }
        let overdue = inFlight.overdue(sentBy: Instant(nanoseconds: now.nanoseconds - interval.nanoseconds), at: now)
        // A message that still waits in the output is not sent twice.
        guard output.isEmpty else { return }
        // They do not delay the ping: a broker that is gone is still found out.
        for packet in overdue { output.append(packet) }
    }

    // MARK: Packets

    private var isOutputFull: Bool { output.count >= configuration.mostOutgoing }

    /// Returns the next event; `nil` if more bytes are needed, or if `output` must be drained.
    package mutating func next() -> Event? {
        while true {
            if let event = events.popFirst() { return event }
            guard state != .idle else { return nil }
            if isInputEnded { output.removeAll() }
            guard !isOutputFull else { return nil }
            do throws(MQTTError) {
                if let item = try decoder.next() {
                    try take(item)
                } else {
                    isUnread = false
                    guard isInputEnded else { return nil }
                    end(.closed)
                }
            } catch {
                end(.violation(error))
            }
        }
    }

    private mutating func take(_ item: MQTTDecoder.Item) throws(MQTTError) {
        switch (item, state) {
        case (_, .idle): break
        case (.packet(.connack(.accepted, let sessionPresent)), .connecting): accepted(sessionPresent)
        case (.packet(.connack(let code, _)), .connecting): end(.refused(code))
        case (.packet(let packet), .connecting): throw .unexpected(packet.type)
        case (.part, .connecting): throw .unexpected(.publish)
        case (.packet(let packet), .connected): try take(packet)
        case (.part(let part), .connected): try take(part)
        }
    }

    private mutating func accepted(_ sessionPresent: Bool) {
        state = .connected(pingAt: nil, answerBy: nil)
        if !sessionPresent { unreleased = [] }
        events.append(.connected(sessionPresent: sessionPresent))
        restartPingTimer()
        for packet in inFlight.repeated(at: now) { send(packet) }
    }

    private mutating func take(_ packet: MQTTPacket) throws(MQTTError) {
        switch packet {
        case .publish(let publish): try take(MQTTPart(whole: publish))
        case .puback(let id), .pubcomp(let id):
            if inFlight.acknowledge(packet.type, id) != nil { events.append(.published(id)) }
        case .pubrec(let id):
            inFlight.release(id, at: now)
            send(.pubrel(id))
        case .pubrel(let id):
            unreleased.remove(id)
            send(.pubcomp(id))
        case .suback(let id, let grants):
            guard case .subscribe(let count) = inFlight.acknowledge(.suback, id) else { break }
            // It has its answer, but a wrong one.
            guard grants.count == count else {
                events.append(.failed(id, .connectionLost))
                throw .wrongGrantCount(grants.count, expected: count)
            }
            events.append(.subscribed(id, grants))
        case .unsuback(let id):
            if inFlight.acknowledge(.unsuback, id) != nil { events.append(.unsubscribed(id)) }
        case .pingresp: if case .connected(_, .some) = state { restartPingTimer() }
        case .connect, .connack, .subscribe, .unsubscribe, .pingreq, .disconnect: throw .unexpected(packet.type)
        }
    }

    private mutating func take(_ part: MQTTPart) throws(MQTTError) {
        let publish = part.publish
        let id = publish.packetID
        if divided == .none {
            divided = publish.message.qos == .exactlyOnce && unreleased.contains(id) ? .old : .new
        }
        if divided == .new { events.append(.message(part)) }
        guard part.isLast else { return }
        divided = .none
        switch publish.message.qos {
        case .atMostOnce: break
        case .atLeastOnce: send(.puback(id))
        case .exactlyOnce:
            unreleased.insert(id)
            guard unreleased.count <= configuration.mostUnreleased else {
                throw .tooManyUnreleased(unreleased.count)
            }
            send(.pubrec(id))
        }
    }

    private mutating func send(_ packet: MQTTPacket) {
        output.append(packet)
        if case .connected(_, nil) = state { restartPingTimer() }
    }

    private mutating func restartPingTimer() {
        state = .connected(pingAt: options.keepAlive == 0 ? nil : now + pingInterval, answerBy: nil)
    }

    /// Ends the connection. A clean session ends with it.
    private mutating func end(_ reason: Reason) {
        state = .idle
        isInputEnded = false
        isUnread = false
        isHeldUp = false
        divided = .none
        decoder = Self.decoder(configuration)
        if reason != .requested { output.removeAll() }
        events.append(.disconnected(reason))
        if options.isCleanSession { unreleased = [] }
        let lost = inFlight.removeAll { entry in
            switch entry.content {
            case .publish, .release: options.isCleanSession
            case .subscribe, .unsubscribe: true
            }
        }
        for id in lost { events.append(.failed(id, .connectionLost)) }
    }
}

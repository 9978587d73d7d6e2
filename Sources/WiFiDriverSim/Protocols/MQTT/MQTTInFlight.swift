import WiFiSimValues

/// The packets of one side that wait for an answer, with their packet IDs. Part of the session's state.
///
/// Entries that wait for PUBCOMP come first, in the order of their PUBRECs; then the others in the order of sending.
/// This is the order in which a new connection repeats them (MQTT 3.1.1, 4.6).
struct MQTTInFlight {
    enum Content: Equatable {
        /// A message of QoS 1 or 2.
        case publish(MQTTMessage)
        /// A message of QoS 2 whose PUBREL was sent.
        case release
        /// A SUBSCRIBE with this number of filters.
        case subscribe(Int)
        case unsubscribe
    }

    struct Entry {
        let id: UInt16
        fileprivate(set) var content: Content
        /// When it was first sent.
        let since: Instant
        var sentAt: Instant

        /// The memory of the message, in bytes.
        fileprivate var cost: Int { if case .publish(let message) = content { message.cost } else { 0 } }
    }

    private(set) var entries: [Entry] = []
    /// The memory of the messages, in bytes.
    private(set) var cost = 0
    private var lastID: UInt16 = 0

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }

    /// Adds an entry. There must be fewer than 65,535.
    /// - Returns: its packet ID.
    mutating func add(_ content: Content, at now: Instant) -> UInt16 {
        repeat { lastID = lastID == .max ? 1 : lastID + 1 } while index(of: lastID) != nil
        let entry = Entry(id: lastID, content: content, since: now, sentAt: now)
        entries.append(entry)
        cost += entry.cost
        return lastID
    }

    /// Removes the entry that a PUBACK, PUBCOMP, SUBACK or UNSUBACK answers.
    /// - Returns: its content; `nil` if no entry waits for this.
    mutating func acknowledge(_ type: MQTTPacketType, _ id: UInt16) -> Content? {
        guard let index = index(of: id) else { return nil }
        let content = entries[index].content
        switch (type, content) {
        case (.puback, .publish(let message)) where message.qos == .atLeastOnce: break
        case (.pubcomp, .release), (.suback, .subscribe), (.unsuback, .unsubscribe): break
        default: return nil
        }
        remove(at: index)
        return content
    }

    /// Takes a PUBREC. The message is the peer's from here on.
    mutating func release(_ id: UInt16, at now: Instant) {
        guard let index = index(of: id), case .publish(let message) = entries[index].content,
            message.qos == .exactlyOnce
        else { return }
        var entry = entries[index]
        remove(at: index)
        entry.content = .release
        entry.sentAt = now
        let place = entries.firstIndex { $0.content != .release } ?? entries.endIndex
        entries.insert(entry, at: place)
    }

    /// Removes the entries that match.
    /// - Returns: their packet IDs.
    mutating func removeAll(where matches: (Entry) -> Bool) -> [UInt16] {
        let removed = entries.filter(matches)
        guard !removed.isEmpty else { return [] }
        entries.removeAll(where: matches)
        cost -= removed.reduce(0) { $0 + $1.cost }
        return removed.map(\.id)
    }

    /// The packets to repeat on a new connection. The standard does not repeat SUBSCRIBE and UNSUBSCRIBE.
    mutating func repeated(at now: Instant) -> [MQTTPacket] {
        entries.indices.compactMap { index in
            entries[index].sentAt = now
            return switch entries[index].content {
            case .publish: duplicate(at: index)
            case .release: .pubrel(entries[index].id)
            case .subscribe, .unsubscribe: nil
            }
        }
    }

    /// The messages that were last sent by `limit`, and are to be sent again.
    mutating func overdue(sentBy limit: Instant, at now: Instant) -> [MQTTPacket] {
        entries.indices.compactMap { index in
            guard entries[index].sentAt <= limit, let packet = duplicate(at: index) else { return nil }
            entries[index].sentAt = now
            return packet
        }
    }

    /// When the first of the unanswered messages was sent; `nil` if there is none.
    var oldestMessageSentAt: Instant? {
        entries.lazy.filter { if case .publish = $0.content { true } else { false } }.map(\.sentAt).min()
    }

    var oldestSince: Instant? { entries.lazy.map(\.since).min() }

    private func duplicate(at index: Int) -> MQTTPacket? {
        guard case .publish(let message) = entries[index].content else { return nil }
        return .publish(MQTTPublish(message, packetID: entries[index].id, isDuplicate: true))
    }

    private func index(of id: UInt16) -> Int? { entries.firstIndex { $0.id == id } }

    private mutating func remove(at index: Int) { cost -= entries.remove(at: index).cost }
}

/// A queue of elements with due times, the earliest first.
///
/// Elements of one lane keep the order in which they were added, whatever their times; elements of different lanes
/// overtake each other. Elements with the same time keep their order.
@usableFromInline package struct TimedQueue<Lane: Equatable, Element> {
    @usableFromInline var queue = Queue<Entry>()

    @inlinable package init() {}

    @usableFromInline struct Entry {
        @usableFromInline let lane: Lane?
        @usableFromInline let at: Instant
        @usableFromInline let element: Element

        @inlinable init(lane: Lane?, at: Instant, element: Element) {
            self.lane = lane
            self.at = at
            self.element = element
        }
    }

    @inlinable package var isEmpty: Bool { queue.isEmpty }
    /// The time of the first element; `nil` if the queue is empty.
    @inlinable package var nextDue: Instant? {
        // Without a copy of the element, which `first` would make.
        queue.isEmpty ? nil : queue.storage[queue.head].at
    }

    /// Adds an element that is due at `due`, or later if earlier elements of its lane are due later.
    /// - Parameters:
    ///   - element: the element.
    ///   - lane: the lane; `nil` for an element that is in no lane.
    ///   - due: when it is due.
    @inlinable package mutating func append(_ element: Element, in lane: Lane?, at due: Instant) {
        let entries = queue.elements
        var due = due
        var index = entries.endIndex
        while index > entries.startIndex, entries[index - 1].at > due {
            index -= 1
            guard lane != nil, entries[index].lane == lane else { continue }
            due = entries[index].at
            index = entries[index...].firstIndex { $0.at > due } ?? entries.endIndex
        }
        queue.insert(Entry(lane: lane, at: due, element: element), at: index)
    }

    /// Removes the first element if it is due by `now`.
    @inlinable package mutating func popFirst(dueBy now: Instant) -> (at: Instant, element: Element)? {
        guard let due = nextDue, due <= now, let element = popFirst() else { return nil }
        return (due, element)
    }

    @inlinable package mutating func popFirst() -> Element? { queue.popFirst()?.element }

    /// Removes the last element that matches.
    @inlinable package mutating func removeLast(where matches: (Element) -> Bool) -> Element? {
        queue.removeLast { matches($0.element) }?.element
    }

    @inlinable package mutating func removeAll(where matches: (Element) -> Bool) {
        queue.removeAll { matches($0.element) }
    }
}

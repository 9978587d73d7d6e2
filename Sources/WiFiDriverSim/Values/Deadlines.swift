/// The deadlines of many clients, which are numbered from 0. The earliest is found at once, and a change takes
/// logarithmic time.
package struct Deadlines {
    /// The current deadline of each client, by its number.
    private var wanted: [Instant?] = []
    /// A binary heap by time. An entry that differs from its client's current deadline is stale; it is skipped when it
    /// reaches the front.
    private var heap: [Entry] = []

    package init() {}

    private struct Entry {
        let at: Instant
        let number: Int
    }

    /// Sets the deadline of client `number`; `nil` is never.
    package mutating func set(_ number: Int, to deadline: Instant?) {
        while wanted.count <= number { wanted.append(nil) }
        guard wanted[number] != deadline else { return }
        wanted[number] = deadline
        guard let deadline else { return }
        if heap.count > 64 + 4 * wanted.count { dropStale() }
        insert(Entry(at: deadline, number: number))
    }

    /// The earliest deadline; `nil` if there is none.
    package mutating func next() -> Instant? {
        while let first = heap.first, wanted[first.number] != first.at { removeFirst() }
        return heap.first?.at
    }

    /// Takes a client whose deadline is not after `now`, and clears its deadline; `nil` if there is none.
    package mutating func takeDue(by now: Instant) -> Int? {
        guard let next = next(), next <= now else { return nil }
        let number = heap[0].number
        removeFirst()
        wanted[number] = nil
        return number
    }

    private mutating func dropStale() {
        let entries = heap.filter { wanted[$0.number] == $0.at }
        heap = []
        for entry in entries { insert(entry) }
    }

    private mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, heap[child].at < heap[(child - 1) / 2].at {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].at < heap[least].at {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

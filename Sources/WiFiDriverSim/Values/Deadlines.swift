/// When each of many wants to be called: the earliest is found at once, and a change costs little however many there are.
package struct Deadlines {
    /// What each wants now, by its number.
    private var wanted: [Instant?] = []
    /// A binary heap by time. An entry that is not what its number wants any more is skipped when it comes to the front.
    private var heap: [Entry] = []

    package init() {}

    private struct Entry {
        let at: Instant
        let number: Int
    }

    /// Sets what `number` wants; `nil` is never.
    package mutating func set(_ number: Int, to deadline: Instant?) {
        while wanted.count <= number { wanted.append(nil) }
        guard wanted[number] != deadline else { return }
        wanted[number] = deadline
        guard let deadline else { return }
        if heap.count > 64 + 4 * wanted.count { dropStale() }
        insert(Entry(at: deadline, number: number))
    }

    /// The earliest; `nil` where nobody wants any.
    package mutating func next() -> Instant? {
        while let first = heap.first, wanted[first.number] != first.at { removeFirst() }
        return heap.first?.at
    }

    /// The number whose turn it is by `now`, which wants nothing then until it is set again; `nil` if it is nobody's.
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

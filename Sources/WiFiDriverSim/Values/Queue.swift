/// A first-in, first-out queue in one contiguous buffer.
@usableFromInline package struct Queue<Element> {
    @usableFromInline var storage: [Element] = []
    /// The index of the first element. Removed elements stay before it until the buffer is compacted.
    @usableFromInline var head = 0

    @inlinable package init() {}

    /// Makes an empty queue with room for `capacity` elements.
    @inlinable package init(capacity: Int) { storage.reserveCapacity(capacity) }

    @inlinable package var count: Int { storage.count - head }
    @inlinable package var isEmpty: Bool { count == 0 }

    /// The elements, first in first, for searching.
    @inlinable package var elements: ArraySlice<Element> { storage[head...] }
    @inlinable package var first: Element? { elements.first }

    @inlinable package mutating func append(_ element: Element) { storage.append(element) }
    @inlinable
    package mutating func append(contentsOf elements: some Collection<Element>) { storage.append(contentsOf: elements) }

    /// Appends a whole array, without a copy if the queue is empty.
    @inlinable package mutating func append(whole elements: [Element]) {
        guard isEmpty else { return storage.append(contentsOf: elements) }
        storage = elements
        head = 0
    }

    /// Inserts an element at an index of `elements`, or at its end index.
    @inlinable package mutating func insert(_ element: Element, at index: Int) { storage.insert(element, at: index) }

    /// Replaces the first element. There must be one.
    @inlinable package mutating func replaceFirst(with element: Element) { storage[head] = element }

    @inlinable package mutating func popFirst() -> Element? {
        guard let first else { return nil }
        removeFirst(1)
        return first
    }

    /// Removes the first `count` elements. `count` must not exceed the number of elements.
    @inlinable package mutating func removeFirst(_ count: Int) {
        head += count
        if head == storage.count {
            storage.removeAll(keepingCapacity: storage.capacity <= Self.keptCapacity)
            head = 0
        } else if head > Self.keptCapacity / 2, head > storage.count / 2 {
            storage.removeSubrange(..<head)
            head = 0
        }
    }

    /// Removes the last `count` elements. `count` must not exceed the number of elements.
    @inlinable package mutating func removeLast(_ count: Int) { storage.removeLast(count) }

    /// Removes and returns at most `limit` elements.
    @inlinable package mutating func take(_ limit: Int) -> [Element] {
        if limit >= storage.count, head == 0 {
            defer { storage = [] }
            return storage
        }
        let length = min(limit, count)
        let taken = Array(storage[head..<head + length])
        removeFirst(length)
        return taken
    }

    @inlinable package mutating func removeAll() {
        storage = []
        head = 0
    }

    @inlinable package mutating func removeAll(where matches: (Element) -> Bool) {
        storage[head...].removeAll(where: matches)
    }

    /// Removes the last element that matches.
    @inlinable package mutating func removeLast(where matches: (Element) -> Bool) -> Element? {
        elements.lastIndex(where: matches).map { storage.remove(at: $0) }
    }

    /// The largest buffer, in elements, that an empty queue keeps: 32 KiB, so that a thousand idle modules stay small.
    @inlinable static var keptCapacity: Int { 32 * 1024 / MemoryLayout<Element>.stride }
}

@usableFromInline package typealias ByteQueue = Queue<UInt8>

extension Queue<UInt8> {
    @inlinable package mutating func append(contentsOf bytes: UnsafeRawBufferPointer) {
        storage.append(contentsOf: bytes)
    }

    @inlinable
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try storage.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[head...])) }
    }
}

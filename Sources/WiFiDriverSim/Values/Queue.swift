/// Elements that come in at the back and go out at the front, in one contiguous buffer.
struct Queue<Element> {
    private var storage: [Element] = []
    /// The first element that is still there. Those before it are removed from time to time.
    private var head = 0

    init() {}

    /// An empty queue with room for `capacity` elements.
    init(capacity: Int) { storage.reserveCapacity(capacity) }

    var count: Int { storage.count - head }
    var isEmpty: Bool { count == 0 }

    /// The elements from the front, for a search.
    var elements: ArraySlice<Element> { storage[head...] }
    var first: Element? { elements.first }

    mutating func append(_ element: Element) { storage.append(element) }
    mutating func append(contentsOf elements: some Collection<Element>) { storage.append(contentsOf: elements) }

    /// Appends a whole array, which is not copied where nothing is before it.
    mutating func append(whole elements: [Element]) {
        guard isEmpty else { return storage.append(contentsOf: elements) }
        storage = elements
        head = 0
    }

    /// Inserts an element at an index of `elements`, or at its end.
    mutating func insert(_ element: Element, at index: Int) { storage.insert(element, at: index) }

    mutating func popFirst() -> Element? {
        guard let first else { return nil }
        removeFirst(1)
        return first
    }

    /// Drops the first `count` elements, which must be there.
    mutating func removeFirst(_ count: Int) {
        head += count
        if head == storage.count {
            storage.removeAll(keepingCapacity: storage.capacity <= Self.keptCapacity)
            head = 0
        } else if head > Self.keptCapacity / 2, head > storage.count / 2 {
            storage.removeSubrange(..<head)
            head = 0
        }
    }

    /// Drops the last `count` elements, which must be there.
    mutating func removeLast(_ count: Int) { storage.removeLast(count) }

    /// Removes and returns at most `limit` elements.
    mutating func take(_ limit: Int) -> [Element] {
        if limit >= storage.count, head == 0 {
            defer { storage = [] }
            return storage
        }
        let length = min(limit, count)
        let taken = Array(storage[head..<head + length])
        removeFirst(length)
        return taken
    }

    mutating func removeAll() {
        storage = []
        head = 0
    }

    mutating func removeAll(where matches: (Element) -> Bool) { storage[head...].removeAll(where: matches) }

    /// Removes the last element that matches.
    mutating func removeLast(where matches: (Element) -> Bool) -> Element? {
        elements.lastIndex(where: matches).map { storage.remove(at: $0) }
    }

    /// An emptied buffer of more than 32 KiB is given back, so that a thousand idle modules stay small.
    private static var keptCapacity: Int { 32 * 1024 / MemoryLayout<Element>.stride }
}

typealias ByteQueue = Queue<UInt8>

extension Queue<UInt8> {
    mutating func append(contentsOf bytes: UnsafeRawBufferPointer) { storage.append(contentsOf: bytes) }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try storage.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[head...])) }
    }
}

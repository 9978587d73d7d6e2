/// Bytes that come in at the back and go out at the front, in one contiguous buffer.
struct ByteQueue {
    private var storage: [UInt8] = []
    private var head = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { count == 0 }

    init() {}

    /// An empty queue with room for `capacity` bytes.
    init(capacity: Int) { storage.reserveCapacity(capacity) }

    mutating func append(_ byte: UInt8) { storage.append(byte) }
    mutating func append(contentsOf bytes: some Collection<UInt8>) { storage.append(contentsOf: bytes) }
    mutating func append(contentsOf bytes: UnsafeRawBufferPointer) { storage.append(contentsOf: bytes) }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try storage.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[head...])) }
    }

    /// Drops the first `count` bytes, which must be there.
    mutating func removeFirst(_ count: Int) {
        head += count
        if head == storage.count {
            storage.removeAll(keepingCapacity: storage.capacity <= Self.keptCapacity)
            head = 0
        } else if head > Self.compactionThreshold, head > storage.count / 2 {
            storage.removeSubrange(..<head)
            head = 0
        }
    }

    /// Drops the last `count` bytes, which must be there.
    mutating func removeLast(_ count: Int) { storage.removeLast(count) }

    /// Appends a whole array, which is not copied where nothing is before it.
    mutating func append(whole bytes: [UInt8]) {
        guard isEmpty else { return storage.append(contentsOf: bytes) }
        storage = bytes
        head = 0
    }

    /// Removes and returns at most `limit` bytes.
    mutating func take(_ limit: Int) -> [UInt8] {
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

    /// An emptied buffer larger than this is given back, so that a thousand idle modules stay small.
    private static let keptCapacity = 32 * 1024
    private static let compactionThreshold = 16 * 1024
}

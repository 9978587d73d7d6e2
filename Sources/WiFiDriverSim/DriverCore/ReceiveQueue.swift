import WiFiSimValues

/// What a connection has received and the application has not read: bytes in a ring, for datagrams with their bounds.
///
/// There is one producer, whoever reads the line, and its room (`reserve`) stays valid while the consumer takes bytes, so
/// the line may be read straight into it without the driver's lock. Everything else is guarded by that lock.
final class ReceiveQueue {
    /// A datagram in the queue, perhaps still coming in.
    private struct Datagram {
        let source: Endpoint?
        let length: Int
        var received = 0
    }

    private var storage: UnsafeMutableRawBufferPointer
    /// Bytes ever taken and ever put in; their difference is what is there.
    private var head = 0
    private var tail = 0
    /// Datagram connections only: the bounds of what is there, a grown-out prefix of `consumed` entries included.
    private var datagrams: [Datagram] = []
    private var consumed = 0
    private let isDatagram: Bool

    /// An empty queue with `capacity` bytes at first, a power of two; it grows as needed.
    init(isDatagram: Bool, capacity: Int = 4096) {
        self.isDatagram = isDatagram
        storage = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit { storage.deallocate() }

    /// Bytes that ever came in.
    var received: Int { tail }

    /// Bytes there, those of an unfinished datagram included.
    var count: Int { tail - head }

    /// Datagrams there, an unfinished one included.
    var datagramCount: Int { datagrams.count - consumed }

    /// Whether `read` would give something.
    var isReadable: Bool {
        guard isDatagram else { return count > 0 }
        return consumed < datagrams.count && datagrams[consumed].received == datagrams[consumed].length
    }

    // MARK: Producer

    /// A datagram of `length` bytes begins.
    func beginDatagram(length: Int, source: Endpoint?) {
        datagrams.append(Datagram(source: source, length: length))
    }

    /// Forgets a datagram whose rest will not come.
    func dropUnfinishedDatagram() {
        guard let last = datagrams.last, last.received < last.length else { return }
        tail -= last.received
        datagrams.removeLast()
    }

    /// Takes back the last bytes of a stream, as far as they have not been read.
    func takeBack(_ count: Int) { tail -= min(count, tail - head) }

    /// Free room for at most `count` bytes, in one piece; not empty unless `count` is 0.
    func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer {
        if storage.count - self.count < count, storage.count < Self.preferredCapacity || self.count == storage.count {
            grow()
        }
        let start = tail & (storage.count - 1)
        let room = min(count, storage.count - self.count, storage.count - start)
        return UnsafeMutableRawBufferPointer(rebasing: storage[start..<start + room])
    }

    /// The first `count` bytes of the room reserved last are filled.
    func commit(_ count: Int) {
        tail += count
        if isDatagram, !datagrams.isEmpty { datagrams[datagrams.count - 1].received += count }
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            let room = reserve(rest.count)
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<room.count]))
            commit(room.count)
            rest = UnsafeRawBufferPointer(rebasing: rest[room.count...])
        }
    }

    /// Doubles the ring. Up to here the producer asks for room in steps; beyond, only when there is none.
    private func grow() {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: storage.count * 2, alignment: 64)
        var position = head
        while position < tail {
            let from = position & (storage.count - 1)
            let to = position & (larger.count - 1)
            let length = min(tail - position, storage.count - from, larger.count - to)
            UnsafeMutableRawBufferPointer(rebasing: larger[to..<to + length])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[from..<from + length]))
            position += length
        }
        storage.deallocate()
        storage = larger
    }

    private static let preferredCapacity = 64 * 1024

    // MARK: Consumer

    /// Takes what fits of a stream, or the next datagram, whose rest is dropped.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, source: Endpoint?) {
        guard isReadable else { return (0, nil) }
        guard isDatagram else {
            let length = min(count, buffer.count)
            copy(length, to: buffer)
            head += length
            return (length, nil)
        }
        let datagram = datagrams[consumed]
        consumed += 1
        if consumed > 64 {
            datagrams.removeSubrange(..<consumed)
            consumed = 0
        }
        let length = min(datagram.length, buffer.count)
        copy(length, to: buffer)
        head += datagram.length
        return (length, datagram.source)
    }

    private func copy(_ length: Int, to buffer: UnsafeMutableRawBufferPointer) {
        let start = head & (storage.count - 1)
        let first = min(length, storage.count - start)
        guard first > 0 else { return }
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[start..<start + first]))
        guard first < length else { return }
        UnsafeMutableRawBufferPointer(rebasing: buffer[first...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<(length - first)]))
    }
}

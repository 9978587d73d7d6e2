import WiFiSimValues

/// The bytes that a connection has received and the application has not read: a ring, with datagram boundaries where
/// needed.
///
/// There is one producer, the thread that reads the line. The memory that `reserve` returns stays valid while the
/// consumer takes bytes, so the line may be read into it without the driver's lock. Everything else is guarded by that
/// lock.
final class ReceiveQueue {
    /// A datagram in the queue, possibly incomplete.
    private struct Datagram {
        let source: Endpoint?
        let length: Int
        var received = 0
    }

    private var storage: UnsafeMutableRawBufferPointer
    /// Total bytes taken and total bytes added. The difference is the number of bytes in the queue.
    private var head = 0
    private var tail = 0
    /// Datagram connections only. The first `consumed` entries have been read and are removed later.
    private var datagrams: [Datagram] = []
    private var consumed = 0
    private let isDatagram: Bool

    /// Creates an empty queue. `capacity` is in bytes, a power of two, and grows as needed.
    init(isDatagram: Bool, capacity: Int = 4096) {
        self.isDatagram = isDatagram
        storage = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit { storage.deallocate() }

    /// Total bytes received.
    var received: Int { tail }

    /// Bytes in the queue, including an incomplete datagram.
    var count: Int { tail - head }

    /// Datagrams in the queue, including an incomplete one.
    var datagramCount: Int { datagrams.count - consumed }

    /// Whether `read` would return something.
    var isReadable: Bool {
        guard isDatagram else { return count > 0 }
        return consumed < datagrams.count && datagrams[consumed].received == datagrams[consumed].length
    }

    // MARK: Producer

    /// Begins a datagram of `length` bytes.
    func beginDatagram(length: Int, source: Endpoint?) {
        datagrams.append(Datagram(source: source, length: length))
    }

    /// Drops a datagram whose remaining bytes will not come.
    func dropUnfinishedDatagram() {
        guard let last = datagrams.last, last.received < last.length else { return }
        tail -= last.received
        datagrams.removeLast()
    }

    /// Removes the last `count` bytes of a stream, except those that have been read.
    func takeBack(_ count: Int) { tail -= min(count, tail - head) }

    /// Contiguous free memory for at most `count` bytes. Empty only if `count` is 0.
    func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer {
        if storage.count - self.count < count, storage.count < Self.preferredCapacity || self.count == storage.count {
            grow()
        }
        let start = tail & (storage.count - 1)
        let room = min(count, storage.count - self.count, storage.count - start)
        return UnsafeMutableRawBufferPointer(rebasing: storage[start..<start + room])
    }

    /// Records that the first `count` bytes of the last reserved memory are filled.
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

    /// Doubles the ring. Up to `preferredCapacity` it grows whenever a request does not fit, above that only when it is
    /// full.
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

    /// Takes as much of a stream as fits, or the next datagram. The part of a datagram that does not fit is dropped.
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

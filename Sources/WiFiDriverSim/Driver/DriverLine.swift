/// The line to the module and who reads it. Guarded by the driver's lock, except where it says otherwise.
final class DriverLine {
    /// Where the bytes of the current payload go.
    enum Sink {
        case discard
        case connection(DriverConnection)
    }

    let port: SerialPort
    let watch: SerialPortWatch
    var parser = ResponseParser()
    var sink = Sink.discard
    /// What the call waits for that reads the line now; nil when nobody reads. Only that call uses `buffer`.
    var reader: DriverTopics?
    /// The turn of the lock in which the line was last found empty: that was a moment ago if the turn is still the same.
    var emptyTurn = 0
    /// The watching thread will wake up when bytes come.
    private(set) var isWatched = false
    private(set) var isLost = false
    /// Bytes that were dropped because nobody could take them: datagrams beyond a full queue, data of closed sockets.
    var droppedCount = 0

    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 1024, alignment: 64)

    init(port: SerialPort) throws(SystemError) {
        self.port = port
        watch = try port.makeWatch()
    }

    deinit { buffer.deallocate() }

    func lose() {
        isLost = true
        port.wake()
    }

    func setWatched(_ watched: Bool) {
        guard watched != isWatched, !isLost else { return }
        isWatched = watched
        if watched { watch.arm() } else { watch.disarm() }
    }

    /// The watch has fired, which disarms it.
    func watchFired() { isWatched = false }

    /// What a read brought.
    struct Input {
        /// Room in a queue that was offered to the read; it is filled first.
        let room: UnsafeMutableRawBufferPointer
        let bytes: UnsafeMutableRawBufferPointer
        var count = 0
    }

    /// Offers the room where the current payload belongs, then the line's own buffer.
    func prepareRead() -> Input {
        var room = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        if case .connection(let connection) = sink, !connection.discards, parser.payloadRemaining > 0 {
            room = connection.queue.reserve(min(parser.payloadRemaining, Self.longestDirectRead))
        }
        return Input(room: room, bytes: buffer)
    }

    /// Reads what is there; unless the deadline is `past`, waits for it or for `port.wake()`. Called without the lock by the
    /// one who has the reader's role.
    func read(_ input: inout Input, until deadline: RealTime?) throws(SerialPortError) {
        // In the middle of a payload the next bytes are likely to be there already.
        if deadline == .past || !input.room.isEmpty {
            input.count = try port.read(into: input.room, input.bytes)
            if input.count > 0 || deadline == .past { return }
        }
        if try port.wait(for: [.readable, .woken], until: deadline).contains(.readable) {
            input.count = try port.read(into: input.room, input.bytes)
        }
    }

    private static let longestDirectRead = 64 * 1024
}

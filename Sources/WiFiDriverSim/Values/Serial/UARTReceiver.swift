/// The receiving side of a module's UART: the hardware's FIFO and the driver's ring.
///
/// Bytes from the line go in through `receive`. The firmware takes them with `take`, or with `withUnsafeBytes` and
/// `removeFirst`. While it takes none, the ring fills, then the driver keeps one FIFO's content aside, then the FIFO
/// fills. A byte for which the full FIFO has no room is lost, and with it the whole FIFO, which the driver then clears
/// (ESP-IDF and ESP8266_RTOS_SDK, uart.c, UART_FIFO_OVF).
///
/// Calls of `receive` without a call of `take` in between are as one call with all their bytes. It has no clock: the
/// FIFO's time-out counts as passed when the firmware takes bytes.
package struct UARTReceiver {
    /// The bytes of ring, stash and FIFO, in this order.
    private var queue = ByteQueue()
    private let ringSize: Int
    /// The number of bytes that did not fit into the ring when the FIFO was emptied. Until they do, the FIFO is not
    /// emptied.
    private var stashed = 0
    private var inFIFO = 0
    /// The number of bytes lost since the start.
    package private(set) var lostBytes = 0
    /// The number of times that the FIFO overflowed since the start.
    package private(set) var overruns = 0

    package init(_ buffers: UARTBuffers) { ringSize = buffers.receiveRing }

    /// The number of bytes that the firmware can take.
    package var count: Int { queue.count }
    package var isEmpty: Bool { queue.isEmpty }

    /// False while the host is asked to wait. Has an effect only if the flow control includes RTS.
    package var rtsIsAsserted: Bool { inFIFO < UARTBuffers.waitsAt }

    /// The number of bytes until `rtsIsAsserted` becomes false, if the firmware takes none.
    package var room: Int {
        if stashed > 0 { return max(0, UARTBuffers.waitsAt - inFIFO) }
        let timesEmptied = (ringSize - inRing) / UARTBuffers.emptiedAt + 1
        return timesEmptied * UARTBuffers.emptiedAt - inFIFO + UARTBuffers.waitsAt
    }

    private var inRing: Int { queue.count - stashed - inFIFO }

    /// Takes bytes from the line.
    /// - Returns: the number of bytes lost, which may include some that were received before.
    @discardableResult
    package mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        let lostBefore = lostBytes
        var rest = bytes[...]
        while !rest.isEmpty {
            let limit = stashed == 0 ? UARTBuffers.emptiedAt : UARTBuffers.fifo
            let part = rest.prefix(max(0, limit - inFIFO))
            if part.isEmpty {
                overflow()
                rest = rest.dropFirst()
            } else {
                queue.append(contentsOf: UnsafeRawBufferPointer(rebasing: part))
                inFIFO += part.count
                rest = rest.dropFirst(part.count)
                if inFIFO == limit, stashed == 0 { emptyFIFO() }
            }
        }
        return lostBytes - lostBefore
    }

    /// Takes bytes from the line, as `receive(_:)` of a buffer does.
    @discardableResult
    package mutating func receive(_ bytes: [UInt8]) -> Int { bytes.withUnsafeBytes { receive($0) } }

    /// The FIFO is full and another byte arrives.
    private mutating func overflow() {
        queue.removeLast(inFIFO)
        lostBytes += inFIFO + 1
        overruns += 1
        inFIFO = 0
    }

    /// The driver takes all of the FIFO, or keeps it aside if the ring has no room for all of it.
    private mutating func emptyFIFO() {
        if inRing + inFIFO > ringSize { stashed = inFIFO }
        inFIFO = 0
    }

    /// Removes and returns at most `limit` bytes, the oldest first.
    package mutating func take(_ limit: Int) -> [UInt8] {
        let taken = queue.take(min(limit, queue.count))
        noteRoom()
        return taken
    }

    /// The bytes that the firmware can take, the oldest first.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try queue.withUnsafeBytes(body)
    }

    /// Removes the oldest `count` bytes; at most as many as there are.
    package mutating func removeFirst(_ count: Int) {
        queue.removeFirst(min(count, queue.count))
        noteRoom()
    }

    /// Drops all bytes, as a restart does. The counts stay.
    package mutating func removeAll() {
        queue.removeAll()
        stashed = 0
        inFIFO = 0
    }

    /// The firmware has taken bytes: what was kept aside and what the FIFO holds follow into the ring.
    private mutating func noteRoom() {
        // The oldest bytes are taken first, so a reader that goes beyond the ring takes them out of stash and FIFO.
        inFIFO = min(inFIFO, queue.count)
        stashed = min(stashed, queue.count - inFIFO)
        if stashed > 0, queue.count - inFIFO <= ringSize { stashed = 0 }
        if stashed == 0 { emptyFIFO() }
    }
}

import WiFiSimDriverCore
import WiFiSimHost

/// The serial port of a driver and its current reader. Guarded by the driver's lock, unless stated otherwise.
final class DriverPort {
    let port: SerialPort
    let watch: SerialPortWatch
    /// The thread in `read`, which runs without the lock. Only that thread uses `buffer`.
    var reading: Reading?
    var isBeingRead: Bool { reading != nil }

    /// What the current reader waits for.
    struct Reading {
        /// The call that reads. Nil for the driver's own thread, and for a read that does not wait.
        var call: CallID?
        var until: RealTime?
        var acceptsInput = true
        var wantsRoom = false
    }

    /// The watching thread wakes up when bytes arrive.
    private(set) var isWatched = false
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 1024, alignment: 64)

    init(_ port: SerialPort) throws(SystemError) {
        self.port = port
        watch = try port.makeWatch()
    }

    deinit { buffer.deallocate() }

    func setWatched(_ watched: Bool) {
        guard watched != isWatched else { return }
        isWatched = watched
        if watched { watch.arm() } else { watch.disarm() }
    }

    /// Records that the watch has fired, which disarms it.
    func watchFired() { isWatched = false }

    /// The bytes of one read. They fill `room` first, then the port's own buffer.
    struct Input {
        let room: UnsafeMutableRawBufferPointer
        let buffer: UnsafeMutableRawBufferPointer
        var count = 0

        var direct: Int { min(count, room.count) }
        var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[..<(count - direct)]) }
    }

    func input(into room: UnsafeMutableRawBufferPointer) -> Input { Input(room: room, buffer: buffer) }

    /// Reads the available bytes. Unless the deadline is `past`, waits until there are some, until the line takes
    /// output if `wantsRoom` is set, or until `port.wake()`. Called without the lock.
    func read(_ input: inout Input, orWrite wantsRoom: Bool, until deadline: RealTime?) throws(SerialPortError) {
        // In the middle of a payload, the next bytes have probably arrived.
        if deadline == .past || !input.room.isEmpty {
            input.count = try port.read(into: input.room, input.buffer)
            if input.count > 0 || deadline == .past { return }
        }
        if try port.wait(toRead: true, orWrite: wantsRoom, until: deadline) {
            input.count = try port.read(into: input.room, input.buffer)
        }
    }
}

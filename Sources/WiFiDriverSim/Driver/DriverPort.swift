import WiFiSimDriverCore
import WiFiSimHost

/// The serial port of a driver and who reads it. Guarded by the driver's lock, except where it says otherwise.
final class DriverPort {
    let port: SerialPort
    let watch: SerialPortWatch
    /// Who is in `read`, without the lock. Only that one uses `buffer`.
    var reading: Reading?
    var isBeingRead: Bool { reading != nil }

    /// What the one who reads the line waits for.
    struct Reading {
        /// The call that reads; `nil` for the driver's own thread, and for who does not wait.
        var call: CallID?
        var until: RealTime?
        var acceptsInput = true
        var wantsRoom = false
    }

    /// The watching thread will wake up when bytes come.
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

    /// The watch has fired, which disarms it.
    func watchFired() { isWatched = false }

    /// What a read brought: first the room that was offered is filled, then the port's own buffer.
    struct Input {
        let room: UnsafeMutableRawBufferPointer
        let buffer: UnsafeMutableRawBufferPointer
        var count = 0

        var direct: Int { min(count, room.count) }
        var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[..<(count - direct)]) }
    }

    func input(into room: UnsafeMutableRawBufferPointer) -> Input { Input(room: room, buffer: buffer) }

    /// Reads what is there; unless the deadline is `past`, waits for it, for room for output where that is wanted, or for
    /// `port.wake()`. Called without the lock.
    func read(_ input: inout Input, orWrite wantsRoom: Bool, until deadline: RealTime?) throws(SerialPortError) {
        // In the middle of a payload the next bytes are likely to be there already.
        if deadline == .past || !input.room.isEmpty {
            input.count = try port.read(into: input.room, input.buffer)
            if input.count > 0 || deadline == .past { return }
        }
        if try port.wait(toRead: true, orWrite: wantsRoom, until: deadline) {
            input.count = try port.read(into: input.room, input.buffer)
        }
    }
}

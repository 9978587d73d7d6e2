import CTranscript
import WiFiSimHost
import WiFiSimValues

/// The object behind the C header's `wifisim_replay` pointer.
private final class CReplay {
    var replay: ModuleReplay
    var now = Instant.zero
    var output = ByteQueue()
    let transcript: Transcript
    let path: String

    init(path: String, strictness: ModuleReplay.Strictness) throws {
        let script = try Transcript.Script(contentsOf: path)
        transcript = script.transcript
        self.path = path
        replay = try ModuleReplay(script, strictness)
        replay.advance(to: now)
    }

    func advance(to end: Instant) {
        while let next = replay.nextDeadline, next <= end {
            now = next
            replay.advance(to: now)
        }
        now = end
        replay.advance(to: now)
    }

    static func at(_ pointer: OpaquePointer) -> CReplay {
        Unmanaged<CReplay>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }
}

/// Copies text with a terminating zero, cut to the size of the buffer.
private func copy(_ text: String, to buffer: UnsafeMutablePointer<CChar>?, _ size: Int) {
    guard let buffer, size > 0 else { return }
    let count = min(size - 1, text.utf8.count)
    for (index, byte) in text.utf8.prefix(count).enumerated() { buffer[index] = CChar(bitPattern: byte) }
    buffer[count] = 0
}

@c @implementation
func wifisim_replay_open(
    _ path: UnsafePointer<CChar>?, _ strictness: Int32, _ error: UnsafeMutablePointer<CChar>?, _ error_size: Int
) -> OpaquePointer? {
    do {
        guard let path else { throw SystemError("open", code: 22) }
        let replay = try CReplay(
            path: String(cString: path), strictness: strictness == WIFISIM_LOOSE ? .loose : .strict)
        copy("", to: error, error_size)
        return OpaquePointer(Unmanaged.passRetained(replay).toOpaque())
    } catch let reason {
        copy("\(reason)", to: error, error_size)
        return nil
    }
}

@c @implementation
func wifisim_replay_send(_ replay: OpaquePointer?, _ bytes: UnsafeRawPointer?, _ count: Int) {
    guard let replay, let bytes else { return }
    let state = CReplay.at(replay)
    state.replay.receive(Array(UnsafeRawBufferPointer(start: bytes, count: count)), at: state.now)
}

@c @implementation
func wifisim_replay_receive(_ replay: OpaquePointer?, _ buffer: UnsafeMutableRawPointer?, _ size: Int) -> Int {
    guard let replay, let buffer else { return 0 }
    let state = CReplay.at(replay)
    state.output.append(contentsOf: state.replay.takeOutput())
    let taken = state.output.take(size)
    UnsafeMutableRawBufferPointer(start: buffer, count: size).copyBytes(from: taken)
    return taken.count
}

@c @implementation
func wifisim_replay_advance(_ replay: OpaquePointer?, _ milliseconds: UInt32) {
    guard let replay else { return }
    let state = CReplay.at(replay)
    state.advance(to: state.now + .milliseconds(Int64(milliseconds)))
}

@c @implementation
func wifisim_replay_state(_ replay: OpaquePointer?) -> Int32 {
    guard let replay else { return WIFISIM_DIVERGED }
    let state = CReplay.at(replay)
    if state.replay.divergence != nil { return WIFISIM_DIVERGED }
    return state.replay.isComplete ? WIFISIM_COMPLETE : WIFISIM_RUNNING
}

@c @implementation
func wifisim_replay_report(_ replay: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int) -> Int {
    guard let replay else { return 0 }
    let state = CReplay.at(replay)
    let text = state.replay.finish()?.report(in: state.transcript, file: state.path) ?? ""
    copy(text, to: buffer, size)
    return text.utf8.count
}

@c @implementation
func wifisim_replay_close(_ replay: OpaquePointer?) {
    guard let replay else { return }
    Unmanaged<CReplay>.fromOpaque(UnsafeRawPointer(replay)).release()
}

import CPosix
import Glibc
import Synchronization
import WiFiSimValues

/// The Telnet side of a serial port that is reached by RFC 2217.
///
/// Any thread may call any method; one lock guards the protocol's state.
final class TelnetPort: Sendable {
    private let descriptor: Int32
    private let state: Mutex<State>

    private struct State {
        let descriptor: Int32
        var client = RFC2217Client()
        /// Data that arrived while nobody was reading.
        var early: [UInt8] = []
        /// True once a message of a server has come. A module that echoes what it gets seems to agree to everything.
        var hasAnswered = false

        /// Takes bytes of the connection, answers the server, and returns the data among them.
        mutating func take(_ bytes: [UInt8]) -> [UInt8] {
            defer { flush() }
            return bytes.withUnsafeBytes { client.receive($0) }.flatMap { event -> [UInt8] in
                switch event {
                case .data(let data): return data
                case .setting, .declined, .modemState: hasAnswered = true
                default: break
                }
                return []
            }
        }

        /// Reads what the server says while nobody else reads, and keeps the data.
        mutating func absorb() {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = retryingInterrupts { [descriptor] in Glibc.read(descriptor, &buffer, buffer.count) }
            early += take(Array(buffer[..<max(0, count)]))
        }

        mutating func takeEarly(_ room: Int) -> [UInt8] {
            defer { early.removeFirst(min(room, early.count)) }
            return Array(early.prefix(room))
        }

        /// Returns the number of bytes that were taken.
        mutating func write(_ bytes: [UInt8]) -> Int {
            flush()
            guard client.output.isEmpty, !client.isSuspended else { return 0 }
            bytes.withUnsafeBytes { client.send($0) }
            flush()
            return bytes.count
        }

        mutating func set(_ rate: BitRate) {
            client.set(.bitRate(rate))
            flush()
        }

        /// Sends what the connection takes. A connection that has ended is found by the next read.
        mutating func flush() {
            while !client.output.isEmpty {
                let count = client.output.withUnsafeBytes { [descriptor] bytes in
                    retryingInterrupts { send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
                }
                guard count > 0 else { return }
                client.output.removeFirst(count)
            }
        }
    }

    /// How long the server may take to agree and to answer the settings (pyserial waits as long).
    private static let patience = Duration.seconds(3)

    /// Agrees with the server, and sets the port to 8N1 at `speed` bits per second. Does not own the descriptor, which is
    /// non-blocking.
    /// - Throws: `SystemError` if the server does not speak RFC 2217, or does not answer.
    init(_ descriptor: Int32, speed: Int) throws(SystemError) {
        self.descriptor = descriptor
        var state = State(descriptor: descriptor)
        if let rate = UInt32(exactly: speed).flatMap(BitRate.init) { state.client.set(.bitRate(rate)) }
        state.client.set(.dataBits(8))
        state.client.set(.parity(.none))
        state.client.set(.stopBits(.one))
        state.client.set(.flowControl(.none))
        let end = RealTime(nanoseconds: RealTime.now.nanoseconds + Self.patience.nanoseconds)
        while !state.client.isSettled {
            state.flush()
            if state.client.agreement == .refused {
                throw SystemError(
                    "open a serial port by RFC 2217, which the server does not speak", code: EPROTONOSUPPORT)
            }
            let left = end.millisecondsLeft
            guard left > 0 else { break }
            var status = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            try systemCall("poll") { poll(&status, 1, left) }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = retryingInterrupts { Glibc.read(descriptor, &buffer, buffer.count) }
            if count == 0 { throw SystemError("open a serial port by RFC 2217", code: ECONNRESET) }
            state.early += state.take(Array(buffer[..<max(0, count)]))
        }
        guard state.client.agreement == .agreed, state.hasAnswered else {
            throw SystemError("open a serial port by RFC 2217: the server does not answer", code: ETIMEDOUT)
        }
        self.state = Mutex(state)
    }

    /// Takes bytes that were read from the connection, in `buffer`, and puts the data in them into `first`, then into
    /// `buffer`.
    /// - Returns: the number of bytes of data.
    func decode(_ count: Int, into first: UnsafeMutableRawBufferPointer, _ buffer: UnsafeMutableRawBufferPointer) -> Int
    {
        let received = Array(buffer[..<count])
        let data = state.withLock { $0.take(received) }
        return Self.put(data, into: first, buffer)
    }

    /// Data that arrived while nobody was reading.
    /// - Returns: the number of bytes of data; `nil` if there is none.
    func takeEarly(into first: UnsafeMutableRawBufferPointer, _ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        let room = first.count + buffer.count
        let data = state.withLock { $0.takeEarly(room) }
        return data.isEmpty ? nil : Self.put(data, into: first, buffer)
    }

    var hasEarly: Bool { state.withLock { !$0.early.isEmpty } }

    /// True while the server takes no data until it says otherwise.
    var isSuspended: Bool { state.withLock { $0.client.isSuspended } }

    /// Reads what the server says, although nobody takes its data.
    func absorb() { state.withLock { $0.absorb() } }

    private static func put(
        _ data: [UInt8], into first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer
    ) -> Int {
        first.copyBytes(from: data.prefix(first.count))
        second.copyBytes(from: data.dropFirst(first.count))
        return data.count
    }

    /// Sends data. Returns the number of bytes that were taken, 0 while earlier ones wait.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        let bytes = Array(bytes)
        return state.withLock { $0.write(bytes) }
    }

    func setSpeed(_ speed: Int) {
        guard let rate = UInt32(exactly: speed).flatMap(BitRate.init) else { return }
        state.withLock { $0.set(rate) }
    }
}

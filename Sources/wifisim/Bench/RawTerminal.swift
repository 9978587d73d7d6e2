import CPosix
import Glibc
import WiFiDriverSim

/// A raw tty or connection with buffered blocking reads; and the bare peers with which measurements are compared.
final class RawTerminal {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: RawTerminal.bufferSize)
    static let bufferSize = 64 * 1024
    private var start = 0
    private var end = 0

    init(opening path: String) throws {
        descriptor = cposix_open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0, cposix_tty_set_raw(descriptor, 115_200) == 0 else { throw SystemError("open \(path)") }
    }

    /// Takes ownership of a connected socket.
    private init(adopting socket: Int32) {
        descriptor = socket
        var isOn: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Connects to a port of 127.0.0.1.
    convenience init(connectingTo port: UInt16) throws {
        self.init(adopting: try LoopbackServer.connected(to: port))
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw SystemError("write") }
            rest = rest.dropFirst(count)
        }
    }

    /// The available bytes; waits for at least one.
    func readAvailable() throws -> ArraySlice<UInt8> {
        if start == end { try fill() }
        defer { start = end }
        return buffer[start..<end]
    }

    func readSome() throws -> Int { try readAvailable().count }

    func readExactly(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            if start == end { try fill() }
            let part = min(count - bytes.count, end - start)
            bytes += buffer[start..<start + part]
            start += part
        }
        return bytes
    }

    func skip(_ count: Int) throws {
        var left = count
        while left > 0 {
            if start == end { try fill() }
            let part = min(left, end - start)
            start += part
            left -= part
        }
    }

    /// Skips past these bytes. The match is simple: no byte may occur twice in a row in them.
    func skip(past end: [UInt8]) throws {
        var matched = 0
        while matched < end.count {
            if start == self.end { try fill() }
            let byte = buffer[start]
            start += 1
            matched = byte == end[matched] ? matched + 1 : byte == end[0] ? 1 : 0
        }
    }

    private func fill() throws {
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { throw SystemError("read") }
        start = 0
        end = count
    }

    /// Reads all that comes on several terminals for a time. Returns the number of bytes.
    static func drain(_ terminals: [RawTerminal], for duration: Duration) throws -> Int {
        var polled = terminals.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        var count = 0
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {
            guard poll(&polled, nfds_t(polled.count), 100) >= 0 else { throw SystemError("poll") }
            for (index, status) in polled.enumerated() where status.revents != 0 {
                count += try terminals[index].readSome()
            }
        }
        return count
    }

    // MARK: Bare peers

    /// Echoes every byte.
    static func echoing() throws -> RawTerminal {
        try withPeer { peer in
            var byte: UInt8 = 0
            while read(peer, &byte, 1) == 1, Glibc.write(peer, &byte, 1) == 1 {}
        }
    }

    /// Answers CIPSEND lines and blocks of one length as the firmware does, and nothing else.
    static func answeringSends(ofLength length: Int) throws -> RawTerminal {
        let prompt = Array("\r\nOK\r\n\r\n>".utf8)
        let done = Array("\r\nRecv \(length) bytes\r\n\r\nSEND OK\r\n".utf8)
        return try withPeer { peer in
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while true {
                repeat {
                    let count = read(peer, &buffer, buffer.count)
                    guard count > 0 else { return }
                    if buffer[count - 1] == UInt8(ascii: "\n") { break }
                } while true
                guard Glibc.write(peer, prompt, prompt.count) == prompt.count else { return }
                var received = 0
                while received < length {
                    let count = read(peer, &buffer, buffer.count)
                    guard count > 0 else { return }
                    received += count
                }
                guard Glibc.write(peer, done, done.count) == done.count else { return }
            }
        }
    }

    /// Answers the first of each pair of lines once it has a connection to a server of the computer, and the second once it
    /// has closed that.
    static func answeringConnects(to port: UInt16) throws -> RawTerminal {
        let connected = Array("+LINK_CONN:0,4,\"TCP\",0,\"127.0.0.1\",\(port),50000\r\n\r\nOK\r\n".utf8)
        let closed = Array("4,CLOSED\r\n\r\nOK\r\n".utf8)
        return try withPeer { peer in
            var buffer = [UInt8](repeating: 0, count: 1024)
            while read(peer, &buffer, buffer.count) > 0, let connection = try? LoopbackServer.connected(to: port) {
                let isAsked =
                    Glibc.write(peer, connected, connected.count) > 0 && read(peer, &buffer, buffer.count) > 0
                close(connection)
                guard isAsked, Glibc.write(peer, closed, closed.count) > 0 else { return }
            }
        }
    }

    /// Writes without end, in blocks of 4 KiB.
    static func flooding() throws -> RawTerminal {
        let block = [UInt8](repeating: 0x61, count: 4096)
        return try withPeer { peer in
            while Glibc.write(peer, block, block.count) > 0 {}
        }
    }

    /// A raw pseudo-terminal with a thread of blocking calls on its master.
    private static func withPeer(_ body: @escaping @Sendable (Int32) -> Void) throws -> RawTerminal {
        let master = cposix_open_pty_master()
        guard master >= 0 else { throw SystemError("open /dev/ptmx") }
        _ = fcntl(master, F_SETFL, 0)
        var name = [CChar](repeating: 0, count: 64)
        guard ptsname_r(master, &name, name.count) == 0 else { throw SystemError("ptsname") }
        let terminal = try RawTerminal(
            opening: String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
        try Thread {
            body(master)
            close(master)
        }.start()
        return terminal
    }
}

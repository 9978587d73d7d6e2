import Glibc
import WiFiDriverSim

/// TCP servers on 127.0.0.1, each on a thread with blocking calls.
enum LoopbackServer {
    /// Receives and drops bytes, 64 KiB or more at a time. A peer that woke for each block would be measured too,
    /// because it shares the processor with the module.
    /// - Returns: the server's port.
    static func sink() throws -> UInt16 {
        try serve { peer in
            var buffer = [UInt8](repeating: 0, count: 256 * 1024)
            var least: Int32 = 64 * 1024
            setsockopt(peer, SOL_SOCKET, SO_RCVLOWAT, &least, socklen_t(MemoryLayout<Int32>.size))
            while read(peer, &buffer, buffer.count) > 0 {}
        }
    }

    /// Sends bytes without end, in blocks of this length.
    /// - Returns: the server's port.
    static func source(block length: Int = 256 * 1024) throws -> UInt16 {
        try serve { peer in
            let block = [UInt8](repeating: 0x61, count: length)
            while send(peer, block, block.count, Int32(MSG_NOSIGNAL)) > 0 {}
        }
    }

    /// Echoes every byte.
    /// - Returns: the server's port.
    static func echoing() throws -> UInt16 {
        try serve { peer in
            var isOn: Int32 = 1
            setsockopt(peer, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
            var byte: UInt8 = 0
            while read(peer, &byte, 1) == 1, send(peer, &byte, 1, Int32(MSG_NOSIGNAL)) == 1 {}
        }
    }

    /// Accepts connections, and closes each when its peer has closed it.
    /// - Returns: the server's port.
    static func accepting() throws -> UInt16 {
        let (listener, port) = try listening()
        try Thread {
            var byte: UInt8 = 0
            while case let peer = accept(listener, nil, nil), peer >= 0 {
                _ = read(peer, &byte, 1)
                close(peer)
            }
        }.start()
        return port
    }

    /// Makes a connection with the computer's own socket. The caller closes the descriptor.
    static func connected(to port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = Loopback.address(port)
        let result = Loopback.withSystemAddress(&address) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        guard result == 0 else {
            close(descriptor)
            throw SystemError("connect to 127.0.0.1:\(port)")
        }
        return descriptor
    }

    private static func serve(_ body: @escaping @Sendable (Int32) -> Void) throws -> UInt16 {
        let (listener, port) = try listening()
        try Thread {
            let peer = accept(listener, nil, nil)
            close(listener)
            if peer >= 0 {
                body(peer)
                close(peer)
            }
        }.start()
        return port
    }

    private static func listening() throws -> (descriptor: Int32, port: UInt16) {
        let (descriptor, port) = try Loopback.bound(SOCK_STREAM, port: 0)
        guard listen(descriptor, 64) == 0 else { throw SystemError("listen on 127.0.0.1") }
        return (descriptor, port)
    }
}

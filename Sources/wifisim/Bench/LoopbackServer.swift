import Dispatch
import Glibc
import WiFiDriverSim

/// TCP servers on 127.0.0.1, each on a thread of blocking calls.
enum LoopbackServer {
    /// Takes and drops whatever comes.
    /// - Returns: its port.
    static func sink() throws -> UInt16 {
        try serve { peer in
            var buffer = [UInt8](repeating: 0, count: 256 * 1024)
            while read(peer, &buffer, buffer.count) > 0 {}
        }
    }

    /// Sends without end.
    /// - Returns: its port.
    static func source() throws -> UInt16 {
        try serve { peer in
            let block = [UInt8](repeating: 0x61, count: 256 * 1024)
            while send(peer, block, block.count, Int32(MSG_NOSIGNAL)) > 0 {}
        }
    }

    private static func serve(_ body: @escaping @Sendable (Int32) -> Void) throws -> UInt16 {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 4) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard result else { throw SystemError("listen on 127.0.0.1") }
        DispatchQueue.global().async {
            let peer = accept(listener, nil, nil)
            close(listener)
            if peer >= 0 {
                body(peer)
                close(peer)
            }
        }
        return UInt16(bigEndian: address.sin_port)
    }
}

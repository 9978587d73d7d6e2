import Glibc
import WiFiDriverSim

/// Sockets on 127.0.0.1.
enum Loopback {
    static func freePort() throws -> UInt16 {
        let (descriptor, port) = try bound(SOCK_STREAM, port: 0)
        close(descriptor)
        return port
    }

    /// A socket bound to a port of 127.0.0.1; 0 is any free port.
    static func bound(_ type: __socket_type, port: UInt16) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = address(port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withSystemAddress(&address) {
            bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
        guard isBound else { throw SystemError("bind 127.0.0.1:\(port)") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        return address
    }

    static func withSystemAddress<Result>(
        _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Result
    ) -> Result {
        withUnsafeMutablePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }
}

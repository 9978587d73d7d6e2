import Dispatch
import Glibc
import WiFiDriverSim

/// Peers on this computer that give back what they get, each on a thread of blocking calls.
enum EchoPeer {
    /// A TCP server.
    /// - Returns: its port on 127.0.0.1.
    /// - Throws: what the system refuses.
    static func stream() throws -> UInt16 {
        let (descriptor, port) = try bound(SOCK_STREAM)
        guard listen(descriptor, 4) == 0 else { throw SystemError("listen") }
        DispatchQueue(label: "TCP echo").async { echo(accept(descriptor, nil, nil)) }
        return port
    }

    /// A UDP socket.
    /// - Returns: its port on 127.0.0.1.
    /// - Throws: what the system refuses.
    static func datagram() throws -> UInt16 {
        let (descriptor, port) = try bound(SOCK_DGRAM)
        DispatchQueue(label: "UDP echo").async {
            var buffer = [UInt8](repeating: 0, count: 2048)
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    let count = recvfrom(descriptor, &buffer, buffer.count, 0, address, &length)
                    if count > 0 { sendto(descriptor, buffer, count, 0, address, length) }
                }
            }
        }
        return port
    }

    /// A client of the module's server.
    /// - Parameter port: the server's.
    /// - Throws: what the system refuses.
    static func connect(to port: UInt16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port, last: 2)
        let code = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Glibc.connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw SystemError("connect to the module's port \(port)") }
        DispatchQueue(label: "client").async { echo(descriptor) }
    }

    private static func echo(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0, send(descriptor, buffer, count, Int32(MSG_NOSIGNAL)) == count else { break }
        }
        close(descriptor)
    }

    private static func loopback(_ port: UInt16, last: UInt32) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = (0x7f00_0000 | last).bigEndian
        return address
    }

    private static func bound(_ type: __socket_type) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
        var address = loopback(0, last: 1)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) | getsockname(descriptor, address, &length)
            }
        }
        guard code == 0 else { throw SystemError("bind") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}

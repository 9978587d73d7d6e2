import CPosix
import Glibc
import WiFiSimValues

/// An endpoint as a `sockaddr`.
struct SocketAddress {
    private var storage = sockaddr_storage()

    init() {}

    init(_ endpoint: Endpoint) {
        switch endpoint.address {
        case .v4(let address):
            var system = sockaddr_in()
            system.sin_family = sa_family_t(AF_INET)
            system.sin_port = endpoint.port.bigEndian
            system.sin_addr.s_addr = address.rawValue.bigEndian
            store(system)
        case .v6(let address):
            var system = sockaddr_in6()
            system.sin6_family = sa_family_t(AF_INET6)
            system.sin6_port = endpoint.port.bigEndian
            system.sin6_addr = address.systemAddress
            store(system)
        }
    }

    init?(_ pointer: UnsafeMutablePointer<sockaddr>?) {
        guard let pointer else { return nil }
        let length =
            switch Int32(pointer.pointee.sa_family) {
            case AF_INET: MemoryLayout<sockaddr_in>.size
            case AF_INET6: MemoryLayout<sockaddr_in6>.size
            default: 0
            }
        guard length > 0 else { return nil }
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: length))
        }
    }

    private mutating func store<System>(_ system: System) {
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: system, as: System.self) }
    }

    private var length: socklen_t {
        Int32(storage.ss_family) == AF_INET
            ? socklen_t(MemoryLayout<sockaddr_in>.size) : socklen_t(MemoryLayout<sockaddr_in6>.size)
    }

    var endpoint: Endpoint? {
        withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let system = bytes.loadUnaligned(as: sockaddr_in.self)
                return Endpoint(
                    .v4(IPv4Address(rawValue: UInt32(bigEndian: system.sin_addr.s_addr))),
                    UInt16(bigEndian: system.sin_port))
            case AF_INET6:
                let system = bytes.loadUnaligned(as: sockaddr_in6.self)
                return Endpoint(.v6(IPv6Address(system.sin6_addr)), UInt16(bigEndian: system.sin6_port))
            default: return nil
            }
        }
    }

    /// Calls `body` with the address, for a call that reads it.
    func withSystemAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        let length = length
        return withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// Calls `body` with an empty address, for a call that fills it in.
    static func filled<Result>(
        by body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
    ) -> (Result, SocketAddress) {
        var address = SocketAddress()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &address.storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
        return (result, address)
    }
}

import Glibc
import Testing
@testable import WiFiSimDaemon
@testable import WiFiSimHost
@testable import WiFiSimModule
@testable import WiFiSimValues

struct SocketTests {
    @Test func `Small blocks are collected unless CIPTCPOPT forbids it`() throws {
        let listener = try Listener()
        let socket = try Socket.connecting(to: Endpoint(.v4(.loopback), listener.port), from: nil)
        func noDelay() -> Int32 {
            var value: Int32 = -1
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(socket.descriptor.rawValue, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &length)
            return value
        }
        var options = TCPOptions()
        socket.apply(options)
        #expect(noDelay() == 0)
        options.noDelay = true
        socket.apply(options)
        #expect(noDelay() != 0)
        socket.apply(TCPOptions())
        #expect(noDelay() == 0)
    }

    @Test func `The refusal of a datagram is noticed at once`() throws {
        let taken = try Socket.datagram(at: Endpoint(.v4(.loopback), 0))
        let free = try #require(try Socket.datagram(at: Endpoint(.v4(.loopback), 0)).localEndpoint)
        let socket = try Socket.datagram(at: Endpoint(.v4(.loopback), 0))
        for _ in 0..<3 {
            #expect(try socket.sendChecked([1], to: free))
            #expect(try !socket.sendChecked([2], to: try #require(taken.localEndpoint)))
        }
    }
}

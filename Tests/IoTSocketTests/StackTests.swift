import CIoTSocket
import Dispatch
import Glibc
import MuxUnderTest
import Testing

/// Sockets over every stack. The peer uses the sockets of this computer.
extension `The C interface` {
    private var peer: iotSocketApi_t { iotSocketApiHost }
    private var loopback: [UInt8] { [127, 0, 0, 1] }

    private func set(_ api: iotSocketApi_t, _ socket: Int32, _ option: Int32, _ value: UInt32) {
        var value = value
        #expect(api.SocketSetOpt(socket, option, &value, 4) == 0)
    }

    private func receive(_ api: iotSocketApi_t, _ socket: Int32, _ count: Int) -> [UInt8] {
        var got: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: count)
        while got.count < count {
            let length = api.SocketRecv(socket, &buffer, UInt32(count - got.count))
            guard length > 0 else { break }
            got += buffer.prefix(Int(length))
        }
        return got
    }

    @Test(arguments: SocketStack.allCases)
    func `carries a stream from one end to the other`(stack: SocketStack) throws {
        let api = stack.api()
        let listener = try stream(peer)
        #expect(peer.SocketBind(listener, loopback, 4, 8110) == 0)
        #expect(peer.SocketListen(listener, 1) == 0)
        let socket = try stream(api)
        #expect(api.SocketConnect(socket, stack.host, 4, 8110) == 0)
        #expect(api.SocketConnect(socket, stack.host, 4, 8110) == IOT_SOCKET_EISCONN)
        let accepted = peer.SocketAccept(listener, nil, nil, nil)
        try #require(accepted >= 0)
        let sent = (0..<30_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(api.SocketSend(socket, sent, UInt32(sent.count)) == sent.count)
        #expect(receive(peer, accepted, sent.count) == sent)
        #expect(peer.SocketSend(accepted, sent, UInt32(sent.count)) == sent.count)
        #expect(receive(api, socket, sent.count) == sent)
        #expect(peer.SocketClose(accepted) == 0)
        var byte: UInt8 = 0
        #expect(api.SocketRecv(socket, &byte, 1) == IOT_SOCKET_ECONNRESET)
        #expect(api.SocketClose(socket) == 0)
        #expect(peer.SocketClose(listener) == 0)
        // Also connects to a port without a listener.
        let refused = try stream(api)
        #expect(api.SocketConnect(refused, stack.host, 4, 8110) == IOT_SOCKET_ECONNREFUSED)
        #expect(api.SocketClose(refused) == 0)
    }

    @Test(arguments: SocketStack.allCases)
    func `serves at one port again and again`(stack: SocketStack) throws {
        let api = stack.api()
        for _ in 0..<3 {
            let listener = try stream(api)
            #expect(api.SocketBind(listener, any, 4, 8111) == 0)
            #expect(api.SocketListen(listener, 1) == 0)
            let client = try stream(peer)
            #expect(peer.SocketConnect(client, stack.ownAddress, 4, 8111) == 0)
            let accepted = api.SocketAccept(listener, nil, nil, nil)
            try #require(accepted >= 0)
            // The port of the end that closes first is not free at once.
            #expect(api.SocketClose(accepted) == 0)
            #expect(peer.SocketClose(client) == 0)
            #expect(api.SocketClose(listener) == 0)
        }
    }

    @Test(arguments: SocketStack.allCases)
    func `sends a datagram that a frame carries, and no longer one`(stack: SocketStack) throws {
        let api = stack.api()
        let receiver = try datagram(peer)
        #expect(peer.SocketBind(receiver, loopback, 4, 8112) == 0)
        let socket = try datagram(api)
        let bytes = [UInt8](repeating: 9, count: 70_000)
        for length in [1461, 1472, 9000, 65_507, 65_508] as [UInt32] {
            #expect(api.SocketSendTo(socket, bytes, length, stack.host, 4, 8112) == IOT_SOCKET_EINVAL)
        }
        #expect(api.SocketSendTo(socket, bytes, 1460, stack.host, 4, 8112) == 1460)
        var buffer = [UInt8](repeating: 0, count: 2000)
        var ip: [UInt8] = [0, 0, 0, 0]
        var length: UInt32 = 4
        var port: UInt16 = 0
        #expect(peer.SocketRecvFrom(receiver, &buffer, 2000, &ip, &length, &port) == 1460)
        #expect(ip == stack.ownAddress && length == 4)
        #expect(peer.SocketSendTo(receiver, bytes, 5, ip, 4, port) == 5)
        set(api, socket, IOT_SOCKET_SO_RCVTIMEO, 10_000)
        #expect(api.SocketRecvFrom(socket, &buffer, 2000, &ip, &length, &port) == 5)
        #expect(ip == stack.host && port == 8112)
        #expect(api.SocketClose(socket) == 0)
        #expect(peer.SocketClose(receiver) == 0)
    }

    @Test(arguments: SocketStack.allCases)
    func `returns an error code in a forked child, and no call hangs`(stack: SocketStack) throws {
        let api = stack.api()
        // A call is in progress while the process forks.
        let socket = try datagram(api)
        #expect(api.SocketBind(socket, any, 4, 8113) == 0)
        let receiving = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        Thread.detach {
            var byte: UInt8 = 0
            receiving.signal()
            _ = api.SocketRecv(socket, &byte, 1)
            ended.signal()
        }
        receiving.wait()
        let code = withUnsafePointer(to: api) { create_in_child($0) }
        // A child can use the host's sockets as well.
        #expect(code == (stack == .multiplexedHost ? 0 : IOT_SOCKET_ERROR))
        #expect(api.SocketClose(socket) == 0)
        ended.wait()
        let next = try stream(api)
        #expect(api.SocketClose(next) == 0)
    }

    // MARK: The host's sockets

    @Test func `reports a refused connection once, also to a thread that only receives`() throws {
        let api = SocketStack.multiplexedHost.api()
        let stop = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        let socket = try stream(api)
        Thread.detach {
            var byte: UInt8 = 0
            while stop.wait(timeout: .now()) == .timedOut { _ = api.SocketRecv(socket, &byte, 1) }
            ended.signal()
        }
        for _ in 0..<2000 { #expect(api.SocketConnect(socket, loopback, 4, 1) == IOT_SOCKET_ECONNREFUSED) }
        stop.signal()
        ended.wait()
        #expect(api.SocketClose(socket) == 0)
    }

    @Test func `reports the result of a non-blocking connect once`() throws {
        let api = SocketStack.multiplexedHost.api()
        let socket = try stream(api)
        set(api, socket, IOT_SOCKET_IO_FIONBIO, 1)
        var codes: [Int32] = []
        var byte: UInt8 = 0
        repeat {
            codes.append(api.SocketConnect(socket, loopback, 4, 1))
            #expect(api.SocketRecv(socket, &byte, 1) == IOT_SOCKET_ENOTCONN)
        } while codes.last == IOT_SOCKET_EINPROGRESS || codes.last == IOT_SOCKET_EALREADY
        #expect(codes.last == IOT_SOCKET_ECONNREFUSED)
        #expect(api.SocketClose(socket) == 0)
    }

    /// TCP_NODELAY of this process's connected sockets with this port at either end.
    private func noDelay(ofSocketsAtPort port: UInt16) -> [Bool] {
        typealias NameCall = (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
        func portNumber(_ descriptor: Int32, _ call: NameCall) -> UInt16? {
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, &length) }
            }
            return result == 0 ? UInt16(bigEndian: address.sin_port) : nil
        }
        return (0..<4096 as Range<Int32>).compactMap { descriptor in
            guard let remote = portNumber(descriptor, { getpeername($0, $1, $2) }),
                let local = portNumber(descriptor, { getsockname($0, $1, $2) }), local == port || remote == port
            else { return nil }
            var value: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            let result = getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &length)
            return result == 0 && value != 0
        }
    }

    @Test func `does not let a small message wait for the acknowledgement of the one before`() throws {
        let api = SocketStack.multiplexedHost.api()
        let listener = try stream(api)
        #expect(api.SocketBind(listener, loopback, 4, 8114) == 0)
        #expect(api.SocketListen(listener, 1) == 0)
        let socket = try stream(api)
        #expect(api.SocketConnect(socket, loopback, 4, 8114) == 0)
        let accepted = api.SocketAccept(listener, nil, nil, nil)
        try #require(accepted >= 0)
        // Both ends of the connection have the option.
        #expect(noDelay(ofSocketsAtPort: 8114) == [true, true])
        for open in [socket, accepted, listener] { #expect(api.SocketClose(open) == 0) }
    }

    // MARK: The multiplexer

    @Test func `leaves a socket with the stack that created it, whatever is registered later`() throws {
        let wifi = try stream(SocketStack.multiplexedWiFi.api())
        let host = try stream(SocketStack.multiplexedHost.api())
        let api = iotSocketApiMux
        #expect(wifi != host)
        #expect(api.SocketBind(host, loopback, 4, 8115) == 0)
        #expect(api.SocketListen(host, 1) == 0)
        #expect(api.SocketConnect(wifi, [10, 0, 2, 2] as [UInt8], 4, 8115) == 0)
        #expect(mux_register_none() == 0)
        #expect(api.SocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0) == IOT_SOCKET_ERROR)
        let accepted = api.SocketAccept(host, nil, nil, nil)
        #expect(accepted >= 0 && accepted != host && accepted != wifi)
        #expect(api.SocketSend(wifi, [1, 2, 3] as [UInt8], 3) == 3)
        #expect(receive(api, accepted, 3) == [1, 2, 3])
        for socket in [wifi, accepted, host] {
            #expect(api.SocketClose(socket) == 0)
            #expect(api.SocketClose(socket) == IOT_SOCKET_ERROR)
        }
        _ = SocketStack.multiplexedHost.api()
        #expect(api.SocketClose(host) == IOT_SOCKET_ESOCK)
    }

    @Test func `has as many numbers as its stacks have sockets`() throws {
        let api = SocketStack.multiplexedWiFi.api()
        var open: [Int32] = []
        func fill() {
            while true {
                let socket = api.SocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0)
                if socket < 0 { return #expect(socket == IOT_SOCKET_ENOMEM) }
                open.append(socket)
            }
        }
        fill()
        let wifi = open.count
        _ = SocketStack.multiplexedHost.api()
        fill()
        #expect(wifi > 0 && open.count - wifi > 32 && Set(open).count == open.count)
        for socket in open { #expect(api.SocketClose(socket) == 0) }
    }
}

/// A thread of the test.
enum Thread {
    static func detach(_ body: @escaping @Sendable () -> Void) { DispatchQueue.global().async(execute: body) }
}

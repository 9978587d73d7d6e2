import CPosix
import Glibc
import WiFiSimValues

/// A non-blocking socket of the host.
package struct Socket {
    package let descriptor: FileDescriptor

    private init(_ family: IPAddress.Family, _ type: __socket_type, _ proto: Int32 = 0) throws(SystemError) {
        let flags = Int32(type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = FileDescriptor(
            owning: try systemCall("socket") { socket(family == .v4 ? AF_INET : AF_INET6, flags, proto) })
    }

    private init(owning rawValue: Int32) { descriptor = FileDescriptor(owning: rawValue) }

    /// A TCP socket that has begun to connect; it becomes writable once that has ended.
    package static func connecting(
        to remote: Endpoint, from local: IPAddress?, window: Int? = nil
    ) throws(SystemError) -> Socket {
        let socket = try Socket(remote.address.family, SOCK_STREAM)
        if let window { try socket.limit(toWindow: window) }
        if let local {
            // The port is chosen with the connection, so that one address serves many peers.
            try socket.set(Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, 1)
            try socket.bind(Endpoint(local, 0))
        }
        let result = SocketAddress(remote).withSystemAddress { address, length in
            retryingInterrupts { connect(socket.descriptor.rawValue, address, length) }
        }
        if result != 0, errno != EINPROGRESS { throw SystemError("connect \(remote)") }
        return socket
    }

    package static func listening(at local: Endpoint, backlog: Int32 = 16, window: Int? = nil) throws(SystemError)
        -> Socket
    {
        let socket = try Socket(local.address.family, SOCK_STREAM)
        if let window { try socket.limit(toWindow: window) }
        try socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
        if local.address.family == .v6 { try socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        try socket.bind(local)
        try systemCall("listen \(local)") { listen(socket.descriptor.rawValue, backlog) }
        return socket
    }

    /// Limits what a peer can send ahead to about `window` bytes. Set before the connection exists; accepted connections
    /// inherit it.
    ///
    /// The system doubles the size, and fills half of it with its own: a buffer of half the window takes as much again as
    /// that. Smaller ones lose small segments, and the peer waits 200 ms each time. Without a limit for segments, those
    /// of the loopback alone have 64 KiB.
    private func limit(toWindow window: Int) throws(SystemError) {
        try set(SOL_SOCKET, SO_RCVBUF, Int32(window / 2))
        try set(Int32(IPPROTO_TCP), TCP_MAXSEG, Self.segment)
    }

    /// What ESP-AT builds lwIP with (module_config, sdkconfig.defaults).
    private static let segment: Int32 = 1440

    package static func datagram(at local: Endpoint, isShared: Bool = false) throws(SystemError) -> Socket {
        let socket = try Socket(local.address.family, SOCK_DGRAM)
        if isShared { try socket.set(SOL_SOCKET, SO_REUSEADDR, 1) }
        try socket.set(SOL_SOCKET, SO_BROADCAST, 1)
        try socket.bind(local)
        return socket
    }

    /// Takes part in an IPv4 multicast group.
    package func join(_ group: IPv4Address) throws(SystemError) {
        var request = ip_mreq()
        request.imr_multiaddr.s_addr = group.rawValue.bigEndian
        try systemCall("join \(group)") {
            setsockopt(
                descriptor.rawValue, Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, &request,
                socklen_t(MemoryLayout<ip_mreq>.size))
        }
    }

    /// A socket for echo requests: the kind that any user may have where the system allows it, else a raw one.
    static func icmp() throws(SystemError) -> (socket: Socket, isRaw: Bool) {
        if let socket = try? Socket(.v4, SOCK_DGRAM, Int32(IPPROTO_ICMP)) { return (socket, false) }
        return (try Socket(.v4, SOCK_RAW, Int32(IPPROTO_ICMP)), true)
    }

    private func bind(_ local: Endpoint) throws(SystemError) {
        let result = SocketAddress(local).withSystemAddress { Glibc.bind(descriptor.rawValue, $0, $1) }
        if result != 0 { throw SystemError("bind \(local)") }
    }

    /// The next connection that came in, or `nil`.
    package func accept() -> (socket: Socket, peer: Endpoint)? {
        let (result, address) = SocketAddress.filled { address, length in
            retryingInterrupts {
                accept4(descriptor.rawValue, address, length, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
            }
        }
        guard result >= 0 else { return nil }
        let socket = Socket(owning: result)
        guard let peer = address.endpoint else { return nil }
        return (socket, peer)
    }

    package var localEndpoint: Endpoint? {
        let (result, address) = SocketAddress.filled { getsockname(descriptor.rawValue, $0, $1) }
        return result == 0 ? address.endpoint : nil
    }

    /// Takes the error that a connection attempt or the peer left, 0 if none.
    package func takeError() -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor.rawValue, SOL_SOCKET, SO_ERROR, &code, &length)
        return code
    }

    package func set(_ level: Int32, _ option: Int32, _ value: Int32) throws(SystemError) {
        var value = value
        try systemCall("setsockopt") {
            setsockopt(descriptor.rawValue, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// Closing it resets the connection instead of ending it in order.
    package func closeByReset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor.rawValue, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// Sends what there is room for.
    package func send(_ bytes: UnsafeRawBufferPointer) -> Result<FileDescriptor.Transfer, SystemError> {
        let count = retryingInterrupts {
            Glibc.send(descriptor.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return .success(.done(count)) }
        return Result { () throws(SystemError) in try FileDescriptor.transferFailure("send") }
    }

    /// Receives what is there, at most the buffer.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Result<FileDescriptor.Transfer, SystemError> {
        Result { () throws(SystemError) in try descriptor.read(into: buffer) }
    }

    package func send(_ bytes: [UInt8], to remote: Endpoint) throws(SystemError) {
        let count = SocketAddress(remote).withSystemAddress { address, length in
            retryingInterrupts {
                sendto(descriptor.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
        if count < 0 { throw SystemError("send to \(remote)") }
    }

    /// The same, with a look at whether somebody is there: a host that has nobody at the port says so at once on the loopback.
    /// - Returns: whether it was refused.
    package func sendChecked(_ bytes: [UInt8], to remote: Endpoint) throws(SystemError) -> Bool {
        try set(Int32(IPPROTO_IP), IP_RECVERR, 1)
        // Forgets what it has collected meanwhile.
        defer { try? set(Int32(IPPROTO_IP), IP_RECVERR, 0) }
        _ = takeError()
        try send(bytes, to: remote)
        return takeError() == ECONNREFUSED
    }

    /// Receives a datagram and its sender, or `nil` if none waits.
    package func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, sender: Endpoint)? {
        let (count, address) = SocketAddress.filled { address, length in
            retryingInterrupts { recvfrom(descriptor.rawValue, buffer.baseAddress, buffer.count, 0, address, length) }
        }
        guard count >= 0, let sender = address.endpoint else { return nil }
        return (count, sender)
    }
}

import CPosix
import Glibc
import WiFiSimValues

/// A non-blocking network socket of the computer.
package struct Socket {
    package let descriptor: FileDescriptor

    private init(_ family: IPAddress.Family, _ type: __socket_type, _ proto: Int32 = 0) throws(SystemError) {
        let flags = Int32(type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = FileDescriptor(
            owning: try systemCall("socket") { socket(family == .v4 ? AF_INET : AF_INET6, flags, proto) })
    }

    private init(owning rawValue: Int32) { descriptor = FileDescriptor(owning: rawValue) }

    /// A TCP socket that has begun to connect. It becomes writable when the attempt has succeeded or failed.
    package static func connecting(
        to remote: Endpoint, from local: IPAddress?, window: Int? = nil
    ) throws(SystemError) -> Socket {
        let socket = try Socket(remote.address.family, SOCK_STREAM)
        if let window { try socket.limit(toWindow: window) }
        if let local {
            // The port is chosen when connecting, so that one address can serve many peers.
            try socket.set(Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, 1)
            try socket.bind(Endpoint(local, 0))
        }
        let result = SocketAddress(remote).withSystemAddress { address, length in
            retryingInterrupts { connect(socket.descriptor.rawValue, address, length) }
        }
        if result != 0, errno != EINPROGRESS { throw SystemError("connect \(remote)") }
        return socket
    }

    /// Connects to a host by its name or address. Blocks until it is connected.
    package static func connection(toHost host: String, port: UInt16) throws(SystemError) -> FileDescriptor {
        let addresses: [IPAddress]
        if let address = IPAddress(host) {
            addresses = [address]
        } else {
            addresses = Resolver.lookUp(host, nil) ?? []
        }
        let name = host.contains(":") ? "[\(host)]" : host
        var failure = SystemError("connect to \(name):\(port)", code: ENOENT, reason: "there is no host of this name")
        for address in addresses {
            do throws(SystemError) {
                let socket = try connecting(to: Endpoint(address, port), from: nil)
                var status = pollfd(fd: socket.descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
                try systemCall("poll") { poll(&status, 1, -1) }
                let code = socket.takeError()
                if code != 0 { throw SystemError("connect to \(name):\(port)", code: code) }
                try socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
                return socket.descriptor
            } catch {
                failure = error
            }
        }
        throw failure
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

    /// Limits the bytes that a peer can send ahead to about `window`. Call it before the connection exists; accepted
    /// connections inherit the limit.
    ///
    /// The kernel doubles the size and uses half of it for itself, so a buffer of half the window accepts about the
    /// window. Smaller buffers lose small segments, and the peer waits 200 ms each time. Segments are limited because
    /// those on the loopback alone have 64 KiB.
    private func limit(toWindow window: Int) throws(SystemError) {
        try set(SOL_SOCKET, SO_RCVBUF, Int32(window / 2))
        try set(Int32(IPPROTO_TCP), TCP_MAXSEG, Self.segment)
    }

    /// In bytes: the segment size with which ESP-AT builds lwIP (module_config, sdkconfig.defaults).
    private static let segment: Int32 = 1440

    package static func datagram(at local: Endpoint, isShared: Bool = false) throws(SystemError) -> Socket {
        let socket = try Socket(local.address.family, SOCK_DGRAM)
        if isShared { try socket.set(SOL_SOCKET, SO_REUSEADDR, 1) }
        try socket.set(SOL_SOCKET, SO_BROADCAST, 1)
        try socket.bind(local)
        return socket
    }

    /// Joins an IPv4 multicast group.
    package func join(_ group: IPv4Address) throws(SystemError) {
        var request = ip_mreq()
        request.imr_multiaddr.s_addr = group.rawValue.bigEndian
        try systemCall("join \(group)") {
            setsockopt(
                descriptor.rawValue, Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, &request,
                socklen_t(MemoryLayout<ip_mreq>.size))
        }
    }

    /// A socket for ICMP echo requests: of the kind that any user may open if the system allows it, otherwise a raw
    /// one.
    static func icmp() throws(SystemError) -> (socket: Socket, isRaw: Bool) {
        if let socket = try? Socket(.v4, SOCK_DGRAM, Int32(IPPROTO_ICMP)) { return (socket, false) }
        return (try Socket(.v4, SOCK_RAW, Int32(IPPROTO_ICMP)), true)
    }

    private func bind(_ local: Endpoint) throws(SystemError) {
        let result = SocketAddress(local).withSystemAddress { Glibc.bind(descriptor.rawValue, $0, $1) }
        if result != 0 { throw SystemError("bind \(local)") }
    }

    /// Accepts the next connection; `nil` if there is none, or on failure with the reason in `errno`.
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

    /// Takes the pending error of the socket, as an `errno` value; 0 if there is none.
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

    /// Makes closing the socket reset the connection instead of ending it in order.
    package func closeByReset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor.rawValue, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// Sends as many bytes as the socket takes.
    package func send(_ bytes: UnsafeRawBufferPointer) -> Result<FileDescriptor.Transfer, SystemError> {
        let count = retryingInterrupts {
            Glibc.send(descriptor.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return .success(.done(count)) }
        return Result { () throws(SystemError) in try FileDescriptor.transferFailure("send") }
    }

    /// Receives the available bytes, at most as many as the buffer holds.
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

    /// Sends a datagram to the loopback, where the system reports at once if no socket is bound to the port.
    /// - Returns: true if it was refused.
    package func sendChecked(_ bytes: [UInt8], to remote: Endpoint) throws(SystemError) -> Bool {
        try set(Int32(IPPROTO_IP), IP_RECVERR, 1)
        // Turning the option off clears the errors collected since.
        defer { try? set(Int32(IPPROTO_IP), IP_RECVERR, 0) }
        _ = takeError()
        try send(bytes, to: remote)
        return takeError() == ECONNREFUSED
    }

    /// Receives a datagram and its sender; `nil` if there is none.
    package func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, sender: Endpoint)? {
        let (count, address) = SocketAddress.filled { address, length in
            retryingInterrupts { recvfrom(descriptor.rawValue, buffer.baseAddress, buffer.count, 0, address, length) }
        }
        guard count >= 0, let sender = address.endpoint else { return nil }
        return (count, sender)
    }
}

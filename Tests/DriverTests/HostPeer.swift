import CPosix
import Glibc
import Testing
@testable import WiFiDriverSim
@testable import WiFiSimDaemon
@testable import WiFiSimDriverCore
@testable import WiFiSimHost
import WiFiSimModule
@testable import WiFiSimValues

/// A TCP server on the loopback of this computer, for the other side of the network. Each connection has a thread.
final class HostServer: Sendable {
    let port: UInt16
    private let descriptor: Int32

    /// Passes each connection to `serve`, and closes it when that returns. `room` is approximately the number of bytes
    /// that a connection takes without being read.
    init(room: Int32? = nil, _ serve: @escaping @Sendable (HostConnection) -> Void) throws {
        let (descriptor, port) = try boundSocket(SOCK_STREAM)
        if var room { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size)) }
        try #require(listen(descriptor, 16) == 0)
        self.descriptor = descriptor
        self.port = port
        try Thread {
            while true {
                let accepted = accept(descriptor, nil, nil)
                guard accepted >= 0 else { return }
                try? Thread { serve(HostConnection(accepted)) }.start()
            }
        }.start()
    }

    deinit { shutdown(descriptor, Int32(SHUT_RDWR)); close(descriptor) }

    /// Sends back what it receives.
    static func echo() throws -> HostServer {
        try HostServer { connection in
            while let bytes = connection.read() { connection.write(bytes) }
        }
    }
}

/// One end of a TCP connection on this computer, or a datagram socket.
final class HostConnection: Sendable {
    let descriptor: Int32
    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// Nil at the end of the stream.
    func read(_ room: Int = 65536) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: room)
        let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }

    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// A UDP socket on the loopback of this computer.
final class HostDatagrams: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws { (descriptor, port) = try boundSocket(SOCK_DGRAM) }
    deinit { close(descriptor) }

    /// The next datagram, and the port of its sender.
    func receive() -> (bytes: [UInt8], port: UInt16) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                buffer.withUnsafeMutableBytes { recvfrom(descriptor, $0.baseAddress, $0.count, 0, address, &length) }
            }
        }
        return (Array(buffer.prefix(max(0, count))), UInt16(bigEndian: address.sin_port))
    }

    func send(_ bytes: [UInt8], toModule last: UInt32, port: UInt16) {
        var address = loopback(port, last)
        _ = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(descriptor, bytes, bytes.count, 0, address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

private func loopback(_ port: UInt16, _ last: UInt32 = 1) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = (0x7f00_0000 | last).bigEndian
    return address
}

private func boundSocket(_ type: __socket_type) throws -> (Int32, UInt16) {
    let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
    try #require(descriptor >= 0)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { address in
        address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(descriptor, address, length) | getsockname(descriptor, address, &length)
        }
    }
    try #require(code == 0)
    return (descriptor, UInt16(bigEndian: address.sin_port))
}

/// Connects to a port of the module's own address, 127.0.0.`last`.
func connectToModule(_ last: UInt32, port: UInt16) throws -> HostConnection {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(port, last)
    let code = withUnsafePointer(to: &address) { address in
        address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    try #require(code == 0)
    return HostConnection(descriptor)
}

/// A loopback port that refuses connections.
func refusingPort() throws -> UInt16 {
    let (descriptor, port) = try boundSocket(SOCK_STREAM)
    close(descriptor)
    return port
}

/// A driver with a simulated module in this process, which has joined. Each has its own loopback address.
final class SimulatedStation: Sendable {
    let driver: WiFiDriver
    let addressByte: UInt32
    private static let lastByte = Locked<UInt32>(20)

    init(profile: String = "esp32c3-4.1", connectTimeout: Duration = .seconds(18)) throws {
        let byte = Self.lastByte.withLock {
            $0 += 1
            return $0
        }
        addressByte = byte
        driver = WiFiDriver(connectTimeout: connectTimeout) {
            let descriptor = try EmbeddedModule.start(
                profile: profile, worldPath: nil, hostAddress: IPv4Address(rawValue: 0x7f00_0000 | byte),
                speed: .real)
            return try SerialPort(adopting: descriptor)
        }
        try driver.initialize(nil)
        try driver.powerControl(.full)
        try driver.activate(
            interface: 0,
            NetworkConfiguration(
                ssid: Array("wifisim".utf8), password: Array("password".utf8), security: .wpa2, channel: 0, wps: .none))
    }

    deinit { try? driver.uninitialize() }

    private static let stations = Locked<[String: SimulatedStation]>([:])

    /// The station that tests with this profile share. They use one or two links each, and no server except one.
    static func shared(_ profile: String) throws -> SimulatedStation {
        try stations.withLock { stations in
            if let station = stations[profile] { return station }
            let station = try SimulatedStation(profile: profile)
            stations[profile] = station
            return station
        }
    }

    /// This computer as the module sees it.
    static func host(_ port: UInt16) throws -> Endpoint { try endpoint("10.0.2.2", port) }

    func stream(to port: UInt16) throws -> Int32 {
        let socket = Int32(try driver.createSocket(family: .v4, isStream: true))
        try driver.connect(socket, to: Self.host(port))
        return socket
    }
}

let allProfiles = Firmware.all.map(\.name)

import CDriverWiFi
import Dispatch
import Testing
@testable import WiFiDriverSim
@testable import WiFiSimDriverCore
@testable import WiFiSimValues

/// Sockets through a simulated module to servers on the host.
@Suite struct `Through a module, sockets` {
    private func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test(arguments: allProfiles)
    func `carry a stream both ways with every profile`(profile: String) throws {
        let station = try SimulatedStation.shared(profile)
        let server = try HostServer.echo()
        let socket = try station.stream(to: server.port)
        let sent = pattern(100_000)
        let sending = try Background { try station.driver.send(socket, sent) }
        var got: [UInt8] = []
        while got.count < sent.count { got += try station.driver.receive(socket) }
        #expect(try sending.value() == sent.count)
        #expect(got == sent)
        try station.driver.close(socket)
    }

    @Test(arguments: allProfiles)
    func `carry datagrams with their bounds and senders with every profile`(profile: String) throws {
        let station = try SimulatedStation.shared(profile)
        let driver = station.driver
        let host = try HostDatagrams()
        let socket = Int32(try driver.createSocket(family: .v4, isStream: false))
        #expect(throws: SocketFailure.notConnected) { try driver.send(socket, [1]) }
        #expect(try driver.send(socket, pattern(1460), to: SimulatedStation.host(host.port)) == 1460)
        let (bytes, port) = host.receive()
        #expect(bytes == pattern(1460))
        for size in [1, 1000, 5] { host.send(pattern(size), toModule: station.addressByte, port: port) }
        var buffer = [UInt8](repeating: 0, count: 100)
        for size in [1, 1000, 5] {
            let (count, source) = try buffer.withUnsafeMutableBytes { try driver.receive(socket, into: $0) }
            #expect(count == min(size, 100))
            #expect(source == (try SimulatedStation.host(host.port)))
        }
        try driver.close(socket)
    }

    @Test(arguments: allProfiles)
    func `accept connections with every profile, and have the data that came before`(profile: String) throws {
        let station = try SimulatedStation.shared(profile)
        let driver = station.driver
        let listener = Int32(try driver.createSocket(family: .v4, isStream: true))
        try driver.bind(listener, to: try endpoint("0.0.0.0", 8080))
        try driver.listen(listener)
        let peer = try connectToModule(station.addressByte, port: 8080)
        peer.write(Array("early".utf8))
        let (accepted, address) = try driver.accept(listener)
        #expect(address?.address == IPAddress("10.0.2.2"))
        #expect(try driver.receive(Int32(accepted)) == Array("early".utf8))
        #expect(try driver.localAddress(of: Int32(accepted)).port == 8080)
        #expect(try driver.send(Int32(accepted), pattern(5000)) == 5000)
        var got: [UInt8] = []
        while got.count < 5000, let bytes = peer.read() { got += bytes }
        #expect(got == pattern(5000))
        try driver.close(Int32(accepted))
        #expect(peer.read() == nil)
        try driver.close(listener)
    }

    @Test(arguments: allProfiles)
    func `report a refusal, and a peer that closed after its last byte`(profile: String) throws {
        let station = try SimulatedStation.shared(profile)
        let driver = station.driver
        #expect(throws: SocketFailure.refused) { try station.stream(to: try refusingPort()) }
        let server = try HostServer { $0.write(Array(repeating: 7, count: 20_000)) }
        let socket = try station.stream(to: server.port)
        var count = 0
        while true {
            do { count += try driver.receive(socket, 1500).count } catch {
                #expect(error as? SocketFailure == .reset)
                break
            }
        }
        #expect(count == 20_000)
        #expect(throws: SocketFailure.reset) { try driver.send(socket, [1]) }
        try driver.close(socket)
    }

    @Test func `wake a sleeping call when they are closed`() throws {
        let station = try SimulatedStation()
        let driver = station.driver
        let server = try HostServer.echo()
        let socket = try station.stream(to: server.port)
        let receiving = try Background { try driver.receive(socket) }
        let listener = Int32(try driver.createSocket(family: .v4, isStream: true))
        try driver.bind(listener, to: try endpoint("0.0.0.0", 8081))
        try driver.listen(listener)
        let accepting = try Background { try driver.accept(listener).socket }
        try driver.close(socket)
        try driver.close(listener)
        // It was asleep already, or it comes too late.
        #expect([.aborted, .invalidSocket].contains(receiving.failure))
        #expect([.aborted, .invalidSocket].contains(accepting.failure))
        #expect(throws: SocketFailure.invalidSocket) { try driver.close(socket) }
    }

    @Test func `wait for the time in RCVTIMEO, and not at all if they do not block`() throws {
        let station = try SimulatedStation()
        let driver = station.driver
        let server = try HostServer.echo()
        let socket = try station.stream(to: server.port)
        try driver.setSocketOption(ARM_SOCKET_SO_RCVTIMEO, of: socket, to: 300)
        let clock = ContinuousClock()
        let time = clock.measure { #expect(throws: SocketFailure.wouldBlock) { try driver.receive(socket) } }
        #expect(time >= .milliseconds(300))
        try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: socket, to: 1)
        #expect(throws: SocketFailure.wouldBlock) { try driver.receive(socket) }
        #expect(throws: SocketFailure.wouldBlock) { try driver.receive(socket, 0) }
        #expect(try driver.send(socket, []) == 0)
    }

    @Test(arguments: ["esp8266-1.7", "esp32c3-4.1"], [ARM_SOCKET_SO_SNDTIMEO, ARM_SOCKET_IO_FIONBIO])
    func `send what a peer that does not read has room for, in the time they are given`(
        profile: String, option: Int32
    ) throws {
        let station = try SimulatedStation(profile: profile)
        let driver = station.driver
        let mayRead = DispatchSemaphore(value: 0)
        let received = Locked<[UInt8]>([])
        let server = try HostServer(room: 65536) { connection in
            mayRead.wait()
            while let bytes = connection.read() { received.withLock { $0 += bytes } }
        }
        let socket = try station.stream(to: server.port)
        try driver.setSocketOption(option, of: socket, to: option == ARM_SOCKET_SO_SNDTIMEO ? 200 : 1)
        // The same bytes again and again.
        let period = pattern(100_000)
        var sent = 0
        func sendOn() throws { sent += try driver.send(socket, Array(period[(sent % period.count)...])) }
        #expect(throws: SocketFailure.wouldBlock) { while sent < 1 << 26 { try sendOn() } }
        #expect(sent > 0)
        mayRead.signal()
        try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: socket, to: 0)
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: socket, to: 0)
        try sendOn()
        #expect(sent % period.count == 0)
        try driver.close(socket)
        #expect(comesTrue { received.withLock { $0.count } == sent })
        let got = received.withLock { $0 }
        #expect(
            stride(from: 0, to: sent, by: period.count).allSatisfy { Array(got[$0...].prefix(period.count)) == period })
    }

    @Test func `let one thread send while another sleeps in a receive`() throws {
        let station = try SimulatedStation()
        let driver = station.driver
        let server = try HostServer { connection in
            // Answers only the hundredth message.
            var count = 0
            while count < 100, let bytes = connection.read() { count += bytes.count }
            connection.write([42])
            _ = connection.read()
        }
        let socket = try station.stream(to: server.port)
        let receiving = try Background { try driver.receive(socket) }
        for _ in 0..<100 { #expect(try driver.send(socket, [1]) == 1) }
        #expect(try receiving.value() == [42])
    }

    @Test func `connect in the background when they do not block`() throws {
        let station = try SimulatedStation()
        let driver = station.driver
        let server = try HostServer.echo()
        let socket = Int32(try driver.createSocket(family: .v4, isStream: true))
        try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: socket, to: 1)
        let peer = try SimulatedStation.host(server.port)
        #expect(throws: SocketFailure.inProgress) { try driver.connect(socket, to: peer) }
        var last: SocketFailure?
        repeat {
            do { try driver.connect(socket, to: peer) } catch { last = error }
        } while last == .alreadyConnecting
        #expect(last == .isConnected)
        #expect(try driver.peerAddress(of: socket) == peer)
    }

    @Test func `can all be in use, and be used again`() throws {
        let station = try SimulatedStation()
        let driver = station.driver
        var sockets: [Int] = []
        for _ in 0..<DriverCore.socketLimit { sockets.append(try driver.createSocket(family: .v4, isStream: true)) }
        #expect(throws: SocketFailure.noMemory) { try driver.createSocket(family: .v4, isStream: true) }
        for socket in sockets { try driver.close(Int32(socket)) }
        let server = try HostServer.echo()
        var open = try (0..<WiFiDriver.linkLimit).map { _ in try station.stream(to: server.port) }
        #expect(throws: SocketFailure.noMemory) { try station.stream(to: server.port) }
        try driver.close(open.removeFirst())
        let again = try station.stream(to: server.port)
        #expect(try driver.send(again, [5]) == 1)
        #expect(try driver.receive(again) == [5])
    }
}

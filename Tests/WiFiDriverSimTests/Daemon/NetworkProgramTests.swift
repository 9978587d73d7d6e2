import CPosix
import Foundation
import Testing
@testable import WiFiSimHost
@testable import WiFiSimModule
@testable import WiFiSimValues

/// The running program on the network of this computer.
struct NetworkProgramTests {
    private let folder = TemporaryFolder()

    /// The number of bytes that the far end of a peer's connection has acknowledged, once it takes no more.
    private func acknowledged(byPeerOf client: SerialClient, _ listener: Listener) throws -> Int {
        try client.join()
        try client.command("AT+CIPRECVMODE=1")
        try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(listener.port)")
        return try listener.accept().fill()
    }

    @Test func `A peer sees the firmware's window on a paced line, and a large one else`() throws {
        let (_, paced) = try Program.module("--pace", "--baud", "921600")
        let window = Firmware.standard.receiveWindow
        #expect((window...window * 2).contains(try acknowledged(byPeerOf: paced, try Listener())))
        let (_, free) = try Program.module()
        #expect(try acknowledged(byPeerOf: free, try Listener()) > 65_535)
    }

    @Test func `A peer of the server sees the firmware's window, too`() throws {
        let (_, client) = try Program.module("--pace", "--baud", "921600", "--host-address", "127.0.0.83")
        try client.join()
        try client.command("AT+CIPMUX=1")
        try client.command("AT+CIPRECVMODE=1")
        try client.command("AT+CIPSERVER=1,8090")
        let window = Firmware.standard.receiveWindow
        let peer = try Peer(connectingTo: 8090, host: 0x7F00_0053)
        #expect((window...window * 2).contains(peer.fill()))
    }

    // MARK: Names

    private static func query(_ labels: [String], _ type: UInt8 = 1) -> [UInt8] {
        [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + DomainName(labels).bytes + [0, type, 0, 1]
    }

    private func ask(_ client: SerialClient, _ bytes: [UInt8]) throws -> [UInt8] {
        try client.command("AT+CIPSEND=\(bytes.count)")
        try client.read(until: ">")
        try client.write(bytes)
        return try client.receivePush()
    }

    @Test func `The name server resolves the world's names and the computer's, over UDP and TCP`() throws {
        let (_, client) = try Program.module()
        try client.join()
        for transport in ["UDP", "TCP"] {
            func framed(_ bytes: [UInt8]) -> [UInt8] { transport == "TCP" ? DNSStream.framed(bytes) : bytes }
            try client.command("AT+CIPSTART=\"\(transport)\",\"10.0.2.3\",53")
            let own = try ask(client, framed(Self.query(["gateway", "wifisim"])))
            #expect(own.suffix(4) == [10, 0, 2, 2])
            let computers = try ask(client, framed(Self.query(["localhost"])))
            #expect(computers.suffix(4) == [127, 0, 0, 1])
            try client.command("AT+CIPCLOSE")
        }
    }

    @Test func `A restricted name server asks no other server`() throws {
        let (_, client) = try Program.module("--restrict", "on")
        try client.join()
        try client.command("AT+CIPSTART=\"UDP\",\"10.0.2.3\",53")
        #expect(try ask(client, Self.query(["gateway", "wifisim"])).suffix(4) == [10, 0, 2, 2])
        // It does not exist.
        #expect(try ask(client, Self.query(["localhost"]))[3] == 0x83)
    }

    @Test func `A gateway resolves names if the computer does not`() throws {
        let world = folder.write(
            """
            {"accessPoints": [{"ssid": "wifisim", "password": "password",
              "network": {"gateway": "192.168.7.1/24"}}], "names": {"broker": "10.1.2.3"}}
            """, to: "world.json")
        // A name server of the computer. This user may not be permitted to open one.
        var server = try? Socket.datagram(at: Endpoint(.v4(.loopback), DNSMessage.port))
        let (_, client) = try Program.module("--world", world)
        try client.join()
        try client.command("AT+CIPSTART=\"UDP\",\"192.168.7.1\",53")
        if let taken = server {
            try client.command("AT+CIPSEND=4")
            try client.read(until: ">")
            try client.write(Array("ping".utf8))
            try client.read(until: "SEND OK\r\n")
            var poller = pollfd(fd: taken.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            #expect(poll(&poller, 1, 20_000) == 1)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
            defer { buffer.deallocate() }
            let count = taken.receiveDatagram(into: buffer)?.count ?? 0
            #expect(Array(buffer[..<count]) == Array("ping".utf8))
        }
        server = nil
        #expect(try ask(client, Self.query(["broker"])).suffix(4) == [10, 1, 2, 3])
        try client.command("AT+CIPCLOSE")
        try client.command("AT+CIPSTART=\"TCP\",\"192.168.7.1\",53")
        #expect(try ask(client, DNSStream.framed(Self.query(["broker"]))).suffix(4) == [10, 1, 2, 3])
    }

    // MARK: Distance

    @Test func `An access point's latency counts for TCP and UDP, both ways`() throws {
        let world = folder.write(
            "{\"accessPoints\": [{\"ssid\": \"wifisim\", \"password\": \"password\", \"latency\": 300}]}",
            to: "world.json")
        let (_, client) = try Program.module("--world", world)
        let listener = try Listener()
        try client.join()
        let clock = ContinuousClock()
        let connecting = try clock.measure { try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(listener.port)") }
        #expect(connecting >= .milliseconds(300))
        let peer = try listener.accept()
        try client.command("AT+CIPSEND=2")
        try client.read(until: ">")
        let there = clock.now
        try client.write(Array("hi".utf8))
        try client.read(until: "SEND OK\r\n")
        #expect(peer.receive(2) == Array("hi".utf8))
        #expect(clock.now - there >= .milliseconds(150))
        let back = clock.now
        peer.send(Array("there".utf8))
        #expect(try client.receivePush() == Array("there".utf8))
        #expect(clock.now - back >= .milliseconds(150))
        // Bytes sent before the close arrive before it.
        try client.command("AT+CIPSEND=4")
        try client.read(until: ">")
        try client.write(Array("last".utf8))
        try client.read(until: "SEND OK\r\n")
        try client.command("AT+CIPCLOSE")
        #expect(peer.receive(.max) == Array("last".utf8))

        try client.command("AT+CIPSTART=\"UDP\",\"10.0.2.3\",53")
        let asking = try clock.measure { _ = try ask(client, Self.query(["gateway", "wifisim"])) }
        #expect(asking >= .milliseconds(300))
    }

    @Test func `Data that count as sent arrive, even if the program ends`() throws {
        let world = folder.write(
            "{\"accessPoints\": [{\"ssid\": \"wifisim\", \"password\": \"password\", \"latency\": 4000}]}",
            to: "world.json")
        let (program, client) = try Program.module("--world", world)
        let listener = try Listener()
        try client.join()
        try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(listener.port)")
        let peer = try listener.accept()
        try client.command("AT+CIPSEND=4")
        try client.read(until: ">")
        let start = ContinuousClock().now
        try client.write(Array("last".utf8))
        // The module's stack has taken it, long before it arrives.
        try client.read(until: "SEND OK\r\n")
        #expect(ContinuousClock().now - start < .seconds(1))
        program.send(SIGTERM)
        #expect(peer.receive(.max) == Array("last".utf8))
    }

    // MARK: Staying on the computer

    @Test func `A restricted module joins no group`() throws {
        let (_, client) = try Program.module("--restrict", "on")
        try client.join()
        // The system's notation of 224.7.7.7, 224.7.7.8 and MDNS's 224.0.0.251, which other programs of the computer
        // may have joined.
        func groups(_ name: String) throws -> [Substring] {
            try String(contentsOfFile: "/proc/net/igmp", encoding: .utf8).split(separator: "\n").filter {
                $0.contains(name)
            }
        }
        let before = try groups("FB0000E0")
        try client.command("AT+CIPSTART=\"UDP\",\"224.7.7.7\",5000,5000,0")
        #expect(try groups("070707E0").isEmpty)
        try client.command("AT+CIPCLOSE")
        try client.command("AT+CIPMUX=1")
        try client.command("AT+CIPSTART=0,\"UDP\",\"224.7.7.8\",5000,5000,0")
        #expect(try groups("080707E0").isEmpty)
        try client.command("AT+MDNS=1,\"host\",\"_iot\",80")
        #expect(try groups("FB0000E0") == before)
        // Data sent there are lost.
        try client.command("AT+CIPSEND=0,2")
        try client.read(until: ">")
        try client.write(Array("hi".utf8))
        try client.read(until: "SEND FAIL\r\n")
    }
}

extension Peer {
    /// Sends until nothing has been taken for half a second.
    /// - Returns: the number of bytes that the other end has acknowledged.
    fileprivate func fill() -> Int {
        let block = [UInt8](repeating: 0x78, count: 8192)
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        while poll(&poller, 1, 500) == 1 {
            guard Glibc.send(descriptor, block, block.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) > 0
            else { break }
        }
        // tcpi_bytes_acked, which glibc's structure does not have.
        var information = [UInt8](repeating: 0, count: 128)
        var length = socklen_t(information.count)
        getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &information, &length)
        return information.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: 120, as: UInt64.self)) }
    }
}

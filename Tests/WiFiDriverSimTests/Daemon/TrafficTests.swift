import Foundation
import Testing
@testable import WiFiDriverSim
@testable import WiFiSimDriverCore
@testable import WiFiSimHost
@testable import WiFiSimValues

/// Bytes through a running daemon, between a client of the tty and real sockets.
struct TrafficTests {
    @Test func `Sent data arrive and received data are pushed, in any sizes`() throws {
        let (_, client) = try Program.module()
        let listener = try Listener()
        try client.join()
        try client.command("AT+CIPSTART=\"TCP\",\"10.0.2.2\",\(listener.port)")
        let peer = try listener.accept()
        var generator = SeededGenerator(1)
        for _ in 0..<50 {
            let block = (0..<Int.random(in: 1...8192, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            try client.command("AT+CIPSEND=\(block.count)")
            try client.read(until: ">")
            try client.write(block)
            try client.read(until: "SEND OK\r\n")
            #expect(peer.receive(block.count) == block)
            peer.send(block)
            var pushed: [UInt8] = []
            while pushed.count < block.count { pushed += try client.receivePush() }
            #expect(pushed == block)
        }
    }

    @Test func `Passthrough carries any bytes both ways, whatever they look like`() throws {
        let (_, client) = try Program.module()
        let listener = try Listener()
        try client.join()
        try client.command("AT+CIPSTART=\"TCP\",\"10.0.2.2\",\(listener.port)")
        let peer = try listener.accept()
        try client.command("AT+CIPMODE=1")
        try client.command("AT+CIPSEND")
        try client.read(until: ">")
        var generator = SeededGenerator(2)
        let tricky = Array("OK\r\n+IPD,5:\r\nCLOSED\r\n\0++++\\0AT+RST\r\n".utf8)
        for _ in 0..<20 {
            let block =
                tricky
                + (0..<Int.random(in: 1...40_000, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
            Thread.detachNewThread { peer.send(peer.receive(block.count)) }
            try client.write(block)
            #expect(try client.read(block.count) == block)
        }
    }

    @Test func `A long send is reported and arrives`() throws {
        let (_, client) = try Program.module()
        let listener = try Listener()
        try client.join()
        try client.command("AT+CIPSTART=\"TCP\",\"10.0.2.2\",\(listener.port)")
        let peer = try listener.accept()
        var generator = SeededGenerator(3)
        let data = (0..<300_001).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try client.command("AT+CIPSENDLCFG=100000")
        try client.command("AT+CIPSENDL=\(data.count)")
        try client.read(until: ">")
        Thread.detachNewThread { peer.send(peer.receive(data.count)) }
        try client.write(data)
        let progress = String(decoding: try client.read(until: "SEND OK\r\n"), as: UTF8.self)
        let counts = progress.split(separator: "\r\n").filter { $0.hasPrefix("+CIPSENDL:") }
            .map { $0.dropFirst(10).prefix { $0 != "," } }
        #expect(counts == ["100000", "200000", "300000", "300001"])
        var echo: [UInt8] = []
        while echo.count < data.count { echo += try client.receivePush() }
        #expect(echo == data)
    }

    /// How a link ends after a block that counts as sent and has not been sent.
    enum Ending: CaseIterable { case close, peersClose, restart }

    @Test(arguments: Ending.allCases)
    func `Data that count as sent arrive, even if a later block fails and the link is closed`(ending: Ending) throws {
        let (_, client) = try Program.module()
        let listener = try Listener()
        try client.join()
        // SO_SNDTIMEO: a block that the peer does not take fails.
        try client.command("AT+CIPTCPOPT=-1,0,100")
        try client.command("AT+CIPSTART=\"TCP\",\"10.0.2.2\",\(listener.port)")
        let peer = try listener.accept()
        var sent: [UInt8] = []
        var block: [UInt8] = []
        var hasRoom = true
        while hasRoom {
            block = [UInt8](repeating: UInt8(truncatingIfNeeded: sent.count >> 13), count: 8192)
            try client.command("AT+CIPSEND=\(block.count)")
            try client.read(until: ">")
            try client.write(block)
            try client.read(until: "\r\nSEND ")
            hasRoom = String(decoding: try client.read(until: "\r\n"), as: UTF8.self) == "OK\r\n"
            if hasRoom { sent += block }
        }
        switch ending {
        case .close: try client.command("AT+CIPCLOSE")
        case .peersClose:
            peer.finishSending()
            try client.read(until: "CLOSED\r\n")
        case .restart:
            try client.command("AT+CIPCLOSE")
            try client.command("AT+RST")
            try client.read(until: "ready\r\n")
        }
        let received = peer.receive(.max)
        #expect(received.count >= sent.count)
        #expect(received.count < sent.count + block.count)
        #expect(received.elementsEqual((sent + block).prefix(received.count)))
    }

    @Test func `Five links carry their own bytes at once`() throws {
        let (_, client) = try Program.module()
        let listener = try Listener()
        try client.join()
        try client.command("AT+CIPMUX=1")
        try client.command("AT+CIPRECVMODE=1")
        let peers = try (0..<5).map { id in
            try client.command("AT+CIPSTART=\(id),\"TCP\",\"127.0.0.1\",\(listener.port)")
            return try listener.accept()
        }
        for (id, peer) in peers.enumerated() { peer.send([UInt8](repeating: UInt8(0x61 + id), count: 5000)) }
        for id in peers.indices {
            var data: [UInt8] = []
            while data.count < 5000 {
                // An ERROR would mean that no data are waiting yet.
                try client.write(Array("AT+CIPRECVDATA=\(id),2000\r\n".utf8))
                let answer = try client.read(until: "\r\n")
                let text = String(decoding: answer, as: UTF8.self)
                guard let start = text.firstRange(of: "+CIPRECVDATA:") else { continue }
                let fields = text[start.upperBound...].split(separator: ",", maxSplits: 1)
                data += fields[1].utf8.dropLast(2)
                try client.read(until: "OK\r\n")
            }
            #expect(data == [UInt8](repeating: UInt8(0x61 + id), count: 5000))
        }
    }

    @Test func `Connections come and go without leaving a descriptor open`() throws {
        let (program, client) = try Program.module()
        let listener = try Listener()
        try client.join()
        func descriptors() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(program.processIdentifier)/fd").count
        }
        let before = try descriptors()
        for _ in 0..<200 {
            try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(listener.port)")
            _ = try listener.accept()
            // The peer closes at once, so CLOSED comes with or without CIPCLOSE.
            try client.read(until: "CLOSED\r\n")
        }
        // One more exchange, so that the end of the previous one has passed.
        try client.command("AT")
        #expect(try descriptors() == before)
    }

    /// `wifisim run`, whose client has joined, connected to a peer, done one more thing, and closed the tty.
    private func leftByClient(
        after body: (Program, SerialClient, Peer) throws -> Void
    ) throws -> (program: Program, path: String, peer: Peer) {
        let program = try Program(["run"])
        let path = try #require(program.readLine())
        let listener = try Listener()
        let client = try SerialClient(path)
        try client.join()
        try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(listener.port)")
        let peer = try listener.accept()
        try body(program, client, peer)
        return (program, path, peer)
    }

    @Test func `A client that dies in mid-transfer leaves a module that the next one can use`() throws {
        let (program, path, _) = try leftByClient { _, client, peer in
            // Both directions at once: announced data that do not come, and data that are not read.
            Thread.detachNewThread { peer.send([UInt8](repeating: 0x62, count: 1_000_000)) }
            try client.write(Array("AT+CIPSEND=2048\r\nonly a part".utf8))
            try client.read(until: ">")
        }
        // A close is visible only until the tty is opened again.
        try program.waitUntilItHolds(path)
        let next = try SerialClient(path)
        try next.write(Array("AT+RST\r\n".utf8))
        try next.read(until: "ready\r\n")
        try next.join()
        #expect(try next.command("AT+CIPSTATUS").contains("STATUS:2"))
    }

    @Test func `The last command of a client is carried out, and its answer does not go to the next client`() throws {
        let (program, path, peer) = try leftByClient { program, client, _ in
            try client.write(Array("AT+CIPSENDEX=100\r\n".utf8))
            try client.read(until: ">")
            // The program has to find the bytes and the close at once.
            program.send(SIGSTOP)
            try client.write(Array("abc\\0".utf8))
        }
        program.send(SIGCONT)
        #expect(peer.receive(3) == Array("abc".utf8))
        try program.waitUntilItHolds(path)
        let next = try SerialClient(path)
        #expect(try next.command("AT") == "\r\nOK\r\n")
    }

    @Test func `A driver takes the module out of the passthrough that another client left it in`() throws {
        let (program, path, _) = try leftByClient { _, client, peer in
            try client.command("AT+CIPMODE=1")
            try client.command("AT+CIPSEND")
            try client.write(Array("data".utf8))
            #expect(peer.receive(4) == Array("data".utf8))
        }
        try program.waitUntilItHolds(path)
        let driver = WiFiDriver { try SerialPort(path: path, baud: 115_200) }
        try driver.initialize(nil)
        try driver.powerControl(.full)
        #expect(try driver.moduleInfo().contains("4.1.0"))
        try driver.uninitialize()
    }

    @Test func `A forwarded port reaches the module's server, one that it does not serve ends`() throws {
        let port = try Listener().port
        let (_, client) = try Program.module("--hostfwd", "tcp::\(port)-:8080")
        #expect(try Peer(connectingTo: port).receive(1) == [])
        try client.join()
        try client.command("AT+CIPMUX=1")
        try client.command("AT+CIPSERVER=1,8080")
        let peer = try Peer(connectingTo: port)
        try client.read(until: "0,CONNECT\r\n")
        peer.send(Array("hello".utf8))
        #expect(try client.receivePush() == Array("hello".utf8))
    }

    @Test func `Modules with addresses of their own serve the same port`() throws {
        let program = try Program(["run", "--count", "2", "--host-address", "127.0.0.77"])
        let clients = try (0..<2).map { _ in try SerialClient(try #require(program.readLine()), of: program) }
        for client in clients {
            try client.join()
            try client.command("AT+CIPMUX=1")
            try client.command("AT+CIPSERVER=1,8088")
        }
        for (index, client) in clients.enumerated() {
            _ = try Peer(connectingTo: 8088, host: 0x7F00_004D + UInt32(index))
            try client.read(until: "0,CONNECT\r\n")
        }
    }

    @Test func `--restrict keeps a module on loopback`() throws {
        let (_, client) = try Program.module("--restrict", "on")
        let listener = try Listener()
        try client.join()
        try client.write(Array("AT+CIPSTART=\"TCP\",\"192.0.2.1\",80\r\n".utf8))
        try client.read(until: "ERROR\r\n")
        try client.write(Array("AT+CIPDOMAIN=\"example.com\"\r\n".utf8))
        try client.read(until: "ERROR\r\n")
        try client.command("AT+CIPSTART=\"TCP\",\"gateway.wifisim\",\(listener.port)")
    }

    @Test func `UDP works in both directions`() throws {
        let (_, client) = try Program.module("--count", "1")
        try client.join()
        try client.command("AT+CIPMUX=1")
        // Two links of one module communicate over the loopback of this computer.
        let port = try Listener().port
        try client.command("AT+CIPSTART=0,\"UDP\",\"127.0.0.1\",9,\(port),2")
        try client.command("AT+CIPSTART=1,\"UDP\",\"127.0.0.1\",\(port)")
        try client.command("AT+CIPSEND=1,4")
        try client.read(until: ">")
        try client.write(Array("ping".utf8))
        #expect(try client.receivePush() == Array("ping".utf8))
        try client.command("AT+CIPSEND=0,4")
        try client.read(until: ">")
        try client.write(Array("pong".utf8))
        #expect(try client.receivePush() == Array("pong".utf8))
    }

    @Test func `The system's resolver is used for names that the world does not contain`() throws {
        let (_, client) = try Program.module()
        try client.join()
        #expect(try client.command("AT+CIPDOMAIN=\"localhost\"").contains("+CIPDOMAIN:\"127.0.0.1\""))
    }
}

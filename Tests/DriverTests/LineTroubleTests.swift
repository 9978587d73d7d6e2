import CDriverWiFi
import Dispatch
import Testing
@testable import WiFiDriverSim
@testable import WiFiSimDriverCore
@testable import WiFiSimValues

/// Faults of line and module, each with a defined result.
@Suite struct `On a troubled line, the driver` {
    @Test func `is not led astray by a second OK`() throws {
        let module = try ScriptedModule()
        module.on("AT+CIPSTART") { command, _ in
            let link = command.split(separator: "=")[1].prefix(1)
            return "\r\nOK\r\n\(link),CONNECT\r\n\r\nOK\r\n\r\nOK\r\n"
        }
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        #expect(try driver.send(socket, Array("hello".utf8)) == 5)
        #expect(try driver.localAddress(of: socket).address == IPAddress("10.0.2.15"))
        try driver.uninitialize()
    }

    @Test(arguments: treacherousPayloads)
    func `takes pushed data in the middle of a send`(payload: [UInt8]) throws {
        let module = try ScriptedModule(.pushOnly)
        module.on("AT+CIPSEND") { command, module in
            let link = command.split(separator: "=")[1].prefix(1)
            module.say(Array("\r\nOK\r\n\r\n+IPD,\(link),\(payload.count):".utf8) + payload + Array("\r\n> ".utf8))
            module.say(Array("\r\n+IPD,\(link),\(payload.count):".utf8) + payload)
            return "> "
        }
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        #expect(try driver.send(socket, payload) == payload.count)
        #expect(module.sentBytes == payload)
        var got: [UInt8] = []
        while got.count < 2 * payload.count { got += try driver.receive(socket) }
        #expect(got == payload + payload)
        try driver.uninitialize()
    }

    @Test func `reads waiting data before it sends, because it could not read after that`() throws {
        let module = try ScriptedModule()
        module.on("AT+CIPRECVDATA") { _, _ in "\r\n+CIPRECVDATA:5,hello\r\n\r\nOK\r\n" }
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        module.say("\r\n+IPD,4,5\r\n")
        #expect(try driver.send(socket, [1]) == 1)
        let read = module.commands.firstIndex { $0.hasPrefix("AT+CIPRECVDATA=4,") }
        let send = module.commands.firstIndex { $0.hasPrefix("AT+CIPSEND=4,") }
        #expect(try #require(read) < #require(send))
        #expect(try driver.receive(socket) == Array("hello".utf8))
        try driver.uninitialize()
    }

    @Test func `keeps a receive to its deadline while another's send holds the line, and lets it go when it is closed`()
        throws
    {
        let module = try ScriptedModule()
        let driver = try makeDriver(module, replyTimeout: .seconds(60))
        let sender = try driver.connectedSocket()
        let receiver = try driver.connectedSocket()
        module.on("AT+CIPSEND") { _, _ in nil }
        let sending = try Background { try driver.send(sender, [1]) }
        #expect(module.waitForCommand("AT+CIPSEND"))
        // There is something to read, but no command can be sent to read it.
        module.say("\r\n+IPD,3,5\r\n")
        try driver.setSocketOption(ARM_SOCKET_SO_RCVTIMEO, of: receiver, to: 100)
        #expect(throws: SocketFailure.wouldBlock) { try driver.receive(receiver) }
        try driver.setSocketOption(ARM_SOCKET_SO_RCVTIMEO, of: receiver, to: 0)
        let receiving = try Background { try driver.receive(receiver) }
        try driver.close(receiver)
        #expect([.aborted, .invalidSocket].contains(receiving.failure))
        module.hangUp()
        #expect(sending.failure == .aborted)
        try driver.uninitialize()
    }

    @Test func `keeps a send to its deadline while the peer does not read, and the block counts as sent`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        module.on("<delivery>") { _, _ in "Recv 8192 bytes\r\n" }
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: socket, to: 100)
        #expect(try driver.send(socket, [UInt8](repeating: 1, count: 20000)) == 8192)
        // Nothing is sent while the module waits. It is still in the command.
        #expect(throws: SocketFailure.wouldBlock) { try driver.send(socket, [1]) }
        #expect(throws: SocketFailure.wouldBlock) { try driver.send(socket, []) }
        module.on("<delivery>") { _, _ in "Recv 1 bytes\r\n\r\nSEND OK\r\n" }
        module.say("\r\nSEND OK\r\n")
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: socket, to: 0)
        #expect(try driver.send(socket, []) == 0)
        #expect(try driver.send(socket, [2]) == 1)
        #expect(module.sentBytes.count == 8193)
        #expect(!module.commands.contains("AT+CIPMUX?"))
        try driver.uninitialize()
    }

    @Test func `does not block a socket that must not be blocked while the peer does not read`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        module.on("<delivery>") { _, _ in "Recv 1 bytes\r\n" }
        try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: socket, to: 1)
        #expect(try driver.send(socket, [1]) == 1)
        #expect(throws: SocketFailure.wouldBlock) { try driver.send(socket, [2]) }
        #expect(throws: SocketFailure.wouldBlock) { try driver.send(socket, []) }
        try driver.close(socket)
        module.say("\r\nSEND OK\r\n")
        #expect(module.waitForCommand("AT+CIPCLOSE"))
        try driver.uninitialize()
    }

    @Test func `reports a block that counted as sent and was lost`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        module.on("<delivery>") { _, _ in "Recv 1 bytes\r\n" }
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: socket, to: 100)
        #expect(try driver.send(socket, [1]) == 1)
        module.say("\r\nSEND FAIL\r\n")
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: socket, to: 0)
        #expect(throws: SocketFailure.reset) { try driver.send(socket, [2]) }
        try driver.uninitialize()
    }

    @Test func `wakes a send that waits for its peer when the socket is closed`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        let arrivals = Counter()
        module.on("<delivery>") { _, _ in
            _ = arrivals.next()
            return "Recv 1 bytes\r\n"
        }
        let sending = try Background { try driver.send(socket, [UInt8](repeating: 1, count: 10000)) }
        #expect(comesTrue { arrivals.value > 0 })
        try driver.close(socket)
        #expect(try sending.value() == 8192)
        module.say("\r\nSEND OK\r\n")
        #expect(module.waitForCommand("AT+CIPCLOSE"))
        try driver.uninitialize()
    }

    @Test(arguments: [true, false])
    func `reports the result of an unconfirmed block to a receive that only polls`(arrives: Bool) throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        module.on("AT+CIPRECVDATA") { _, _ in "\r\n+CIPRECVDATA:5,hello\r\n\r\nOK\r\n" }
        module.on("<delivery>") { _, _ in "Recv 1 bytes\r\n\r\n+IPD,4,5\r\n" }
        try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: socket, to: 1)
        #expect(try driver.send(socket, [1]) == 1)
        #expect(throws: SocketFailure.wouldBlock) { try driver.receive(socket) }
        module.say(arrives ? "\r\nSEND OK\r\n" : "\r\nSEND FAIL\r\n4,CLOSED\r\n")
        var received: [UInt8] = []
        var failure: SocketFailure?
        #expect(
            comesTrue {
                do { received = try driver.receive(socket) } catch { failure = error as? SocketFailure }
                return arrives ? !received.isEmpty : failure == .reset
            })
        #expect(arrives ? received == Array("hello".utf8) : received.isEmpty)
        try driver.uninitialize()
    }

    @Test func `switches off at once while the module still waits for a peer that does not read`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        let datagrams = Int32(try driver.createSocket(family: .v4, isStream: false))
        try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: datagrams, to: 1)
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: socket, to: 100)
        module.on("<delivery>") { _, module in
            module.on("AT") { _, _ in "busy p...\r\n" }
            return "Recv 1 bytes\r\n"
        }
        #expect(try driver.send(socket, [1]) == 1)
        try driver.bind(datagrams, to: endpoint("0.0.0.0", 5000))
        #expect(throws: SocketFailure.wouldBlock) { try driver.receive(datagrams) }
        // The close of the link has to wait for the line.
        try driver.close(socket)
        try Background { try driver.powerControl(.off) }.value()
        try Background { try driver.uninitialize() }.value()
    }

    @Test func `sends the block that the module asks for, before it switches the module off`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        let gate = DispatchSemaphore(value: 0)
        module.on("AT+CIPSEND") { _, _ in
            gate.wait()
            return "\r\nOK\r\n\r\n>"
        }
        let sending = try Background { try driver.send(socket, [1, 2, 3]) }
        #expect(module.waitForCommand("AT+CIPSEND"))
        // Sleeps, because Send reads the line.
        let receiving = try Background { try driver.receive(socket) }
        while driver.perform({ driver.core.calls.count }) < 2 {}
        let switching = try Background { try driver.powerControl(.off) }
        #expect(receiving.failure == .aborted)
        gate.signal()
        try switching.value()
        #expect(module.sentBytes == [1, 2, 3])
        _ = try? sending.value()
        try driver.powerControl(.full)
        try driver.uninitialize()
    }

    @Test func `distinguishes links that the lost network has ended from those that the peer has ended`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        var socket = try driver.connectedSocket()
        module.say("4,CLOSED\r\n")
        #expect(throws: SocketFailure.reset) { try driver.receive(socket) }
        socket = try driver.connectedSocket()
        module.say("WIFI DISCONNECT\r\n4,CLOSED\r\n")
        #expect(throws: SocketFailure.aborted) { try driver.receive(socket) }
        try driver.uninitialize()
    }

    @Test func `repeats a command that found the module busy`() throws {
        let module = try ScriptedModule()
        let tries = Counter()
        module.on("AT+PING") { _, _ in tries.next() < 3 ? "busy p...\r\n" : "+PING:1\r\n\r\nOK\r\n" }
        let driver = try makeDriver(module)
        try driver.ping(try #require(IPAddress("10.0.2.2")))
        #expect(tries.value == 3)
        try driver.uninitialize()
    }

    @Test func `gives up a command that is not answered and finds the conversation again`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module, replyTimeout: .milliseconds(100))
        let socket = try driver.connectedSocket()
        module.on("AT+CIPSEND") { _, _ in nil }
        #expect(throws: SocketFailure.unspecified) { try driver.send(socket, [1]) }
        // The late answer of the lost command, then the answer of the next one.
        module.on("AT+CIPSEND") { _, _ in "\r\nOK\r\n\r\n>" }
        module.say("\r\nERROR\r\n")
        #expect(try driver.send(socket, [1]) == 1)
        #expect(module.commands.contains("AT+CIPMUX?"))
        try driver.uninitialize()
    }

    @Test func `ends sockets with ECONNABORTED when the module restarts, and sets the module up again`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        let waiting = try Background { try driver.receive(socket) }
        module.on("AT+CIPSEND") { _, _ in "\r\n ets Jan  8 2013,rst cause:4\r\n\r\nready\r\n" }
        #expect(throws: SocketFailure.aborted) { try driver.send(socket, [1]) }
        #expect(waiting.failure == .aborted)
        #expect(throws: SocketFailure.aborted) { try driver.receive(socket) }
        #expect(!driver.isConnected())
        let before = module.commands.count { $0 == "ATE0" }
        let next = try driver.connectedSocket()
        #expect(module.commands.count { $0 == "ATE0" } == before + 1)
        module.on("AT+CIPSEND") { _, _ in "\r\nOK\r\n\r\n>" }
        #expect(try driver.send(next, [1]) == 1)
        try driver.uninitialize()
    }

    @Test func `ends every call when the line is lost`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        let receiving = try Background { try driver.receive(socket) }
        module.on("AT+CIPSEND") { _, module in
            module.hangUp()
            return nil
        }
        let sending = try Background { try driver.send(socket, [1]) }
        #expect(sending.failure == .aborted)
        #expect(receiving.failure == .aborted)
        #expect(throws: SocketFailure.unspecified) { try driver.createSocket(family: .v4, isStream: true) }
        #expect(throws: DriverFailure.unspecified) { try driver.scan(limit: 5) }
        try driver.close(socket)
        try driver.uninitialize()
    }

    @Test func `skips noise`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        module.say(
            [0xff, 0xfe, 0, 7] + Array("garbage\r\n+CIPXYZ:,,,\"\r\n+IPD,9,:\r\n+LINK_CONN:x\r\n5,CONNECT\r\n".utf8))
        #expect(try driver.send(socket, [1, 2, 3]) == 3)
        try driver.uninitialize()
    }

    @Test func `replaces the bytes of a send that the line has lost, so that the module answers again`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module, busyTimeout: .milliseconds(100))
        let socket = try driver.connectedSocket()
        module.loseBytes(2)
        #expect(throws: SocketFailure.unspecified) { try driver.send(socket, [1, 2, 3]) }
        let other = try driver.connectedSocket()
        #expect(try driver.send(other, [4]) == 1)
        #expect(module.sentBytes.last == 4)
        try driver.uninitialize()
    }

    @Test func `reports a send that the module could not deliver`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        module.on("<delivery>") { _, _ in "\r\nSEND FAIL\r\n" }
        #expect(throws: SocketFailure.reset) { try driver.send(socket, [1, 2, 3]) }
        module.on("<delivery>") { _, _ in "\r\nSEND OK\r\n" }
        #expect(try driver.send(socket, [4]) == 1)
        try driver.uninitialize()
    }

    @Test func `takes another link if a peer has taken the first`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let listener = Int32(try driver.createSocket(family: .v4, isStream: true))
        try driver.bind(listener, to: try endpoint("0.0.0.0", 80))
        try driver.listen(listener)
        module.on("AT+CIPSTART=4") { _, _ in
            "+LINK_CONN:0,4,\"TCP\",1,\"10.0.2.9\",5000,80\r\nALREADY CONNECTED\r\n\r\nERROR\r\n"
        }
        let socket = try driver.connectedSocket()
        #expect(module.commands.contains { $0.hasPrefix("AT+CIPSTART=3,\"TCP\"") })
        let accepted = try driver.accept(listener)
        #expect(accepted.peer == (try endpoint("10.0.2.9", 5000)))
        #expect(try driver.peerAddress(of: socket) == endpoint("10.0.2.2", 7))
        try driver.uninitialize()
    }

    @Test func `holds a pushing module back instead of dropping what it pushes`() throws {
        let module = try ScriptedModule(.pushOnly)
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        let block = 2000
        let total = 4 * 1024 * 1024 / block
        let pushing = try Background {
            for number in 0..<total {
                let bytes = (0..<block).map { UInt8(truncatingIfNeeded: number &* 7 &+ $0) }
                module.say(Array("\r\n+IPD,4,\(block):".utf8) + bytes)
            }
        }
        // A call that waits for something else reads the line, up to the limit.
        let other = Int32(try driver.createSocket(family: .v4, isStream: true))
        try driver.bind(other, to: try endpoint("0.0.0.0", 80))
        try driver.listen(other)
        try driver.setSocketOption(2, of: other, to: 300)
        #expect(throws: SocketFailure.wouldBlock) { try driver.accept(other) }
        let queued = driver.perform { driver.core.links.compactMap { $0?.queue.count }.max() ?? 0 }
        #expect(queued > DriverCore.idleLimit)
        #expect(queued <= DriverCore.heldBackLimit + 64 * 1024)
        var position = 0
        while position < total * block {
            let bytes = try driver.receive(socket)
            let isIntact = bytes.indices.allSatisfy {
                let place = position + $0
                return bytes[$0] == UInt8(truncatingIfNeeded: place / block &* 7 &+ place % block)
            }
            #expect(isIntact)
            position += bytes.count
        }
        try pushing.value()
        try driver.uninitialize()
    }
}

/// A counter for several threads.
final class Counter: Sendable {
    private let count = Locked(0)
    func next() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
    var value: Int { count.withLock { $0 } }
}

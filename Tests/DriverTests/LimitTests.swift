import CDriverWiFi
import Testing
@testable import WiFiDriverSim
@testable import WiFiSimDriverCore
@testable import WiFiSimValues

/// Endless or invalid output of a module costs limited time and limited memory.
@Suite struct `When a module sends too much, the driver` {
    /// A socket whose peer has pushed more than the driver keeps.
    private func floodedSocket(_ driver: WiFiDriver, _ module: ScriptedModule) throws -> Int32 {
        let socket = try driver.connectedSocket()
        // It pushes until the line takes no more, and then waits without limit.
        _ = try Background {
            let block = Array("\r\n+IPD,4,2000:".utf8) + [UInt8](repeating: 1, count: 2000)
            while true { if !module.say(block) { return } }
        }
        let reader = Int32(try driver.createSocket(family: .v4, isStream: false))
        try driver.bind(reader, to: try endpoint("0.0.0.0", 4000))
        try driver.setSocketOption(ARM_SOCKET_SO_RCVTIMEO, of: reader, to: 100)
        while !driver.perform({ driver.core.isHeldBack(above: DriverCore.heldBackLimit) }) {
            _ = try? driver.receive(reader)
        }
        return socket
    }

    @Test func `keeps a send to its deadline while data are held back, and closes and switches off at once`() throws {
        let module = try ScriptedModule(.pushOnly)
        let driver = try makeDriver(module)
        let flooded = try floodedSocket(driver, module)
        let datagrams = Int32(try driver.createSocket(family: .v4, isStream: false))
        let peer = try endpoint("10.0.2.2", 9)
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: datagrams, to: 200)
        let time = ContinuousClock().measure {
            #expect(throws: SocketFailure.wouldBlock) { try driver.send(datagrams, [1], to: peer) }
        }
        #expect(time < .seconds(10))
        try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: datagrams, to: 1)
        #expect(throws: SocketFailure.wouldBlock) { try driver.send(datagrams, [1], to: peer) }
        try Background { try driver.close(datagrams) }.value()
        try Background { try driver.close(flooded) }.value()
        #expect(module.waitForCommand("AT+CIPCLOSE=4"))
        try Background { try driver.powerControl(.off) }.value()
        try Background { try driver.uninitialize() }.value()
    }

    @Test func `waits no longer for the application than for a busy module`() throws {
        let module = try ScriptedModule(.pushOnly)
        let driver = try makeDriver(module, busyTimeout: .milliseconds(300))
        let flooded = try floodedSocket(driver, module)
        #expect(throws: SocketFailure.timedOut) {
            try Background { try driver.resolve("gateway.wifisim", .v4) }.value()
        }
        // The data held back are in the queue. After they have been read, everything else arrives as well.
        #expect(try driver.receive(flooded).count == 65536)
        try Background { try driver.powerControl(.off) }.value()
        try driver.uninitialize()
    }

    @Test func `limits the length of a reply`() {
        var exchange = CommandExchange()
        let line = [UInt8](repeating: 0x61, count: 100)
        for _ in 0..<100_000 { exchange.receive(.text(line)) }
        for _ in 0..<100_000 { exchange.receive(.text([0x61])) }
        #expect(exchange.lines.reduce(0) { $0 + $1.count } <= CommandExchange.longestReply)
        #expect(exchange.lines.count <= CommandExchange.longestReply / 32)
        #expect(exchange.droppedLines + exchange.lines.count == 200_000)
        exchange.receive(.ok)
        #expect(exchange.outcome == .done)
    }

    @Test func `keeps no more datagrams, connections, events and jobs than its limits permit`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        // The command occupies the line, so that no other work can run.
        module.on("AT+CWLAP") { _, _ in nil }
        let listener = Int32(try driver.createSocket(family: .v4, isStream: true))
        try driver.bind(listener, to: try endpoint("0.0.0.0", 80))
        try driver.listen(listener)
        let datagrams = Int32(try driver.createSocket(family: .v4, isStream: false))
        try driver.bind(datagrams, to: try endpoint("0.0.0.0", 5000))
        let scanning = try Background { try driver.scan(limit: 1) }
        #expect(module.waitForCommand("AT+CWLAP"))
        for _ in 0..<2000 { module.say("0,CONNECT\r\n0,CLOSED\r\n+STA_CONNECTED:\"02:00:00:00:00:0a\"\r\n") }
        for _ in 0..<10_000 { module.say("\r\n+IPD,4,1,\"10.0.2.2\",9:x") }
        try driver.close(listener)
        for _ in 0..<2000 { module.say("0,CONNECT\r\n1,CONNECT\r\n0,CLOSED\r\n1,CLOSED\r\n") }
        module.say("\r\nOK\r\n")
        _ = try? scanning.value()
        driver.perform {
            #expect(driver.core.events.count <= DriverCore.eventLimit)
            #expect(driver.core.queue.count < 10)
            #expect(driver.core.links.compactMap { $0 }.allSatisfy { $0.queue.datagramCount <= 4096 })
        }
        var count = 0
        try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: datagrams, to: 1)
        while (try? driver.receive(datagrams)) != nil { count += 1 }
        #expect(count == DriverCore.datagramLimit.count)
        try driver.uninitialize()
    }

    @Test func `does not wait again and again for data that are announced and never delivered`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        module.on("AT+CIPRECVDATA") { _, _ in "\r\n+IPD,4,5\r\n\r\nERROR\r\n+IPD,4,5\r\n" }
        module.say("\r\n+IPD,4,5\r\n")
        try driver.setSocketOption(ARM_SOCKET_SO_RCVTIMEO, of: socket, to: 100)
        let receiving = try Background { try driver.receive(socket) }
        #expect(receiving.failure == .wouldBlock)
        try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: socket, to: 1)
        let polling = try Background { try driver.receive(socket) }
        #expect(polling.failure == .wouldBlock)
        try driver.uninitialize()
    }

    // MARK: Addresses of the other family

    /// Otherwise sixteen bytes would go where the caller has room for four.
    @Test func `accepts no address of another family than the socket's`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let datagrams = Int32(try driver.createSocket(family: .v4, isStream: false))
        try driver.bind(datagrams, to: try endpoint("0.0.0.0", 5000))
        try driver.setSocketOption(ARM_SOCKET_SO_RCVTIMEO, of: datagrams, to: 100)
        module.say("\r\n+IPD,4,5,\"2001:db8::1\",53:hello\r\n+IPD,4,5,\"10.0.2.2\",53:world")
        var buffer = [UInt8](repeating: 0, count: 10)
        let (count, source) = try buffer.withUnsafeMutableBytes { try driver.receive(datagrams, into: $0) }
        #expect(buffer.prefix(count) == Array("world".utf8)[...])
        #expect(source == (try endpoint("10.0.2.2", 53)))

        module.on("AT+CIPSTATE?") { _, _ in "+CIPSTATE:0,\"TCPv6\",\"2001:db8::1\",5000,80,1\r\n\r\nOK\r\n" }
        let listener = Int32(try driver.createSocket(family: .v4, isStream: true))
        try driver.bind(listener, to: try endpoint("0.0.0.0", 80))
        try driver.listen(listener)
        module.say("+LINK_CONN:0,0,\"TCPv6\",1,\"2001:db8::1\",5000,80\r\n")
        #expect(try driver.accept(listener).peer == nil)

        module.on("AT+CIPSTART") { command, _ in
            let link = command.split(separator: "=")[1].prefix(1)
            return "+LINK_CONN:0,\(link),\"TCP\",0,\"2001:db8::1\",5000,80\r\n\r\nOK\r\n"
        }
        let socket = try driver.connectedSocket()
        #expect(try driver.peerAddress(of: socket) == endpoint("10.0.2.2", 7))
        try driver.uninitialize()
    }

    @Test func `accepts no option of a wrong length`() throws {
        let module = try ScriptedModule()
        module.on("AT+CIPSTA?") { _, _ in
            "+CIPSTA:ip:\"2001:db8::1\"\r\n+CIPSTA:gateway:\"10.0.2.2\"\r\n+CIPSTA:netmask:\"::\"\r\n"
                + "+CIPSTA:ip6ll:\"10.0.2.15\"\r\n+CIPSTA:ip6gl:\"2001:db8::2\"\r\n\r\nOK\r\n"
        }
        let driver = try makeDriver(module)
        for option in [ARM_WIFI_IP, ARM_WIFI_IP_SUBNET_MASK, ARM_WIFI_IP_GATEWAY] {
            #expect(try driver.getOption(option, interface: 0, room: 4).count == 4)
        }
        for option in [ARM_WIFI_IP6_LINK_LOCAL, ARM_WIFI_IP6_GLOBAL] {
            #expect(try driver.getOption(option, interface: 0, room: 16).count == 16)
        }
        try driver.uninitialize()
    }
}

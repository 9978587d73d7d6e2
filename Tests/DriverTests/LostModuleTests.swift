import CDriverWiFi
import Dispatch
import Testing
@testable import WiFiDriverSim
@testable import WiFiSimDriverCore
@testable import WiFiSimValues

/// A module that does not answer, or not in time, and the duration of the calls made during that time.
@Suite struct `When the module is lost, the driver` {
    private func isQuick(_ body: () throws -> Void) rethrows -> Bool {
        try ContinuousClock().measure(body) < .seconds(2)
    }

    @Test func `ends every socket, leaves the network, and fails at once afterwards`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module, replyTimeout: .milliseconds(100))
        let socket = try driver.connectedSocket()
        let other = try driver.connectedSocket()
        let waiting = try Background { try driver.receive(other) }
        module.on("AT") { _, _ in nil }
        #expect(throws: SocketFailure.unspecified) { try driver.send(socket, [1]) }
        // The conversation is searched for once.
        #expect(throws: SocketFailure.self) { try driver.send(socket, [1]) }
        #expect(waiting.failure == .aborted)
        #expect(!driver.isConnected())
        #expect(try driver.getOption(ARM_WIFI_IP, interface: 0, room: 4) == [0, 0, 0, 0])
        #expect(isQuick { #expect(throws: SocketFailure.aborted) { try driver.send(socket, [1]) } })
        #expect(try isQuick { try driver.close(socket) })
        #expect(isQuick { #expect(throws: SocketFailure.unspecified) { try driver.connectedSocket() } })
        #expect(isQuick { #expect(throws: DriverFailure.self) { try driver.scan(limit: 1) } })
        #expect(try isQuick { try driver.powerControl(.off) })
        try driver.uninitialize()
    }

    @Test func `detects it even with calls that have little time`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module, replyTimeout: .milliseconds(100))
        let socket = try driver.connectedSocket()
        module.on("AT") { _, _ in nil }
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: socket, to: 50)
        for _ in 0..<5 { #expect(throws: SocketFailure.self) { try driver.send(socket, [1]) } }
        #expect(!driver.isConnected())
        #expect(throws: SocketFailure.aborted) { try driver.send(socket, [1]) }
        try driver.uninitialize()
    }

    @Test(arguments: [true, false])
    func `uses it again after a new setup, once it answers`(saysReady: Bool) throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module, replyTimeout: .milliseconds(100))
        let isSilent = Locked(true)
        module.on("AT") { command, module in isSilent.withLock { $0 } ? nil : module.standardAnswer(command) }
        for _ in 0..<3 { _ = try? driver.scan(limit: 1) }
        #expect(!driver.isConnected())
        let before = module.commands.count { $0 == "ATE0" }
        isSilent.withLock { $0 = false }
        if saysReady { module.say("\r\nready\r\n") }
        #expect(try driver.scan(limit: 1).isEmpty)
        #expect(module.commands.count { $0 == "ATE0" } == before + 1)
        try driver.uninitialize()
    }

    @Test func `does not send it a whole sequence of commands`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module, replyTimeout: .milliseconds(200))
        module.say("\r\nready\r\n")
        module.on("AT+CIPDINFO") { _, _ in nil }
        #expect(throws: DriverFailure.self) { try driver.scan(limit: 1) }
        let last = try #require(module.commands.lastIndex { $0.hasPrefix("AT+CIPDINFO") })
        #expect(module.commands[last...].count == 1)
        try driver.uninitialize()
    }

    @Test func `does not wait a second time after a peer that does not read`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module, busyTimeout: .milliseconds(300))
        let socket = try driver.connectedSocket()
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: socket, to: 100)
        module.on("<delivery>") { _, module in
            module.on("AT") { _, _ in "busy p...\r\n" }
            return "Recv 1 bytes\r\n"
        }
        #expect(try driver.send(socket, [1]) == 1)
        for _ in 0..<3 { #expect(isQuick { #expect(throws: SocketFailure.self) { try driver.connectedSocket() } }) }
        // It is busy, not lost. Once the peer reads, everything works as before.
        #expect(driver.isConnected())
        module.on("AT") { command, module in module.standardAnswer(command) }
        module.say("\r\nSEND OK\r\n")
        let other = try driver.connectedSocket()
        #expect(try driver.localAddress(of: other).address == IPAddress("10.0.2.15"))
        #expect(throws: SocketFailure.reset) { try driver.send(socket, [1]) }
        try driver.uninitialize()
    }

    @Test func `restarts a module that is busy with a peer that does not read`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        try driver.setSocketOption(ARM_SOCKET_SO_SNDTIMEO, of: socket, to: 100)
        module.on("<delivery>") { _, module in
            module.on("AT") { _, _ in "\r\nbusy p...\r\n" }
            module.on("AT+RST") { _, module in
                module.on("AT") { command, module in module.standardAnswer(command) }
                return "\r\nWill force to restart!!!\r\n\r\nready\r\n"
            }
            return "Recv 1 bytes\r\n"
        }
        #expect(try driver.send(socket, [1]) == 1)
        try Background { try driver.powerControl(.off) }.value()
        try Background { try driver.powerControl(.full) }.value()
        let again = try driver.connectedSocket()
        module.on("<delivery>") { _, _ in "Recv 1 bytes\r\n\r\nSEND OK\r\n" }
        #expect(try driver.send(again, [2]) == 1)
        try driver.uninitialize()
    }

    @Test func `gives up a line that takes nothing when the power is switched off`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        let gate = DispatchSemaphore(value: 0)
        // The prompt comes, but the line is not read: the block does not fit into its buffers.
        module.on("AT+CIPSEND") { _, module in
            module.say("\r\nOK\r\n\r\n>")
            gate.wait()
            return nil
        }
        driver.perform { driver.core.dialect.longestSend = 16 << 20 }
        let sending = try Background { try driver.send(socket, [UInt8](repeating: 1, count: 16 << 20)) }
        #expect(module.waitForCommand("AT+CIPSEND"))
        try Background { try driver.powerControl(.off) }.value()
        #expect(sending.failure != nil)
        gate.signal()
        try driver.uninitialize()
    }

    @Test func `does not look for it in Close`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module, replyTimeout: .milliseconds(100))
        let sockets = try (0..<3).map { _ in try driver.connectedSocket() }
        module.on("AT") { _, _ in "\r\nbusy p...\r\n" }
        #expect(throws: SocketFailure.self) { try driver.send(sockets[0], [1]) }
        for socket in sockets { #expect(try isQuick { try driver.close(socket) }) }
        module.on("AT") { command, module in module.standardAnswer(command) }
        #expect(module.waitForCommand("AT+CIPCLOSE=2"))
        try driver.uninitialize()
    }

    // MARK: No network

    @Test(arguments: [ScriptedModule.Firmware.current, .generation1])
    func `returns ERROR without a network, whatever the firmware answers`(firmware: ScriptedModule.Firmware) throws {
        let module = try ScriptedModule(firmware)
        let driver = try makeDriver(module)
        for refused in ["AT+CIPSTART", "AT+CIPDOMAIN"] {
            module.on(refused) { _, _ in firmware == .current ? "\r\nERROR\r\n" : "no ip\r\n\r\nERROR\r\n" }
        }
        module.say("WIFI DISCONNECT\r\n")
        #expect(throws: SocketFailure.unspecified) { try driver.connectedSocket() }
        #expect(throws: SocketFailure.unspecified) { try driver.resolve("gateway.wifisim", .v4) }
        try driver.uninitialize()
    }

    @Test(arguments: ["Deactivate", "a refused join", "a loss", "a restart", "DHCP off"])
    func `drops the addresses of a network that it has left`(by: String) throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        func address() throws -> [UInt8] { try driver.getOption(ARM_WIFI_IP, interface: 0, room: 4) }
        #expect(try address() == [10, 0, 2, 15])
        var expected: [UInt8] = [0, 0, 0, 0]
        switch by {
        case "Deactivate": try driver.deactivate(interface: 0)
        case "a refused join":
            module.on("AT+CWJAP") { _, _ in "+CWJAP:2\r\n\r\nERROR\r\n" }
            #expect(throws: DriverFailure.unspecified) {
                try driver.activate(
                    interface: 0, .init(ssid: [97], password: [98], security: .wpa2, channel: 0, wps: .none))
            }
        case "a loss": module.say("WIFI DISCONNECT\r\n")
        case "a restart": module.say("\r\nready\r\n")
        default:
            // The station's own values stay.
            let off: [UInt8] = [0, 0, 0, 0]
            try off.withUnsafeBytes {
                try driver.setOption(ARM_WIFI_IP_DHCP, interface: 0, data: $0)
            }
            try driver.deactivate(interface: 0)
            expected = [10, 0, 2, 15]
        }
        #expect(try address() == expected)
        #expect(!driver.isConnected())
        try driver.uninitialize()
    }

    @Test(arguments: [ScriptedModule.Firmware.current, .generation1], ["+CWJAP", "+CWJAP_CUR"])
    func `recognizes a join that timed out by either name`(firmware: ScriptedModule.Firmware, name: String) throws {
        let module = try ScriptedModule(firmware)
        let driver = try makeDriver(module)
        module.on("AT+CWJAP") { _, _ in "\(name):1\r\n\r\nFAIL\r\n" }
        #expect(throws: DriverFailure.timedOut) {
            try driver.activate(
                interface: 0, .init(ssid: [97], password: [98], security: .wpa2, channel: 0, wps: .none))
        }
        try driver.uninitialize()
    }

    @Test func `carries out a waiting Close before it runs out of links`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let sockets = try (0..<WiFiDriver.linkLimit).map { _ in try driver.connectedSocket() }
        let datagrams = Int32(try driver.createSocket(family: .v4, isStream: false))
        // The line is taken. The link of the Send is requested first, and a link is closed only later.
        module.on("AT+CWLAP") { _, _ in nil }
        let scanning = try Background { try driver.scan(limit: 1) }
        #expect(module.waitForCommand("AT+CWLAP"))
        let sending = try Background { try driver.send(datagrams, [1], to: endpoint("10.0.2.2", 9)) }
        #expect(comesTrue { driver.perform { !driver.core.queue.isEmpty } })
        try driver.close(sockets[0])
        module.say("\r\nOK\r\n")
        _ = try scanning.value()
        #expect(try sending.value() == 1)
        #expect(throws: SocketFailure.noMemory) { try driver.connectedSocket() }
        try driver.uninitialize()
    }
}

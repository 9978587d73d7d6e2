import CDriverWiFi
import Dispatch
import Testing
@testable import WiFiDriverSim
@testable import WiFiSimDriverCore
@testable import WiFiSimHost
@testable import WiFiSimValues

/// The events of the C callback. A C callback has no context, so the list is shared.
private let reported = Locked<[String]>([])
private let hasReport = DispatchSemaphore(value: 0)

@Suite struct `While no call is made, the driver` {
    @Test func `reports stations that join and leave its access point`() throws {
        let module = try ScriptedModule()
        let end = module.driverEnd
        let driver = WiFiDriver { try SerialPort(adopting: end) }
        try driver.initialize { event, argument in
            let mac = UnsafeRawBufferPointer(start: argument, count: 6)
            reported.withLock { $0.append("\(event) \(MACAddress(bytes: mac))") }
            hasReport.signal()
        }
        try driver.powerControl(.full)
        try driver.activate(
            interface: 1,
            NetworkConfiguration(
                ssid: Array("mine".utf8), password: Array("password".utf8), security: .wpa2, channel: 6, wps: .none))
        #expect(module.commands.contains("AT+CWSAP=\"mine\",\"password\",6,3"))
        module.say("+STA_CONNECTED:\"02:00:00:00:00:0a\"\r\n+DIST_STA_IP:\"02:00:00:00:00:0a\",\"192.168.4.2\"\r\n")
        try #require(hasReport.wait(timeout: .now() + .seconds(10)) == .success)
        module.say("+STA_DISCONNECTED:\"02:00:00:00:00:0a\"\r\n")
        try #require(hasReport.wait(timeout: .now() + .seconds(10)) == .success)
        #expect(reported.withLock { $0 } == ["1 02:00:00:00:00:0a", "2 02:00:00:00:00:0a"])
        try driver.uninitialize()
    }

    @Test func `reads pushed data, for which the buffers of the line are too small`() throws {
        let module = try ScriptedModule(.pushOnly)
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        // A call that waits for nothing. Afterwards the line is read only because of the pushed data.
        #expect(driver.isConnected())
        let chunk = [UInt8](repeating: 0x61, count: 100)
        // Far more messages than a socket pair holds, and fewer bytes than the driver reads without a call. The system
        // wakes a blocked sender only after three quarters of its buffer have been read.
        let chunkCount = 1000
        let pushing = try Background {
            for _ in 0..<chunkCount { module.say(Array("\r\n+IPD,4,\(chunk.count):".utf8) + chunk) }
        }
        // It ends although no call is made.
        try pushing.value()
        var count = 0
        while count < chunkCount * chunk.count { count += try driver.receive(socket).count }
        try driver.uninitialize()
    }

    @Test func `leaves other messages to the next call, which handles them first`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        let socket = try driver.connectedSocket()
        module.say("4,CLOSED\r\n")
        #expect(throws: SocketFailure.reset) { try driver.send(socket, [1]) }
        #expect(!module.commands.contains { $0.hasPrefix("AT+CIPSEND") })
        try driver.uninitialize()
    }

    @Test func `does not take the late report of a failed connection for another's`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        module.on("AT+CIPSTART=4") { _, module in
            module.commands.count { $0.hasPrefix("AT+CIPSTART=4") } == 1
                ? "\r\nERROR\r\n" : "4,CLOSED\r\n4,CONNECT\r\n\r\nOK\r\n"
        }
        #expect(throws: SocketFailure.refused) { try driver.connectedSocket() }
        let socket = try driver.connectedSocket()
        #expect(try driver.send(socket, [1]) == 1)
        try driver.uninitialize()
    }

    @Test func `notices that a network was left`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        #expect(driver.isConnected())
        module.say("WIFI DISCONNECT\r\n")
        #expect(comesTrue { !driver.isConnected() })
        try driver.uninitialize()
    }

    @Test func `joins by push button and reports the password as unknown`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        module.say("WIFI DISCONNECT\r\n")
        #expect(comesTrue { !driver.isConnected() })
        module.on("AT+WPS=1") { _, module in
            module.say("\r\nOK\r\n")
            return "WIFI CONNECTED\r\nWIFI GOT IP\r\n"
        }
        module.on("AT+CWJAP?") { _, _ in "+CWJAP:\"cafe\",\"02:00:00:00:00:01\",11,-50,0,1,3,0,1\r\n\r\nOK\r\n" }
        module.on("AT+CWLAP") { _, _ in "+CWLAP:(4,\"cafe\",-50,\"02:00:00:00:00:01\",11)\r\n\r\nOK\r\n" }
        try driver.activate(
            interface: 0,
            NetworkConfiguration(ssid: [], password: [], security: .open, channel: 0, wps: .pushButton))
        let network = try driver.networkInformation()
        #expect(network.ssid == Array("cafe".utf8) && network.password.isEmpty)
        #expect(network.security == .wpa2 && network.channel == 11 && network.rssi == -50)
        try driver.uninitialize()
    }

    @Test func `sleeps lightly and wakes up`() throws {
        let module = try ScriptedModule()
        let driver = try makeDriver(module)
        try driver.powerControl(.low)
        #expect(module.commands.last == "AT+SLEEP=1")
        try driver.powerControl(.full)
        #expect(module.commands.last == "AT+SLEEP=0")
        try driver.uninitialize()
    }
}

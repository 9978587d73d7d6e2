import CIoTSocket
import Glibc
import IoTSocketWiFi
import WiFiDriverSim

/// IoT Socket over a module on a pseudo-terminal: the whole path from an application to the computer's network.
enum SocketFigures {
    private static let blockLength = 8192

    static func all(_ firmware: Firmware, for duration: Duration) throws -> [Figure] {
        setenv("WIFISIM_TTY", try ModuleClient.startModule(firmware), 1)
        guard socket_startup() == 0 else { throw BenchError("socket_startup failed") }
        return [try send(firmware, for: duration), try receive(for: duration), try connect(for: duration)]
    }

    private static func send(_ firmware: Firmware, for duration: Duration) throws -> Figure {
        let socket = try connected(to: try LoopbackServer.sink())
        defer { iotSocketClose(socket) }
        let block = [UInt8](repeating: 0x61, count: blockLength)
        let length = min(blockLength, firmware.longestSendBlock)
        let bare = ModuleClient(on: try RawTerminal.answeringSends(ofLength: length))
        let measured = try Measure.rates(for: duration) {
            let count = iotSocketSend(socket, block, UInt32(block.count))
            guard count == Int32(block.count) else { throw BenchError("iotSocketSend gave \(count)") }
            return Int(count)
        } limit: {
            try bare.send(blockOf: length)
            return length
        }
        return Figure(
            name: "iotSocketSend, 8 KiB", unit: "MB/s", value: measured.value, limitName: "bare CIPSEND exchange",
            limit: measured.limit)
    }

    private static func receive(for duration: Duration) throws -> Figure {
        let socket = try connected(to: try LoopbackServer.source())
        defer { iotSocketClose(socket) }
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let raw = try RawTerminal.flooding()
        let measured = try Measure.rates(for: duration) {
            let count = iotSocketRecv(socket, &buffer, UInt32(buffer.count))
            guard count > 0 else { throw BenchError("iotSocketRecv gave \(count)") }
            return Int(count)
        } limit: {
            try raw.readSome()
        }
        return Figure(
            name: "iotSocketRecv", unit: "MB/s", value: measured.value, limitName: "raw pty, 4 KiB writes",
            limit: measured.limit)
    }

    /// Connections per second. The limit: the same two exchanges with a peer that connects to the same server and closes.
    private static func connect(for duration: Duration) throws -> Figure {
        let port = try LoopbackServer.accepting()
        let bare = ModuleClient(on: try RawTerminal.answeringConnects(to: port))
        let measured = try Measure.counts(for: duration) {
            iotSocketClose(try connected(to: port))
        } limit: {
            try bare.command("AT+CIPSTART=4,\"TCP\",\"127.0.0.1\",\(port)")
            try bare.command("AT+CIPCLOSE=4")
        }
        return Figure(
            name: "connect and close", unit: "1/s", value: measured.value, limitName: "bare connect and close",
            limit: measured.limit)
    }

    private static func connected(to port: UInt16) throws -> Int32 {
        let socket = iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, IOT_SOCKET_IPPROTO_TCP)
        let code = iotSocketConnect(socket, [127, 0, 0, 1], 4, port)
        guard code == 0 else { throw BenchError("iotSocketConnect gave \(code)") }
        return socket
    }
}

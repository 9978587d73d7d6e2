import Foundation
import Testing
import WiFiDriverSim

/// A C client that uses only `iot_socket.h`, in its own process, with a real server.
@Suite(.enabled(if: Mosquitto.path != nil, "needs mosquitto: apt-get install mosquitto"), .serialized)
struct MQTTTests {
    private func runClient(_ arguments: [String], profile: String) throws -> (
        status: Int32, output: String, errors: String
    ) {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "MQTTClient").path(percentEncoded: false)
        let client = Process(command: [program] + arguments)
        // Its module runs inside the client, whatever line the tests themselves use.
        client.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("WIFISIM_") }
            .merging(["WIFISIM_PROFILE": profile]) { $1 }
        let output = Pipe()
        let errors = Pipe()
        client.standardInput = FileHandle.nullDevice
        client.standardOutput = output
        client.standardError = errors
        try client.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = errors.fileHandleForReading.readDataToEndOfFile()
        client.waitUntilExit()
        return (
            client.terminationReason == .exit ? client.terminationStatus : 128 + client.terminationStatus,
            String(decoding: said, as: UTF8.self), String(decoding: complained, as: UTF8.self)
        )
    }

    @Test(arguments: Firmware.all.map(\.name))
    func `Messages come back from mosquitto in order, once, and unchanged at QoS 0, 1 and 2`(profile: String) throws {
        let server = try Mosquitto()
        let messages = [(count: 1000, size: 64), (count: 20, size: 60_000)]
        let result = try runClient(
            ["10.0.2.2", "\(server.port)"] + messages.map { "\($0.count)x\($0.size)" }, profile: profile)
        var expected = ""
        for (count, size) in messages {
            for qos in 0...2 { expected += "QoS \(qos), \(count)x\(size): \(count) arrived, 0 damaged\n" }
        }
        #expect(result.output == expected, "\(result.errors)")
        #expect(result.status == 0)
    }
}

import Foundation
import Testing
import WiFiDriverSim

/// The Python that runs the clients.
enum ClientPython {
    static let path: String? = {
        let candidate = ProcessInfo.processInfo.environment["WIFISIM_PYTHON"] ?? "/usr/bin/env"
        let arguments =
            (candidate.hasSuffix("env") ? ["python3"] : []) + ["-c", "import serial, adafruit_espatcontrol"]
        let process = Process()
        process.executableURL = URL(filePath: candidate)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        process.waitUntilExit()
        return process.terminationStatus == 0 ? candidate : nil
    }()
}

/// Clients by other authors, on the tty of a running module. `Tests/Clients/requirements.txt` lists what they need.
/// WIFISIM_PYTHON selects a Python that has it; the default is python3.
@Suite(.enabled(if: ClientPython.path != nil, "needs a Python with Tests/Clients/requirements.txt"))
struct ClientTests {
    private func run(_ script: String, profile: String, count: Int = 1, arguments: [String] = []) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Clients").standardized
        let python = try #require(ClientPython.path)
        let command =
            (python.hasSuffix("env") ? [python, "python3"] : [python]) + [
                folder.appending(path: script).path(percentEncoded: false)
            ] + arguments
        let result = try Program(["exec", "--profile", profile, "--count", "\(count)", "--"] + command).finish()
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    @Test(arguments: Firmware.all.map(\.name))
    func `pyserial works as a client and as a server`(profile: String) throws {
        try run("pyserial_client.py", profile: profile)
    }

    @Test(arguments: Firmware.all.map(\.name))
    func `Python's ssl is the server of an SSL link, and its client, with certificates of the flash and written ones`(
        profile: String
    ) throws {
        try run("ssl_client.py", profile: profile, arguments: [profile])
    }

    @Test func `Two modules exchange 16 MiB over a soft-AP that disappears and returns`() throws {
        try run("two_modules.py", profile: "esp32c3-4.1", count: 2)
    }

    // The client asks for CIPSTATE, which ESP-AT 2.2.1 does not have.
    @Test(arguments: Firmware.all.filter { $0 != .esp8266v2_2 }.map(\.name))
    func `Adafruit's ESP_ATcontrol joins and exchanges data, unmodified`(profile: String) throws {
        try run("adafruit_client.py", profile: profile)
    }
}

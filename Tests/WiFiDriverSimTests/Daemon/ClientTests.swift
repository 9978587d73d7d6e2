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

/// Clients by other authors, on the line of a running module. `Tests/Clients/requirements.txt` lists what they need.
/// WIFISIM_PYTHON selects a Python that has it; the default is python3.
@Suite(.enabled(if: ClientPython.path != nil, "needs a Python with Tests/Clients/requirements.txt"))
struct ClientTests {
    private func command(_ script: String, _ arguments: [String] = []) throws -> [String] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Clients").standardized
        let python = try #require(ClientPython.path)
        return (python.hasSuffix("env") ? [python, "python3"] : [python])
            + ["-W", "ignore", folder.appending(path: script).path(percentEncoded: false)] + arguments
    }

    private func run(
        _ script: String, profile: String, options: [String] = [], arguments: [String] = []
    ) throws {
        let result = try Program(["exec", "--profile", profile] + options + ["--"] + command(script, arguments))
            .finish()
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    @Test(arguments: ["tcp:0", "rfc2217:0", "rfc2217:[::1]:0"])
    func `pyserial works over a network, by the name that exec gives it`(line: String) throws {
        try run("pyserial_client.py", profile: "esp32c3-4.1", options: ["--line", line])
    }

    @Test(arguments: ["board", "rts", "dtr", "none"])
    func `pyserial has a port over RFC 2217, and the reset line that it is told`(resetLine: String) throws {
        try run(
            "rfc2217_client.py", profile: "esp32c3-4.1", options: ["--line", "rfc2217:0", "--reset-line", resetLine],
            arguments: [resetLine])
    }

    @Test(arguments: ["pty", "tcp:0", "rfc2217:0"])
    func `A client is killed in mid-transfer, and the next one has the line`(line: String) throws {
        let (program, name) = try Program.running("--line", line)
        let client = Process()
        let output = Pipe()
        let words = try command("endless_client.py", [name])
        client.executableURL = URL(filePath: words[0])
        client.arguments = Array(words.dropFirst())
        client.standardOutput = output
        try client.run()
        #expect(try output.fileHandleForReading.read(upToCount: 8)?.count == 8)
        kill(client.processIdentifier, SIGKILL)
        client.waitUntilExit()
        if line == "pty" { try program.waitUntilItHolds(name) }
        let next = try LineHost(name)
        // The first OK may be in an answer to the killed client.
        try next.write("AT\r\n")
        try next.command("AT+GMR")
        try next.read(until: "Bin version")
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
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
        try run("two_modules.py", profile: "esp32c3-4.1", options: ["--count", "2"])
    }

    // The client asks for CIPSTATE, which ESP-AT 2.2.1 does not have.
    @Test(arguments: Firmware.all.filter { $0 != .esp8266v2_2 }.map(\.name))
    func `Adafruit's ESP_ATcontrol joins and exchanges data, unmodified`(profile: String) throws {
        try run("adafruit_client.py", profile: profile)
    }

    @Test func `Adafruit's ESP_ATcontrol works over RFC 2217`() throws {
        try run("adafruit_client.py", profile: "esp32c3-4.1", options: ["--line", "rfc2217:0"])
    }
}

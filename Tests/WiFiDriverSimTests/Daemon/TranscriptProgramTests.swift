import CPosix
import Foundation
import FoundationXML
import Glibc
import Testing
@testable import WiFiSimHost
@testable import WiFiSimSimulation
@testable import WiFiSimTranscripts

/// `wifisim check`, `record`, `replay` and `report` as a user runs them.
struct TranscriptProgramTests {
    private let folder = TemporaryFolder()

    private func run(_ arguments: String...) throws -> (status: Int32, output: String, errors: String) {
        try Program(arguments).finish()
    }

    /// Waits until the file contains this text.
    private func wait(for text: String, in path: String) throws {
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            if let content = try? Files.read(path), String(decoding: content, as: UTF8.self).contains(text) { return }
            usleep(5000)
        }
        throw ProgramError("\(path) never held \(text)")
    }

    // MARK: check

    @Test func `check prints how many transcripts agree, and the rate`() throws {
        let junit = folder.path("junit.xml")
        let result = try run("check", "\(Fixtures.folder)/esp32c3-4.1/basic", "--junit", junit)
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.contains("transcripts agree") && !result.output.contains("a bare parse"))
        let verbose = try run("check", "\(Fixtures.folder)/esp32c3-4.1/basic", "--verbose")
        #expect(verbose.output.contains("a bare parse of the same files"))
        let document = try XMLDocument(contentsOf: URL(filePath: junit))
        let cases = try document.nodes(forXPath: "//testcase")
        #expect(cases.count == (try Transcript.files(at: "\(Fixtures.folder)/esp32c3-4.1/basic")).count)
        #expect(try document.nodes(forXPath: "//failure").isEmpty)
    }

    @Test func `check shows a difference and ends with 1`() throws {
        let path = folder.path("wrong.at")
        try Files.write(Array("transcript 1\n> AT\\r\\n\n< AT\\r\\n\n< \\r\\nNO & <\\r\\n\n".utf8), to: path)
        // A lone < must be escaped.
        #expect(try run("check", path).output.contains("wrong.at:4:12: there is no such placeholder"))
        try Files.write(Array("transcript 1\n> AT\\r\\n\n< AT\\r\\n\n< \\r\\nNO & \\<\\r\\n\n".utf8), to: path)
        let junit = folder.path("junit.xml")
        let result = try run("check", "--junit", junit, path)
        #expect(result.status == 1)
        #expect(result.output.contains("wrong.at:4: differs at byte 3"))
        #expect(try XMLDocument(contentsOf: URL(filePath: junit)).nodes(forXPath: "//failure").count == 1)
    }

    @Test func `check ends with the highest status of all files, each of which is checked`() throws {
        func write(_ name: String, _ text: String) -> String { folder.write("transcript 1\n\(text)", to: name) }
        let good = write("good.at", "> AT\\r\\n\n< AT\\r\\n\n< \\r\\nOK\\r\\n\n")
        let other = write("other.at", "> AT\\r\\n\n< AT\\r\\n\n< \\r\\nNO\\r\\n\n")
        let wrong = write("wrong.at", "\n> AT\\r\\n\nfrobnicate\n")
        let missing = folder.path("missing.at")
        #expect(try run("check", good).status == 0)
        #expect(try run("check", good, other).status == 1)
        #expect(try run("check", other, wrong, good).status == 65)
        #expect(try run("check", "--update", wrong).status == 65)
        #expect(try run("check", "--update", missing, wrong, good).status == 66)

        // A folder without transcripts and an unreadable file do not prevent the other files from being checked.
        let empty = folder.path("empty")
        try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: false)
        let beside = try run("check", empty, other)
        #expect(beside.status == 64)
        #expect(beside.output.contains("holds no transcript") && beside.output.contains("other.at:4: differs"))
        if getuid() != 0 {
            try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: good)
            #expect(try run("check", wrong, good).status == 66)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: good)
        }

        let junit = folder.path("junit.xml")
        let all = try run("check", "--junit", junit, missing, wrong, other, good)
        #expect(all.status == 66)
        #expect(all.output.contains("1 of 4 transcripts agree"))
        #expect(all.output.contains("wrong.at:4:1: ") && all.output.contains("other.at:4: differs at byte 3"))
        let document = try XMLDocument(contentsOf: URL(filePath: junit))
        func texts(_ path: String) throws -> [String] { try document.nodes(forXPath: path).compactMap(\.stringValue) }
        #expect(try texts("//testsuite/@errors") == ["2"] && texts("//testsuite/@failures") == ["1"])
        #expect(try texts("//testcase[error]/@name") == ["missing.at", "wrong.at"])
        #expect(try texts("//testcase[failure]/@name") == ["other.at"])
        #expect(try texts("//testcase[@name='other.at']/@line") == ["4"])
        #expect(try texts("//testcase[@name='wrong.at']/@line") == ["4"])
        #expect(try texts("//testcase[@name='good.at']/@file") == [good])
    }

    @Test func `JUnit has names relative to the checked folder, and times`() throws {
        let inner = folder.path("inner")
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
        // A folder with a link to itself does not cause an endless loop.
        try FileManager.default.createSymbolicLink(atPath: "\(inner)/again", withDestinationPath: "..")
        _ = folder.write("transcript 1\n> AT\\r\\n\n< AT\\r\\n\n< \\r\\nOK\\r\\n\n", to: "inner/good.at")
        let junit = folder.path("junit.xml")
        #expect(try run("check", "--junit", junit, folder.path("")).status == 0)
        let document = try XMLDocument(contentsOf: URL(filePath: junit))
        let names = try document.nodes(forXPath: "//testcase/@name").compactMap(\.stringValue)
        #expect(names == ["inner/good.at"])
        let time = try #require(try document.nodes(forXPath: "//testcase/@time").first?.stringValue)
        #expect(try #require(Double(time)) > 0)
    }

    @Test(arguments: [
        ["--update", "--junit", "x"], ["--update", "--split", "1"], ["--device", "/dev/null", "--jobs", "2"],
        ["--baud", "9600"],
    ])
    func `check refuses options that would have no effect`(options: [String]) throws {
        let good = folder.write("transcript 1\n> AT\\r\\n\n< AT\\r\\n\n< \\r\\nOK\\r\\n\n", to: "good.at")
        let result = try Program(["check", good] + options).finish()
        #expect(result.status == 64 && result.errors.contains("has no effect with"), "\(result.errors)")
    }

    @Test func `check names the file that it cannot find, and the folder that is empty`() throws {
        #expect(try run("check", "/nowhere.at").output.contains("/nowhere.at"))
        #expect(try run("check", folder.path("")).status == 64)
        #expect(try run("check").status == 64)
    }

    @Test func `check plays to a device, too`() throws {
        let module = try Program(["run"])
        let device = try #require(module.readLine())
        let fixtures = "\(Fixtures.folder)/esp32c3-4.1"
        let other = folder.write("transcript 1\n> AT\\r\\n\n< AT\\r\\n\n< \\r\\nNO\\r\\n\n", to: "other.at")
        let result = try run(
            "check", "--device", device, "\(fixtures)/basic/echo.at", "\(fixtures)/wi-fi/soft-ap-address.at", other)
        #expect(result.status == 1)
        #expect(result.output.contains("2 of 3 transcripts agree"), "\(result.output)")
        #expect(result.output.contains("other.at:4: differs at byte 3"))
        module.send(SIGINT)
    }

    // MARK: record and replay

    @Test func `A recording agrees with the module, and its replay with the client`() throws {
        let path = folder.path("session.at")
        let recorder = try Program(["record", path])
        let client = try SerialClient(try #require(recorder.readLine()), of: recorder)
        // Output from before the client's start is read with the first answer.
        try client.command("AT")
        for command in [
            "ATE0", "AT+CWMODE=1", "AT+CWJAP=\"wifisim\",\"password\"", "AT+CIPSTART=\"UDP\",\"10.0.2.2\",9",
        ] {
            try client.command(command)
        }
        try client.command("AT+CIPSEND=1000")
        try client.read(until: ">")
        try client.write([UInt8](repeating: 0x3C, count: 1000))
        try client.read(until: "SEND OK\r\n")
        try client.command("AT+CIPSTATUS")
        recorder.send(SIGINT)
        #expect(recorder.finish().status == 0)
        let check = TranscriptCheck(of: path)
        #expect(check.problem == nil, "\(check.problem ?? "")")

        let script = try Transcript.Script(contentsOf: path)
        var replay = try ModuleReplay(script)
        _ = try HostPlayer(script).play(to: &replay)
        #expect(replay.finish() == nil)
    }

    @Test func `A client that writes while a slow line still brings an answer is recorded as one that waits`() throws {
        let path = folder.path("session.at")
        let recorder = try Program(["record", path, "--pace", "--baud", "9600"])
        let client = try SerialClient(try #require(recorder.readLine()), of: recorder)
        try client.command("AT")
        for _ in 0..<5 {
            try client.write(Array("AT+GMR\r\n".utf8))
            try client.read(until: "Bin version")
            try client.command("AT")
            try client.read(until: "OK")
        }
        recorder.send(SIGINT)
        #expect(recorder.finish().status == 0)
        let check = TranscriptCheck(of: path)
        #expect(check.problem == nil, "\(check.problem ?? "")")
    }

    @Test func `A killed recorder leaves a valid file`() throws {
        let path = folder.path("killed.at")
        let recorder = try Program(["record", path])
        let client = try SerialClient(try #require(recorder.readLine()), of: recorder)
        try client.command("AT+GMR")
        try wait(for: "Bin version", in: path)
        recorder.send(SIGKILL)
        _ = recorder.finish()
        let transcript = try Transcript(contentsOf: path)
        #expect(transcript.description == String(decoding: try Files.read(path), as: UTF8.self))
        #expect(transcript.events.contains { if case .host = $0.event { true } else { false } })
    }

    @Test func `record does not overwrite a file`() throws {
        let path = folder.path("old.at")
        try Files.write(Array("precious".utf8), to: path)
        #expect(try run("record", path).status != 0)
        #expect(try Files.read(path) == Array("precious".utf8))
    }

    @Test func `record works with a device and passes bit rates on`() throws {
        let module = try Program(["run"])
        let device = try #require(module.readLine())
        let path = folder.path("device.at")
        let recorder = try Program(["record", path, "--device", device])
        let tty = try #require(recorder.readLine())
        let client = try SerialClient(tty, of: recorder)
        try client.command("AT")
        // Any rate works on a pseudo-terminal. The recorder sets it on the device.
        try client.setSpeed(9600)
        try client.command("AT+GMR")
        try wait(for: "Bin version", in: path)
        recorder.send(SIGINT)
        #expect(recorder.finish().status == 0)
        let events = try Transcript(contentsOf: path).events.map(\.event)
        #expect(events.contains(.baud(9600)))
        #expect(events.contains(.host(Payload("AT+GMR\r\n"))))
        module.send(SIGINT)
    }

    @Test func `A recording that begins with the module's start states it, and checks`() throws {
        let module = try Program(["run"])
        let device = try #require(module.readLine())
        let path = folder.path("device.at")
        let recorder = try Program(["record", path, "--device", device])
        let client = try SerialClient(try #require(recorder.readLine()), of: recorder)
        try client.command("AT")
        try client.command("AT+CWMODE?")
        recorder.send(SIGINT)
        #expect(recorder.finish().status == 0)
        module.send(SIGINT)
        let transcript = try Transcript(contentsOf: path)
        #expect(transcript.header.start == .power)
        #expect(transcript.description == String(decoding: try Files.read(path), as: UTF8.self))
        let check = TranscriptCheck(of: path)
        #expect(check.problem == nil, "\(check.problem ?? "")")
    }

    @Test(arguments: ["world.json", "inner/world.json"])
    func `A recording names its world, in any folder`(name: String) throws {
        let inner = folder.path("inner")
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
        let world = folder.write("{\"accessPoints\": [{\"ssid\": \"attic\", \"password\": \"12345678\"}]}", to: name)
        let path = "\(inner)/session.at"
        let recorder = try Program(["record", path, "--world", world])
        let client = try SerialClient(try #require(recorder.readLine()), of: recorder)
        try client.command("AT+CWMODE=1")
        try client.command("AT+CWJAP=\"attic\",\"12345678\"")
        recorder.send(SIGINT)
        #expect(recorder.finish().status == 0)
        let check = try run("check", path)
        #expect(check.status == 0, "\(check.output)")
    }

    @Test(arguments: [
        ["--world", "w.json"], ["--link", "l"], ["--count", "1"], ["--state", "s"], ["--pace"],
        ["--host-address", "127.0.0.2"], ["--hostfwd", "tcp::8080-:80"], ["--restrict", "on"], ["--control", "c"],
        ["--log", "l"],
    ])
    func `record --device refuses what describes a simulated module`(option: [String]) throws {
        let path = folder.path("device.at")
        let result = try Program(["record", path, "--device", "/dev/null"] + option).finish()
        #expect(result.status == 64 && result.errors.contains(option[0]), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `replay fails if its command does, and keeps the command's output its own`() throws {
        let path = folder.write("transcript 1\n> AT\\r\\n\n< \\r\\nOK\\r\\n\n", to: "short.at")
        func replay(_ script: String) throws -> (status: Int32, output: String, errors: String) {
            try run("replay", path, "--as", "module", "--", "sh", "-c", script)
        }
        let session = "exec 3<>$WIFISIM_TTY; printf 'AT\\r\\n' >&3; head -c 6 <&3 >/dev/null; exec 3>&-; echo said"
        let good = try replay(session)
        #expect(good.status == 0 && good.output == "said\n", "\(good)")
        // Long after it has closed the tty.
        let failed = try replay("\(session); sleep 0.2; exit 7")
        #expect(failed.status == 7 && failed.errors.contains("exit status 7"), "\(failed)")
        #expect(try replay("\(session); kill -9 $$").status == 128 + 9)
        #expect(try replay("exit 7").status == 1)
        // It may open the tty again.
        let twice = "for i in 1; do exec 3<>$WIFISIM_TTY; exec 3>&-; done; \(session)"
        #expect(try replay(twice).status == 0)
        let link = folder.path("esp")
        #expect(try run("replay", path, "--as", "module", "--link", link, "--", "/no/such/program").status == 127)
        #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == nil)
    }

    @Test func `replay answers its client, and reports the first different byte`() throws {
        let path = folder.path("short.at")
        try Files.write(
            Array("transcript 1\n> AT\\r\\n\n< \\r\\nOK\\r\\n\n> ATE0\\r\\n\n< \\r\\nOK\\r\\n\n".utf8), to: path)
        let shell =
            "exec 3<>$WIFISIM_TTY; printf 'AT\\r\\n' >&3; head -c 6 <&3 >/dev/null; printf 'ATE0\\r\\n' >&3; head -c 6 <&3 >/dev/null"
        let good = try run("replay", path, "--as", "module", "--", "sh", "-c", shell)
        #expect(good.status == 0, "\(good.output)\(good.errors)")
        let bad = try run("replay", path, "--as", "module", "--", "sh", "-c", shell.replacing("ATE0", with: "ATE1"))
        #expect(bad.status == 1)
        #expect(bad.output.contains("short.at:4: differs at byte 4"))
        let early = try run("replay", path, "--as", "module", "--", "true")
        #expect(early.status == 1)
        #expect(early.output.contains("short.at:2: the host ended before it sent this"))
    }

    @Test(.enabled(if: ClientPython.path != nil, "needs a Python with Tests/Clients/requirements.txt"))
    func `Adafruit's client is recorded, and replayed without a divergence`() throws {
        let python = try #require(ClientPython.path)
        let client =
            (python.hasSuffix("env") ? [python, "python3"] : [python])
            + [
                URL(filePath: #filePath).deletingLastPathComponent().appending(
                    path: "../../Clients/adafruit_session.py"
                ).standardized.path
            ]
        let path = folder.path("adafruit.at")
        let server = try EchoServer()
        let environment = ["WIFISIM_PORT": "\(server.port)"]
        let recorder = try Program(["record", path, "--pace"])
        let tty = try #require(recorder.readLine())
        let session = Process()
        session.executableURL = URL(filePath: client[0])
        session.arguments = Array(client.dropFirst())
        session.environment = ProcessInfo.processInfo.environment.merging(
            environment.merging(["WIFISIM_TTY": tty]) { $1 }
        ) { $1 }
        try session.run()
        session.waitUntilExit()
        #expect(session.terminationStatus == 0)
        recorder.send(SIGINT)
        _ = recorder.finish()

        #expect(TranscriptCheck(of: path).problem == nil)
        let replay = try Program(["replay", path, "--as", "module", "--"] + client, environment: environment).finish()
        #expect(replay.status == 0, "\(replay.output)\(replay.errors)")

        let text = String(decoding: try Files.read(path), as: UTF8.self)
        let changed = text.replacing("> AT+CWMODE=1\\r\\n", with: "> AT+CWMODE=3\\r\\n")
        let line = text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex {
            $0.hasPrefix("> AT+CWMODE=1")
        }
        try Files.write(Array(changed.utf8), to: path)
        let other = try Program(["replay", path, "--as", "module", "--"] + client, environment: environment).finish()
        #expect(other.status == 1)
        #expect(other.output.contains("adafruit.at:\((try #require(line)) + 1): differs at byte 11"))
    }

    // MARK: report

    @Test func `report writes a page without other files`() throws {
        let page = folder.path("page.html")
        let result = try run("report", "\(Fixtures.folder)/esp32c3-4.1/examples/tcp-client.at", "-o", page)
        #expect(result.status == 0, "\(result.errors)")
        let html = String(decoding: try Files.read(page), as: UTF8.self)
        #expect(html.hasPrefix("<!DOCTYPE html>"))
        #expect(
            !html.contains("http:") && !html.contains("https:") && !html.contains("src=") && !html.contains("@import"))
        #expect(html.contains("AT+CIPSTART=&quot;TCP&quot;,&quot;10.0.2.102&quot;,8080"))
    }

    @Test(.enabled(if: Browser.path != nil, "needs Chromium"))
    func `A browser shows the page`() throws {
        let page = folder.path("page.html")
        _ = try run("report", "\(Fixtures.folder)/esp32c3-4.1/examples/tcp-client.at", "-o", page)
        let picture = folder.path("page.png")
        let browser = Process()
        browser.executableURL = URL(filePath: try #require(Browser.path))
        browser.arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1100,1600", "--screenshot=\(picture)",
            "--user-data-dir=\(folder.path("profile"))", "file://\(page)",
        ]
        browser.standardError = FileHandle.nullDevice
        browser.standardOutput = FileHandle.nullDevice
        try browser.run()
        browser.waitUntilExit()
        let image = try Files.read(picture)
        #expect(image.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        // A blank page of this size has a few kilobytes.
        #expect(image.count > 40_000)
    }
}

private enum Browser {
    static let path = ["/usr/bin/chromium", "/usr/bin/chromium-headless-shell", "/usr/bin/chromium-browser"].first {
        Files.exists($0)
    }
}

/// Sends back what it receives, on the loopback of this computer.
private final class EchoServer {
    let port: UInt16
    private let listener: Int32

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 5) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw SystemError("listen") }
        port = UInt16(bigEndian: address.sin_port)
        Foundation.Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 4096)
                while case let count = read(connection, &buffer, buffer.count), count > 0 {
                    write(connection, buffer, count)
                }
                close(connection)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

import CPosix
import Foundation
import Testing
@testable import WiFiSimHost
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

/// The files that the program reads and writes, and other things in their place.
struct FileTests {
    private let folder = TemporaryFolder()

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func makeFIFO(_ name: String) -> String {
        mkfifo(folder.path(name), 0o600)
        return folder.path(name)
    }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path("")).sorted() }
    }

    /// Starts a module, makes it store something, and ends it.
    private func useState(_ path: String, mode: Int) throws {
        let (program, client) = try Program.module("--state", path)
        try client.command("AT+CWMODE=\(mode)")
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
    }

    // MARK: What is no file

    @Test func `Anything but a regular file is refused at once, with the reason`() throws {
        let fifo = makeFIFO("fifo")
        for option in ["--state", "--world"] {
            for (path, kind) in [(fifo, "is a FIFO"), ("/dev/zero", "is a device")] {
                let result = try Program.run("run", option, path)
                #expect(result.status == EX_NOINPUT)
                #expect(result.errors.contains("\(kind); a regular file is needed"), "\(result.errors)")
            }
            #expect(try Program.run("run", option, folder.path("")).status == EX_NOINPUT)
        }
        for path in [fifo, "/dev/zero"] {
            #expect(try Program.run("check", path).status == EX_NOINPUT)
            #expect(try Program.run("replay", path, "--as", "module").status == EX_NOINPUT)
            #expect(try Program.run("report", path, "-o", folder.path("page.html")).status == EX_NOINPUT)
        }
        // No file replaces it.
        let fixture = "\(Fixtures.folder)/esp32c3-4.1/basic/echo.at"
        #expect(try Program.run("report", fixture, "-o", fifo).status == EX_NOINPUT)
        #expect(try Program.run("check", fixture, "--junit", fifo).status == EX_NOINPUT)
        for arguments in [["record", fifo], ["run", "--control", fifo], ["run", "--link", fifo]] {
            #expect(try Program.run(arguments).status != 0)
        }
        #expect(try names == ["fifo"])
    }

    @Test func `A log may be a FIFO, and its reader delays nothing`() throws {
        let fifo = makeFIFO("fifo")
        let early = try Program.run("run", "--log", fifo)
        #expect(early.status != 0 && early.errors.contains("has no reader"), "\(early.errors)")

        let reader = cposix_open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        defer { close(reader) }
        let (program, client) = try Program.module("--log", fifo)
        // More than the pipe holds.
        for _ in 0..<3000 { try client.command("AT") }
        var start = [UInt8](repeating: 0, count: 4096)
        #expect(read(reader, &start, start.count) > 0)
        #expect(String(decoding: start, as: UTF8.self).contains(#" 0 < "\r\nready\r\n""#))
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
    }

    @Test func `The reader of standard error delays nothing`() throws {
        let socket = folder.path("control")
        let program = try Program(["run", "--control", socket])
        let client = try SerialClient(try #require(program.readLine()), of: program)
        // Each of these is a notice. A pipe holds 64 KiB, and this test does not read yet.
        let requests = Array(String(repeating: "{\"do\": \"ap wifisim rssi -50\"}\n", count: 100).utf8)
        let control = try UnixSocket.connecting(to: socket)
        var buffer = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<40 {
            _ = try requests.withUnsafeBytes { try control.descriptor.send($0) }
            var answers = 0
            while answers < 100 {
                guard
                    case .done(let count) = try buffer.withUnsafeMutableBytes({ try control.descriptor.read(into: $0) })
                else { throw ProgramError("the socket was closed") }
                answers += buffer[..<count].count { $0 == UInt8(ascii: "\n") }
            }
        }
        try client.command("AT")
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
    }

    // MARK: Secrets

    @Test func `Logs, recordings, pages of them and the flash are the user's alone`() throws {
        let recording = folder.path("session.at")
        let recorder = try Program(
            ["record", recording, "--log", folder.path("log"), "--state", folder.path("flash")])
        let client = try SerialClient(try #require(recorder.readLine()), of: recorder)
        try client.join()
        try client.command("AT+CIPSTART=\"UDP\",\"10.0.2.2\",9")
        try client.command("AT+CIPSEND=1000")
        try client.read(until: ">")
        try client.write([UInt8](repeating: 0x3C, count: 1000))
        try client.read(until: "SEND OK\r\n")
        recorder.send(SIGINT)
        #expect(recorder.finish().status == 0)
        #expect(try Program.run("report", recording, "-o", folder.path("page.html")).status == 0)
        for name in ["session.at", "log", "flash", "session.d/1.bin", "page.html"] {
            #expect(try mode(folder.path(name)) == 0o600, "\(name)")
        }
        #expect(try mode(folder.path("session.d")) == 0o700)
        // An update keeps it so.
        let text = String(decoding: try Files.read(recording), as: UTF8.self)
        try Files.write(Array(text.replacing("< AT+CWMODE=1", with: "< AT+CWMODE=2").utf8), to: recording)
        #expect(try Program.run("check", "--update", recording).output.contains("updated"))
        #expect(try mode(recording) == 0o600)
    }

    @Test func `A recording leaves another one's data alone`() throws {
        for name in ["session.1.at", "session.2.at"] {
            let file = try RecordingFile(path: folder.path(name), header: Transcript.Header(), at: .zero)
            let data = [UInt8](name.utf8) + [UInt8](repeating: 0x41, count: 1000)
            try file.update(at: .zero) { $0.record(data, fromHost: true, at: .zero) }
            try file.finish(at: .zero)
        }
        for name in ["session.1.at", "session.2.at"] { _ = try Transcript.Script(contentsOf: folder.path(name)) }
    }

    @Test func `A log that others may read is the user's alone once it is used`() throws {
        let log = folder.write("before\n", to: "log")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: log)
        let (program, _) = try Program.module("--log", log)
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
        #expect(try mode(log) == 0o600)
        #expect(try String(contentsOfFile: log, encoding: .utf8).hasPrefix("before\n"))
    }

    @Test func `A log counts every line that it drops while it is not read`() throws {
        signal(SIGPIPE, SIG_IGN)
        let fifo = makeFIFO("fifo")
        var reader = cposix_open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        let log = try LogOutput(path: fifo)
        close(reader)
        let count = 40_000
        for number in 0..<count { log.write("\(number) \(String(repeating: "x", count: 60))\n") }
        reader = cposix_open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        defer { close(reader) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        func readAll() {
            while true {
                log.flush()
                let length = read(reader, &buffer, buffer.count)
                guard length > 0 else { return }
                text += buffer[..<length]
            }
        }
        readAll()
        log.write("last\n")
        readAll()
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.first?.hasPrefix("0 x") == true && lines.last == "last")
        let lost = lines.dropLast().last
        #expect(lost == "# \(count - (lines.count - 2)) lines were lost: the log could not take them")
    }

    // MARK: Several writers

    @Test func `Several processes may write the same file`() throws {
        let good = folder.write("transcript 1\n> AT\\r\\n\n< AT\\r\\n\n< \\r\\nOK\\r\\n\n", to: "good.at")
        let junit = folder.path("junit.xml")
        for _ in 0..<5 {
            let checks = try (0..<8).map { _ in try Program(["check", "--quiet", "--junit", junit, good]) }
            for check in checks {
                let result = check.finish()
                #expect(result.status == 0, "\(result.errors)")
            }
        }
        #expect(try names == ["good.at", "junit.xml"])
    }

    // MARK: The state file

    @Test func `A state that a link leads to stays where it is`() throws {
        let link = folder.path("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real")
        // At first the target of the link does not exist.
        for mode in [3, 2] {
            try useState(link, mode: mode)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "real")
            #expect(try String(contentsOfFile: folder.path("real"), encoding: .utf8).contains("\"wifiMode\" : \(mode)"))
        }
        #expect(try names == ["link", "real"])
    }

    @Test func `A state file or link to a tty is the same under each of its names`() throws {
        let inner = folder.path("inner")
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "inner/flash")
        let (program, _) = try Program.module("--state", "\(inner)/flash", "--link", "\(inner)/esp")
        for path in ["inner/../inner/flash", "./inner//flash", "link"].map(folder.path) {
            let second = try Program.run("run", "--state", path)
            #expect(second.status == EX_TEMPFAIL && second.errors.contains("\(path): another wifisim uses it"))
        }
        #expect(try Program.run("run", "--link", "\(inner)/../inner/esp").status == EX_TEMPFAIL)
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
    }

    @Test func `A killed run leaves only the state, and does not write to files in its way`() throws {
        let state = folder.path("flash")
        let victim = folder.write("precious", to: "victim")
        // Left by a process that has ended.
        try FileManager.default.createSymbolicLink(
            atPath: "\(state).\(Int32.max).wifisim-tmp", withDestinationPath: victim)
        for round in 0..<8 {
            let (program, client) = try Program.module("--state", state)
            for _ in 0..<round { try client.write(Array("AT+CWMODE=1\r\nAT+CWMODE=2\r\n".utf8)) }
            program.send(SIGKILL)
            _ = program.finish()
        }
        try useState(state, mode: 3)
        #expect(try names == ["flash", "victim"])
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
    }
}

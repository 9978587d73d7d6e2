import CPosix
import Foundation
import Glibc
import Testing
import WiFiDriverSim
import WiFiSimHost
import WiFiSimTranscripts
import WiFiSimValues

/// The lines of `--line`, from outside.
struct LineProgramTests {
    private let folder = TemporaryFolder()

    enum Kind: String, CaseIterable { case pty, tcp, rfc2217, unix }

    /// The value of `--line` for a kind, with a free port or a new path.
    private func value(_ kind: Kind) -> String {
        switch kind {
        case .pty: "pty"
        case .tcp, .rfc2217: "\(kind):0"
        case .unix: "unix:\(folder.path("line"))"
        }
    }

    // MARK: Names

    @Test(arguments: zip(Kind.allCases, ["/dev/pts/", "socket://127.0.0.1:", "rfc2217://127.0.0.1:", "unix:/"]))
    func `run prints the name with which a client opens the line, and state has it`(kind: Kind, prefix: String) throws {
        let control = folder.path("control")
        let (program, line) = try Program.running("--line", value(kind), "--control", control, "--log", "-")
        defer { program.end() }
        #expect(line.hasPrefix(prefix))
        #expect(try LineHost(line).command("AT").hasSuffix("AT\r\n\r\nOK\r\n"))
        #expect(try Program.run("ctl", "--socket", control, "state").output.contains("\"tty\": \"\(line)\""))
        if kind == .unix {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("line"))
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
        #expect(!FileManager.default.fileExists(atPath: folder.path("line")))
    }

    @Test func `Several modules have the next ports, or numbered paths`() throws {
        func lines(_ line: String) throws -> (Program, [String]) {
            let program = try Program(["run", "--count", "3", "--line", line])
            return (program, (0..<3).compactMap { _ in program.readLine() })
        }
        let (free, freeLines) = try lines("tcp:0")
        #expect(Set(freeLines).count == 3)
        for line in freeLines { #expect(try LineHost(line).command("AT").contains("OK")) }
        free.send(SIGTERM)
        _ = free.finish()

        // Ports that the system gives nobody by itself, tried again if another process has one.
        var (first, fixed, fixedLines): (Int, Program?, [String]) = (0, nil, [])
        for _ in 0..<20 where fixedLines.isEmpty {
            first = Int.random(in: 10_000..<30_000)
            (fixed, fixedLines) = try lines("rfc2217:\(first)")
        }
        #expect(fixedLines == (0..<3).map { "rfc2217://127.0.0.1:\(first + $0)" })
        for line in fixedLines { #expect(try LineHost(line).command("AT").contains("OK")) }
        fixed?.send(SIGTERM)

        let (unix, unixLines) = try lines("unix:\(folder.path("esp"))")
        #expect(unixLines == (0..<3).map { "unix:\(folder.path("esp"))\($0)" })
        for line in unixLines { #expect(try LineHost(line).command("AT").contains("OK")) }
        unix.send(SIGTERM)
    }

    @Test func `An IPv6 address is in brackets`() throws {
        let (lineProgram, line) = try Program.running("--line", "tcp:[::1]:0")
        defer { lineProgram.end() }
        #expect(line.hasPrefix("socket://[::1]:"))
        #expect(try LineHost(line).command("AT").contains("OK"))
        let (openProgram, open) = try Program.running("--line", "tcp:0.0.0.0:0")
        defer { openProgram.end() }
        #expect(open.hasPrefix("socket://127.0.0.1:"))
    }

    @Test(arguments: [
        "tcp", "tcp:", "tcp:http", "tcp:65536", "tcp:host.example:1", "rfc2217:-1", "unix:", "tty:", "serial:/dev/x",
        "",
        "pty:/dev/pts/1",
    ])
    func `A line that does not exist is refused with those that do`(line: String) throws {
        for subcommand in [["run"], ["record", folder.path("x.at")], ["exec"]] {
            let command = subcommand == ["exec"] ? ["--", "true"] : []
            let result = try Program(subcommand + ["--line", line] + command).finish()
            #expect(result.status == EX_USAGE && result.errors.contains("--line"), "\(result.errors)")
        }
    }

    @Test func `Options that do not fit the line are refused`() throws {
        for options in [
            ["--line", "tty:/dev/null", "--count", "2"], ["--line", "tcp:65535", "--count", "2"],
            ["--line", "tcp:0", "--link", folder.path("esp")], ["--reset-line", "rts"],
            ["--line", "tcp:0", "--reset-line", "rts"], ["--line", "rfc2217:0", "--reset-line", "cts"],
        ] {
            let result = try Program(["run"] + options).finish()
            #expect(result.status == EX_USAGE, "\(options): \(result.errors)")
        }
    }

    @Test func `A line that cannot be opened is named, with the reason`() throws {
        let taken = try Listener()
        let long = "unix:/tmp/" + String(repeating: "x", count: 120)
        let file = folder.write("precious", to: "file")
        let terminal = try PseudoTerminal(speed: 115_200)
        for (options, reason) in [
            (["tcp:\(taken.port)"], "bind 127.0.0.1:\(taken.port): Address already in use"),
            ([long], "the path of a socket has at most 107 bytes"),
            (["unix:\(file)"], "listen at \(file): Address already in use"),
            (["unix:\(folder.path("no/such"))"], "No such file"),
            (["tty:/dev/null"], "open /dev/null as a tty"),
            (["tty:\(folder.path("none"))"], "open \(folder.path("none")): No such file"),
            (["tty:\(terminal.path)", "--reset-line", "rts"], "look for a reset line at \(terminal.path)"),
        ] {
            let result = try Program(["run", "--line"] + options).finish()
            #expect(result.status != 0 && result.output.isEmpty)
            #expect(result.errors.contains(reason), "\(result.errors)")
        }
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
    }

    @Test func `A run that fails removes the socket that it had made`() throws {
        let taken = try Listener()
        let result = try Program.run("run", "--line", value(.unix), "--hostfwd", "tcp::\(taken.port)-:80")
        #expect(result.status != 0)
        #expect(!FileManager.default.fileExists(atPath: folder.path("line")))
        // The socket of a killed run is replaced, that of a running one is not.
        let (killed, _) = try Program.running("--line", value(.unix))
        killed.send(SIGKILL)
        _ = killed.finish()
        let (lineProgram, line) = try Program.running("--line", value(.unix))
        defer { lineProgram.end() }
        #expect(try Program.run("run", "--line", value(.unix)).errors.contains("Address already in use"))
        #expect(try LineHost(line).command("AT").contains("OK"))
    }

    @Test func `exec tells the command the line, and with a tty nothing`() throws {
        for kind in Kind.allCases {
            let script = "echo $WIFISIM_TTY; test $WIFISIM_TTY = $WIFISIM_TTY0"
            let result = try Program.run("exec", "--line", value(kind), "--", "sh", "-c", script)
            #expect(result.status == 0 && !result.output.isEmpty, "\(result)")
        }
        let terminal = try PseudoTerminal(speed: 115_200)
        let script = "test -z \"${WIFISIM_TTY+set}${WIFISIM_TTY0+set}\" && test $WIFISIM_TTY1 = kept"
        let result = try Program(
            ["exec", "--line", "tty:\(terminal.path)", "--", "sh", "-c", script],
            environment: ["WIFISIM_TTY": "inherited", "WIFISIM_TTY0": "inherited", "WIFISIM_TTY1": "kept"]
        ).finish()
        #expect(result.status == 0, "\(result)")
    }

    // MARK: Clients

    @Test(arguments: Kind.allCases) func `A client ends in mid-transfer, and the next one works`(kind: Kind) throws {
        let (program, line) = try Program.running("--line", value(kind))
        defer { program.end() }
        let source = try Listener()
        let killed = try LineHost(line)
        try killed.join()
        try killed.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(source.port)")
        let peer = try source.accept()
        // Data comes, and a block is announced and not finished.
        try killed.write("AT+CIPSEND=2048\r\n")
        try killed.read(until: ">")
        try killed.write([UInt8](repeating: 0x62, count: 1000))
        peer.send([UInt8](repeating: 0x61, count: 200_000))
        killed.kill()
        // A tty that is opened again before the module looks has not been closed for it.
        if kind == .pty { try program.waitUntilItHolds(line) }

        let second = try LineHost(line)
        try second.write("AT\r\n")
        try second.read(until: "OK\r\n")
        try second.command("AT+CIPCLOSE")
        #expect(try second.command("AT+GMR").contains("AT version"))
        second.kill()
        if kind == .pty { try program.waitUntilItHolds(line) }
        // A client that floods the module.
        let third = try LineHost(line)
        try third.command("AT")
        for _ in 0..<200 { try third.write("AT+GMR\r\n") }
        third.kill()
        if kind == .pty { try program.waitUntilItHolds(line) }
        let fourth = try LineHost(line)
        #expect(try fourth.command("AT").contains("OK"))
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
    }

    @Test(arguments: [Kind.tcp, .rfc2217, .unix]) func `A second client is closed at once`(kind: Kind) throws {
        let (lineProgram, line) = try Program.running("--line", value(kind))
        defer { lineProgram.end() }
        let first = try LineHost(line)
        try first.command("AT")
        // A client of RFC 2217 does not get as far as to have a port.
        #expect((try? LineHost(line))?.isClosedSoon() ?? true)
        #expect(try first.command("AT").contains("OK"))
        first.kill()
        #expect(try LineHost(line).command("AT").contains("OK"))
    }

    @Test(arguments: Kind.allCases) func `Without a client the output waits for the next one`(kind: Kind) throws {
        let control = folder.path("control")
        let (lineProgram, line) = try Program.running("--line", value(kind), "--control", control)
        defer { lineProgram.end() }
        let first = try LineHost(line)
        try first.read(until: "ready\r\n")
        try first.command("ATE0")
        first.kill()
        usleep(100_000)
        #expect(try Program.run("ctl", "--socket", control, "module", "0", "report", "NEWS").status == 0)
        let second = try LineHost(line)
        #expect(try second.read(until: "NEWS\r\n") == "NEWS\r\n")
        #expect(try second.command("AT") == "\r\nOK\r\n")
    }

    /// As `printf 'AT…' | nc`.
    @Test(arguments: [Kind.tcp, .unix])
    func `A client that has closed its direction gets the rest of its answer, and then the end`(kind: Kind) throws {
        let (lineProgram, line) = try Program.running("--line", value(kind))
        defer { lineProgram.end() }
        let client = try LineSocket(line)
        client.write("AT+CWMODE=1\r\n")
        try client.read(until: "OK\r\n")
        client.write("AT+CWJAP=\"wifisim\",\"password\"\r\n")
        client.finishWriting()
        #expect(try client.readToEnd().hasSuffix("WIFI GOT IP\r\n\r\nOK\r\n"))

        // The next client does not wait for it.
        let slow = try LineSocket(line)
        slow.write("AT+CWLAP\r\n")
        slow.finishWriting()
        usleep(50_000)
        let next = try LineHost(line)
        try next.write("AT+GMR\r\n")
        #expect(try slow.readToEnd().contains("OK\r\n") == false)
        _ = try next.read(until: "\r\n")
    }

    @Test(arguments: ["--pace", "--uart=real"])
    func `A slow line sends the whole answer to a client that has closed its direction`(option: String) throws {
        let (lineProgram, line) = try Program.running("--line", "tcp:0", "--baud", "9600", option)
        defer { lineProgram.end() }
        let client = try LineSocket(line)
        client.write("AT\r\n")
        try client.read(until: "OK\r\n")
        client.write("AT+GMR\r\n")
        client.finishWriting()
        #expect(try client.readToEnd().hasSuffix("\r\n\r\nOK\r\n"))
    }

    @Test(arguments: [Kind.pty, .tcp, .unix])
    func `A client that has gone while the module has no room does not keep the program busy`(kind: Kind) throws {
        let (program, line) = try Program.running("--line", value(kind))
        defer { program.end() }
        let sink = try Listener()
        var client: LineSocket? = try LineSocket(line)
        try client?.enterPassthrough(to: sink.port)
        let peer = try sink.accept()
        // The peer does not read, so that the line stops in the end.
        #expect(try #require(client).writeWhatFits([UInt8](repeating: 0x61, count: 64 << 20)) < 64 << 20)
        try program.waitUntilItRests()
        client = nil
        usleep(100_000)
        try program.waitUntilItRests()
        // Once there is room, the end of the client is noticed, and the next one can leave the passthrough. Over TCP, the
        // end comes behind the bytes that the system still holds.
        let reader = Foundation.Thread { while !peer.receive(64 * 1024).isEmpty {} }
        reader.start()
        try program.waitUntilItRests()
        let next = try LineHost(line)
        var hasAnswered = false
        for _ in 0..<10 where !hasAnswered {
            usleep(1_500_000)
            try next.write("+++")
            usleep(1_500_000)
            try next.write("AT\r\n")
            hasAnswered = String(decoding: try next.read(for: .milliseconds(500)), as: UTF8.self).contains("OK\r\n")
        }
        #expect(hasAnswered)
    }

    @Test(arguments: [Kind.pty, .tcp, .rfc2217, .unix])
    func `A client that never reads costs no memory`(kind: Kind) throws {
        let (program, line) = try Program.running("--line", value(kind))
        defer { program.end() }
        let source = try Listener()
        let host = try LineHost(line)
        try host.join()
        try host.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(source.port)")
        let peer = try source.accept()
        let before = try program.memory()
        let sender = Foundation.Thread { peer.send([UInt8](repeating: 0xFF, count: 64 << 20)) }
        sender.start()
        try program.waitUntilItRests()
        #expect(try program.memory() - before < 8 << 20)
    }

    // MARK: RFC 2217

    /// `IAC SB COM-PORT-OPTION … IAC SE`.
    private func request(_ bytes: UInt8...) -> [UInt8] { [255, 250, 44] + bytes + [255, 240] }

    @Test func `A client of RFC 2217 that has suspended the output is left in peace, and goes on`() throws {
        let (program, line) = try Program.running("--line", "rfc2217:0")
        defer { program.end() }
        let client = try LineSocket(line)
        client.write("ATE0\r\n")
        try client.read(until: "OK\r\n")
        client.write(request(8))
        for _ in 0..<3 { client.write("AT\r\n") }
        try program.waitUntilItRests()
        #expect(!client.hasInput)
        client.write(request(9))
        try client.read(until: "\r\nOK\r\n\r\nOK\r\n\r\nOK\r\n")

        // The module's output is full, and it takes no bytes: the request to go on is read nevertheless.
        client.write(request(8))
        for _ in 0..<1000 { client.write("AT+GMR\r\n") }
        usleep(200_000)
        client.write(request(9))
        for _ in 0..<1000 { try client.read(until: "OK\r\n") }
    }

    @Test func `A client of RFC 2217 that asks and does not read costs no memory`() throws {
        let (program, line) = try Program.running("--line", "rfc2217:0")
        defer { program.end() }
        let client = try LineSocket(line)
        client.write("AT\r\n")
        try client.read(until: "OK\r\n")
        let before = try program.memory()
        let asker = Foundation.Thread { [bytes = (0..<1000).flatMap { _ in request(7) }] in
            for _ in 0..<4000 { client.write(bytes) }
        }
        asker.start()
        try program.waitUntilItRests()
        #expect(try program.memory() - before < 8 << 20)
    }

    @Test func `RTS resets a module that takes no bytes`() throws {
        let (lineProgram, line) = try Program.running("--line", "rfc2217:0")
        defer { lineProgram.end() }
        let client = try LineSocket(line)
        client.write("AT\r\n")
        try client.read(until: "OK\r\n")
        // The output is suspended and full, so that most of the commands wait.
        client.write(request(8))
        for _ in 0..<1000 { client.write("AT+GMR\r\n") }
        usleep(200_000)
        // DTR off while RTS is on pulls EN, and DTR on lets it go.
        client.write(request(5, 9) + request(5, 8) + request(9))
        try client.read(until: "ready\r\n")
        client.write("AT\r\n")
        #expect(try client.read(until: "OK\r\n").hasSuffix("AT\r\n\r\nOK\r\n"))
        // The commands that waited are lost.
        usleep(100_000)
        #expect(!client.hasInput)
    }

    @Test func `A signal and the bytes around it keep their order`() throws {
        let (lineProgram, line) = try Program.running("--line", "rfc2217:0")
        defer { lineProgram.end() }
        let client = try LineSocket(line)
        client.write("AT\r\n")
        try client.read(until: "OK\r\n")
        // In one segment: a setting of the session, the reset that loses it, and a question.
        client.write(Array("ATE0\r\nAT+CIPMUX=1\r\n".utf8) + request(5, 9) + request(5, 8) + Array("AT+GMR\r\n".utf8))
        #expect(try client.read(until: "ready\r\n").contains("ATE0\r\n\r\nOK\r\n\r\nOK\r\n"))
        client.write("AT+CIPMUX?\r\n")
        #expect(try client.read(until: "OK\r\n").contains("+CIPMUX:0"))
    }

    // MARK: A tty

    @Test func `A module opens a tty, sets its bit rate, and survives that it goes and comes back`() throws {
        let link = folder.path("tty")
        func connect() throws -> SerialMaster {
            let host = SerialMaster(try PseudoTerminal(speed: 9600))
            try? FileManager.default.removeItem(atPath: link)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: host.path)
            return host
        }
        var host = try connect()
        let log = folder.path("log")
        let (program, name) = try Program.running("--line", "tty:\(link)", "--log", log)
        defer { program.end() }
        #expect(name == "tty:\(link)")
        host.letGoOfSlave()
        try host.read(until: "ready\r\n")
        #expect(host.speed == 115_200)
        host.write("AT\r\n")
        try host.read(until: "OK\r\n")
        host.write("AT+UART_CUR=250001,8,1,0,0\r\n")
        try host.read(until: "OK\r\n")
        for _ in 0..<200 where host.speed != 250_001 { usleep(5000) }
        #expect(host.speed == 250_001)

        for _ in 0..<2 {
            host.write("AT+GMR\r\nAT+GMR\r\n")
            try host.read(until: "AT version")
            host.close()
            usleep(100_000)
            host = try connect()
            host.write("AT\r\n")
            try host.read(until: "OK\r\n")
            #expect(host.speed == 250_001)
        }
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(
            text.contains("\(link) is gone; it is opened again when it is back") && text.contains("\(link) is back"))
    }

    // MARK: check, record and replay

    @Test(arguments: Kind.allCases) func `check plays to a device in every form of its name`(kind: Kind) throws {
        let (lineProgram, line) = try Program.running("--line", value(kind))
        defer { lineProgram.end() }
        let fixture = "\(Fixtures.folder)/esp32c3-4.1/basic/echo.at"
        let port = line.split(separator: ":").last.map(String.init) ?? ""
        let names: [String] =
            switch kind {
            case .pty, .unix: [line]
            case .tcp: [line, "tcp:127.0.0.1:\(port)", "tcp:localhost:\(port)"]
            case .rfc2217: [line, "rfc2217:127.0.0.1:\(port)", "rfc2217://localhost:\(port)"]
            }
        for name in names {
            let result = try Program.run("check", "--device", name, fixture)
            #expect(result.status == 0 && result.output.contains("1 of 1"), "\(name): \(result)")
        }
    }

    @Test func `A device that does not answer is named, with the reason`() throws {
        let closed = try Listener().port
        let (rawProgram, raw) = try Program.running("--line", "tcp:0")
        defer { rawProgram.end() }
        let port = raw.split(separator: ":").last.map(String.init) ?? ""
        for (device, reason) in [
            ("tcp:127.0.0.1:\(closed)", "connect to 127.0.0.1:\(closed): Connection refused"),
            ("tcp:[::1]:\(closed)", "connect to [::1]:\(closed): Connection refused"),
            ("tcp:no.such.host.invalid:1", "connect to no.such.host.invalid:1: there is no host of this name"),
            ("unix:\(folder.path("none"))", "connect to \(folder.path("none")): No such file"),
            ("rfc2217:127.0.0.1:\(port)", "the server does not answer"),
            ("tcp:127.0.0.1", "write tcp:HOST:PORT, with a port from 1 to 65535"),
            ("socket://127.0.0.1:0", "write socket://HOST:PORT, with a port from 1 to 65535"),
            ("unix:", "write unix:PATH"),
        ] {
            let result = try Program.run("check", "--device", device, "\(Fixtures.folder)/esp32c3-4.1/basic/echo.at")
            #expect(result.status != 0 && result.errors.contains(reason), "\(device): \(result.errors)")
        }
    }

    @Test(arguments: Kind.allCases) func `A session is recorded over a line, and replayed on it`(kind: Kind) throws {
        let path = folder.path("session.at")
        func session(_ line: String, _ record: Bool) throws {
            let host = try LineHost(line)
            if record { try host.read(until: "ready\r\n") }
            for command in ["AT", "ATE0", "AT+CWMODE=1", "AT+CWJAP=\"wifisim\",\"password\""] {
                try host.command(command)
            }
        }
        let recorder = try Program(["record", path, "--line", value(kind)])
        try session(try #require(recorder.readLine()), true)
        recorder.send(SIGINT)
        #expect(recorder.finish().status == 0)
        #expect(try Program.run("check", path).status == 0)

        let replay = try Program(["replay", path, "--as", "module", "--line", value(kind)])
        try session(try #require(replay.readLine()), false)
        let result = replay.finish()
        #expect(result.status == 0, "\(result)")
    }

    @Test(arguments: Kind.allCases, [Kind.pty, .rfc2217])
    func `A real module is recorded from any line on any line, with the client's bit rates`(
        device: Kind, client: Kind
    ) throws {
        let (moduleProgram, module) = try Program.running("--line", value(device))
        defer { moduleProgram.end() }
        let path = folder.path("device.at")
        let recorder = try Program([
            "record", path, "--device", module, "--line", "\(client == .pty ? "pty" : "rfc2217:0")",
        ])
        let host = try LineHost(try #require(recorder.readLine()))
        try host.command("AT")
        try host.setSpeed(9600)
        // RFC 2217 sets it when the request arrives, a pseudo-terminal when the recorder reads the next bytes.
        try host.command("AT+GMR")
        recorder.send(SIGINT)
        #expect(recorder.finish().status == 0)
        let events = try Transcript(contentsOf: path).events.map(\.event)
        let rate = try #require(events.firstIndex(of: .baud(9600)))
        #expect(rate < (try #require(events.firstIndex(of: .host(Payload("AT+GMR\r\n"))))))
    }
}

/// The far end of a tty that a module has opened.
private final class SerialMaster {
    private var terminal: PseudoTerminal?
    let path: String
    private var received: [UInt8] = []

    init(_ terminal: PseudoTerminal) {
        self.terminal = terminal
        path = terminal.path
    }

    /// The module has the slave open, and the tests need it no longer.
    func letGoOfSlave() { terminal?.releaseSlave() }

    func close() { terminal = nil }

    /// The bit rate that the module has set.
    var speed: Int { terminal.map { Int(cposix_tty_get_speed($0.master.rawValue)) } ?? 0 }

    func write(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { bytes in try? terminal?.master.write(bytes) }
    }

    func read(until end: String) throws {
        let limit = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < limit {
            let text = String(decoding: received, as: UTF8.self)
            if let range = text.range(of: end) {
                received = Array(text[range.upperBound...].utf8)
                return
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let transfer = buffer.withUnsafeMutableBytes { try? terminal?.master.read(into: $0) }
            if case .done(let count) = transfer { received += buffer[..<count] } else { usleep(2000) }
        }
        throw ProgramError("\(end) never came: \(String(decoding: received, as: UTF8.self))")
    }
}

/// A client of a line that sends and receives what its descriptor does, without any protocol. Any thread may write while another reads.
private final class LineSocket: Sendable {
    private let descriptor: Int32

    init(_ name: String) throws {
        switch try DeviceAddress(name) {
        case .tcp(_, let port), .rfc2217(_, let port):
            let peer = try Peer(connectingTo: port)
            descriptor = dup(peer.descriptor)
        case .unix(let path): descriptor = try UnixSocket.connecting(to: path).descriptor.release()
        case .tty(let path):
            descriptor = cposix_open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
            guard cposix_tty_set_raw(descriptor, 115_200) == 0 else { throw SystemError("open \(path)") }
        }
    }

    /// The writes to a closed tty raise no signal, as those to a socket must not.
    private func transmit(_ bytes: ArraySlice<UInt8>, _ flags: Int32 = 0) -> Int {
        bytes.withUnsafeBytes { bytes in
            let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | flags)
            // A tty takes 4 KiB at most, and what it takes it takes at once.
            return count < 0 && errno == ENOTSOCK
                ? Glibc.write(descriptor, bytes.baseAddress, min(bytes.count, 512)) : count
        }
    }

    func enterPassthrough(to port: UInt16) throws {
        for command in [
            "ATE0", "AT+CWMODE=1", "AT+CWJAP=\"wifisim\",\"password\"", "AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(port)",
            "AT+CIPMODE=1",
        ] {
            write("\(command)\r\n")
            try read(until: "OK\r\n")
        }
        write("AT+CIPSEND\r\n")
        try read(until: ">")
    }

    deinit { close(descriptor) }

    func write(_ text: String) { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = transmit(rest)
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Writes until the line takes no more for half a second. Returns the number of bytes written.
    func writeWhatFits(_ bytes: [UInt8]) -> Int {
        var rest = bytes[...]
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        while !rest.isEmpty, poll(&poller, 1, 500) > 0 {
            let count = transmit(rest, Int32(MSG_DONTWAIT))
            if count > 0 { rest = rest.dropFirst(count) }
        }
        return bytes.count - rest.count
    }

    func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    var hasInput: Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, 0) > 0
    }

    private func readByte() throws -> UInt8? {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, 20_000) > 0 else { throw ProgramError("nothing comes") }
        var byte: UInt8 = 0
        return Glibc.read(descriptor, &byte, 1) == 1 ? byte : nil
    }

    @discardableResult
    func read(until end: String) throws -> String {
        var bytes: [UInt8] = []
        let end = Array(end.utf8)
        while !bytes.suffix(end.count).elementsEqual(end) {
            guard let byte = try readByte() else { throw ProgramError("the line has ended") }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func readToEnd() throws -> String {
        var bytes: [UInt8] = []
        while let byte = try readByte() { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

import Foundation
import Testing
@testable import WiFiSimHost

/// The command line, from outside.
struct ProgramTests {
    private let folder = TemporaryFolder()

    @Test func `run prints a tty that only its owner may open, and leaves nothing behind on SIGTERM`() throws {
        let link = folder.path("esp")
        let (program, client) = try Program.module("--link", link)
        #expect(try client.command("AT") == "AT\r\n\r\nOK\r\n".ifReady)
        let attributes = try FileManager.default.attributesOfItem(atPath: client.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == client.path)
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
        #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == nil)
    }

    @Test func `A link that a killed run left is replaced, another file never`() throws {
        let link = folder.path("esp")
        let (killed, _) = try Program.module("--link", link)
        killed.send(SIGKILL)
        _ = killed.finish()
        let (program, client) = try Program.module("--link", link)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == client.path)
        program.send(SIGINT)
        #expect(program.finish().status == 0)

        let file = folder.write("precious", to: "file")
        let refused = try Program.run("run", "--link", file)
        #expect(refused.status == EX_CANTCREAT)
        #expect(refused.errors.contains(file))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
    }

    @Test func `A link or a state file belongs to one run at a time`() throws {
        let (program, _) = try Program.module("--link", folder.path("esp"), "--state", folder.path("flash"))
        for options in [["--link", folder.path("esp")], ["--state", folder.path("flash")]] {
            let second = try Program(["run"] + options).finish()
            #expect(second.status == EX_TEMPFAIL)
            #expect(second.errors.contains("\(options[1]): another wifisim uses it"))
        }
        program.send(SIGTERM)
        _ = program.finish()
        let (_, client) = try Program.module("--link", folder.path("esp"), "--state", folder.path("flash"))
        #expect(try client.command("AT").hasSuffix("OK\r\n"))
    }

    @Test func `A state file that no module can have written is refused`() throws {
        let (program, _) = try Program.module("--state", folder.path("flash"))
        program.send(SIGTERM)
        _ = program.finish()
        let state = try String(contentsOfFile: folder.path("flash"), encoding: .utf8)
        let wrong = folder.write(state.replacing("\"baud\" : 115200", with: "\"baud\" : 0"), to: "wrong")
        let result = try Program.run("run", "--state", wrong, "--pace")
        #expect(result.status == EX_DATAERR)
        #expect(result.errors.contains("uart.baud"))
        #expect(try Program.run("run", "--state", folder.path("no/such/folder")).status != 0)
    }

    @Test func `exec sets the ttys and exits with the command's status`() throws {
        let script = "test -c $WIFISIM_TTY && test $WIFISIM_TTY = $WIFISIM_TTY0 && test -c $WIFISIM_TTY1 && exit 7"
        #expect(try Program.run("exec", "--count", "2", "--", "sh", "-c", script).status == 7)
        #expect(try Program.run("exec", "--", "true").status == 0)
        #expect(try Program.run("exec", "--", "sh", "-c", "kill -9 $$").status == 128 + 9)
        let missing = try Program.run("exec", "--", "/no/such/program")
        #expect(missing.status == 127)
        #expect(missing.errors.contains("/no/such/program"))
    }

    @Test(arguments: [
        ["run", "--profil", "x"], ["run", "--profile", "esp9"], ["run", "--count", "0"], ["run", "--baud", "fast"],
        ["run", "--hostfwd", "tcp:80"], ["run", "--host-address", "10.0.0.1"], ["run", "--restrict", "maybe"],
        ["run", "--link"], ["run", "stray"], ["exec"], ["frobnicate"], [], ["commands", "--pace"],
    ])
    func `A wrong argument is named, with what to do`(arguments: [String]) throws {
        let result = try Program(arguments).finish()
        #expect(result.status == EX_USAGE)
        #expect(result.output == "")
        if let wrong = arguments.dropFirst().first(where: { $0.hasPrefix("--") || $0 == "stray" }) {
            #expect(result.errors.contains(wrong))
        }
    }

    @Test func `A wrong world file is refused with line and key, a missing one with its name`() throws {
        let file = folder.write("{\n  \"accessPoints\": [ { \"ssid\": \"x\", \"chanel\": 1 } ]\n}", to: "world.json")
        let wrong = try Program.run("run", "--world", file)
        #expect(wrong.status == EX_DATAERR)
        #expect(wrong.errors.contains("\(file):2: accessPoints[0].chanel: is not known"))
        let missing = try Program.run("run", "--world", folder.path("nothing"))
        #expect(missing.status == EX_NOINPUT)
        #expect(missing.errors.contains(folder.path("nothing")))
    }

    @Test func `--state keeps the flash from run to run, for its own profile`() throws {
        let file = folder.path("flash")
        let (first, client) = try Program.module("--state", file)
        try client.command("AT+CWMODE=3")
        first.send(SIGKILL)
        _ = first.finish()
        let (second, next) = try Program.module("--state", file)
        #expect(try next.command("AT+CWMODE?").contains("+CWMODE:3"))
        second.send(SIGTERM)
        _ = second.finish()
        let other = try Program.run("run", "--state", file, "--profile", "esp32-2.1")
        #expect(other.status == EX_DATAERR)
        #expect(other.errors.contains("esp32c3-4.1"))
        let broken = folder.write("not a state", to: "broken")
        #expect(try Program.run("run", "--state", broken).status == EX_DATAERR)
        #expect(try String(contentsOfFile: broken, encoding: .utf8) == "not a state")
    }

    @Test func `--baud is the bit rate that the module has stored`() throws {
        let (_, client) = try Program.module("--baud", "9600")
        #expect(try client.command("AT+UART_DEF?").contains("+UART_DEF:9600,8,1,0,1"))
    }

    @Test func `--log shows both directions of the line`() throws {
        let file = folder.path("log")
        let (program, client) = try Program.module("--log", file)
        try client.command("AT")
        program.send(SIGTERM)
        _ = program.finish()
        let log = try String(contentsOfFile: file, encoding: .utf8)
        #expect(log.contains(#" 0 < "\r\nready\r\n""#))
        #expect(log.contains(#" 0 > "AT\r\n""#))
    }

    @Test func `--log joins what a client writes in pieces, and cuts long data`() throws {
        let file = folder.path("log")
        let (program, client) = try Program.module("--log", file)
        try client.command("AT")
        for byte in "AT+CWMODE=1\r\n".utf8 { try client.write([byte]) }
        try client.read(until: "OK\r\n")
        try client.command("AT+CWJAP=\"wifisim\",\"password\"")
        try client.command("AT+CIPSTART=\"UDP\",\"10.0.2.2\",7,1112,2")
        try client.command("AT+CIPSEND=1000")
        try client.read(until: ">")
        try client.write([UInt8](repeating: 0x78, count: 1000))
        try client.read(until: "SEND OK\r\n")
        program.send(SIGTERM)
        _ = program.finish()
        let log = try String(contentsOfFile: file, encoding: .utf8)
        #expect(log.contains(#" 0 > "AT+CWMODE=1\r\n""#) && log.contains(#" 0 < "AT+CWMODE=1\r\n""#), "\(log)")
        #expect(log.contains("xxxx\" … (1000 bytes)\n") && !log.contains(String(repeating: "x", count: 320)))
    }

    @Test func `The tty is the first line of standard output, whatever else goes there`() throws {
        let program = try Program(["run", "--log", "/dev/stdout"])
        #expect(try #require(program.readLine()).hasPrefix("/dev/pts/"))
        program.send(SIGTERM)
        #expect(program.finish().output.contains(#" 0 < "\r\nready\r\n""#))
    }

    @Test func `--log - is standard error`() throws {
        let (program, client) = try Program.module("--log", "-")
        try client.command("AT")
        program.send(SIGTERM)
        let result = program.finish()
        #expect(result.output == "" && result.errors.contains(#" 0 > "AT\r\n""#))
        #expect(!FileManager.default.fileExists(atPath: "-"))
    }

    @Test func `commands lists the commands of a profile, and every subcommand has help`() throws {
        let table = try Program.run("commands", "--profile", "esp8266-1.7")
        #expect(table.status == 0)
        #expect(table.output.contains("AT+CWJAP[_CUR|_DEF]"))
        #expect(!table.output.contains("AT+CIPRECVTYPE"))
        let markdown = try Program.run("commands", "--markdown", "--profile", "esp32-2.1").output
        #expect(markdown.hasPrefix("| Command | Family | Forms | Parameters |\n"))
        for command in ["run", "exec", "commands", "bench"] {
            let help = try Program.run(command, "--help")
            #expect(help.status == 0)
            #expect(help.output.contains("Usage: wifisim \(command)"))
        }
        #expect(try Program.run("--help").output.contains("commands"))
        #expect(try Program.run("--version").output.hasPrefix("wifisim "))
    }
}

/// The documents agree with the program.
struct DocumentTests {
    @Test func `docs/Commands.md agrees with the command table; WIFISIM_RECORD=1 rewrites it`() throws {
        let document = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/Commands.md")
        let table = try Program.run("commands", "--markdown").output
        if ProcessInfo.processInfo.environment["WIFISIM_RECORD"] != nil {
            try table.write(to: document.standardized, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: document.standardized, encoding: .utf8) == table)
    }

    @Test func `Every C header that the documents name is installed`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        func text(_ path: String) throws -> String {
            try String(contentsOf: root.appending(path: path), encoding: .utf8)
        }
        let documents = try (["README.md"] + Folder.names(in: root.appending(path: "docs").path).map { "docs/\($0)" })
            .map(text).joined()
        let script = try text("Scripts/install.sh")
        var installed = 0
        for target in try Folder.names(in: root.appending(path: "Sources").path) {
            let folder = "Sources/\(target)/include"
            for header in (try? Folder.names(in: root.appending(path: folder).path)) ?? []
            where documents.contains(header) {
                #expect(script.contains("\(folder)/\(header)"), "\(header)")
                installed += 1
            }
        }
        #expect(installed >= 3)
    }
}

/// A folder that is deleted with the test.
final class TemporaryFolder {
    private let url = FileManager.default.temporaryDirectory.appending(path: "wifisim-\(UUID().uuidString)")

    init() { try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path(percentEncoded: false) }

    /// Writes a file and returns its path.
    func write(_ text: String, to name: String) -> String {
        _ = FileManager.default.createFile(atPath: path(name), contents: Data(text.utf8))
        return path(name)
    }
}

extension String {
    /// With the boot banner before it, which a fast client still reads.
    fileprivate var ifReady: String { "\r\nready\r\n" + self }
}

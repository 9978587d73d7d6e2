import CPosix
import Foundation
import Testing
@testable import WiFiSimHost
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

/// The program under limits and signals that a shell sets.
struct HostLimitTests {
    private let folder = TemporaryFolder()

    /// Runs a shell in which `$wifisim` is the program.
    private func shell(_ script: String) throws -> Program {
        try Program(["exec", "--", "sh", "-c", script], environment: ["wifisim": Program.path])
    }

    @Test func `The end of a command is noticed even if the parent ignores SIGCHLD`() throws {
        #expect(try shell("trap '' CHLD; exec $wifisim exec -- sh -c 'exit 7'").finish().status == 7)
    }

    @Test func `A second SIGTERM kills the command`() throws {
        let program = try shell("trap 'echo asked' TERM; echo ready; while :; do sleep 0.05; done")
        #expect(program.readLine() == "ready")
        program.send(SIGTERM)
        #expect(program.readLine() == "asked")
        program.send(SIGTERM)
        #expect(program.finish().status == 128 + SIGKILL)
    }

    @Test func `After a divergence the command ends, even if it ignores SIGTERM`() throws {
        let path = folder.write("transcript 1\n> AT\\r\\n\n< AT\\r\\n\n", to: "one.at")
        let script = "trap '' TERM; printf 'XX\\r\\n' >$WIFISIM_TTY; exec sleep 100"
        #expect(try Program.run("replay", path, "--as", "module", "--", "sh", "-c", script).status == 1)
    }

    @Test func `It survives a hangup under nohup`() throws {
        let program = try shell("trap '' HUP; exec $wifisim run")
        let client = try SerialClient(try #require(program.readLine()), of: program)
        // It passes the signal on.
        program.send(SIGHUP)
        try client.command("AT")
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
    }

    @Test func `A flash that could not be kept is a failure`() throws {
        let state = folder.path("state")
        let (first, _) = try Program.module("--state", state)
        first.send(SIGTERM)
        #expect(first.finish().status == 0)
        let program = try shell("ulimit -f 0; exec $wifisim run --state \(state)")
        let client = try SerialClient(try #require(program.readLine()), of: program)
        try client.command("AT+CWMODE=3")
        program.send(SIGTERM)
        let end = program.finish()
        #expect(end.status != 0 && end.status < 128)
        #expect(end.errors.contains("File too large"), "\(end.errors)")
    }

    @Test func `Output that cannot be printed is a failure`() throws {
        let path = folder.write("transcript 1\n> AT\\r\\n\n< AT\\r\\n\n< \\r\\nOK\\r\\n\n", to: "one.at")
        #expect(try shell("$wifisim check \(path) >/dev/full").finish().status == 74)
    }

    @Test func `A recording that does not begin leaves no file`() throws {
        let link = folder.write("mine", to: "link")
        let path = folder.path("session.at")
        #expect(try Program.run("record", path, "--link", link).status != 0)
        #expect(!Files.exists(path))
    }

    @Test func `A control socket that another run has made is left to it`() throws {
        let path = folder.path("control")
        let first = try Program(["run", "--control", path])
        _ = first.readLine()
        Files.remove(path)
        let second = try Program(["run", "--control", path])
        _ = second.readLine()
        first.send(SIGTERM)
        _ = first.finish()
        #expect(try Program.run("ctl", "--socket", path, "state").status == 0)
    }

    @Test func `ctl is asked to try again if there are too many clients`() throws {
        let path = folder.path("control")
        let program = try Program(["run", "--control", path])
        _ = program.readLine()
        let clients = try (0..<64).map { _ in try UnixSocket.connecting(to: path) }
        let result = try Program.run("ctl", "--socket", path, "state")
        #expect(result.status == 75)
        #expect(result.errors.contains("64 clients are connected"))
        withExtendedLifetime((clients, program)) {}
    }

    @Test func `A report needs room on the line`() throws {
        let path = folder.path("control")
        let program = try Program(["run", "--control", path])
        _ = program.readLine()
        let line = String(repeating: "x", count: 30_000)
        let results = try (0..<5).map { _ in
            try Program.run("ctl", "--socket", path, "module", "0", "report", line).status
        }
        #expect(results.first == 0 && results.last == 65, "\(results)")
        withExtendedLifetime(program) {}
    }

    @Test func `Each reference to a file is verified`() throws {
        _ = folder.write("abcde", to: "data")
        let right = SHA256.hexDigest(of: Array("abcde".utf8))
        let wrong = String(repeating: "0", count: 64)
        let path = folder.write(
            "transcript 1\n> {5 sha256:\(right) data}\n> {5 sha256:\(wrong) data}\n", to: "two.at")
        let error = #expect(throws: TranscriptError.self) { try Transcript.Script(contentsOf: path) }
        #expect(error?.line == 3)
    }
}

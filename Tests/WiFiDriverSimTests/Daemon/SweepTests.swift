import Foundation
import Testing
import WiFiSimModule

/// A Python without packages, of WIFISIM_PYTHON or the path.
private enum PlainPython {
    static let name = ProcessInfo.processInfo.environment["WIFISIM_PYTHON"] ?? "python3"

    static let exists: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [name, "-c", "import tty"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}

/// `wifisim sweep`, with a client that has known mistakes (Tests/Clients/sweep_client.py).
@Suite(.enabled(if: PlainPython.exists, "needs Python"))
final class SweepTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "wifisim sweep \(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private static let client = [
        PlainPython.name,
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Clients/sweep_client.py")
            .standardized.path(percentEncoded: false),
    ]

    private func path(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }
    private func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    private func start(
        _ options: [String], to name: String = "results", command: [String] = client,
        _ variables: [String: String] = [:]
    ) throws -> Program {
        try Program(
            ["sweep", "--speed", "max", "--boot", "instant", "--limit", "8s", "--jobs", "2", "-o", path(name)] + options
                + ["--"] + command,
            environment: variables)
    }

    private func sweep(
        _ options: [String], to name: String = "results", command: [String] = client,
        _ variables: [String: String] = [:]
    ) throws -> (status: Int32, output: String, errors: String) {
        try start(options, to: name, command: command, variables).finish()
    }

    /// The outcomes of the runs by their places and faults.
    private func outcomes(_ name: String = "results") throws -> [String: String] {
        struct Whole: Decodable {
            struct Run: Decodable { let place, fault, outcome: String }
            let runs: [Run]
        }
        let whole = try JSONDecoder().decode(Whole.self, from: Data(try text("\(name)/results.json").utf8))
        return Dictionary(uniqueKeysWithValues: whole.runs.map { ("\($0.place), \($0.fault)", $0.outcome) })
    }

    @Test func `Every outcome is found, and the printed command repeats it`() throws {
        try Data("mode 0\n".utf8).write(to: folder.appending(path: "expected"))
        let options = ["--faults", "ignore,error,garble", "--only", "answer", "--expect", path("expected")]
        let sleep = "1000.\(Int.random(in: 100_000...999_999))"
        let result = try sweep(options, ["SWEEP_SLEEP": sleep])
        #expect(result.status == 1, "\(result.errors)")
        #expect(
            try outcomes() == [
                "AT 1 answer, error": "passed", "AT 1 answer, ignore": "crashed", "AT 1 answer, garble": "passed",
                "CWMODE 1 answer, error": "wrong", "CWMODE 1 answer, ignore": "hung",
                "CWMODE 1 answer, garble": "failed",
            ])
        let lines = result.output.split(separator: "\n").map(String.init)
        #expect(lines.last?.hasPrefix("6 runs: 2 passed, 1 failed, 1 crashed, 1 hung, 1 wrong") ?? false)
        let crash = try #require(lines.first { $0.hasPrefix("crashed: wifisim exec ") })
        #expect(crash.contains("--fault 'on AT the 1st time ignore'"))
        let command = "'\(Program.path)' " + crash.dropFirst("crashed: wifisim ".count)
        let shell = Process()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", command]
        shell.standardError = FileHandle.nullDevice
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 128 + SIGSEGV)

        // What did not pass has a transcript, and nothing else is left.
        let files = try FileManager.default.contentsOfDirectory(atPath: path("results"))
        #expect(Set(files) == ["cells", "index.html", "junit.xml", "results.json", "results.jsonl"])
        let transcripts = try FileManager.default.contentsOfDirectory(atPath: path("results/cells"))
        #expect(transcripts.count == 4)
        for name in transcripts {
            let transcript = try text("results/cells/\(name)")
            #expect(transcript.contains("fault on "), "\(transcript)")
            #expect(transcript.hasSuffix("\n"), "\(transcript)")
            #expect(try Program.run("check", path("results/cells/\(name)")).status <= 1)
        }
        // The process that the hung client has started is gone, although that client ignores SIGTERM.
        #expect(try !Self.processes().contains { $0.contains(sleep) })

        let xml = try text("results/junit.xml")
        #expect(xml.contains("tests=\"6\" failures=\"2\" errors=\"2\" skipped=\"0\""))
        #expect(xml.contains(">\u{FFFD}&lt;no answer&gt; &amp; &quot;more&quot;"))
        #expect(!xml.unicodeScalars.contains("\u{1B}"))
        let page = try text("results/index.html")
        #expect(page.contains("line 1 of the output is &quot;mode unknown&quot;, not &quot;mode 0&quot;"))
        #expect(page.contains("<h3>on CWMODE the 1st time ignore</h3>"))
    }

    @Test(arguments: [(1, "failed"), (130, "failed"), (200, "failed"), (139, "crashed")])
    func `A high status is no signal, except for one with which a shell reports a crash`(
        status: Int, outcome: String
    ) throws {
        _ = try sweep(["--faults", "ignore", "--only", "AT 1"], ["SWEEP_EXITS": "\(status)"])
        #expect(try outcomes() == ["AT 1 answer, ignore": outcome])
    }

    @Test func `A report of a sanitizer is a crash, whatever the status`() throws {
        let script = "\(Self.client.map { "'\($0)'" }.joined(separator: " ")) || echo 'x.c:1:2: runtime error: bad' >&2"
        let result = try sweep(["--faults", "ignore", "--only", "AT 1"], command: ["sh", "-c", script])
        #expect(try outcomes() == ["AT 1 answer, ignore": "crashed"], "\(result.errors)")
        #expect(try text("results/index.html").contains("x.c:1:2: runtime error: bad"))
    }

    @Test func `Shards make the same page as the whole, and a missing one is noticed`() throws {
        let options = [
            "--faults", "error,double,lose-byte,hang", "--sample", "8", "--seed", "5", "--fail-on", "failed",
        ]
        let whole = try sweep(options, to: "whole")
        #expect(try outcomes("whole").count == 8)
        for index in 1...3 { _ = try sweep(options + ["--shard", "\(index)/3"], to: "part \(index)") }
        func merge(_ indices: [Int]) throws -> (status: Int32, output: String, errors: String) {
            try Program.run(
                ["sweep", "--merge", "--fail-on", "failed", "-o", path("merged")]
                    + indices.map { path("part \($0)/results.jsonl") })
        }
        let merged = try merge([1, 2, 3])
        #expect(merged.status == whole.status, "\(merged.errors)")
        #expect(merged.output == whole.output.replacing(path("whole"), with: path("merged")))
        #expect(try outcomes("merged") == outcomes("whole"))
        // Only the times differ.
        func page(_ name: String) throws -> String {
            try text("\(name)/index.html").replacing(/[0-9.e-]+ s\b/, with: "")
        }
        #expect(try page("merged") == page("whole"))
        for name in try FileManager.default.contentsOfDirectory(atPath: path("whole/cells")) where name.hasSuffix(".at")
        {
            #expect(FileManager.default.fileExists(atPath: path("merged/cells/\(name)")))
        }

        let incomplete = try merge([1, 3])
        #expect(incomplete.status == 65)
        #expect(incomplete.errors.contains("shards are missing: 2/3"))
        _ = try sweep(["--faults", "error"], to: "other")
        let mixed = try Program.run([
            "sweep", "--merge", "-o", path("merged"), path("part 1"), path("other/results.jsonl"),
        ])
        #expect(mixed.status == 65)
        #expect(mixed.errors.contains("is of another sweep"))
        let same = try Program.run(["sweep", "--merge", "-o", path("other"), path("other")])
        #expect(same.errors.contains("must be another one"))
    }

    @Test func `After Ctrl-C and after kill -9 the results are kept, nothing is left, and the sweep goes on`() throws {
        let options = ["--faults", "error,ignore,double", "--jobs", "1"]
        func lineCount() -> Int { (try? text("results/results.jsonl").split(separator: "\n").count) ?? 0 }
        func wait(forLines count: Int) throws {
            let end = ContinuousClock.now + .seconds(30)
            while lineCount() < count {
                guard ContinuousClock.now < end else { throw ProgramError("only \(lineCount()) lines") }
                usleep(10_000)
            }
        }
        let killed = try start(options)
        try wait(forLines: 3)
        killed.send(SIGKILL)
        _ = killed.finish()
        // The last line was being written.
        let file = try #require(FileHandle(forWritingAtPath: path("results/results.jsonl")))
        try file.seekToEnd()
        try file.write(contentsOf: Data("{\"index\":9".utf8))
        let kept = lineCount() - 1

        let interrupted = try start(options + ["--resume"])
        try wait(forLines: kept + 2)
        interrupted.send(SIGINT)
        let result = interrupted.finish()
        #expect(result.status == 130)
        #expect(result.output.contains(" runs: "))
        #expect(try Self.processes().allSatisfy { !$0.contains(path("results")) })

        let other = try sweep(["--faults", "error", "--resume"])
        #expect(other.status == 65)
        #expect(other.errors.contains("another one: its --faults"))
        let rest = try sweep(options + ["--resume"])
        #expect(rest.output.contains("11 runs: 9 passed, 1 crashed, 1 hung"), "\(rest.output)\(rest.errors)")
        let again = try sweep(options + ["--resume"])
        #expect(again.errors.contains("0 runs, "))
        #expect(again.output == rest.output)
    }

    @Test func `As many runs are at a time as --jobs says, whatever the number of processors`() throws {
        let script = """
            mkdir -p "$SWEEP_FOLDER" && touch "$SWEEP_FOLDER/$$" && \(Self.client.map { "'\($0)'" }.joined(separator: " "))
            sleep 1.5
            ls "$SWEEP_FOLDER" | wc -l >> "$SWEEP_FOLDER.txt"
            rm "$SWEEP_FOLDER/$$"
            """
        let result = try sweep(
            ["--faults", "double,error", "--jobs", "6"], command: ["sh", "-c", script],
            ["SWEEP_FOLDER": path("running")])
        #expect(result.status == 0, "\(result.errors)")
        let counts = try text("running.txt").split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        #expect(counts.max() ?? 0 >= 4, "\(counts)")
    }

    @Test func `A module that hangs before it is ready meets a command that runs`() throws {
        let result = try sweep(["--only", "ready", "--faults", "hang,restart,lose"])
        #expect(
            try outcomes() == [
                "ready 1 report, hang": "crashed", "ready 1 report, restart": "passed",
                "ready 1 report, lose": "passed",
            ], "\(result.errors)")
    }

    @Test func `Exit statuses follow --fail-on`() throws {
        let options = ["--faults", "ignore", "--only", "AT 1"]
        let failing = ["SWEEP_EXITS": "3"]
        #expect(try sweep(options, failing).status == 0)
        #expect(try sweep(options + ["--fail-on", "failed,hung"], failing).status == 1)
        #expect(try sweep(options + ["--fail-on", "none"]).status == 0)
        #expect(try sweep(options).status == 1)
    }

    @Test(arguments: [
        (["--faults", "nothing"], "there is no fault \"nothing\""), (["--only", "CIPSEND"], "CWMODE 1 answer"),
        (["--shard", "0/4"], "from 1 to N"), (["--shard", "4"], "from 1 to N"), (["--limit", "0s"], "such as 10s"),
        (["--fail-on", "passed"], "is not one of"), (["--jobs", "65"], "from 1 to 64"),
        (["--hostfwd", "tcp::8083-:80"], "cannot be at the same time"), (["--count", "2"], "no option --count"),
        (["surplus"], "the command follows --"), (["--merge"], "no other options"),
    ])
    func `Bad options are refused with what to do`(options: [String], message: String) throws {
        let result = try sweep(options)
        #expect(result.status == 64, "\(result.errors)")
        #expect(result.errors.contains(message), "\(result.errors)")
    }

    @Test func `A command that cannot be swept is refused before any fault`() throws {
        let failing = try sweep([], command: ["sh", "-c", "echo broken >&2; exit 9"])
        #expect(failing.status == 65)
        #expect(failing.errors.contains("ends with status 9:\nbroken"))
        #expect(try sweep([], command: ["true"]).errors.contains("does it use WIFISIM_TTY?"))
        #expect(try sweep([], command: ["/no/such program"]).errors.contains("No such file"))
        try Data("mode 2\n".utf8).write(to: folder.appending(path: "expected"))
        #expect(try sweep(["--expect", path("expected")]).errors.contains("not \"mode 2\""))
        try Data().write(to: folder.appending(path: "foreign.txt"))
        let foreign = try sweep([], to: ".")
        #expect(foreign.status == 65)
        #expect(foreign.errors.contains("choose another folder"))
    }

    @Test func `Every run begins with the flash of --state, which stays as it is`() throws {
        let state = path("flash")
        #expect(try Program.run("exec", "--state", state, "--boot", "instant", "--", "true").status == 0)
        let before = try Data(contentsOf: URL(filePath: state))
        let result = try sweep(["--faults", "error", "--state", state])
        #expect(result.output.contains("2 runs: "), "\(result.errors)")
        #expect(try Data(contentsOf: URL(filePath: state)) == before)
    }

    @Test func `docs/Sweep.md lists the faults of the catalogue`() throws {
        let page = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/Sweep.md")
                .standardized, encoding: .utf8)
        let names = page.split(separator: "\n").compactMap { line in
            line.wholeMatch(of: /\| `([a-z-]+)` \|.*/).map { String($0.1) }
        }
        #expect(names == CatalogueFault.names)
    }

    /// The command lines of all processes.
    private static func processes() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.compactMap {
            (try? Data(contentsOf: URL(filePath: "/proc/\($0)/cmdline"))).map {
                String(decoding: $0, as: UTF8.self).replacing("\0", with: " ")
            }
        }
    }
}

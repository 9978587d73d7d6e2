import Foundation
import Testing
@testable import WiFiSimHost
@testable import WiFiSimModule
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

/// Every fixture, on the simulated module. With WIFISIM_RECORD=1 in the environment, fixtures that differ are
/// rewritten; `git diff` shows the changes.
struct TranscriptFixtureTests {
    private static let records = ProcessInfo.processInfo.environment["WIFISIM_RECORD"] != nil

    @Test(arguments: Fixtures.profiles)
    func `The module's output agrees with the fixtures of its profile`(profile: String) throws {
        let files = try Fixtures.files(of: profile)
        #expect(!files.isEmpty)
        for file in files {
            let script = try Transcript.Script(contentsOf: file)
            #expect(script.transcript.header.profile == profile, "\(file) is in another profile's folder")
            if Self.records { try script.updated().write(to: file) }
            for delivery: TranscriptPlayer.Delivery in [.whole, .byteByByte, .split(seed: 1), .split(seed: 2)] {
                let check = TranscriptCheck(of: file, delivery: delivery)
                #expect(check.problem == nil, "\(delivery): \(check.problem ?? "")")
            }
        }
    }

    @Test(arguments: Fixtures.profiles)
    func `Every command of a profile has a fixture there`(profile: String) throws {
        var used: Set<String> = []
        for file in try Fixtures.files(of: profile) {
            for (event, _) in try Transcript(contentsOf: file).events {
                guard case .host(let payload) = event, let line = payload.literal,
                    let command = try? CommandLine(Array(line.prefix { $0 != 0x0D }))
                else { continue }
                used.insert(command.name)
            }
        }
        let firmware = try #require(Firmware.named(profile))
        let table = CommandTable(for: firmware)
        let missing = table.commands.filter { command in !table.names(of: command).contains { used.contains($0) } }
        #expect(missing.map(\.typedName) == [], "add fixtures/\(profile)/<family>/<case>.at with these commands")
    }

    @Test func `Every fixture names its source`() throws {
        for file in try Fixtures.all() {
            #expect(try Transcript(contentsOf: file).header.origin != nil, "\(file) has no origin")
        }
    }

    @Test func `Every fixture is printed as it is written`() throws {
        for file in try Fixtures.all() {
            let text = String(decoding: try Files.read(file), as: UTF8.self)
            #expect(try Transcript(parsing: text, file: file).description == text)
        }
    }

    @Test func `Every fixture can be played as the module`() throws {
        for file in try Fixtures.all() {
            let script = try Transcript.Script(contentsOf: file)
            guard script.canBeReplayed else { continue }
            var replay = try ModuleReplay(script)
            let said = try HostPlayer(script).play(to: &replay)
            #expect(replay.finish() == nil, "\(file)")
            #expect(said == script.moduleBytes, "\(file)")
        }
    }
}

/// Plays the host of a transcript to a replayed module, without checking the answers.
struct HostPlayer {
    let script: Transcript.Script
    init(_ script: Transcript.Script) { self.script = script }

    /// - Returns: the output of the module.
    func play(to replay: inout ModuleReplay, byteByByte: Bool = false) throws -> [UInt8] {
        var now = Instant.zero
        var said: [UInt8] = []
        replay.advance(to: now)
        for (event, _) in script.transcript.events {
            guard case .host(let payload) = event else { continue }
            let bytes = try payload.bytes(bindings: [:], contents: script.contents)
            for piece in byteByByte ? bytes.map({ [$0] }) : [bytes] { replay.receive(piece, at: now) }
            while let next = replay.nextDeadline {
                now = next
                replay.advance(to: now)
            }
            said += replay.takeOutput()
        }
        return said
    }
}

extension Transcript.Script {
    /// Whether every byte of the module is known.
    fileprivate var canBeReplayed: Bool { moduleBytes != nil }

    fileprivate var moduleBytes: [UInt8]? {
        var all: [UInt8] = []
        for (event, _) in transcript.events {
            guard case .module(let expectation) = event else { continue }
            guard let bytes = try? expectation.payload.bytes(bindings: [:], contents: contents) else { return nil }
            all += bytes
        }
        return all
    }
}

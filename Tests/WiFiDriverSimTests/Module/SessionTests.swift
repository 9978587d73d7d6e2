import Foundation
import ModuleSessions
import Testing
@testable import WiFiSimModule

/// The fuzzer's sessions (Fuzz/README.md): those that failed once, and a few for each profile.
struct SessionTests {
    private static let kept: [URL] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Fuzz/corpus/module")
        let files = try? FileManager.default.contentsOfDirectory(
            at: folder.standardized, includingPropertiesForKeys: nil)
        return files ?? []
    }()

    @Test func `Sessions that failed once do not any more`() throws {
        try #require(Self.kept.count >= 2)
        for file in Self.kept {
            let session = try #require(Session(String(contentsOf: file, encoding: .utf8)), "\(file.lastPathComponent)")
            #expect(session.run().stuckModules.isEmpty, "\(file.lastPathComponent)")
        }
    }

    @Test(arguments: Firmware.all)
    func `Random sessions leave every module answering, with a flash that can be read again`(
        firmware: Firmware
    ) throws {
        for seed in 1...8 as ClosedRange<UInt64> {
            let session = Generator.session(seed: seed, profiles: [firmware])
            let result = session.run()
            #expect(result.stuckModules.isEmpty, "seed \(seed)")
            #expect(result.outputCount > 0)
            for settings in result.storedSettings {
                #expect(settings.mistake(for: firmware) == nil, "seed \(seed)")
                let decoded = try JSONDecoder().decode(Settings.self, from: JSONEncoder().encode(settings))
                #expect(decoded == settings, "seed \(seed)")
            }
        }
    }

    @Test func `A session is the same after it was text, and runs the same way twice`() throws {
        for seed in 1...5 as ClosedRange<UInt64> {
            let session = Generator.session(seed: seed)
            #expect(Session(session.description) == session)
            #expect(session.run().outputCount == session.run().outputCount)
        }
    }
}

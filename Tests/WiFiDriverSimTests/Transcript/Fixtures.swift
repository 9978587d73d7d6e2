import Foundation
@testable import WiFiSimModule
@testable import WiFiSimTranscripts

/// The transcripts of the fixtures folder.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "fixtures").path

    static func files(of profile: String) throws -> [String] { try Transcript.files(at: "\(folder)/\(profile)") }

    static func all() throws -> [String] { try Firmware.all.flatMap { try files(of: $0.name) } }

    /// The path relative to the fixtures folder.
    static func name(_ path: String) -> String { String(path.dropFirst(folder.count + 1)) }

    static let profiles = Firmware.all.map(\.name)
}

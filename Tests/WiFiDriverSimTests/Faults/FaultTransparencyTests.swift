import Testing
@testable import WiFiSimModule
@testable import WiFiSimTranscripts

/// A fault that never happens changes nothing.
struct FaultTransparencyTests {
    /// Those that look at the echo of a part of a line, or at a line that never ends.
    private static let lookIntoTheEcho = ["reset-line", "wrong-baud", "probe", "report-in-an-echo"]

    @Test(arguments: Fixtures.profiles)
    func `Every fixture is as it was while faults are set that never happen`(profile: String) throws {
        let faults = [
            "on NEVER garble the data", "on NEVER delay the answer by 1s",
            "on report NEVER lose the report", "at 1000h restart", "flip 0%", "network loss 0% peer 10.9.9.9",
        ]
        for file in try Fixtures.files(of: profile) {
            var script = try Transcript.Script(contentsOf: file)
            script.world.faults += try faults.map { try Fault($0) }
            // It would take numbers from what is random there.
            if file.hasSuffix("/noisy-line.at") {
                script.world.faults.removeAll { $0 == Fault(.always, .line(.flip(0))) }
            }
            if !Self.lookIntoTheEcho.contains(where: { file.hasSuffix("/\($0).at") }) {
                script.world.faults.append(try Fault("on NEVER lose the echo"))
            }
            for delivery: TranscriptPlayer.Delivery in [.whole, .split(seed: 3)] {
                var player = TranscriptPlayer(script)
                player.delivery = delivery
                let divergence = player.play().divergence
                #expect(divergence == nil, "\(Fixtures.name(file)) \(delivery): \(divergence.map { "\($0)" } ?? "")")
            }
        }
    }
}

import Foundation
import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

/// A recording of a session agrees with the module: each fixture's session, recorded as `wifisim record` does, is a
/// transcript that checks.
struct RecordingTests {
    @Test(arguments: Fixtures.profiles)
    func `A recording checks, with however many links to however many servers`(profile: String) throws {
        var linkCounts: [Int] = []
        for file in try Fixtures.files(of: profile) {
            let script = try Transcript.Script(contentsOf: file)
            let events = script.transcript.events.map(\.event)
            guard events.contains(where: \.isOfPeer), !events.contains(where: \.isUnseen) else { continue }
            let session = try RecordedSession(of: script)
            linkCounts.append(session.linkCount)
            let divergence = TranscriptPlayer(session.recording).play().divergence
            #expect(
                divergence == nil,
                "\(Fixtures.name(file)): \(divergence?.report(in: session.recording.transcript, file: "recording") ?? "")\n\(session.text)"
            )
        }
        #expect(linkCounts.count { $0 > 1 } > 5, "no fixtures of \(profile) with several links")
    }

    @Test(arguments: ["TCP", "UDP"])
    func `Links to one server are told apart`(type: String) throws {
        var text =
            "transcript 1\n\n> ATE0\\r\\n\n> AT+CWMODE=1\\r\\n\n> AT+CWJAP=\"wifisim\",\"password\"\\r\\n\n> AT+CIPMUX=1\\r\\n\n"
        let names = ["first", "second", "third"]
        for (id, name) in names.enumerated() {
            text += "peer \(name) listens \(type.lowercased()) 10.0.2.102:8080\n"
            text += "> AT+CIPSTART=\(id),\"\(type)\",\"10.0.2.102\",8080\\r\\n\n"
        }
        // The last link that was opened is not the first one that sends.
        for id in [1, 0, 2, 0] {
            text += "> AT+CIPSEND=\(id),5\\r\\n\n> link\(id)\npeer \(names[id]) receives link\(id)\n"
        }
        for id in [0, 2, 1] { text += "peer \(names[id]) sends answer\(id)\nwait 10ms\n" }
        let script = Transcript.Script(try Transcript(parsing: text))
        let updated = try script.updated()
        #expect(updated.description.contains("< \\r\\n+IPD,0,7:answer0\n"), "\(updated)")
        let session = try RecordedSession(of: Transcript.Script(updated))
        #expect(TranscriptPlayer(session.recording).play().divergence == nil, "\(session.text)")
        let peers = Set(session.recording.transcript.events.compactMap(\.event.peerName))
        #expect(peers.count == 3)
    }
}

/// A transcript's session, played on a simulated module and recorded.
private struct RecordedSession {
    let text: String
    let recording: Transcript.Script
    /// The number of links that were opened.
    let linkCount: Int

    init(of script: Transcript.Script) throws {
        let stage = TranscriptStage(script, delivery: .whole, patience: .seconds(120))
        let simulation = stage.simulation
        let start = simulation.now
        var header = script.transcript.header
        // Other local ports; but what faults choose at random must be the same.
        if !script.transcript.events.contains(where: \.event.isFault) { header.seed = 7 }
        let recorder = Recorder(TranscriptRecorder(header: header, payloadFolder: "recording.d", at: start))
        simulation.modules[0].observer = { [unowned simulation] observation in
            recorder.saw(observation, at: simulation.now)
        }
        for (event, line) in script.transcript.events {
            switch event {
            case .world, .reset, .power: recorder.lines.record(event, at: simulation.now)
            default: break
            }
            try stage.play(event, line: line)
            recorder.take(at: simulation.now)
        }
        try stage.expectNothing(line: 0)
        recorder.finish(at: simulation.now)
        text = recorder.text
        linkCount = recorder.linkCount
        var recording = Transcript.Script(try Transcript(parsing: text))
        recording.world = script.world
        recording.contents = recorder.files
        self.recording = recording
    }

    private final class Recorder {
        var lines: TranscriptRecorder
        private var network = NetworkRecorder()
        private(set) var text = ""
        private(set) var files: [String: [UInt8]] = [:]
        private(set) var linkCount = 0

        init(_ lines: TranscriptRecorder) { self.lines = lines }

        func saw(_ observation: SimulatedModule.Observation, at now: Instant) {
            switch observation {
            case .line(let direction, let bytes):
                lines.record(bytes, fromHost: direction == .toModule, at: now)
            case .network(.request(let request)):
                switch request {
                case .connect, .openUDP: linkCount += 1
                default: break
                }
                network.record(request, in: &lines, at: now)
            case .network(.event(let event)):
                if case .accepted = event { linkCount += 1 }
                network.record(event, in: &lines, at: now)
            case .fault(let fault): lines.note(fault, at: now)
            case .place: break
            }
        }

        func take(at now: Instant) { keep(lines.take(at: now)) }
        func finish(at now: Instant) { keep(lines.finish(at: now)) }

        private func keep(_ output: TranscriptRecorder.Output) {
            text = (output.replacesAll ? "" : text) + output.text
            for (path, bytes) in output.files { files[path] = bytes }
        }
    }
}

extension Transcript.Event {
    fileprivate var isOfPeer: Bool { peerName != nil }
    fileprivate var isFault: Bool { if case .world(.faults) = self { true } else { false } }
    /// Changes that a recorder at the module cannot see: the host's bit rate, and packets that do not pass a gateway.
    fileprivate var isUnseen: Bool {
        switch self {
        case .baud, .world(.accessPoint(_, .route(.off))): true
        default: false
        }
    }
    fileprivate var peerName: String? { if case .peer(let name, _) = self { name } else { nil } }
}

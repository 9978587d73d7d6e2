import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

/// Plays the host's side of a transcript, and its world, to a simulated module, and compares what the module says.
///
/// ```swift
/// let transcript = try Transcript(contentsOf: "fixtures/esp32c3-4.1/tcp/client.at")
/// let outcome = TranscriptPlayer(transcript).play()
/// #expect(outcome.divergence == nil)
/// ```
public struct TranscriptPlayer: Sendable {
    public let script: Transcript.Script
    public var delivery = Delivery.whole
    /// How long the module may take over a line without a time window, on the simulation's clock.
    public var patience = Duration.seconds(120)

    /// How the host's bytes come to the module.
    public enum Delivery: Sendable, Equatable {
        case whole
        case byteByByte
        /// In pieces of random lengths.
        case split(seed: UInt64)
    }

    public struct Outcome: Sendable {
        /// The first difference; `nil` if there is none.
        public var divergence: Divergence?
        /// Lines of the host that were played.
        public var exchanges = 0
        /// Time that has passed on the simulation's clock.
        public var duration = Duration.zero
        /// What the module logged.
        public var log: [String] = []
    }

    public init(_ script: Transcript.Script) { self.script = script }

    /// A transcript that refers to no files.
    public init(_ transcript: Transcript) { script = Transcript.Script(transcript) }

    /// Plays up to the end or the first difference.
    public func play() -> Outcome {
        let stage = TranscriptStage(script, delivery: delivery, patience: patience)
        var outcome = Outcome()
        do throws(Divergence) {
            for (event, line) in script.transcript.events {
                if case .host = event { outcome.exchanges += 1 }
                try stage.play(event, line: line)
            }
            try stage.expectNothing(line: script.transcript.lines.last?.number ?? 0)
        } catch {
            outcome.divergence = error
        }
        outcome.duration = stage.simulation.now - .zero
        outcome.log = stage.simulation.modules[0].log
        return outcome
    }
}

extension Transcript {
    /// A transcript with all that it refers to.
    public struct Script: Sendable {
        public var transcript: Transcript
        public var world = World.standard
        /// The files of its references, by path.
        public var contents: [String: [UInt8]] = [:]

        public init(_ transcript: Transcript) { self.transcript = transcript }
    }
}

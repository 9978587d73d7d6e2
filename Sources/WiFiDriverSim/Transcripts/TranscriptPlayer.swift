import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

/// Plays the host's side of a transcript and its world to a simulated module, and compares the module's output.
///
/// ```swift
/// let script = try Transcript.Script(contentsOf: "fixtures/esp32c3-4.1/tcp-ip/tcp.at")
/// let outcome = TranscriptPlayer(script).play()
/// #expect(outcome.divergence == nil)
/// ```
public struct TranscriptPlayer: Sendable {
    /// The transcript and the files that it refers to.
    public let script: Transcript.Script
    /// How the host's bytes are delivered.
    public var delivery = Delivery.whole
    /// How long, in virtual time, to wait for a line of the module that has no time window.
    public var patience = Duration.seconds(120)

    /// How the host's bytes are delivered to the module.
    public enum Delivery: Sendable, Equatable {
        /// Each line in one piece.
        case whole
        /// Each byte on its own.
        case byteByByte
        /// In pieces of random lengths, determined by the seed.
        case split(seed: UInt64)
    }

    /// The outcome of playing a transcript.
    public struct Outcome: Sendable {
        /// The first difference; `nil` if there is none.
        public var divergence: Divergence?
        /// The number of the host's lines that were played.
        public var exchanges = 0
        /// The virtual time that has passed.
        public var duration = Duration.zero
        /// The module's log entries.
        public var log: [String] = []
    }

    /// Makes a player of a transcript with its files.
    public init(_ script: Transcript.Script) { self.script = script }

    /// Makes a player of a transcript that refers to no files.
    public init(_ transcript: Transcript) { script = Transcript.Script(transcript) }

    /// Plays to the end or to the first difference.
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
    /// A transcript with the files that it refers to.
    public struct Script: Sendable {
        /// The transcript.
        public var transcript: Transcript
        /// The world in which it is played.
        public var world = World.standard
        /// The contents of the referenced files, by path.
        public var contents: [String: [UInt8]] = [:]

        /// A transcript in the standard world that refers to no files.
        public init(_ transcript: Transcript) { self.transcript = transcript }
    }
}

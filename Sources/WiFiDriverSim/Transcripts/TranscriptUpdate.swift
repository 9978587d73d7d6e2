import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

extension Transcript.Script {
    /// The transcript with the module's lines as the simulated module sends them now. Lines that still match keep their
    /// placeholders, groups and time windows. The host's lines and the other events stay as they are.
    /// - Throws: `Divergence` if an event cannot be carried out.
    package func updated() throws(Divergence) -> Transcript {
        let stage = TranscriptStage(self, delivery: .whole, patience: .seconds(120))
        var updated = transcript
        updated.lines = []
        if transcript.header.start == .power { stage.settle() }
        var lines = transcript.lines[...]
        var isStale = false
        while let line = lines.first {
            switch line.content {
            case .event(let event) where event.isOfModule:
                lines.removeFirst()
                // After a line that does not match, skip the others up to the next event.
                if isStale { continue }
                do throws(Divergence) {
                    try stage.play(event, line: line.number)
                    updated.lines.append(line)
                } catch {
                    isStale = true
                }
            case .event(let event):
                updated.append(module: stage.takeSaid())
                isStale = false
                try stage.play(event, line: line.number)
                updated.lines.append(line)
                lines.removeFirst()
                if event.isFollowedByAnswer, !lines.beginWithTime { stage.settle() }
            case .blank, .comment:
                // The module's output belongs before a comment or blank line.
                updated.append(module: stage.takeSaid())
                updated.lines.append(line)
                lines.removeFirst()
            }
        }
        updated.append(module: stage.takeSaid())
        return updated
    }
}

extension Transcript.Event {
    fileprivate var isOfModule: Bool {
        switch self {
        case .module, .unordered: true
        default: false
        }
    }

    /// True if the module answers before anything else happens.
    fileprivate var isFollowedByAnswer: Bool {
        switch self {
        case .host, .reset, .power(isOn: true): true
        default: false
        }
    }
}

extension ArraySlice<Transcript.Line> {
    /// True if the next event gives a time to wait.
    fileprivate var beginWithTime: Bool {
        for line in self {
            switch line.content {
            case .blank, .comment, .event(.module), .event(.unordered): continue
            case .event(.wait), .event(.quiet): return true
            case .event: return false
            }
        }
        return false
    }
}

extension TranscriptStage {
    /// Lets time pass until the module has finished its command.
    fileprivate func settle() {
        let end = simulation.now + .seconds(1000)
        simulation.settle()
        while simulation.modules[0].module.isBusy, simulation.runToNextDeadline(notAfter: end) {}
    }
}

extension Transcript {
    /// Appends the module's output, one line for each of its lines.
    mutating func append(module bytes: [UInt8]) {
        for piece in LineCutter.pieces(of: bytes) {
            lines.append(Line(.event(.module(Expectation(Payload(recording: piece))))))
        }
    }
}

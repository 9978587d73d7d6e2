import WiFiSimValues

/// Finds the conversation again after a missing reply: asks a question with an unmistakable answer until it is
/// answered.
///
/// The question is `CIPMUX?`: every firmware answers it alike, and no other work asks it. The first search may take
/// `times.busy`. If it fails, each later call searches for at most 2 s.
final class Synchronization: LineWork {
    private(set) var hasFound = false
    private let isFirst: Bool
    private let end: Instant
    private var otherAnswers = 0
    private var refusals = 0
    /// Each search sends the missing bytes once, because the line may have lost those of an earlier search.
    private var hasFilled = false

    private static let attempts = 3
    private static let otherAnswerLimit = 20
    private static let refusalLimit = 3
    private static let laterSearch = Duration.seconds(2)

    init(_ core: DriverCore) {
        isFirst = core.trust == .lost
        end = core.now + (isFirst ? core.times.busy : Self.laterSearch)
        core.parser.reset()
        core.sink = .discard
    }

    override var findsConversation: Bool { true }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        if let reply, let end = conclude(reply, core) { return end }
        let cannotWait = core.current?.queued.cannotWait(at: core.now) ?? false
        guard end > core.now, !core.isSwitchingPower, !cannotWait else {
            // A search that ends early for its caller does not prove that the module is busy.
            if end <= core.now, core.trust == .lost { core.trust = .busy }
            return .end
        }
        return .command(
            .query("CIPMUX"), expecting: .information("+CIPMUX"), timeout: isFirst ? .seconds(1) : .milliseconds(500))
    }

    /// Evaluates an answer. Nil means to ask again.
    private func conclude(_ reply: Reply, _ core: DriverCore) -> LineStep? {
        switch reply.outcome {
        case .done where reply.contains("+CIPMUX"):
            core.missingBytes = 0
            core.suspectEverything()
            return found(core)
        // Final lines of earlier commands. More than `otherAnswerLimit` of them are not plausible.
        case .done, .notDelivered:
            core.silentAttempts = 0
            otherAnswers += 1
            return otherAnswers < Self.otherAnswerLimit ? nil : silent(core)
        case .refused:
            // The answer to an earlier command, or a firmware without this question. Either way the line works.
            refusals += 1
            return refusals < Self.refusalLimit ? nil : found(core)
        case .moduleReset: return found(core)
        case .lineLost: return .end
        case .stillBusy:
            core.silentAttempts = 0
            if isFirst { return nil }
            core.trust = .busy
            return .end
        case .timedOut:
            if core.isSwitchingPower { return .end }
            core.silentAttempts += 1
            if core.silentAttempts >= Self.attempts { return silent(core) }
            guard !hasFilled, let filler = core.filler else { return nil }
            hasFilled = true
            return .bytes(filler)
        }
    }

    private func found(_ core: DriverCore) -> LineStep {
        hasFound = true
        core.trust = .found
        return .end
    }

    /// Records that the module does not answer. If it does later, it has to be set up again.
    private func silent(_ core: DriverCore) -> LineStep {
        if core.trust != .silent {
            core.trust = .silent
            core.needsSetup = true
            core.abortEverything()
        }
        return .end
    }
}

extension DriverCore {
    /// Line ends in place of the rest of a damaged block, which the module may still wait for. Nil if no bytes are
    /// missing.
    ///
    /// They are needed until the module has answered, because the line may lose them as well.
    var filler: [UInt8]? {
        missingBytes > 0 ? [UInt8](repeating: UInt8(ascii: "\n"), count: missingBytes) : nil
    }

    /// Marks every link as possibly holding data, because reports may have been lost.
    fileprivate func suspectEverything() {
        for connection in links.compactMap({ $0 }) where connection.ending == nil {
            connection.hasDataWaiting = isPassive(connection)
        }
        noteChange()
    }
}

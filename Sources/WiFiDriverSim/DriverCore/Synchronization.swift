import WiFiSimValues

/// After a reply that did not come: asks a question whose answer cannot be mistaken, until it is answered.
///
/// CIPMUX? is answered alike by every firmware and is asked nowhere else. The first search takes as long as a command may
/// keep the module busy. If it was in vain, those of later calls take a moment each.
final class Synchronization: LineWork {
    private(set) var hasFound = false
    private let isFirst: Bool
    private let end: Instant
    private var otherAnswers = 0
    private var refusals = 0
    /// Each search sends the missing bytes once. The line may have lost those of an earlier one.
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
            // Who had no more time has found nothing out.
            if end <= core.now, core.trust == .lost { core.trust = .busy }
            return .end
        }
        return .command(
            .query("CIPMUX"), expecting: .information("+CIPMUX"), timeout: isFirst ? .seconds(1) : .milliseconds(500))
    }

    /// What an answer means; `nil` asks again.
    private func conclude(_ reply: Reply, _ core: DriverCore) -> LineStep? {
        switch reply.outcome {
        case .done where reply.contains("+CIPMUX"):
            core.missingBytes = 0
            core.suspectEverything()
            return found(core)
        // Finals of earlier commands, but not so many.
        case .done, .notDelivered:
            core.silentAttempts = 0
            otherAnswers += 1
            return otherAnswers < Self.otherAnswerLimit ? nil : silent(core)
        case .refused:
            // An answer that is too old, or a firmware that does not know the question: the line works.
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

    /// The module does not answer any more. Should it come back, it is to be set up anew.
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
    /// Line ends for the rest of a block that the module may still wait for, because the block was damaged on its way.
    ///
    /// They stay until the module has answered: the line may lose them as well.
    var filler: [UInt8]? {
        missingBytes > 0 ? [UInt8](repeating: UInt8(ascii: "\n"), count: missingBytes) : nil
    }

    /// Reports may have been lost: every link is to be looked at again.
    fileprivate func suspectEverything() {
        for connection in links.compactMap({ $0 }) where connection.ending == nil {
            connection.hasDataWaiting = isPassive(connection)
        }
        noteChange()
    }
}

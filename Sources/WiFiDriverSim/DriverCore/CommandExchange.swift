/// One command and its reply, as a state machine: `receive` takes what the module says meanwhile.
///
/// Reports come at any time and are none of its business, unless one is what the command waits for. An OK that comes
/// before what it should confirm is suspected to belong to an earlier command: it ends the exchange only if nothing
/// better follows (`settle`).
struct CommandExchange {
    /// What must have come before OK is believed.
    enum Expectation: Equatable {
        case nothing
        /// A line that starts with this, as `+CIPSTA`.
        case information(String)
        case linkOpened(Int)
        case linkClosed(Int)
        /// The bytes that CIPRECVDATA asked for.
        case payload
    }

    enum Outcome: Equatable {
        /// OK, or SEND OK.
        case done
        /// ERROR or FAIL.
        case refused
        /// SEND FAIL: the bytes were taken and not delivered.
        case notDelivered
        /// The module restarted.
        case moduleReset
        case timedOut
        /// The module was busy with an earlier command to the end.
        case stillBusy
        /// The line is gone.
        case lineLost
    }

    enum State: Equatable {
        /// The final line is to come.
        case awaitingReply
        /// `>` is to come.
        case awaitingPrompt
        /// `>` came: the caller sends the bytes.
        case prompted
        /// SEND OK is to come.
        case awaitingDelivery
        /// `busy`: the command was not taken. Once the module is free it can be sent again.
        case notTaken
        case ended(Outcome)
    }

    /// In bytes of information lines: far above a scan of every network in a city, and the module may talk without end.
    static let longestReply = 64 * 1024

    private(set) var state: State
    /// The information lines of the reply, with reports that are not known among them.
    private(set) var lines: [[UInt8]] = []
    private var room = Self.longestReply
    /// Lines beyond the longest reply.
    private(set) var droppedLines = 0
    private let expectation: Expectation
    private var isExpectationMet: Bool
    /// OK came and was not believed.
    private(set) var hasUnexplainedOK = false
    /// The module's restart is what the command is for.
    private let expectsReset: Bool

    init(expecting expectation: Expectation = .nothing, prompt: Bool = false, expectsReset: Bool = false) {
        state = prompt ? .awaitingPrompt : .awaitingReply
        self.expectation = expectation
        self.expectsReset = expectsReset
        isExpectationMet = expectation == .nothing
    }

    var outcome: Outcome? {
        if case .ended(let outcome) = state { outcome } else { nil }
    }

    mutating func receive(_ message: ModuleMessage) {
        switch (state, message) {
        case (.ended, _): break

        case (_, .ready):
            state = .ended(expectsReset ? .done : .moduleReset)

        case (.awaitingReply, .ok):
            if expectsReset { break }
            if isExpectationMet { state = .ended(.done) } else { hasUnexplainedOK = true }
        case (.awaitingReply, .error), (.awaitingPrompt, .error), (.awaitingDelivery, .error):
            state = .ended(.refused)
        case (.awaitingReply, .busy), (.awaitingPrompt, .busy):
            state = .notTaken
        case (.awaitingPrompt, .prompt):
            state = .prompted
        case (.awaitingDelivery, .sendOK):
            state = .ended(.done)
        case (.awaitingDelivery, .sendFailed):
            state = .ended(.notDelivered)

        case (.awaitingReply, .text(let line)), (.awaitingPrompt, .text(let line)):
            // What an empty line costs counts too.
            if line.count + 32 <= room {
                room -= line.count + 32
                lines.append(line)
            } else {
                droppedLines += 1
            }
            if case .information(let prefix) = expectation, line.starts(with: prefix.utf8) { isExpectationMet = true }
        case (.awaitingReply, .linkOpened(let link, let details)):
            // A peer may take the link just before: then the command is refused.
            if expectation == .linkOpened(link), details?.isIncoming != true { isExpectationMet = true }
        case (.awaitingReply, .linkClosed(let link)):
            if expectation == .linkClosed(link) { isExpectationMet = true }
        case (.awaitingReply, .payload(let header)):
            if expectation == .payload, header.origin == .read { isExpectationMet = true }

        // The end of the command that the module was busy with.
        case (.notTaken, .ok), (.notTaken, .error), (.notTaken, .sendOK), (.notTaken, .sendFailed): break
        // Finals of an earlier command, and those that cannot be in this state.
        case (.awaitingReply, .sendOK), (.awaitingReply, .sendFailed), (.awaitingReply, .prompt): break
        case (.awaitingPrompt, .ok), (.awaitingPrompt, .sendOK), (.awaitingPrompt, .sendFailed): break
        case (.awaitingDelivery, .ok), (.awaitingDelivery, .prompt), (.awaitingDelivery, .busy): break
        case (.prompted, .ok), (.prompted, .error), (.prompted, .sendOK), (.prompted, .sendFailed),
            (.prompted, .prompt),
            (.prompted, .busy):
            break
        case (.notTaken, .prompt), (.notTaken, .busy): break
        // Reports.
        case (_, .linkOpened), (_, .linkClosed), (_, .dataWaiting), (_, .payload), (_, .joinedNetwork),
            (_, .gotAddress),
            (_, .leftNetwork), (_, .stationJoined), (_, .stationLeft), (_, .text):
            break
        }
    }

    /// The announced bytes are on their way: the answer may come from now on.
    mutating func bytesFollow() {
        if state == .prompted { state = .awaitingDelivery }
    }

    /// Nothing came for the time of grace: an OK that nothing explained was this command's after all.
    mutating func settle() {
        if case .ended = state { return }
        if hasUnexplainedOK { state = .ended(.done) }
    }

    mutating func end(_ outcome: Outcome) {
        if case .ended = state { return }
        state = .ended(outcome)
    }
}

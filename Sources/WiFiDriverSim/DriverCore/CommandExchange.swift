/// One command and its reply, as a state machine.
///
/// `receive` takes every message that the module sends while the command is in progress. Reports may come at any time
/// and are ignored, except for the one that the command waits for (`Expectation`). An OK that comes before the expected
/// message may belong to an earlier command: it ends the exchange only if nothing better follows (`settle`).
struct CommandExchange {
    /// What must have come before OK counts as this command's.
    enum Expectation: Equatable {
        case nothing
        /// A line with this prefix, such as `+CIPSTA`.
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
        /// SEND FAIL: the module took the bytes and did not deliver them.
        case notDelivered
        /// The module restarted.
        case moduleReset
        case timedOut
        /// The module was still busy with an earlier command at the deadline.
        case stillBusy
        /// The line is gone.
        case lineLost
    }

    enum State: Equatable {
        /// Waits for the final line.
        case awaitingReply
        /// Waits for `>`.
        case awaitingPrompt
        /// `>` came. The caller sends the bytes.
        case prompted
        /// Waits for SEND OK.
        case awaitingDelivery
        /// `busy`: the module did not take the command. It can be sent again once the module is free.
        case notTaken
        case ended(Outcome)
    }

    /// In bytes of information lines. A scan of a whole city stays far below; a module that never stops sending does
    /// not.
    static let longestReply = 64 * 1024

    private(set) var state: State
    /// The information lines of the reply, mixed with reports that this driver does not know.
    private(set) var lines: [[UInt8]] = []
    private var room = Self.longestReply
    /// Lines dropped because the reply exceeded `longestReply`.
    private(set) var droppedLines = 0
    private let expectation: Expectation
    private var isExpectationMet: Bool
    /// An OK came before the expected message.
    private(set) var hasUnexplainedOK = false
    /// The command restarts the module.
    private let expectsReset: Bool
    /// The command waits for `>`.
    private let asksForData: Bool

    init(expecting expectation: Expectation = .nothing, prompt: Bool = false, expectsReset: Bool = false) {
        state = prompt ? .awaitingPrompt : .awaitingReply
        self.expectation = expectation
        self.expectsReset = expectsReset
        asksForData = prompt
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
            // 32 bytes of overhead for each line, so that empty lines count too.
            if line.count + 32 <= room {
                room -= line.count + 32
                lines.append(line)
            } else {
                droppedLines += 1
            }
            if case .information(let prefix) = expectation, line.starts(with: prefix.utf8) { isExpectationMet = true }
        case (.awaitingReply, .linkOpened(let link, let details)):
            // A peer may have taken the link just before the command, which is then refused.
            if expectation == .linkOpened(link), details?.isIncoming != true { isExpectationMet = true }
        case (.awaitingReply, .linkClosed(let link)):
            if expectation == .linkClosed(link) { isExpectationMet = true }
        case (.awaitingReply, .payload(let header)):
            if expectation == .payload, header.origin == .read { isExpectationMet = true }

        // The end of the command that kept the module busy.
        case (.notTaken, .ok), (.notTaken, .error), (.notTaken, .sendOK), (.notTaken, .sendFailed): break
        // Final lines of an earlier command, and messages that are impossible in this state.
        case (.awaitingReply, .sendOK), (.awaitingReply, .sendFailed), (.awaitingReply, .prompt): break
        case (.awaitingPrompt, .ok), (.awaitingPrompt, .sendOK), (.awaitingPrompt, .sendFailed): break
        case (.awaitingDelivery, .ok), (.awaitingDelivery, .prompt), (.awaitingDelivery, .busy): break
        case (.prompted, .ok), (.prompted, .error), (.prompted, .sendOK), (.prompted, .sendFailed),
            (.prompted, .prompt),
            (.prompted, .busy):
            break
        // Some firmware takes a command although it said busy (esp-at issue 993). After the prompt, a repeated command
        // would be taken for the data.
        case (.notTaken, .prompt): if asksForData { state = .prompted }
        case (.notTaken, .busy): break
        // Reports.
        case (_, .linkOpened), (_, .linkClosed), (_, .dataWaiting), (_, .payload), (_, .joinedNetwork),
            (_, .gotAddress),
            (_, .leftNetwork), (_, .stationJoined), (_, .stationLeft), (_, .text):
            break
        }
    }

    /// Records that the announced bytes are on their way. The answer may come from now on.
    mutating func bytesFollow() {
        if state == .prompted { state = .awaitingDelivery }
    }

    /// Ends the exchange if an OK came too early and nothing followed it in the grace period: the OK was this
    /// command's.
    mutating func settle() {
        if case .ended = state { return }
        if hasUnexplainedOK { state = .ended(.done) }
    }

    mutating func end(_ outcome: Outcome) {
        if case .ended = state { return }
        state = .ended(outcome)
    }
}

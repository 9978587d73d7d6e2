/// The negotiation of Telnet options (RFC 854, RFC 1143).
///
/// Each request is answered once: a change of state is acknowledged, and an option that is not in the list is refused.
/// A request that repeats is not answered again, so no loop can form.
struct TelnetOptions {
    /// The state of an option on one side. A refused option is off, and its request was answered.
    enum State { case off, asked, on, refused }

    /// Who performs the option: this side (WILL, DO) or the other side (DO, WILL).
    enum Side { case ours, theirs }

    private let accepted: (ours: Set<UInt8>, theirs: Set<UInt8>)
    private var ours: [UInt8: State] = [:]
    private var theirs: [UInt8: State] = [:]

    /// The options that each side may perform.
    init(ours: Set<UInt8>, theirs: Set<UInt8>) { accepted = (ours, theirs) }

    func state(of option: UInt8, _ side: Side) -> State { (side == .ours ? ours : theirs)[option] ?? .off }

    /// Notes a request of this side.
    /// - Returns: what to send.
    mutating func ask(_ option: UInt8, _ side: Side) -> Telnet.Verb {
        set(option, side, .asked)
        return side == .ours ? .will : .doIt
    }

    /// Takes a request or an answer of the other side.
    /// - Returns: what to send.
    mutating func receive(_ verb: Telnet.Verb, _ option: UInt8) -> Telnet.Verb? {
        let side: Side = verb == .doIt || verb == .dont ? .ours : .theirs
        let yes: Telnet.Verb = side == .ours ? .will : .doIt
        let no: Telnet.Verb = side == .ours ? .wont : .dont
        let isAccepted = (side == .ours ? accepted.ours : accepted.theirs).contains(option)
        switch (state(of: option, side), verb == .doIt || verb == .will) {
        case (.off, true):
            set(option, side, isAccepted ? .on : .refused)
            return isAccepted ? yes : no
        case (.asked, true): set(option, side, .on)
        case (.on, false):
            set(option, side, .off)
            return no
        case (.asked, false), (.refused, false): set(option, side, .off)
        case (.off, false), (.on, true), (.refused, true): break
        }
        return nil
    }

    private mutating func set(_ option: UInt8, _ side: Side, _ state: State) {
        switch side {
        case .ours: ours[option] = state
        case .theirs: theirs[option] = state
        }
    }
}

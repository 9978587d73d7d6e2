/// The client's side of RFC 2217: a serial port behind a server such as ser2net or pyserial's.
///
/// - Input: `receive` takes bytes from the server and returns what they mean, in order; `send`, `set` and `purge` are
///   requests to the server.
/// - Output: `output` holds the bytes for the server, from the start, because the client negotiates first.
///
/// Settings wait until the server has agreed to COM-PORT-OPTION; of several values, the last one is sent. Data does not
/// wait: bytes that are sent before `isSettled` pass the port with the settings that it had before. To a server that
/// refuses the option, data still passes. One that does not speak Telnet never answers, so the owner limits the wait.
/// Sans-IO and deterministic. Bytes of data are not changed, whether or not the server agrees to binary transmission.
package struct RFC2217Client {
    /// What the server has answered to COM-PORT-OPTION.
    package enum Agreement: Sendable { case asked, agreed, refused }

    /// What bytes from the server mean.
    package enum Event: Equatable, Sendable {
        /// Never empty.
        case data([UInt8])
        /// The server speaks RFC 2217.
        case agreed
        /// The server does not speak RFC 2217, or no longer: settings have no effect.
        case refused
        /// A setting is in force: the one that `set` asked for, or one that the server has changed by itself.
        case setting(LineSetting)
        /// The server has another value in force than the last one that `set` asked for.
        case declined(LineSetting, inForce: LineSetting)
        /// The server has emptied its buffers.
        case purged(PurgedBuffers)
        /// The lines from the device.
        case modemState(ModemState)
        /// Errors on the line, with the bits of NOTIFY-LINESTATE.
        case lineState(UInt8)
        /// The server takes no more data until `resume`.
        case suspend
        case resume
        case notice(RFC2217Notice)
    }

    /// Bytes for the server. The owner drains it.
    package var output = ByteQueue()
    package private(set) var agreement = Agreement.asked
    /// The lines from the device; `nil` until the server tells.
    package private(set) var modemState: ModemState?
    /// Whether the server has asked for no more data.
    package private(set) var isSuspended = false

    private let signature: [UInt8]
    private var decoder = TelnetDecoder()
    private var options: TelnetOptions
    private var requests: [LineSetting.Kind: Request] = [:]

    /// The last request for a setting.
    private struct Request {
        var setting: LineSetting
        /// The number of requests for this setting that the server has not answered. It answers in order.
        var unanswered = 0
    }

    /// Makes a client for a new connection.
    /// - Parameter signature: a text about the client, of at most 200 bytes.
    package init(signature: String = "wifisim") {
        self.signature = Array(signature.utf8.prefix(200))
        let both: Set<UInt8> = [Telnet.Option.binary, Telnet.Option.suppressGoAhead, Telnet.Option.comPort]
        options = TelnetOptions(ours: both, theirs: both.union([Telnet.Option.echo]))
        ask(Telnet.Option.comPort, .ours)
        ask(Telnet.Option.suppressGoAhead, .ours)
        ask(Telnet.Option.suppressGoAhead, .theirs)
        ask(Telnet.Option.binary, .ours)
        ask(Telnet.Option.binary, .theirs)
    }

    /// Whether the server has agreed and has answered all settings. Some servers never answer a setting that they do not
    /// have, such as DTR.
    package var isSettled: Bool { agreement == .agreed && requests.values.allSatisfy { $0.unanswered == 0 } }

    /// Takes bytes for the device.
    package mutating func send(_ bytes: UnsafeRawBufferPointer) { output.append(escaping: bytes) }

    /// Asks for a setting. The answer is `Event.setting` or `Event.declined`.
    package mutating func set(_ setting: LineSetting) {
        requests[setting.kind, default: Request(setting: setting)].setting = setting
        if agreement == .agreed { request(setting.kind) }
    }

    /// Asks the server to empty its buffers. Has no effect unless the server has agreed.
    package mutating func purge(_ buffers: PurgedBuffers) {
        if agreement == .agreed { say(.purge(buffers)) }
    }

    /// Takes bytes from the server.
    /// - Returns: what they mean, in order.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer) -> [Event] {
        var events: [Event] = []
        var rest = bytes
        while let item = decoder.next(from: &rest) { take(item, &events) }
        return events
    }

    private mutating func take(_ item: TelnetDecoder.Item, _ events: inout [Event]) {
        switch item {
        case .data(let bytes): events.append(.data(bytes))
        case .negotiation(let verb, let option):
            if let answer = options.receive(verb, option) { output.append(answer, option) }
            updateAgreement(&events)
        case .subnegotiation(let body):
            do throws(RFC2217Notice) {
                try take(ComPortMessage(subnegotiation: body, from: .server), &events)
            } catch {
                events.append(.notice(error))
            }
        case .command(Telnet.noOperation), .command(Telnet.dataMark), .command(Telnet.goAhead): break
        case .command(let command): events.append(.notice(.unknownCommand(command)))
        case .dropped(let notice): events.append(.notice(notice))
        }
    }

    private mutating func take(_ message: ComPortMessage, _ events: inout [Event]) {
        switch message {
        case .set(let setting): confirm(setting, &events)
        case .query(let kind): events.append(.notice(.impossible(kind, value: 0)))
        case .impossible(let kind, let value): events.append(.notice(.impossible(kind, value: value)))
        case .signature([]): say(.signature(signature))
        case .signature(let text): events.append(.notice(.signature(text)))
        case .lineState(let state): events.append(.lineState(state))
        case .modemState(let state):
            modemState = ModemState(rawValue: state)
            events.append(.modemState(ModemState(rawValue: state)))
        case .lineStateMask, .modemStateMask: break
        case .suspend:
            isSuspended = true
            events.append(.suspend)
        case .resume:
            isSuspended = false
            events.append(.resume)
        case .purge(let buffers): events.append(.purged(buffers))
        }
    }

    private mutating func updateAgreement(_ events: inout [Event]) {
        let before = agreement
        let states = [TelnetOptions.Side.ours, .theirs].map { options.state(of: Telnet.Option.comPort, $0) }
        agreement = states.contains(.on) ? .agreed : states.contains(.asked) ? .asked : .refused
        guard agreement != before else { return }
        switch agreement {
        case .asked: break
        case .refused: events.append(.refused)
        case .agreed:
            events.append(.agreed)
            say(.modemStateMask(0xFF))
            for kind in LineSetting.Kind.allCases where requests[kind] != nil {
                requests[kind]?.unanswered = 0
                request(kind)
            }
        }
    }

    private mutating func confirm(_ setting: LineSetting, _ events: inout [Event]) {
        guard let request = requests[setting.kind], request.unanswered > 0 else {
            return events.append(.setting(setting))
        }
        requests[setting.kind]?.unanswered -= 1
        // The answer to an earlier request does not count.
        guard request.unanswered == 1 else { return }
        events.append(
            setting == request.setting ? .setting(setting) : .declined(request.setting, inForce: setting))
    }

    private mutating func ask(_ option: UInt8, _ side: TelnetOptions.Side) {
        output.append(options.ask(option, side), option)
    }

    private mutating func request(_ kind: LineSetting.Kind) {
        guard let request = requests[kind] else { return }
        requests[kind]?.unanswered += 1
        say(.set(request.setting))
    }

    private mutating func say(_ message: ComPortMessage) {
        output.append(subnegotiation: message.body(from: .client))
    }
}

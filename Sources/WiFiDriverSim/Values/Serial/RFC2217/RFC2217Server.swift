/// The access server's side of RFC 2217: a serial port that a client reaches over Telnet, with its settings.
///
/// - Input: `receive` takes bytes from the client and returns what they mean for the module, in order; `send` takes
///   bytes for the client; `modemState` is set when the module's lines change.
/// - Output: `output` holds the bytes for the client, from the start, because the server negotiates first. While it is
///   long, do not read from the client: each request adds an answer. `settings` are the client's settings.
///
/// Each request is answered at once, with the value in force. Sans-IO and deterministic. Bytes of data are not changed,
/// whether or not the client agrees to binary transmission.
package struct RFC2217Server {
    /// What bytes from the client mean for the module.
    package enum Input: Equatable, Sendable {
        /// Never empty.
        case data([UInt8])
        /// A setting has changed; `settings` has all of them.
        case setting(LineSetting)
        /// Bytes on their way are to be dropped. Those in `output` have been sent.
        case purge(PurgedBuffers)
        /// The client takes no more data until `resume`. Bytes given to `send` meanwhile are sent nevertheless.
        case suspend
        case resume
        case notice(RFC2217Notice)
    }

    /// Bytes for the client. The owner drains it.
    package var output = ByteQueue()
    /// The client's settings.
    package private(set) var settings: LineSettings
    /// Whether the client has asked for no more data.
    package private(set) var isSuspended = false
    /// The module's lines. The client is told of a change if its mask lets it pass.
    package var modemState: ModemState {
        didSet {
            guard modemState != oldValue else { return }
            notify(modemState.rawValue | modemState.changes(since: oldValue))
        }
    }

    private let signature: [UInt8]
    private var decoder = TelnetDecoder()
    private var options: TelnetOptions
    private var modemStateMask: UInt8 = 0xFF

    /// Makes a server for a new connection.
    /// - Parameters:
    ///   - settings: the settings before the client changes them.
    ///   - modemState: the module's lines.
    ///   - signature: a text about the server, of at most 200 bytes.
    package init(
        settings: LineSettings = LineSettings(),
        modemState: ModemState = [.clearToSend, .dataSetReady, .carrierDetect], signature: String = "wifisim"
    ) {
        self.settings = settings
        self.modemState = modemState
        self.signature = Array(signature.utf8.prefix(200))
        let both: Set<UInt8> = [Telnet.Option.binary, Telnet.Option.suppressGoAhead, Telnet.Option.comPort]
        options = TelnetOptions(ours: both.union([Telnet.Option.echo]), theirs: both)
        // The client is not to echo, and not to treat its bytes as lines of a terminal.
        ask(Telnet.Option.echo, .ours)
        ask(Telnet.Option.suppressGoAhead, .ours)
        ask(Telnet.Option.binary, .ours)
        ask(Telnet.Option.binary, .theirs)
        ask(Telnet.Option.comPort, .theirs)
    }

    /// Whether the client has agreed to COM-PORT-OPTION.
    package var isAgreed: Bool {
        options.state(of: Telnet.Option.comPort, .ours) == .on
            || options.state(of: Telnet.Option.comPort, .theirs) == .on
    }

    /// Takes bytes from the module for the client.
    package mutating func send(_ bytes: UnsafeRawBufferPointer) { output.append(escaping: bytes) }

    /// Takes bytes from the client.
    /// - Returns: what they mean for the module, in order.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer) -> [Input] {
        var inputs: [Input] = []
        var rest = bytes
        while let item = decoder.next(from: &rest) { take(item, &inputs) }
        return inputs
    }

    private mutating func take(_ item: TelnetDecoder.Item, _ inputs: inout [Input]) {
        switch item {
        case .data(let bytes): inputs.append(.data(bytes))
        case .negotiation(let verb, let option): negotiate(verb, option)
        case .subnegotiation(let body):
            do throws(RFC2217Notice) {
                try take(ComPortMessage(subnegotiation: body, from: .client), &inputs)
            } catch {
                inputs.append(.notice(error))
            }
        case .command(Telnet.breakCommand):
            // A break of no given length.
            guard !settings.breakSignal else { return }
            inputs += [.setting(.breakSignal(true)), .setting(.breakSignal(false))]
        case .command(Telnet.noOperation), .command(Telnet.dataMark), .command(Telnet.goAhead): break
        case .command(let command): inputs.append(.notice(.unknownCommand(command)))
        case .dropped(let notice): inputs.append(.notice(notice))
        }
    }

    private mutating func take(_ message: ComPortMessage, _ inputs: inout [Input]) {
        switch message {
        case .set(let setting):
            let before = settings
            settings.apply(setting)
            if settings != before { inputs.append(.setting(setting)) }
            answer(.set(setting))
        case .query(let kind): answer(.set(settings[kind]))
        case .impossible(let kind, let value):
            inputs.append(.notice(.impossible(kind, value: value)))
            answer(.set(settings[kind]))
        case .signature([]): answer(.signature(signature))
        case .signature(let text): inputs.append(.notice(.signature(text)))
        // The module's line has no errors.
        case .lineState: answer(.lineState(0))
        case .lineStateMask(let mask): answer(.lineStateMask(mask))
        case .modemState: answer(.modemState(modemState.rawValue))
        case .modemStateMask(let mask):
            modemStateMask = mask
            answer(.modemStateMask(mask))
            notify(modemState.rawValue)
        case .suspend:
            isSuspended = true
            inputs.append(.suspend)
        case .resume:
            isSuspended = false
            inputs.append(.resume)
        case .purge(let buffers):
            inputs.append(.purge(buffers))
            answer(.purge(buffers))
        }
    }

    private mutating func ask(_ option: UInt8, _ side: TelnetOptions.Side) {
        output.append(options.ask(option, side), option)
    }

    private mutating func negotiate(_ verb: Telnet.Verb, _ option: UInt8) {
        let wasAgreed = isAgreed
        if let answer = options.receive(verb, option) { output.append(answer, option) }
        // Clients do not ask for the first state.
        if isAgreed, !wasAgreed { answer(.modemState(modemState.rawValue & modemStateMask)) }
    }

    private mutating func answer(_ message: ComPortMessage) {
        output.append(subnegotiation: message.body(from: .server))
    }

    /// Sends what the client's mask leaves of a state, unless it is nothing (RFC 2217, SET-MODEMSTATE-MASK).
    private mutating func notify(_ state: UInt8) {
        guard isAgreed, state & modemStateMask != 0 else { return }
        answer(.modemState(state & modemStateMask))
    }
}

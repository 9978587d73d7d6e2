import WiFiSimValues

/// A serial port over Telnet, as its clients see it (RFC 2217).
final class RFC2217Codec: LineCodec {
    var onSignal: (LineSignal) -> Void = { _ in }
    private var server: RFC2217Server
    /// What a new client finds.
    private let initial: LineSettings
    private let resetLine: ResetLine
    /// The client's settings, in the order of its input.
    private var settings: LineSettings
    private var isHeldInReset = false
    /// Input that was read and not delivered: what follows a signal comes after the signal has been handled.
    private var pending = Queue<RFC2217Server.Input>()
    /// In bytes: the data in `pending`.
    private var pendingCount = 0

    init(resetLine: ResetLine, speed: Int) {
        var settings = LineSettings()
        if let rate = UInt32(exactly: speed).flatMap(BitRate.init) { settings.apply(.bitRate(rate)) }
        initial = settings
        self.settings = settings
        server = RFC2217Server(settings: settings)
        self.resetLine = resetLine
    }

    var hasPendingInput: Bool { !pending.isEmpty }
    /// While the client has suspended the data, only the answers to its requests are sent.
    var hasOutput: Bool { !server.output.isEmpty }
    var takesOutput: Bool { !server.isSuspended }
    /// A request to reset the module, or to go on with the output, must not wait until the module takes bytes.
    var readsAhead: Bool { takesInput && pendingCount < Self.pendingLimit }
    /// Each request adds an answer.
    var takesInput: Bool { server.output.count < Self.outputLimit }
    let hasTwoDirections = false
    var hostSettings: TerminalSettings? { TerminalSettings(settings) }

    /// In bytes.
    private static let longestBlock = 16 * 1024
    private static let pendingLimit = 16 * 1024
    private static let outputLimit = 64 * 1024

    func begin() {
        server = RFC2217Server(settings: initial)
        settings = initial
        dropPending()
        followResetLine()
    }

    /// A port that nobody has open asserts nothing.
    func end() {
        dropPending()
        (settings.rts, settings.dtr) = (false, false)
        followResetLine()
    }

    // MARK: From the client

    func read(
        into buffer: UnsafeMutableRawBufferPointer, _ receive: Receive
    ) throws(SystemError) -> FileDescriptor.Transfer {
        if pending.isEmpty {
            guard takesInput else { return .wouldBlock }
            let transfer = try receive(buffer)
            guard case .done(let count) = transfer else { return transfer }
            for input in server.receive(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { wait(input) }
        }
        while let input = pending.first {
            guard case .data(let bytes) = input else {
                pending.removeFirst(1)
                take(input)
                continue
            }
            // A read with another buffer may have left more than there is room for.
            let count = min(bytes.count, buffer.count)
            buffer.copyBytes(from: bytes[..<count])
            if count < bytes.count {
                pending.replaceFirst(with: .data(Array(bytes[count...])))
            } else {
                pending.removeFirst(1)
            }
            pendingCount -= count
            return .done(count)
        }
        return .wouldBlock
    }

    /// Signals overtake the bytes for which there is no room. A reset loses these bytes, as it empties a UART.
    func readAhead(_ receive: Receive) throws(SystemError) -> Bool {
        let inputs = try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            Result { () throws(SystemError) -> [RFC2217Server.Input]? in
                switch try receive(buffer) {
                case .done(let count): server.receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                case .wouldBlock: []
                case .ended: nil
                }
            }
        }.get()
        guard let inputs else { return false }
        for input in inputs {
            if case .data = input {
                wait(input)
            } else {
                take(input)
                if isHeldInReset { dropPending() }
            }
        }
        return true
    }

    private func wait(_ input: RFC2217Server.Input) {
        if case .data(let bytes) = input { pendingCount += bytes.count }
        pending.append(input)
    }

    private func dropPending() {
        pending.removeAll()
        pendingCount = 0
    }

    private func take(_ input: RFC2217Server.Input) {
        switch input {
        case .setting(let setting):
            settings.apply(setting)
            switch setting {
            case .dtr, .rts: followResetLine()
            case .breakSignal(true): onSignal(.lineBreak)
            default: break
            }
        case .purge(let buffers): if buffers != .transmit { onSignal(.purgeOutput) }
        case .notice(let notice): onSignal(.notice("\(notice)"))
        case .data, .suspend, .resume: break
        }
    }

    private func followResetLine() {
        let isHeld = resetLine.isHeld(rts: settings.rts, dtr: settings.dtr)
        guard isHeld != isHeldInReset else { return }
        isHeldInReset = isHeld
        onSignal(.reset(isHeld: isHeld))
    }

    // MARK: To the client

    func write(_ bytes: UnsafeRawBufferPointer, _ send: Send) throws(SystemError) -> FileDescriptor.Transfer {
        // What was encoded before goes first; one block at a time is encoded.
        if server.isSuspended { return .wouldBlock }
        if !server.output.isEmpty {
            let transfer = try flushing(send)
            guard case .done = transfer, server.output.isEmpty else {
                return transfer == .ended ? .ended : .wouldBlock
            }
        }
        let count = min(bytes.count, Self.longestBlock)
        server.send(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        _ = try flushing(send)
        return .done(count)
    }

    func flush(_ send: Send) throws(SystemError) { _ = try flushing(send) }

    private func flushing(_ send: Send) throws(SystemError) -> FileDescriptor.Transfer {
        while !server.output.isEmpty {
            let sent = server.output.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try send(bytes) }
            }
            guard case .done(let count) = try sent.get(), count > 0 else { return try sent.get() }
            server.output.removeFirst(count)
        }
        return .done(0)
    }

    func configure(_ configuration: UARTConfiguration) {}
}

extension TerminalSettings {
    fileprivate init(_ settings: LineSettings) {
        let parity: UARTFrame.Parity =
            switch settings.parity {
            case .none: .none
            case .odd: .odd
            case .even: .even
            case .mark: .mark
            case .space: .space
            }
        let stopBits: UARTFrame.StopBits =
            switch settings.stopBits {
            case .one: .one
            case .oneAndHalf: .oneAndHalf
            case .two: .two
            }
        self.init(
            UARTFrame(
                bitRate: Int(settings.bitRate.value), dataBits: settings.dataBits, parity: parity, stopBits: stopBits),
            hasFlowControl: settings.flowControl == .hardware)
    }
}

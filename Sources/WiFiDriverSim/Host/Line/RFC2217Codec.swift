import WiFiSimValues

/// A serial port over Telnet, as its clients see it (RFC 2217).
final class RFC2217Codec: LineCodec {
    var onSignal: (LineSignal) -> Void = { _ in }
    private var server: RFC2217Server
    /// What a new client finds.
    private let initial: LineSettings
    private let resetLine: ResetLine
    /// The client's modem lines, in the order of its input.
    private var rts = true
    private var dtr = true
    private var isHeldInReset = false
    /// Input that was read and not delivered: what follows a signal comes after the signal has been handled.
    private var pending: [RFC2217Server.Input] = []

    init(resetLine: ResetLine, speed: Int) {
        var settings = LineSettings()
        if let rate = UInt32(exactly: speed).flatMap(BitRate.init) { settings.apply(.bitRate(rate)) }
        initial = settings
        server = RFC2217Server(settings: settings)
        self.resetLine = resetLine
    }

    var hasPendingInput: Bool { !pending.isEmpty }
    /// While the client has suspended the data, only the answers to its requests are sent.
    var hasOutput: Bool { !server.output.isEmpty }
    var hostSettings: TerminalSettings? { TerminalSettings(server.settings) }

    func begin() {
        server = RFC2217Server(settings: initial)
        pending = []
        (rts, dtr) = (true, true)
        followResetLine()
    }

    /// A port that nobody has open asserts nothing.
    func end() {
        (rts, dtr) = (false, false)
        followResetLine()
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, _ receive: Receive
    ) throws(SystemError) -> FileDescriptor.Transfer {
        if pending.isEmpty {
            let transfer = try receive(buffer)
            guard case .done(let count) = transfer else { return transfer }
            pending = server.receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        while !pending.isEmpty {
            switch pending.removeFirst() {
            case .data(let bytes):
                // A read with another buffer may have left more than there is room for.
                let count = min(bytes.count, buffer.count)
                buffer.copyBytes(from: bytes[..<count])
                if count < bytes.count { pending.insert(.data(Array(bytes[count...])), at: 0) }
                return .done(count)
            case .setting(.dtr(let isOn)):
                dtr = isOn
                followResetLine()
            case .setting(.rts(let isOn)):
                rts = isOn
                followResetLine()
            case .setting(.breakSignal(true)): onSignal(.lineBreak)
            case .setting, .suspend, .resume: break
            case .purge(let buffers):
                if buffers != .transmit { onSignal(.purgeOutput) }
            case .notice(let notice): onSignal(.notice("\(notice)"))
            }
        }
        return .wouldBlock
    }

    private func followResetLine() {
        let isHeld = resetLine.isHeld(rts: rts, dtr: dtr)
        guard isHeld != isHeldInReset else { return }
        isHeldInReset = isHeld
        onSignal(.reset(isHeld: isHeld))
    }

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

    /// In bytes.
    private static let longestBlock = 16 * 1024

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

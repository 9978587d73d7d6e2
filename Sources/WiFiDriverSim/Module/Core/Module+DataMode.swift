/// Data mode: what comes from the line is an operation's, but for the characters that end it.
extension Module {
    /// Takes data from now on.
    func enter(_ operation: any DataOperation) {
        state = .receiving(operation, EscapeSequence(at: now))
        write(firmware.prompt)
    }

    func receive(
        _ bytes: inout Slice<UnsafeRawBufferPointer>, for operation: any DataOperation, _ escape: EscapeSequence
    ) {
        var escape = escape
        let endsTheData = operation.remaining.map { escape.kept + bytes.count >= $0 } ?? false
        let pluses: Int
        if operation.escape == nil || endsTheData {
            pluses = escape.resolve().pluses
        } else {
            switch escape.take(bytes, at: now) {
            case .kept:
                state = .receiving(operation, escape)
                bytes = bytes.dropFirst(bytes.count)
                return
            case .data(let count): pluses = count
            }
        }
        state = .receiving(operation, escape)
        give(pluses: pluses, to: operation)
        give(&bytes, to: operation)
    }

    /// Gives an operation bytes from the line. One that takes none of them would be asked for ever: they are refused.
    private func give(_ bytes: inout Slice<UnsafeRawBufferPointer>, to operation: any DataOperation) {
        let count = bytes.count
        let outcome = operation.receive(&bytes, on: self)
        if bytes.count == count { refuse(&bytes, operation) }
        if let outcome { conclude(outcome) }
    }

    /// Gives characters that were kept back and turned out to be data; they never are the last of them.
    private func give(pluses count: Int, to operation: any DataOperation) {
        guard count > 0 else { return }
        [UInt8](repeating: UInt8(ascii: "+"), count: count).withUnsafeBytes { buffer in
            var bytes = buffer[...]
            while !bytes.isEmpty, case .receiving = state { give(&bytes, to: operation) }
        }
    }

    func endEscape(_ escape: EscapeSequence, of operation: any DataOperation) {
        var escape = escape
        let (isComplete, pluses) = escape.resolve()
        state = .receiving(operation, escape)
        if isComplete, let escape = operation.escape {
            conclude(escape(self))
        } else {
            give(pluses: pluses, to: operation)
        }
    }

    /// Whether the module has room for bytes from the line.
    package var takesInput: Bool {
        guard case .receiving(let operation, _) = state else { return true }
        return operation.room > 0
    }

    /// How much of announced data is still to come, as far as there is room for it.
    package var awaitedCount: Int {
        guard case .receiving(let operation, _) = state, let remaining = operation.remaining else { return 0 }
        return min(remaining, operation.room)
    }

    /// Whether the line carries a link's data and nothing else.
    var isPassthrough: Bool {
        guard case .receiving(let operation, _) = state else { return false }
        return operation.isPassthrough
    }
}

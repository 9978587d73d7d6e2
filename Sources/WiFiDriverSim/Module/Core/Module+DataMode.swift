/// Data mode: bytes from the line belong to an operation, except the escape sequence.
extension Module {
    /// Enters data mode and writes the prompt.
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

    /// Gives bytes from the line to an operation.
    private func give(_ bytes: inout Slice<UnsafeRawBufferPointer>, to operation: any DataOperation) {
        if faults.isActive, giveWithFaults(&bytes, to: operation) { return }
        giveUnchanged(&bytes, to: operation)
    }

    /// Gives bytes to an operation. If it takes none of them, they are refused, because the loop would not end.
    func giveUnchanged(_ bytes: inout Slice<UnsafeRawBufferPointer>, to operation: any DataOperation) {
        let count = bytes.count
        if faults.isActive { faults.phase = .answer }
        let outcome = operation.receive(&bytes, on: self)
        if faults.isActive, outcome == nil { faults.phase = .report }
        if bytes.count == count { refuse(&bytes, isSending: operation.isSending) }
        if let outcome { conclude(outcome) }
    }

    /// Gives an operation characters that were held back and turned out to be data. They never complete the data.
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
            if faults.isActive { faults.phase = .answer }
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

    /// The number of bytes from the line that there is room for.
    package var inputRoom: Int {
        guard case .receiving(let operation, _) = state else { return .max }
        return operation.room
    }

    /// The number of announced bytes that are still to come, as far as there is room for them.
    package var awaitedCount: Int {
        guard case .receiving(let operation, _) = state, let remaining = operation.remaining else { return 0 }
        return min(remaining, operation.room)
    }

    /// Whether the line carries only the data of a link.
    var isPassthrough: Bool {
        guard case .receiving(let operation, _) = state else { return false }
        return operation.isPassthrough
    }
}

/// Splits the bytes of a Telnet connection into data and commands. The bytes may come in blocks of any size; only the
/// pieces that data is in depend on them.
struct TelnetDecoder {
    enum Item: Equatable {
        /// Data up to the next command or the end of the block, never empty. A doubled IAC is one byte.
        case data([UInt8])
        /// A command without parameters.
        case command(UInt8)
        case negotiation(Telnet.Verb, option: UInt8)
        /// The bytes between IAC SB and IAC SE, of which the first is the option.
        case subnegotiation([UInt8])
        case dropped(RFC2217Notice)
    }

    private enum State {
        case data
        /// After an IAC.
        case command
        /// After IAC and a verb.
        case option(Telnet.Verb)
        case subnegotiation
        /// After an IAC in a subnegotiation.
        case subnegotiationCommand
    }

    /// In bytes: a longer subnegotiation is dropped. Those of RFC 2217 have up to 6 bytes, except for the signature.
    static let longestSubnegotiation = 256

    private var state = State.data
    private var body: [UInt8] = []
    private var isTooLong = false

    /// Takes the next item from the front of `bytes`; `nil` when no byte is left.
    mutating func next(from bytes: inout UnsafeRawBufferPointer) -> Item? {
        var data: [UInt8] = []
        while let byte = bytes.first {
            switch state {
            case .data:
                data.append(contentsOf: Self.takeRun(from: &bytes, then: .command, &state))
            case .command where byte == Telnet.iac:
                data.append(byte)
                state = .data
                bytes.dropFirstBytes(1)
            case .command where !data.isEmpty:
                return .data(data)
            case .command:
                bytes.dropFirstBytes(1)
                if let item = takeCommand(byte) { return item }
            case .option(let verb):
                bytes.dropFirstBytes(1)
                state = .data
                return .negotiation(verb, option: byte)
            case .subnegotiation:
                collect(Self.takeRun(from: &bytes, then: .subnegotiationCommand, &state))
            case .subnegotiationCommand:
                if let item = endSubnegotiation(byte, &bytes) { return item }
            }
        }
        return data.isEmpty ? nil : .data(data)
    }

    /// Takes the bytes before the next IAC, and the IAC. If there is one, `state` becomes `next`.
    private static func takeRun(
        from bytes: inout UnsafeRawBufferPointer, then next: State, _ state: inout State
    ) -> UnsafeRawBufferPointer {
        let iac = bytes.firstIndex(of: Telnet.iac)
        let run = UnsafeRawBufferPointer(rebasing: bytes[..<(iac ?? bytes.count)])
        if iac != nil { state = next }
        bytes.dropFirstBytes(iac.map { $0 + 1 } ?? bytes.count)
        return run
    }

    private mutating func takeCommand(_ byte: UInt8) -> Item? {
        state = .data
        if let verb = Telnet.Verb(rawValue: byte) {
            state = .option(verb)
        } else if byte == Telnet.subnegotiation {
            state = .subnegotiation
        } else {
            return .command(byte)
        }
        return nil
    }

    private mutating func collect(_ bytes: some Collection<UInt8>) {
        let room = Self.longestSubnegotiation - body.count
        body.append(contentsOf: bytes.prefix(room))
        if bytes.count > room { isTooLong = true }
    }

    /// Takes the byte after an IAC. A command other than SE means that the end was lost: it is carried out, and the
    /// subnegotiation is dropped.
    private mutating func endSubnegotiation(_ byte: UInt8, _ bytes: inout UnsafeRawBufferPointer) -> Item? {
        if byte == Telnet.iac {
            bytes.dropFirstBytes(1)
            state = .subnegotiation
            collect(CollectionOfOne(byte))
            return nil
        }
        defer {
            body = []
            isTooLong = false
        }
        guard byte == Telnet.subnegotiationEnd else {
            state = .command
            return .dropped(.interruptedSubnegotiation)
        }
        bytes.dropFirstBytes(1)
        state = .data
        return isTooLong ? .dropped(.longSubnegotiation) : .subnegotiation(body)
    }
}

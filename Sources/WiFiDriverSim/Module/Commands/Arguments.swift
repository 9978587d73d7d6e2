/// The parameters of a command line, read from left to right.
struct Arguments {
    private var items: [Argument]
    private var position = 0
    /// The module that received the command.
    let module: Module
    /// Whether link IDs are present (CIPMUX=1).
    let multiplexes: Bool
    /// The generation of the firmware, which may lack later parameters.
    let generation: Firmware.Generation
    /// Whether a refusal may contain a reason.
    let explainsRefusals: Bool

    private enum Argument {
        case missing
        case bare(ArraySlice<UInt8>)
        case text([UInt8])
    }

    /// Splits at commas outside of quotes. In quotes, `\` takes the next character literally (ESP-AT docs, AT command
    /// set, index).
    init(_ bytes: ArraySlice<UInt8>, on module: Module) throws(CommandError) {
        items = []
        self.module = module
        multiplexes = module.session.multiplexes
        generation = module.firmware.generation
        explainsRefusals = module.firmware.explainsRefusals
        var rest = bytes
        while true {
            items.append(try Self.readItem(&rest, position: items.count))
            guard let separator = rest.popFirst() else { return }
            guard separator == UInt8(ascii: ",") else { throw CommandError(kind: .parse, position: items.count - 1) }
        }
    }

    private static func readItem(_ rest: inout ArraySlice<UInt8>, position: Int) throws(CommandError) -> Argument {
        guard rest.first == UInt8(ascii: "\"") else {
            let item = rest.prefix { $0 != UInt8(ascii: ",") }
            rest = rest.dropFirst(item.count)
            return item.isEmpty ? .missing : .bare(item)
        }
        rest.removeFirst()
        var text: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                return .text(text)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { throw CommandError(kind: .parse, position: position) }
                text.append(escaped)
            default:
                text.append(byte)
            }
        }
        throw CommandError(kind: .parse, position: position)
    }

    private mutating func next() throws(CommandError) -> Argument {
        guard position < items.count else { throw .count(position + 1) }
        defer { position += 1 }
        return items[position]
    }

    mutating func nextNumber() throws(CommandError) -> Int {
        switch try next() {
        case .missing, .text: throw error(.parse)
        case .bare(let text):
            guard let value = Self.number(text) else { throw error(.parse) }
            return value
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        // A fast path: most numbers have few digits, and one comes with every block.
        if bytes.count < 19, bytes.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) {
            return bytes.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasPrefix("0x") || text.hasPrefix("0X") ? Int(text.dropFirst(2), radix: 16) : Int(text)
    }

    /// The number at the beginning of the last parameter, as C's `atoi` reads it.
    var leadingNumber: Int {
        guard position > 0, case .bare(let text) = items[position - 1] else { return 0 }
        return Self.number(text.prefix { $0 &- UInt8(ascii: "0") < 10 }.prefix(9)) ?? 0
    }

    mutating func nextText() throws(CommandError) -> [UInt8] {
        switch try next() {
        case .missing, .bare: throw error(.parse)
        case .text(let bytes): return bytes
        }
    }

    /// Skips a parameter that is missing. Returns whether it was.
    mutating func skipIfMissing() -> Bool {
        guard position < items.count else { return true }
        guard case .missing = items[position] else { return false }
        position += 1
        return true
    }

    /// Whether the next parameter is `""`.
    var nextIsEmptyText: Bool {
        guard position < items.count, case .text(let bytes) = items[position] else { return false }
        return bytes.isEmpty
    }

    mutating func takeRest() -> Arguments {
        defer { position = items.count }
        return self
    }

    var count: Int { items.count }
    var isAtEnd: Bool { position >= items.count }

    /// Throws an error unless all parameters have been read.
    func end() throws(CommandError) {
        if !isAtEnd { throw .count(position) }
    }

    /// An error about the last parameter.
    func error(_ kind: CommandError.Kind) -> CommandError { CommandError(kind: kind, position: max(0, position - 1)) }
}

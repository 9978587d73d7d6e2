/// CIPSENDEX's data: `\0` ends them before their length is reached, and `\` takes the next character as it is
/// (ESP-AT docs, TCP-IP, CIPSENDEX).
final class EscapedEntry: DataOperation {
    private let length: Int
    private let finish: (Module, [UInt8]) -> CommandOutcome
    let escape: ((Module) -> CommandOutcome)?
    private var collected: [UInt8] = []
    private var isEscaped = false

    init(
        length: Int, escape: ((Module) -> CommandOutcome)?, finish: @escaping (Module, [UInt8]) -> CommandOutcome
    ) {
        self.length = length
        self.escape = escape
        self.finish = finish
    }

    let deadline: Instant? = nil
    let isPassthrough = false
    var remaining: Int? { length - collected.count }
    var room: Int { length - collected.count }

    func receive(_ bytes: inout Slice<UnsafeRawBufferPointer>, on module: Module) -> CommandOutcome? {
        while let byte = bytes.popFirst() {
            switch (isEscaped, byte) {
            case (false, UInt8(ascii: "\\")): isEscaped = true
            case (true, UInt8(ascii: "0")): return end(on: module)
            default:
                isEscaped = false
                collected.append(byte)
                if collected.count == length { return end(on: module) }
            }
        }
        return nil
    }

    private func end(on module: Module) -> CommandOutcome {
        // Nothing to send is sent at once.
        collected.isEmpty ? SendOperation.success(on: module) : finish(module, collected)
    }

    func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? { nil }
}

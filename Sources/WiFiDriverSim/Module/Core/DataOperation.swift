import WiFiSimValues

/// A command that takes data from the line while the module is in data mode.
///
/// A class, so that its buffer has one owner and is not copied.
protocol DataOperation: AnyObject, Operation {
    /// The number of bytes until the data are complete. `nil` if only the escape sequence ends them.
    var remaining: Int? { get }
    /// The number of bytes that there is room for. While it is 0, the line is not read.
    var room: Int { get }
    /// Whether only the data of a link is written to the line, so that reports depend on SYSMSG.
    var isPassthrough: Bool { get }
    /// Takes at least one byte from the front. Returns the outcome once the data are complete.
    func receive(_ bytes: inout Slice<UnsafeRawBufferPointer>, on module: Module) -> CommandOutcome?
    /// Called for the escape sequence. `nil` if that is data like any other.
    var escape: ((Module) -> CommandOutcome)? { get }
}

/// Data of a known length.
final class DataEntry: DataOperation {
    private let length: Int
    private let hasEscapes: Bool
    private var isEscaped = false
    private let finish: (Module, [UInt8]) -> CommandOutcome
    let escape: ((Module) -> CommandOutcome)?
    private var collected: ByteQueue

    /// - Parameters:
    ///   - length: the number of bytes, at least 1.
    ///   - hasEscapes: whether `\0` ends the data early and `\` takes the next character literally (ESP-AT docs,
    ///     TCP-IP, CIPSENDEX).
    ///   - escape: ends the entry before all bytes have arrived.
    ///   - finish: runs when all bytes have arrived.
    init(
        length: Int, hasEscapes: Bool = false, escape: ((Module) -> CommandOutcome)? = nil,
        finish: @escaping (Module, [UInt8]) -> CommandOutcome
    ) {
        self.length = length
        self.hasEscapes = hasEscapes
        self.escape = escape
        self.finish = finish
        collected = ByteQueue(capacity: length)
    }

    let deadline: Instant? = nil
    let isPassthrough = false
    var remaining: Int? { length - collected.count }
    var room: Int { length - collected.count }

    func receive(_ bytes: inout Slice<UnsafeRawBufferPointer>, on module: Module) -> CommandOutcome? {
        if hasEscapes { return receiveEscaped(&bytes, on: module) }
        let part = bytes.prefix(length - collected.count)
        collected.append(contentsOf: UnsafeRawBufferPointer(rebasing: part))
        bytes = bytes.dropFirst(part.count)
        return collected.count == length ? finish(module, collected.take(length)) : nil
    }

    private func receiveEscaped(
        _ bytes: inout Slice<UnsafeRawBufferPointer>, on module: Module
    ) -> CommandOutcome? {
        while let byte = bytes.popFirst() {
            switch (isEscaped, byte) {
            case (false, UInt8(ascii: "\\")): isEscaped = true
            case (true, UInt8(ascii: "0")): return finish(module, collected.take(length))
            default:
                isEscaped = false
                collected.append(byte)
                if collected.count == length { return finish(module, collected.take(length)) }
            }
        }
        return nil
    }

    func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? { nil }
}

import WiFiSimValues

/// A command that takes data from the line: the module is in data mode.
///
/// A class, so that what it has buffered keeps one owner and is not copied.
protocol DataOperation: AnyObject, Operation {
    /// How many bytes end the data; `nil` where only the escape sequence does.
    var remaining: Int? { get }
    /// How many bytes there is room for. The line is not read while there is none.
    var room: Int { get }
    /// What is shown of the changes of links and Wi-Fi meanwhile.
    var isPassthrough: Bool { get }
    /// Takes bytes from the front, at least one; gives the outcome once the data are complete.
    func receive(_ bytes: inout Slice<UnsafeRawBufferPointer>, on module: Module) -> CommandOutcome?
    /// The escape sequence came; `nil` where it is data like any other.
    var escape: ((Module) -> CommandOutcome)? { get }
}

/// The data of a command that is told their length.
final class DataEntry: DataOperation {
    private let length: Int
    private let hasEscapes: Bool
    private var isEscaped = false
    private let finish: (Module, [UInt8]) -> CommandOutcome
    let escape: ((Module) -> CommandOutcome)?
    private var collected: ByteQueue

    /// - Parameters:
    ///   - length: so many bytes, 1 at least.
    ///   - hasEscapes: `\0` ends the data before, and `\` takes the next character as it is (ESP-AT docs, TCP-IP, CIPSENDEX).
    ///   - escape: ends the entry before all bytes are there.
    ///   - finish: runs once they are.
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

/// Builds an AT command: `CommandText("CIPSTART").field(0).quoted("TCP")…` is `AT+CIPSTART=0,"TCP",…`.
struct CommandText {
    /// The line as it is sent, its end excepted.
    private(set) var bytes: [UInt8]
    private var hasFields = false

    init(_ name: String) { bytes = Array("AT+\(name)".utf8) }

    /// A command that does not follow the pattern, as `ATE0`.
    static func literal(_ text: String) -> CommandText {
        var command = CommandText("")
        command.bytes = Array(text.utf8)
        return command
    }

    static func query(_ name: String) -> CommandText { literal("AT+\(name)?") }

    func field(_ value: some BinaryInteger) -> CommandText { appending(Array(String(value).utf8)) }

    /// A text in quotes, with the characters escaped that the firmware wants escaped (AT command set, index).
    func quoted(_ text: some Sequence<UInt8>) -> CommandText {
        var field: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\\") {
                field.append(UInt8(ascii: "\\"))
            }
            field.append(byte)
        }
        field.append(UInt8(ascii: "\""))
        return appending(field)
    }

    func quoted(_ text: String) -> CommandText { quoted(text.utf8) }
    func quoted(_ ip: IPAddress) -> CommandText { quoted(ip.description.utf8) }

    /// A field left to the firmware.
    func empty() -> CommandText { appending([]) }

    private func appending(_ field: [UInt8]) -> CommandText {
        var command = self
        command.bytes.append(hasFields ? UInt8(ascii: ",") : UInt8(ascii: "="))
        command.bytes += field
        command.hasFields = true
        return command
    }
}

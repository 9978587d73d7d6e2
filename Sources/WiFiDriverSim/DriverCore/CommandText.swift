import WiFiSimValues

/// Builds an AT command: `CommandText("CIPSTART").field(0).quoted("TCP")…` is `AT+CIPSTART=0,"TCP",…`.
struct CommandText {
    private var bytes: [UInt8]
    private var hasFields = false

    init(_ name: String) { bytes = Array("AT+\(name)".utf8) }

    /// A command that does not follow the pattern, such as `ATE0`.
    static func literal(_ text: String) -> CommandText {
        var command = CommandText("")
        command.bytes = Array(text.utf8)
        return command
    }

    static func query(_ name: String) -> CommandText { literal("AT+\(name)?") }

    /// The command with its line end.
    var line: [UInt8] { bytes + [UInt8(ascii: "\r"), UInt8(ascii: "\n")] }

    consuming func field(_ value: some FixedWidthInteger) -> CommandText {
        beginField()
        appendDigits(of: Int(value))
        return self
    }

    private mutating func appendDigits(of value: Int) {
        guard (0...9).contains(value) else {
            if value < 0 { return bytes += value.description.utf8 }
            appendDigits(of: value / 10)
            return appendDigits(of: value % 10)
        }
        bytes.append(UInt8(ascii: "0") + UInt8(value))
    }

    /// A string in quotes. Quotes, commas and backslashes are escaped (ESP-AT docs, AT command set).
    consuming func quoted(_ text: some Sequence<UInt8>) -> CommandText {
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

    consuming func quoted(_ text: String) -> CommandText { quoted(text.utf8) }
    consuming func quoted(_ ip: IPAddress) -> CommandText { quoted(ip.description.utf8) }

    /// An empty field, which leaves the value to the firmware.
    consuming func empty() -> CommandText { appending([]) }

    private consuming func appending(_ field: some Collection<UInt8>) -> CommandText {
        beginField()
        bytes += field
        return self
    }

    private mutating func beginField() {
        bytes.append(hasFields ? UInt8(ascii: ",") : UInt8(ascii: "="))
        hasFields = true
    }
}

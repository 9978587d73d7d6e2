/// Something in a Telnet stream that had no effect, or not the one asked for. For the log.
package enum RFC2217Notice: Error, Equatable, Sendable {
    /// A Telnet command that serial ports do not use.
    case unknownCommand(UInt8)
    /// A subnegotiation of an option other than COM-PORT-OPTION.
    case foreignSubnegotiation(option: UInt8)
    /// A subnegotiation of more than 256 bytes.
    case longSubnegotiation
    /// A subnegotiation in which a Telnet command came before its end.
    case interruptedSubnegotiation
    /// A COM-PORT-OPTION subnegotiation without a command, or without the command's value.
    case missingValue(command: UInt8?)
    /// A command of COM-PORT-OPTION that RFC 2217 does not give to this sender, or a value that it does not define.
    case unknownRequest(command: UInt8, value: [UInt8])
    /// A value that a port cannot have. The answer is the value in force.
    case impossible(LineSetting.Kind, value: UInt8)
    /// The signature of the other side.
    case signature([UInt8])
}

extension RFC2217Notice: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownCommand(let command): "Telnet command \(command) is unknown and was skipped"
        case .foreignSubnegotiation(let option): "the subnegotiation of Telnet option \(option) was skipped"
        case .longSubnegotiation:
            "a Telnet subnegotiation of more than \(TelnetDecoder.longestSubnegotiation) bytes was skipped"
        case .interruptedSubnegotiation: "a Telnet subnegotiation without its end was skipped"
        case .missingValue(nil): "an empty Telnet subnegotiation was skipped"
        case .missingValue(let command?): "RFC 2217 command \(command) without its value was skipped"
        case .unknownRequest(let command, let value): "RFC 2217 command \(command) with value \(value) was skipped"
        case .impossible(let kind, let value): "the value \(value) for \(kind) is impossible and was refused"
        case .signature(let text): "the other side of RFC 2217 is \"\(String(escaping: text, special: "\""))\""
        }
    }
}

/// A command in the output of `wifisim commands`.
package struct CommandSummary: Sendable, Equatable {
    /// The full name: `AT+CWMODE`.
    package let name: String
    /// The suffixes of its name on this firmware, such as `_CUR`.
    package let suffixes: [String]
    /// `Basic`, `Wi-Fi` or `TCP/IP`.
    package let family: String
    package let hasTest: Bool
    package let hasQuery: Bool
    package let hasSet: Bool
    package let hasExecute: Bool
    /// The parameters of the set form, such as `<mode>[,<auto connect>]`.
    package let parameters: String
}

extension Firmware {
    /// The commands of this firmware, in the order of AT+CMD?.
    package var commands: [CommandSummary] {
        let table = CommandTable.of(self)
        return table.commands.map { command in
            let forms = command.forms
            return CommandSummary(
                name: command.typedName,
                suffixes: table.names(of: command).dropFirst().map { String($0.dropFirst(command.name.count)) },
                family: command.family.rawValue, hasTest: forms.contains(.test), hasQuery: forms.contains(.query),
                hasSet: forms.contains(.set), hasExecute: forms.contains(.execute),
                parameters: (command.set?.parameters ?? []).syntax)
        }
    }
}

extension [ParameterDescription] {
    fileprivate var syntax: String {
        enumerated().map { index, parameter in
            let name = parameter.isText ? "<\"\(parameter.name)\">" : "<\(parameter.name)>"
            let comma = index == 0 ? "" : ","
            return parameter.isOptional ? "[\(comma)\(name)]" : comma + name
        }.joined()
    }
}

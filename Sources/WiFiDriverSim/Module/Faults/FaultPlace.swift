/// A place of a session at which a fault can happen: a part of the exchange of a command's nth occurrence, or the nth
/// occurrence of a report.
package struct FaultPlace: Hashable, Sendable, CustomStringConvertible {
    /// The name of the command, or the begin of the report.
    package let name: String
    /// Counted from 1, in the order of the session.
    package let number: Int
    package internal(set) var phase: Fault.Phase

    init(name: String, number: Int, phase: Fault.Phase) {
        self.name = name
        self.number = number
        self.phase = phase
    }

    /// Reads what `description` has written; `nil` for other text.
    package init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 2).map(String.init)
        guard parts.count == 3, let phase = Fault.Phase(rawValue: parts[0]), let number = Int(parts[1]) else {
            return nil
        }
        self.init(name: parts[2], number: number, phase: phase)
    }

    /// The place as a line of text, such as `prompt 2 CIPSEND`.
    package var description: String { "\(phase.rawValue) \(number) \(name)" }

    /// The place for people, such as `CIPSEND 2 prompt`.
    package var title: String { "\(name) \(number) \(phase.rawValue)" }

    /// The moment of a fault at this place.
    package var trigger: Fault.Trigger {
        phase == .report ? .report(name, .nth(number)) : .command(CommandPattern(name), .nth(number))
    }
}

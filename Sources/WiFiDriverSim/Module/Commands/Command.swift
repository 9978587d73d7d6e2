/// One AT command: everything that is known of it.
///
/// `AT+CMD?`, the `=?` test forms, `wifisim commands` and the coverage tables are read off these entries.
struct Command: Sendable {
    /// Without `AT+`; empty for `AT` itself.
    let name: String
    let family: Family
    var firmware = Availability.all
    /// The forms that came later than the command.
    var newForms: [Form: Firmware.Generation] = [:]
    /// Which firmware answers a test form, with OK alone, though there is no set form.
    var emptyTest: Availability?
    /// Where its settings go, for those that have some.
    var storing = Storage.inUse
    var query: (@Sendable (Call) throws(CommandError) -> CommandOutcome)?
    var set: SetForm?
    var execute: (@Sendable (Call) throws(CommandError) -> CommandOutcome)?

    enum Family: String, Sendable, CaseIterable {
        case basic = "Basic", wifi = "Wi-Fi", tcpIP = "TCP/IP"
    }

    enum Form: String, Sendable, CaseIterable { case test, query, set, execute }

    /// Which firmware has a command.
    enum Availability: Sendable {
        case all
        case since(Firmware.Generation)
        case until(Firmware.Generation)
        case `in`(ClosedRange<Firmware.Generation>)
        case except(Firmware.Generation)

        func includes(_ firmware: Firmware) -> Bool {
            switch self {
            case .all: true
            case .since(let first): firmware.generation >= first
            case .until(let last): firmware.generation <= last
            case .in(let range): range.contains(firmware.generation)
            case .except(let one): firmware.generation != one
            }
        }
    }

    enum Storage: Sendable {
        /// RAM only.
        case inUse
        /// Flash, always.
        case stored
        /// What SYSSTORE says; on firmware that has the variants, the `_CUR` or `_DEF` in the name.
        case chosen
    }

    /// The forms that it has. A test form comes with every set form.
    var forms: Set<Form> {
        var forms: Set<Form> = []
        if query != nil { forms.insert(.query) }
        if set != nil { forms.formUnion([.set, .test]) }
        if execute != nil { forms.insert(.execute) }
        if emptyTest != nil { forms.insert(.test) }
        return forms
    }

    /// The command as this firmware has it: without the forms and parameters that came later.
    func on(_ firmware: Firmware) -> Command {
        func lacks(_ form: Form) -> Bool { newForms[form].map { firmware.generation < $0 } ?? false }
        var command = self
        if lacks(.query) { command.query = nil }
        if lacks(.set) { command.set = nil }
        if lacks(.execute) { command.execute = nil }
        if emptyTest?.includes(firmware) == false { command.emptyTest = nil }
        for index in command.set?.parameters.indices ?? 0..<0 {
            guard let range = command.set?.parameters[index].limits?(firmware) else { continue }
            command.set?.parameters[index].range = "\(range.lowerBound)-\(range.upperBound)"
        }
        command.set?.parameters.removeAll { $0.since.map { firmware.generation < $0 } ?? false }
        return command
    }

    /// A set form: its parameters, in order, and what is done with their values.
    struct SetForm: Sendable {
        fileprivate(set) var parameters: [ParameterDescription]

        /// How many parameters there are at least.
        func leastCount(multiplexes: Bool) -> Int {
            let given = parameters.filter { multiplexes || !$0.isLinkID }
            return (given.lastIndex { $0.isLinkID || !$0.isOptional } ?? -1) + 1
        }

        let run: @Sendable (Call, inout Arguments) throws(CommandError) -> CommandOutcome
        /// What is asked before the parameters are looked at.
        typealias Condition = @Sendable (Call) throws(CommandError) -> Void

        init<each P: Parameter>(
            _ parameters: repeat each P,
            requires condition: @escaping Condition = { _ in },
            run: @escaping @Sendable (Call, repeat (each P).Value) throws(CommandError) -> CommandOutcome
        ) {
            var descriptions: [ParameterDescription] = []
            for parameter in repeat each parameters { descriptions.append(parameter.description) }
            self.parameters = descriptions
            self.run = { (call, arguments) throws(CommandError) in
                try condition(call)
                let values = (repeat try (each parameters).read(from: &arguments))
                try arguments.end()
                return try run(call, repeat each values)
            }
        }
    }
}

/// One invocation of a command.
struct Call {
    let module: Module
    let command: Command
    /// The name as it was typed, with `_CUR` or `_DEF`.
    let name: String
    let storing: Module.Storing

    var firmware: Firmware { module.firmware }
    var settings: Settings { module.settings }
    var session: Session { module.session }

    /// Writes `+NAME:` and the text.
    func reply(_ text: String) { module.writeLine("+\(name):\(text)") }

    /// Writes `+NAME:` and the text, and ends the command.
    func answer(_ text: String) -> CommandOutcome {
        reply(text)
        return .ok
    }

    /// Changes a setting where this call says.
    func set<Value: Equatable>(_ key: WritableKeyPath<Settings, Value>, to value: Value) {
        module.set(key, to: value, storing)
    }

    /// Ends a command that concerns what is not simulated, and would tell the line nothing but OK if it were.
    func hasNoEffect() -> CommandOutcome {
        module.emit(.log("AT+\(name) is answered and has no effect: what it concerns is not simulated"))
        return .ok
    }

    /// The reason that older firmware gives; newer says ERROR alone.
    func refusal(
        _ explanation: String, _ kind: CommandError.Kind = .failed, of parameter: String? = nil
    ) -> CommandError {
        CommandError(
            kind: kind, position: parameter.flatMap(position),
            explanation: firmware.explainsRefusals ? explanation : nil)
    }

    /// A value that only the handler can refuse; of several with one name, the one at `index`.
    func invalid(_ parameter: String, index: Int = 0) -> CommandError {
        CommandError(kind: .invalid, position: position(of: parameter).map { $0 + index })
    }

    /// Where a parameter of the set form stands in this call, which has a link ID with several connections only.
    func position(of parameter: String) -> Int? {
        command.set?.parameters.filter { session.multiplexes || !$0.isLinkID }.firstIndex { $0.name == parameter }
    }
}

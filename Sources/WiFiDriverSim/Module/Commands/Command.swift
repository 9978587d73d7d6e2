/// The description of one AT command.
///
/// `AT+CMD?`, the `=?` test forms, `wifisim commands` and the coverage tables are derived from these entries.
struct Command: Sendable {
    /// The name without `AT+`. Empty for `AT` itself.
    let name: String
    let family: Family
    var firmware = Availability.all
    /// The forms that are newer than the command.
    var newForms: [Form: Firmware.Generation] = [:]
    /// The firmware that answers a test form, with OK only, although there is no set form.
    var emptyTest: Availability?
    /// Where the command stores its settings, if it has any.
    var storing = Storage.inUse
    var query: (@Sendable (Call) throws(CommandError) -> CommandOutcome)?
    var set: SetForm?
    var execute: (@Sendable (Call) throws(CommandError) -> CommandOutcome)?

    enum Family: String, Sendable, CaseIterable {
        case basic = "Basic", wifi = "Wi-Fi", tcpIP = "TCP/IP"
    }

    enum Form: String, Sendable, CaseIterable { case test, query, set, execute }

    /// The firmware that supports a command.
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
        /// Always in flash.
        case stored
        /// As SYSSTORE selects, or the suffix `_CUR` or `_DEF` on firmware that has them.
        case chosen
    }

    /// The supported forms. Every set form implies a test form.
    var forms: Set<Form> {
        var forms: Set<Form> = []
        if query != nil { forms.insert(.query) }
        if set != nil { forms.formUnion([.set, .test]) }
        if execute != nil { forms.insert(.execute) }
        if emptyTest != nil { forms.insert(.test) }
        return forms
    }

    /// The command on this firmware, without newer forms and parameters.
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

    /// A set form: its parameters in order, and the handler of their values.
    struct SetForm: Sendable {
        fileprivate(set) var parameters: [ParameterDescription]

        /// The minimum number of parameters.
        func leastCount(multiplexes: Bool) -> Int {
            let given = parameters.filter { multiplexes || !$0.isLinkID }
            return (given.lastIndex { $0.isLinkID || !$0.isOptional } ?? -1) + 1
        }

        let run: @Sendable (Call, inout Arguments) throws(CommandError) -> CommandOutcome
        /// A check before the parameters are read.
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
    /// The name in the command line, including `_CUR` or `_DEF`.
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

    /// Changes a setting, in RAM or in flash as this call requires.
    func set<Value: Equatable>(_ key: WritableKeyPath<Settings, Value>, to value: Value) {
        module.set(key, to: value, storing)
    }

    /// Ends a command that concerns something that is not simulated, and that would answer only OK if it were.
    func hasNoEffect() -> CommandOutcome {
        module.emit(.log("AT+\(name) is answered and has no effect: what it concerns is not simulated"))
        return .ok
    }

    /// A refusal with the reason that older firmware gives. Newer firmware answers only ERROR.
    func refusal(
        _ explanation: String, _ kind: CommandError.Kind = .failed, of parameter: String? = nil
    ) -> CommandError {
        CommandError(
            kind: kind, position: parameter.flatMap(position),
            explanation: firmware.explainsRefusals ? explanation : nil)
    }

    /// An error about a value that only the handler can refuse. `index` selects one of several values of a parameter.
    func invalid(_ parameter: String, index: Int = 0) -> CommandError {
        CommandError(kind: .invalid, position: position(of: parameter).map { $0 + index })
    }

    /// The index of a parameter in this call. Without CIPMUX=1 there is no link ID.
    func position(of parameter: String) -> Int? {
        command.set?.parameters.filter { session.multiplexes || !$0.isLinkID }.firstIndex { $0.name == parameter }
    }
}

import WiFiSimValues

/// A typed, range-checked parameter of a set form.
protocol Parameter<Value>: Sendable {
    associatedtype Value
    var description: ParameterDescription { get }
    func read(from arguments: inout Arguments) throws(CommandError) -> Value
}

/// A parameter as tables and test forms show it.
struct ParameterDescription: Sendable {
    let name: String
    /// Such as `0-3`. `nil` without a range.
    var range: String?
    /// The range on a firmware, for a range that depends on it.
    var limits: (@Sendable (Firmware) -> ClosedRange<Int>)?
    var isOptional = false
    var isText = false
    /// Whether it is present only with CIPMUX=1.
    var isLinkID = false
    /// The first firmware with this parameter, if that is newer than the command.
    var since: Firmware.Generation?
}

/// A whole number, decimal or hexadecimal with `0x`.
struct Integer: Parameter {
    let name: String
    let range: ClosedRange<Int>

    init(_ name: String, _ range: ClosedRange<Int>) {
        self.name = name
        self.range = range
    }

    var description: ParameterDescription {
        ParameterDescription(name: name, range: "\(range.lowerBound)-\(range.upperBound)")
    }

    func read(from arguments: inout Arguments) throws(CommandError) -> Int {
        let value = try arguments.nextNumber()
        guard range.contains(value) else { throw arguments.error(.invalid) }
        return value
    }
}

/// A whole number with the range of its type.
struct Number<let lowest: Int, let highest: Int>: Parameter {
    let name: String

    init(_ name: String, as: Bounded<lowest, highest>.Type = Bounded<lowest, highest>.self) { self.name = name }

    private var integer: Integer { Integer(name, lowest...highest) }
    var description: ParameterDescription { integer.description }

    func read(from arguments: inout Arguments) throws(CommandError) -> Bounded<lowest, highest> {
        guard let value = Bounded<lowest, highest>(try integer.read(from: &arguments)) else {
            throw arguments.error(.invalid)
        }
        return value
    }
}

/// A number that selects a case.
struct Choice<Value: RawRepresentable & Sendable>: Parameter where Value.RawValue == Int {
    let name: String
    let range: ClosedRange<Int>

    init(_ name: String, _ range: ClosedRange<Int>, as: Value.Type = Value.self) {
        self.name = name
        self.range = range
    }

    var description: ParameterDescription { Integer(name, range).description }

    func read(from arguments: inout Arguments) throws(CommandError) -> Value {
        guard let value = Value(rawValue: try Integer(name, range).read(from: &arguments)) else {
            throw arguments.error(.invalid)
        }
        return value
    }
}

/// 0 or 1.
struct Flag: Parameter {
    let name: String
    init(_ name: String) { self.name = name }
    var description: ParameterDescription { Integer(name, 0...1).description }
    func read(from arguments: inout Arguments) throws(CommandError) -> Bool {
        try Integer(name, 0...1).read(from: &arguments) == 1
    }
}

/// Text in quotes. `length` is in bytes.
struct Text: Parameter {
    let name: String
    let length: ClosedRange<Int>

    init(_ name: String, _ length: ClosedRange<Int> = 0...LineBuffer.limit) {
        self.name = name
        self.length = length
    }

    var description: ParameterDescription { ParameterDescription(name: name, isText: true) }

    func read(from arguments: inout Arguments) throws(CommandError) -> String {
        let bytes = try arguments.nextText()
        guard length.contains(bytes.count) else { throw arguments.error(.length) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Text in quotes that is read as a value, such as an address.
struct Quoted<Value: LosslessStringConvertible & Sendable>: Parameter {
    let name: String
    init(_ name: String, as: Value.Type = Value.self) { self.name = name }

    var description: ParameterDescription { ParameterDescription(name: name, isText: true) }

    func read(from arguments: inout Arguments) throws(CommandError) -> Value {
        guard let value = Value(String(decoding: try arguments.nextText(), as: UTF8.self)) else {
            throw arguments.error(.invalid)
        }
        return value
    }
}

/// A value in quotes to search for. Empty quotes match everything.
struct Filter<Value: LosslessStringConvertible & Sendable>: Parameter {
    let name: String
    init(_ name: String, as: Value.Type = Value.self) { self.name = name }

    var description: ParameterDescription { Quoted(name, as: Value.self).description }

    func read(from arguments: inout Arguments) throws(CommandError) -> Value? {
        if arguments.nextIsEmptyText {
            _ = try arguments.nextText()
        } else {
            return try Quoted(name).read(from: &arguments)
        }
        return nil
    }
}

/// A parameter that may be omitted, or left empty between commas.
struct Optionally<Wrapped: Parameter>: Parameter {
    let wrapped: Wrapped
    private let since: Firmware.Generation?

    /// - Parameters:
    ///   - wrapped: the parameter.
    ///   - since: the first firmware with this parameter, if that is newer than the command.
    init(_ wrapped: Wrapped, since: Firmware.Generation? = nil) {
        self.wrapped = wrapped
        self.since = since
    }

    var description: ParameterDescription {
        var description = wrapped.description
        description.isOptional = true
        description.since = since
        return description
    }

    func read(from arguments: inout Arguments) throws(CommandError) -> Wrapped.Value? {
        if let since, arguments.generation < since { return nil }
        return arguments.skipIfMissing() ? nil : try wrapped.read(from: &arguments)
    }
}

/// The link ID. It is present only with CIPMUX=1, otherwise the value is 0.
struct LinkID: Parameter {
    let highest: Int
    private let refusal: String?

    /// - Parameters:
    ///   - all: whether 5 is accepted too, which means all links.
    ///   - refusal: without CIPMUX=1, older firmware refuses the command with this text.
    init(all: Bool = false, orSays refusal: String? = nil) {
        highest = all ? Links.limit : Links.limit - 1
        self.refusal = refusal
    }

    var description: ParameterDescription {
        ParameterDescription(name: "link ID", range: "0-\(highest)", isOptional: true, isLinkID: true)
    }

    func read(from arguments: inout Arguments) throws(CommandError) -> Int {
        if arguments.multiplexes { return try Integer("link ID", 0...highest).read(from: &arguments) }
        if let refusal, arguments.explainsRefusals { throw CommandError(kind: .failed, explanation: refusal) }
        return 0
    }
}

/// Adds the reason of a refusal, on firmware that gives reasons.
struct Explained<Wrapped: Parameter>: Parameter {
    let wrapped: Wrapped
    let explanation: String
    let kinds: Set<CommandError.Kind>

    var description: ParameterDescription { wrapped.description }

    func read(from arguments: inout Arguments) throws(CommandError) -> Wrapped.Value {
        do {
            return try wrapped.read(from: &arguments)
        } catch {
            var explained = error
            if arguments.explainsRefusals, kinds.contains(error.kind) { explained.explanation = explanation }
            throw explained
        }
    }
}

extension Parameter {
    /// Adds the reason of older firmware for a wrong value, or for the other kinds in `kinds`, such as a missing one
    /// (`count`).
    func saying(
        _ explanation: String, of kinds: Set<CommandError.Kind> = [.parse, .length, .invalid]
    ) -> Explained<Self> {
        Explained(wrapped: self, explanation: explanation, kinds: kinds)
    }
}

/// Checks a value before the next one is read, because the oldest firmware reports the first error.
struct Checked<Wrapped: Parameter>: Parameter {
    let wrapped: Wrapped
    let check: @Sendable (Wrapped.Value, Module) throws(CommandError) -> Void

    var description: ParameterDescription { wrapped.description }

    func read(from arguments: inout Arguments) throws(CommandError) -> Wrapped.Value {
        let value = try wrapped.read(from: &arguments)
        if arguments.explainsRefusals { try check(value, arguments.module) }
        return value
    }
}

extension Parameter {
    /// Adds a check that runs as soon as the value has been read, on firmware that explains its refusals.
    func checked(
        _ check: @escaping @Sendable (Value, Module) throws(CommandError) -> Void
    ) -> Checked<Self> {
        Checked(wrapped: self, check: check)
    }
}

/// A number whose range depends on the firmware.
struct Limited<Wrapped: Parameter>: Parameter {
    let wrapped: Wrapped
    let limits: @Sendable (Firmware) -> ClosedRange<Int>

    var description: ParameterDescription {
        var description = wrapped.description
        description.limits = limits
        return description
    }

    func read(from arguments: inout Arguments) throws(CommandError) -> Wrapped.Value {
        var ahead = arguments
        _ = try Integer(description.name, limits(arguments.module.firmware)).read(from: &ahead)
        return try wrapped.read(from: &arguments)
    }
}

extension Parameter {
    func limited(_ limits: @escaping @Sendable (Firmware) -> ClosedRange<Int>) -> Limited<Self> {
        Limited(wrapped: self, limits: limits)
    }
}

/// The type of a link. A type of IPv6 requires that IPv6 is enabled.
struct LinkTypeParameter: Parameter {
    var description: ParameterDescription { ParameterDescription(name: "type", isText: true) }

    func read(from arguments: inout Arguments) throws(CommandError) -> LinkType {
        let type = try Quoted("type", as: LinkType.self).read(from: &arguments)
        guard type.family == .v4 || arguments.module.settings.ipv6 else { throw arguments.error(.invalid) }
        return type
    }
}

/// The remaining parameters, which depend on those before. The handler reads them.
struct Rest: Parameter {
    let descriptionText: String
    private let since: Firmware.Generation?

    init(_ description: String, since: Firmware.Generation? = nil) {
        descriptionText = description
        self.since = since
    }

    var description: ParameterDescription {
        ParameterDescription(name: descriptionText, isOptional: true, since: since)
    }
    func read(from arguments: inout Arguments) throws(CommandError) -> Arguments { arguments.takeRest() }
}

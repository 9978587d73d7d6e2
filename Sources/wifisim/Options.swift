/// An error in the arguments: what is wrong, and what to do.
struct UsageError: Error {
    let message: String
    let hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}

/// An option of a subcommand.
struct Option: Sendable {
    let name: String
    /// The name of its value in the help; `nil` for a switch.
    let value: String?
    let help: String

    init(_ name: String, _ value: String? = nil, _ help: String) {
        self.name = name
        self.value = value
        self.help = help
    }
}

/// The options of a subcommand, and which other words it accepts.
struct OptionSet: Sendable {
    let options: [Option]
    /// The name in the help of what follows `--`; `nil` if the subcommand does not accept `--`.
    var command: String?
    /// The name in the help of words without a dash; `nil` if the subcommand accepts none.
    var operands: String?

    var isEmpty: Bool { options.isEmpty }

    var table: String {
        options.map { option in
            let left = option.name + (option.value.map { " \($0)" } ?? "")
            return "  \(left.padded(to: 30))\(option.help)"
        }.joined(separator: "\n")
    }

    func parse(_ arguments: some Sequence<String>, of subcommand: String) throws -> ParsedOptions {
        var parsed = ParsedOptions()
        var rest = Array(arguments)[...]
        while let word = rest.popFirst() {
            if word == "--", command != nil {
                parsed.command = Array(rest)
                return parsed
            }
            if word == "--", operands != nil {
                parsed.operands += rest
                return parsed
            }
            // A negative number, such as a signal strength, is an operand.
            if operands != nil, !word.hasPrefix("-") || word == "-" || Int(word) != nil {
                parsed.operands.append(word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let option = options.first(where: { $0.name == parts[0] }) else {
                let what = word.hasPrefix("-") ? "option \(parts[0])" : "argument \"\(word)\""
                throw UsageError("\(subcommand) has no \(what)", hint: "Try: wifisim \(subcommand) --help")
            }
            if option.value != nil, parts.count == 2 ? parts[1].isEmpty : rest.first?.isEmpty ?? false {
                throw UsageError("\(option.name) needs a value that is not empty: \(option.name) \(option.value ?? "")")
            }
            if option.value == nil {
                guard parts.count == 1 else { throw UsageError("\(option.name) takes no value") }
                parsed.values[option.name, default: []].append("")
            } else if parts.count == 2 {
                parsed.values[option.name, default: []].append(parts[1])
            } else if let value = rest.popFirst() {
                parsed.values[option.name, default: []].append(value)
            } else {
                throw UsageError("\(option.name) needs a value: \(option.name) \(option.value ?? "")")
            }
        }
        return parsed
    }
}

/// The options and words of a command line.
struct ParsedOptions {
    fileprivate(set) var values: [String: [String]] = [:]
    /// The words after `--`.
    fileprivate(set) var command: [String] = []
    /// The words that are not options.
    fileprivate(set) var operands: [String] = []

    func has(_ name: String) -> Bool { values[name] != nil }
    func all(_ name: String) -> [String] { values[name] ?? [] }

    /// The last value of an option; `nil` if it was not given.
    func string(_ name: String) -> String? { values[name]?.last }

    /// - Throws: `UsageError` if one of these options was given, because it would have no effect.
    func refuse(_ names: [String], _ why: String) throws {
        let given = names.filter(has)
        if !given.isEmpty { throw UsageError("\(given.joined(separator: ", ")): \(why)") }
    }

    func integer(_ name: String, _ range: ClosedRange<Int>) throws -> Int? {
        guard let text = string(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw UsageError("\(name) \(text): must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}

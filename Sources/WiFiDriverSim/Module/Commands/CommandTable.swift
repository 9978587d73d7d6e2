/// The commands of one firmware, by name.
struct CommandTable: CommandInterpreter {
    /// All commands of all firmware.
    static let all: [Command] =
        basicCommands + timeCommands + systemCommands + flashCommands + messageFilterCommands + wifiCommands
        + radioCommands
        + enterpriseCommands + tcpIPCommands

    let firmware: Firmware
    /// In the order of AT+CMD?.
    let commands: [Command]
    private let byName: [String: Entry]

    private struct Entry {
        let command: Command
        /// The storage that the suffix of the name selects. `nil` without a suffix.
        let storing: Module.Storing?
    }

    /// The table of a firmware. Modules of the same profile share it.
    static func of(_ firmware: Firmware) -> CommandTable { ofProfiles[firmware.name] ?? CommandTable(for: firmware) }

    private static let ofProfiles = Dictionary(
        uniqueKeysWithValues: Firmware.all.map { ($0.name, CommandTable(for: $0)) })

    init(for firmware: Firmware) {
        self.firmware = firmware
        commands = Self.all.filter { $0.firmware.includes(firmware) }.map { $0.on(firmware) }
        var byName: [String: Entry] = [:]
        for command in commands {
            byName[command.name] = Entry(command: command, storing: nil)
            guard case .nameSuffix = firmware.storage, case .chosen = command.storing else { continue }
            byName[command.name + "_CUR"] = Entry(command: command, storing: .inUse)
            byName[command.name + "_DEF"] = Entry(command: command, storing: .stored)
        }
        self.byName = byName
    }

    /// The names of a command on this firmware.
    func names(of command: Command) -> [String] {
        guard case .nameSuffix = firmware.storage, case .chosen = command.storing else { return [command.name] }
        return [command.name, command.name + "_CUR", command.name + "_DEF"]
    }

    func execute(_ line: [UInt8], on module: Module) -> CommandOutcome {
        do throws(CommandError) {
            return try run(try CommandLine(line), on: module)
        } catch {
            return .failed(error)
        }
    }

    private func run(_ line: CommandLine, on module: Module) throws(CommandError) -> CommandOutcome {
        guard let entry = byName[line.name] else { throw CommandError(kind: .unsupported) }
        let call = Call(
            module: module, command: entry.command, name: line.name, storing: storing(of: entry, on: module))
        switch line.form {
        case .test:
            guard let set = entry.command.set else {
                guard entry.command.emptyTest != nil else { throw CommandError(kind: .wrongForm) }
                return .ok
            }
            return call.answer(set.parameters.map(\.testText).joined(separator: ","))
        case .query:
            guard let query = entry.command.query else { throw CommandError(kind: .wrongForm) }
            return try query(call)
        case .execute:
            guard let execute = entry.command.execute else { throw CommandError(kind: .wrongForm) }
            return try execute(call)
        case .set:
            guard let set = entry.command.set else { throw CommandError(kind: .wrongForm) }
            var arguments = try Arguments(line.arguments, on: module)
            do {
                return try set.run(call, &arguments)
            } catch {
                guard error.kind == .count else { throw error }
                var counted = error
                counted.given = arguments.count
                // With too few parameters, the ones after the missing one are counted as missing as well.
                if counted.given < counted.needed {
                    counted.needed = max(counted.needed, set.leastCount(multiplexes: arguments.multiplexes))
                }
                throw counted
            }
        }
    }

    private func storing(of entry: Entry, on module: Module) -> Module.Storing {
        switch entry.command.storing {
        case .inUse: .inUse
        case .stored: .stored
        // A bare name stores, on firmware with suffixes.
        case .chosen: entry.storing ?? .stored(if: module.session.storesSettings)
        }
    }
}

extension Module {
    /// Creates a module without power, with the command table of its firmware.
    /// - Parameters:
    ///   - firmware: the profile.
    ///   - serialNumber: makes the factory MAC addresses unique; its low 24 bits are used.
    ///   - settings: the content of its flash; `nil` selects the factory settings.
    package convenience init(firmware: Firmware = .standard, serialNumber: UInt32 = 1, settings: Settings? = nil) {
        self.init(
            firmware: firmware, serialNumber: serialNumber, settings: settings, interpreter: CommandTable.of(firmware)
        )
    }
}

/// A parsed command line: `AT+NAME`, `AT+NAME?`, `AT+NAME=?`, `AT+NAME=…`.
struct CommandLine {
    let name: String
    let form: Command.Form
    let arguments: ArraySlice<UInt8>

    init(_ line: [UInt8]) throws(CommandError) {
        guard line.starts(with: "AT".utf8) else { throw CommandError(kind: .noAT) }
        var rest = line[2...]
        // ATE0 and ATE1 are commands of their own. All others have a plus.
        let hasPlus = rest.first == UInt8(ascii: "+")
        if hasPlus { rest.removeFirst() }
        let nameEnd = rest.firstIndex { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        name = String(decoding: rest[..<nameEnd], as: UTF8.self)
        guard hasPlus != (name.isEmpty || name == "E0" || name == "E1") else { throw CommandError(kind: .unsupported) }
        let tail = rest[nameEnd...]
        switch tail.first {
        case nil: (form, arguments) = (.execute, [])
        case UInt8(ascii: "?") where tail.count == 1: (form, arguments) = (.query, [])
        case UInt8(ascii: "?"): throw CommandError(kind: .wrongForm)
        default:
            let isTest = tail.count == 2 && tail.last == UInt8(ascii: "?")
            (form, arguments) = (isTest ? .test : .set, isTest ? [] : tail.dropFirst())
        }
    }
}

extension ParameterDescription {
    /// The parameter in a test form: `(0-3)`, or the name if there is no range.
    var testText: String {
        if let range { return "(\(range))" }
        return isText ? "\"\(name)\"" : "<\(name)>"
    }
}

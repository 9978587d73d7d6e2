import Foundation
import Testing
@testable import WiFiSimModule
@testable import WiFiSimTranscripts

/// Which fixture shows which form of which command on which profile.
struct CoverageTests {
    @Test func `docs/Coverage.md agrees with the fixtures; WIFISIM_RECORD=1 rewrites it`() throws {
        let document = URL(filePath: Fixtures.folder).deletingLastPathComponent().appending(path: "docs/Coverage.md")
        let records = ProcessInfo.processInfo.environment["WIFISIM_RECORD"] != nil
        if records { for firmware in Firmware.all { try Coverage.writeTestForms(of: firmware) } }
        let table = try Coverage().markdown
        if records {
            try table.write(to: document, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: document, encoding: .utf8) == table)
    }

    @Test func `Every form of every command has a fixture on every profile that has it`() throws {
        #expect(try Coverage().gaps == [])
    }
}

/// The fixtures by the commands and forms that they use.
private struct Coverage {
    private struct Use: Hashable {
        let profile: String
        let name: String
        let form: Command.Form
    }

    /// The first fixture of each use. Fixtures about the commands themselves come first.
    private var fixtures: [Use: String] = [:]
    private static let preferred = ["basic", "wi-fi", "tcp-ip"]

    init() throws {
        for firmware in Firmware.all {
            let table = CommandTable(for: firmware)
            let names = Dictionary(
                table.commands.flatMap { command in table.names(of: command).map { ($0, command.name) } },
                uniquingKeysWith: { first, _ in first })
            for file in try Fixtures.files(of: firmware.name).sorted(by: Self.comesBefore) {
                for line in try Transcript(contentsOf: file).commandLines {
                    guard let name = names[line.name] else { continue }
                    let use = Use(profile: firmware.name, name: name, form: line.form)
                    if fixtures[use] == nil { fixtures[use] = Fixtures.name(file) }
                }
            }
        }
    }

    private static func comesBefore(_ left: String, _ right: String) -> Bool {
        let ranks = [left, right].map { path in
            preferred.firstIndex { Fixtures.name(path).split(separator: "/")[1] == $0 } ?? preferred.count
        }
        return (ranks[0], left) < (ranks[1], right)
    }

    /// Writes the fixture of all test forms, which show only the contents of the command table.
    static func writeTestForms(of firmware: Firmware) throws {
        let lines = CommandTable(for: firmware).commands.filter { $0.forms.contains(.test) }
            .map { "> \($0.typedName)=?\\r\\n\n" }
        let text = """
            transcript 1
            profile \(firmware.name)
            origin ESP-AT user guide, AT command types: test commands

            \(lines.joined())
            """
        let path = "\(Fixtures.folder)/\(firmware.name)/basic/test-forms.at"
        try Transcript.Script(Transcript(parsing: text, file: path)).updated().write(to: path)
    }

    /// Forms of a profile that none of its fixtures shows.
    var gaps: [String] {
        Firmware.all.flatMap { firmware in
            CommandTable(for: firmware).commands.flatMap { command in
                command.formsInOrder.filter { fixture(firmware, command, $0) == nil }.map {
                    "\(firmware.name) \(command.typedName)\($0.suffix)"
                }
            }
        }
    }

    private func fixture(_ firmware: Firmware, _ command: Command, _ form: Command.Form) -> String? {
        fixtures[Use(profile: firmware.name, name: command.name, form: form)]
    }

    var markdown: String {
        var text = """
            # Coverage

            The fixture that shows each form of each command, by profile; an empty cell is a form that the firmware does not have.
            Made from the command table and the fixtures by the tests.

            """
        let tables = Firmware.all.map(CommandTable.init)
        for family in Command.Family.allCases {
            text += "\n## \(family.rawValue)\n\n| Command | \(Firmware.all.map(\.name).joined(separator: " | ")) |\n"
            text += "| --- |" + String(repeating: " --- |", count: Firmware.all.count) + "\n"
            var seen: Set<String> = []
            for command in CommandTable.all where command.family == family && seen.insert(command.name).inserted {
                for form in Command.Form.inOrder {
                    let cells = tables.map { table -> String in
                        guard let own = table.commands.first(where: { $0.name == command.name }),
                            own.forms.contains(form)
                        else { return "" }
                        guard let path = fixture(table.firmware, own, form) else { return "none" }
                        let title = path.split(separator: "/").last?.dropLast(".at".count) ?? ""
                        return "[\(title)](../fixtures/\(path))"
                    }
                    if cells.allSatisfy(\.isEmpty) { continue }
                    text += "| `\(command.typedName)\(form.suffix)` | \(cells.joined(separator: " | ")) |\n"
                }
            }
        }
        return text
    }
}

extension Command {
    fileprivate var formsInOrder: [Form] { Form.inOrder.filter(forms.contains) }
}

extension Command.Form {
    fileprivate static let inOrder: [Self] = [.test, .query, .set, .execute]

    /// The characters after the name.
    fileprivate var suffix: String {
        switch self {
        case .test: "=?"
        case .query: "?"
        case .set: "=…"
        case .execute: ""
        }
    }
}

extension Transcript {
    /// The command lines that the host sends.
    fileprivate var commandLines: [CommandLine] {
        events.flatMap { event, _ -> [CommandLine] in
            guard case .host(let payload) = event, let bytes = payload.literal else { return [] }
            return bytes.split(separator: UInt8(ascii: "\n")).filter { $0.last == UInt8(ascii: "\r") }
                .compactMap { try? CommandLine(Array($0.dropLast())) }
        }
    }
}

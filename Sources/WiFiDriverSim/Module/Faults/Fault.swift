import WiFiSimValues

/// Something that goes wrong: when it does, and what happens then. It is written as a sentence, such as `on CIPSEND the
/// 2nd time answer ERROR` (docs/Faults.md).
public struct Fault: Equatable, Sendable {
    /// When it happens.
    public var trigger: Trigger
    /// What happens.
    public var effect: Effect

    /// Makes a fault.
    public init(_ trigger: Trigger = .always, _ effect: Effect) {
        self.trigger = trigger
        self.effect = effect
    }

    /// When a fault happens.
    public enum Trigger: Equatable, Sendable {
        /// From when it is set until it is cleared.
        case always
        /// Once, this long after the start of the simulation; at once if that has passed.
        case at(Duration)
        /// When the module takes this command.
        case command(CommandPattern, Occurrence = .each)
        /// When the module sends a report that begins like this, such as `IPD` or `WIFI GOT IP`.
        case report(String, Occurrence = .each)
    }

    /// Which of the times count, from when the fault is set.
    public enum Occurrence: Equatable, Sendable {
        /// All.
        case each
        /// The time with this number, counted from 1.
        case nth(Int)
        /// The times whose numbers are multiples of this one.
        case every(Int)
        /// All after the time with this number.
        case afterNth(Int)
        /// A part of them, chosen by the seed.
        case chance(Percentage)

        func includes(_ number: Int, _ random: inout SeededGenerator) -> Bool {
            switch self {
            case .each: true
            case .nth(let chosen): number == chosen
            case .every(let step): number.isMultiple(of: step)
            case .afterNth(let last): number > last
            case .chance(let chance): chance.happens(&random)
            }
        }
    }

    /// A part of a command's exchange, or a report.
    public enum Phase: String, Sendable, CaseIterable {
        /// The echo of the command line. While a fault concerns an echo, the module echoes whole lines.
        case echo
        /// OK and `>`, which ask for data.
        case prompt
        /// What the host sends after the prompt, up to the announced number of bytes.
        case data
        /// What the module says to the command, without the last line.
        case answer
        /// The last line, such as OK, ERROR or SEND OK.
        case result
        /// A message that no command asked for. In passthrough, what a link has received is a report named `data`.
        case report
    }

    /// What happens.
    public indirect enum Effect: Equatable, Sendable {
        /// The bytes of this part are changed.
        case bytes(ByteEffect, of: Phase)
        /// The command does not run; this line is the answer. At a time, the module says this line.
        case answer(String)
        /// The command neither runs nor is answered.
        case ignore
        /// The command is refused as busy, and so is every line for this time; `nil` is until the module restarts.
        case busy(Duration?)
        /// The command is refused as busy, and runs all the same: after the command in progress, or after 100 ms (esp-at
        /// issue 993).
        case runLater
        /// The command fails, because the firmware has no memory left for it.
        case outOfMemory
        /// The module fails, when the exchange reaches this part; `nil` is before the command runs. At the answer and at
        /// the result, the command has run.
        case module(ModuleEffect, at: Phase? = nil)
        /// The serial line fails.
        case line(LineEffect, LineDirection? = nil)
        /// The network fails.
        case network(NetworkFault)
        /// The world changes.
        case world(WorldChange)
    }

    /// A change of bytes.
    public enum ByteEffect: Equatable, Sendable {
        /// The first of them are lost; `nil` loses all.
        case lose(Int? = nil)
        /// What follows this many bytes is lost.
        case cut(after: Int)
        /// A bit is flipped in the first byte, in the third, and in about a third of the others.
        case garble
        /// They come twice. In passthrough, each byte of the data does.
        case double
        /// Text is inserted: as a separate line before or after the bytes, or unchanged in the middle of them.
        case insert(String, Place)
        /// They come later by this time.
        case delay(Duration)
        /// They pause for this time after this many bytes.
        case split(after: Int, Duration)

        /// A place beside bytes.
        public enum Place: String, Sendable, CaseIterable {
            /// Before the first byte.
            case before
            /// In the middle of the first line; of the prompt, between OK and `>`.
            case inside
            /// After the last byte.
            case after
        }
    }

    /// A failure of the module.
    public enum ModuleEffect: Equatable, Sendable {
        /// It restarts, as if for this cause.
        case restart(Cause)
        /// It restarts, and this many of its boots fail; `nil` is all, until the faults are cleared.
        case bootLoop(Int?)
        /// It stops until its power or its reset pin restarts it. It refuses lines as busy, or is silent.
        case hang(isSilent: Bool)
        /// Its flash returns to the factory settings, at the end of the command. The next boot reads them.
        case forgetFlash
        /// Its flash is damaged, at the end of the command: no boot succeeds until the faults are cleared (esp-at issue
        /// 535).
        case damageFlash

        /// What makes a module restart.
        public enum Cause: String, Sendable, CaseIterable {
            /// An exception of the processor.
            case panic
            /// The watchdog.
            case watchdog
            /// A supply voltage that is too low.
            case brownout
            /// Nothing that the hardware tells.
            case nothing
        }
    }

    /// A failure of the serial line.
    public enum LineEffect: Equatable, Sendable {
        /// A part of the bytes is lost.
        case lose(Percentage)
        /// A part of the bytes has a bit flipped.
        case flip(Percentage)
        /// A part of the bytes comes twice.
        case double(Percentage)
        /// A part of the bytes is followed by a random one.
        case insert(Percentage)
        /// Nothing passes for this time.
        case mute(Duration)
    }
}

extension Fault {
    /// The access point that the fault changes and the world does not have; `nil` if there is none.
    package func missingAccessPoint(in world: World) -> String? {
        if case .world(let change) = effect { world.missingAccessPoint(of: change) } else { nil }
    }
}

/// A command, or some of its forms.
public struct CommandPattern: Equatable, Sendable, ExpressibleByStringLiteral {
    /// `*` for every command; otherwise the begin of the line without `AT+` or `AT`.
    let text: String

    /// Every command.
    public static let any = CommandPattern("*")

    /// Makes a pattern: a name such as `CIPSEND` for all its forms, or the begin of a line such as `CIPSEND?` or
    /// `CIPCLOSE=0`.
    public init(_ text: String) {
        let name = text.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "+" }
        let known = name.uppercased()
        let bare = known.hasPrefix("AT+") ? String(known.dropFirst(3)) : known
        self.text = bare + text.dropFirst(name.count)
    }

    /// Makes a pattern from a literal in source code.
    public init(stringLiteral text: String) { self.init(text) }

    /// The name of the command in a line: `CIPSEND`, or `ATE0` for a command without a plus sign.
    static func name(of line: [UInt8]) -> String {
        let text = Self.bare(line)
        let name = text.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "?") }
        return String(decoding: name, as: UTF8.self)
    }

    private static func bare(_ line: [UInt8]) -> ArraySlice<UInt8> {
        line.starts(with: "AT+".utf8) ? line.dropFirst(3) : line[...]
    }

    func matches(_ line: [UInt8]) -> Bool {
        if text == "*" { return true }
        if text.contains(where: { $0 == "=" || $0 == "?" }) { return Self.bare(line).starts(with: text.utf8) }
        return Self.name(of: line) == text
    }
}

/// A change of the faults that are set.
public enum FaultChange: Equatable, Sendable {
    /// Sets one more fault, in this module, counted from 0, or in all.
    case add(Fault, module: Int? = nil)
    /// Clears all faults. What they hold back comes at once.
    case clear
}

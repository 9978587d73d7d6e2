/// A POSIX basic regular expression over bytes (POSIX, Base Definitions, 9.3), matched in bounded time and memory.
///
/// The C library's matcher has no such bound: some expressions of forty bytes take it minutes and gigabytes. This
/// matcher runs all alternatives side by side, so its work is at most the program's size times the text's length.
/// Backreferences, which have no such bound, are refused. A backslash before an ordinary character gives that
/// character, as in newlib, the firmware's C library; GNU's `\|`, `\+` and `\?` are not supported.
package struct RegularExpression: Sendable {
    private let program: [Instruction]

    /// An expression that expands to this many instructions is refused.
    static let programLimit = 1024

    fileprivate enum Instruction: Sendable {
        case byte(ByteSet)
        case jump(Int)
        case fork(Int, Int)
        case start
        case end
        case accept
    }

    /// Compiles an expression; `nil` if it is malformed, contains a NUL or a backreference, or expands to
    /// `programLimit` instructions or more.
    /// - Parameter pattern: the expression.
    package init?(_ pattern: [UInt8]) {
        var parser = RegularExpressionParser(pattern)
        guard !pattern.contains(0), let expression = parser.parse(), expression.size < Self.programLimit else {
            return nil
        }
        var program: [Instruction] = []
        Self.append(expression, to: &program)
        program.append(.accept)
        self.program = program
    }

    private static func append(_ expression: Expression, to program: inout [Instruction]) {
        switch expression {
        case .byte(let set): program.append(.byte(set))
        case .start: program.append(.start)
        case .end: program.append(.end)
        case .sequence(let parts): for part in parts { append(part, to: &program) }
        case .repetition(let part, let least, let most):
            for _ in 0..<least { append(part, to: &program) }
            guard let most else { return appendLoop(part, to: &program) }
            for _ in least..<most {
                let fork = program.count
                program.append(.accept)
                append(part, to: &program)
                program[fork] = .fork(fork + 1, program.count)
            }
        }
    }

    private static func appendLoop(_ part: Expression, to program: inout [Instruction]) {
        let fork = program.count
        program.append(.accept)
        append(part, to: &program)
        program.append(.jump(fork))
        program[fork] = .fork(fork + 1, program.count)
    }

    /// The leftmost match, and of those the longest. NUL bytes in the text are ordinary bytes.
    ///
    /// `steps` is the number of steps that the search may take; the search subtracts the steps it took. A search that
    /// needs more steps finds nothing.
    package func firstMatch(in text: ArraySlice<UInt8>, steps: inout Int) -> Range<Int>? {
        var search = Search(program: program, text: text, steps: steps)
        defer { steps = max(0, search.steps) }
        return search.run()
    }

    /// One search. It keeps the states that are alive at a position, ordered by the start of their match.
    private struct Search {
        let program: [Instruction]
        let text: ArraySlice<UInt8>
        private var states: [State] = []
        private var next: [State] = []
        /// The position at which each instruction was last reached, so that `follow` handles it once per position.
        private var reachedAt: [Int]
        /// The number of steps left; negative if there were too few.
        private(set) var steps: Int
        private var best: Range<Int>?
        /// Instructions that `follow` still has to handle; empty between its calls.
        private var open: [Int] = []

        private struct State {
            let instruction: Int
            let start: Int
        }

        init(program: [Instruction], text: ArraySlice<UInt8>, steps: Int) {
            self.program = program
            self.text = text
            self.steps = steps
            reachedAt = [Int](repeating: -1, count: program.count)
        }

        mutating func run() -> Range<Int>? {
            for position in text.startIndex...text.endIndex {
                // A match that starts here comes after those that started earlier.
                if best == nil { follow(0, start: position, at: position) }
                swap(&states, &next)
                next.removeAll(keepingCapacity: true)
                guard position < text.endIndex, !states.isEmpty || best == nil else { break }
                for state in states where best.map({ state.start <= $0.lowerBound }) ?? true {
                    guard case .byte(let set) = program[state.instruction] else { continue }
                    if set.contains(text[position]) {
                        follow(state.instruction + 1, start: state.start, at: position + 1)
                    }
                }
                steps -= states.count
                guard steps >= 0 else { return nil }
            }
            return best
        }

        /// Adds the byte instructions that are reached from `first` without consuming a byte.
        private mutating func follow(_ first: Int, start: Int, at position: Int) {
            open.append(first)
            while let instruction = open.popLast() {
                guard reachedAt[instruction] != position else { continue }
                reachedAt[instruction] = position
                steps -= 1
                switch program[instruction] {
                case .byte: next.append(State(instruction: instruction, start: start))
                case .jump(let target): open.append(target)
                case .fork(let first, let second):
                    open.append(second)
                    open.append(first)
                case .start: if position == text.startIndex { open.append(instruction + 1) }
                case .end: if position == text.endIndex { open.append(instruction + 1) }
                case .accept: if best.map({ start <= $0.lowerBound }) ?? true { best = start..<position }
                }
            }
        }
    }
}

/// A parsed expression.
private indirect enum Expression {
    case byte(ByteSet)
    case start
    case end
    case sequence([Expression])
    case repetition(Expression, least: Int, most: Int?)

    /// The number of instructions, at most `programLimit`.
    var size: Int {
        switch self {
        case .byte, .start, .end: return 1
        case .sequence(let parts): return min(RegularExpression.programLimit, parts.reduce(0) { $0 + $1.size })
        case .repetition(let part, let least, let most):
            return min(RegularExpression.programLimit, (part.size + 2) * max(least + 1, most ?? 0))
        }
    }
}

private struct ByteSet: Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init() {}
    init(_ byte: UInt8) { insert(byte) }

    func contains(_ byte: UInt8) -> Bool {
        let word =
            switch byte >> 6 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return word >> (byte & 63) & 1 == 1
    }

    mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << (byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    mutating func insert(_ bytes: some Sequence<UInt8>) { for byte in bytes { insert(byte) } }

    /// The bytes that are not in this set.
    var inverted: ByteSet {
        var result = self
        result.words = (~words.0, ~words.1, ~words.2, ~words.3)
        return result
    }
}

/// Parses POSIX basic regular expressions. Every method returns `nil` for a syntax error.
private struct RegularExpressionParser {
    private var rest: ArraySlice<UInt8>
    /// The number of open groups.
    private var depth = 0

    /// The largest repetition count, POSIX's RE_DUP_MAX.
    private static let mostRepetitions = 255

    init(_ pattern: [UInt8]) { rest = pattern[...] }

    mutating func parse() -> Expression? {
        guard let expression = sequence(), rest.isEmpty else { return nil }
        return expression
    }

    private func isNext(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { rest.starts(with: $0) }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        guard isNext(text) else { return false }
        rest = rest.dropFirst(text.utf8CodeUnitCount)
        return true
    }

    /// Parses up to the end, or up to the `\)` of the group, which it leaves.
    private mutating func sequence() -> Expression? {
        var parts: [Expression] = []
        if take("^") { parts.append(.start) }
        // A star at the start is an ordinary character.
        var canRepeat = false
        while !rest.isEmpty, !isNext("\\)") {
            if canRepeat, isNext("*") || isNext("\\{") {
                guard let part = parts.popLast(), let repeated = repetition(of: part) else { return nil }
                parts.append(repeated)
            } else {
                guard let part = part() else { return nil }
                parts.append(part)
                canRepeat = true
            }
        }
        if isNext("\\)"), depth == 0 { return nil }
        return .sequence(parts)
    }

    private mutating func part() -> Expression? {
        if take("\\(") {
            depth += 1
            guard let inner = sequence(), take("\\)") else { return nil }
            depth -= 1
            return inner
        }
        if isNext("\\{") { return nil }
        if take("[") { return bracket().map(Expression.byte) }
        if take(".") { return .byte(ByteSet().inverted) }
        if rest.count == 1 || rest.dropFirst().starts(with: "\\)".utf8), take("$") { return .end }
        guard let byte = rest.popFirst() else { return nil }
        guard byte == UInt8(ascii: "\\") else { return .byte(ByteSet(byte)) }
        guard let escaped = rest.popFirst(), !(UInt8(ascii: "1")...UInt8(ascii: "9")).contains(escaped) else {
            return nil
        }
        return .byte(ByteSet(escaped))
    }

    /// Parses `*`, `\{m\}`, `\{m,\}` or `\{m,n\}`.
    private mutating func repetition(of part: Expression) -> Expression? {
        if take("*") { return .repetition(part, least: 0, most: nil) }
        guard take("\\{"), let least = number() else { return nil }
        var most: Int? = least
        if take(",") { most = number() ?? (isNext("\\}") ? nil : -1) }
        guard take("\\}"), least <= Self.mostRepetitions, most.map({ least...Self.mostRepetitions ~= $0 }) ?? true
        else {
            return nil
        }
        return .repetition(part, least: least, most: most)
    }

    private mutating func number() -> Int? {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        rest = rest.dropFirst(digits.count)
        return Int(String(decoding: digits, as: UTF8.self))
    }

    /// Parses a bracket expression after its `[`.
    private mutating func bracket() -> ByteSet? {
        let isInverted = take("^")
        var set = ByteSet()
        var isFirst = true
        while isFirst || !isNext("]") {
            isFirst = false
            if take("[:") {
                guard let bytes = characterClass() else { return nil }
                set.insert(bytes)
                continue
            }
            guard let first = bracketByte() else { return nil }
            guard isNext("-"), !isNext("-]") else {
                set.insert(first)
                continue
            }
            _ = take("-")
            guard let last = bracketByte(), first <= last else { return nil }
            set.insert(first...last)
        }
        _ = take("]")
        return isInverted ? set.inverted : set
    }

    /// Parses a byte of a bracket expression: the byte itself, `[.a.]` or `[=a=]`.
    private mutating func bracketByte() -> UInt8? {
        for (opening, closing) in [("[.", ".]"), ("[=", "=]")] as [(StaticString, StaticString)] where take(opening) {
            guard let byte = rest.popFirst(), take(closing) else { return nil }
            return byte
        }
        return rest.popFirst()
    }

    /// Parses a character class after its `[:`, and returns its bytes in the C locale.
    private mutating func characterClass() -> [UInt8]? {
        let name = rest.prefix { $0 != UInt8(ascii: ":") }
        rest = rest.dropFirst(name.count)
        guard take(":]") else { return nil }
        let digits = Array("0123456789".utf8)
        let lower = Array("abcdefghijklmnopqrstuvwxyz".utf8)
        let upper = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        let punctuation = (0x21...0x7E as ClosedRange<UInt8>).filter { !(digits + lower + upper).contains($0) }
        switch String(decoding: name, as: UTF8.self) {
        case "alnum": return digits + lower + upper
        case "alpha": return lower + upper
        case "blank": return Array(" \t".utf8)
        case "cntrl": return Array(0...0x1F) + [0x7F]
        case "digit": return digits
        case "graph": return digits + lower + upper + punctuation
        case "lower": return lower
        case "print": return digits + lower + upper + punctuation + [0x20]
        case "punct": return punctuation
        case "space": return Array(9...13) + [0x20]
        case "upper": return upper
        case "xdigit": return digits + Array("abcdefABCDEF".utf8)
        default: return nil
        }
    }
}

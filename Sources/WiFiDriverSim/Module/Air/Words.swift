/// The words of a command or change, from left to right. A word is bare or in double quotes. In quotes, `\r`, `\n` and
/// `\t` are CR, LF and tab, and before another character a backslash takes it literally.
package struct Words {
    /// A word and the position where it begins, counted from 0.
    package struct Word {
        package let text: String
        let position: Int

        package init(text: String, position: Int) {
            self.text = text
            self.position = position
        }
    }

    private var words: ArraySlice<Word>
    private let end: Int

    package init(_ words: [Word], end: Int) {
        self.words = words[...]
        self.end = end
    }

    /// The words of a command line, from which the shell has removed the quotes. A position is the index of a word.
    package init(_ arguments: [String]) {
        self.init(arguments.enumerated().map { Word(text: $1, position: $0) }, end: arguments.count)
    }

    /// The words of a text. A position is the index of a character. Throws `WordError` if a closing quote is missing.
    package init(parsing text: String) throws(WordError) {
        var words: [Word] = []
        let characters = Array(text)
        var index = 0
        while index < characters.count {
            if characters[index] == " " {
                index += 1
                continue
            }
            let start = index
            var word = ""
            let isQuoted = characters[index] == "\""
            if isQuoted { index += 1 }
            while index < characters.count, characters[index] != (isQuoted ? "\"" : " ") {
                if isQuoted, characters[index] == "\\", index + 1 < characters.count {
                    index += 1
                    word.append(Self.escapes[characters[index]] ?? characters[index])
                } else {
                    word.append(characters[index])
                }
                index += 1
            }
            if isQuoted {
                guard index < characters.count else {
                    throw WordError(position: start, reason: "the closing quote is missing")
                }
                index += 1
            }
            words.append(Word(text: word, position: start))
        }
        self.init(words, end: characters.count)
    }

    private static let escapes: [Character: Character] = ["r": "\r", "n": "\n", "t": "\t"]

    /// The text in double quotes, as `init(parsing:)` reads it.
    package static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\r": quoted += "\\r"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\"", "\\": quoted += "\\\(scalar)"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    package func preceded(by word: String, at position: Int) -> Words {
        Words([Word(text: word, position: position)] + words, end: end)
    }

    package mutating func next(_ what: String) throws(WordError) -> Word {
        guard let word = words.popFirst() else { throw WordError(position: end, reason: "\(what) is missing") }
        return word
    }

    package mutating func text(_ what: String) throws(WordError) -> String { try next(what).text }

    /// A text whose length in bytes is in `length`.
    mutating func text(_ what: String, _ length: ClosedRange<Int>) throws(WordError) -> String {
        let word = try next(what)
        guard length.contains(word.text.utf8.count) else {
            throw word.error("\(what) must have \(length.lowerBound) to \(length.upperBound) bytes")
        }
        return word.text
    }

    /// The next word, which stays.
    var peek: String? { words.first?.text }

    /// Takes the next word if it is this one.
    package mutating func take(_ word: String) -> Bool {
        guard peek == word else { return false }
        words.removeFirst()
        return true
    }

    /// Leaves out the next word if it is this one.
    mutating func skip(_ word: String) { _ = take(word) }

    /// Takes the next word, which must be this one.
    mutating func expect(_ word: String) throws(WordError) {
        let next = try next("the word \(word)")
        guard next.text == word else { throw next.error("\"\(next.text)\" is not \(word)") }
    }

    /// Takes the rest of the words, after a word that has been taken.
    mutating func takeRest(after word: Word) -> Words {
        defer { words = [] }
        return Words([word] + words, end: end)
    }

    mutating func optionalText() -> String? { words.popFirst()?.text }

    mutating func value<Value: LosslessStringConvertible>(_ what: String) throws(WordError) -> Value {
        let word = try next(what)
        guard let value = Value(word.text) else { throw word.error("\"\(word.text)\" is not \(what)") }
        return value
    }

    package mutating func integer(_ what: String, _ range: ClosedRange<Int>) throws(WordError) -> Int {
        let word = try next(what)
        guard let value = Int(word.text), range.contains(value) else {
            throw word.error("\(what) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A case, given by its raw value.
    mutating func choice<Case: RawRepresentable & CaseIterable>(_ what: String) throws(WordError) -> Case
    where Case.RawValue == String {
        let word = try next(what)
        guard let choice = Case(rawValue: word.text) else {
            throw word.error("\(what) is \(Case.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    package func finish() throws(WordError) {
        if let word = words.first { throw word.error("nothing may follow here") }
    }
}

extension Words.Word {
    package func error(_ reason: String) -> WordError { WordError(position: position, reason: reason) }
}

/// An error in a word, and the position where the word begins.
package struct WordError: Error, Equatable {
    package let position: Int
    package let reason: String
}

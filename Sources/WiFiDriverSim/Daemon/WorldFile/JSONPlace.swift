/// Finds where in a JSON text a value stands, for error messages. The text has been parsed before, at least up to there.
enum JSONPlace {
    /// As `accessPoints[0].channel`.
    static func text(of path: [any CodingKey]) -> String {
        path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
    }

    /// The line, from 1, on which the value at `path` starts; that of its nearest parent where it isn't there.
    static func line(of path: [any CodingKey], in text: String) -> Int {
        var scanner = Scanner(Array(text.utf8))
        scanner.skipBlanks()
        for key in path {
            let found = key.intValue.map { scanner.enterElement($0) } ?? scanner.enterMember(key.stringValue)
            if !found { break }
        }
        return scanner.line
    }

    private struct Scanner {
        private let bytes: [UInt8]
        private var position = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        var line: Int { 1 + bytes[..<position].count { $0 == UInt8(ascii: "\n") } }

        private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func skipBlanks() {
            while let byte = current, byte <= UInt8(ascii: " ") { position += 1 }
        }

        /// Moves to the n-th element of the array here.
        mutating func enterElement(_ index: Int) -> Bool {
            let start = position
            guard current == UInt8(ascii: "[") else { return false }
            position += 1
            skipBlanks()
            for _ in 0..<index where !skipValueAndComma() { break }
            if current == UInt8(ascii: "]") || current == nil {
                position = start
                return false
            }
            return true
        }

        /// Moves to the value of the object's member here.
        mutating func enterMember(_ name: String) -> Bool {
            let start = position
            guard current == UInt8(ascii: "{") else { return false }
            position += 1
            skipBlanks()
            while current == UInt8(ascii: "\"") {
                let keyStart = position
                skipString()
                let key = bytes[keyStart + 1..<max(keyStart + 1, position - 1)]
                skipBlanks()
                position += 1  // the colon
                skipBlanks()
                if key.elementsEqual(name.utf8) { return true }
                if !skipValueAndComma() { break }
            }
            position = start
            return false
        }

        /// Steps over a value and the comma behind; false if there is none.
        private mutating func skipValueAndComma() -> Bool {
            skipValue()
            skipBlanks()
            guard current == UInt8(ascii: ",") else { return false }
            position += 1
            skipBlanks()
            return true
        }

        private mutating func skipValue() {
            var depth = 0
            while let byte = current {
                switch byte {
                case UInt8(ascii: "\""):
                    skipString()
                    if depth == 0 { return }
                    continue
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return }
                    depth -= 1
                    if depth == 0 {
                        position += 1
                        return
                    }
                case UInt8(ascii: ",") where depth == 0: return
                default: break
                }
                position += 1
            }
        }

        private mutating func skipString() {
            position += 1
            while let byte = current, byte != UInt8(ascii: "\"") { position += byte == UInt8(ascii: "\\") ? 2 : 1 }
            position = min(position + 1, bytes.count)
        }
    }
}

/// Finds the place of a value in a JSON text, for error messages. The text is known to be valid at least up to that
/// value.
enum JSONPlace {
    /// The path as text, for example `accessPoints[0].channel`.
    static func text(of path: [any CodingKey]) -> String {
        path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
    }

    /// The line, counted from 1, on which the value at `path` starts; the line of its nearest parent if it does not
    /// exist.
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

        /// Moves to element `index` of the array at the current position; returns false if there is none.
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

        /// Moves to the value of the member `name` of the object at the current position; returns false if there is
        /// none.
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

        /// Skips a value and the comma after it; returns false if there is no comma.
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

import Glibc

/// A POSIX basic regular expression over bytes, as the C library has it.
final class RegularExpression {
    private var compiled = regex_t()

    /// - Parameter pattern: the expression; `nil` comes of one that is wrong, or that holds a NUL.
    init?(_ pattern: [UInt8]) {
        guard !pattern.contains(0) else { return nil }
        let text = (pattern + [0]).map { CChar(bitPattern: $0) }
        guard regcomp(&compiled, text, 0) == 0 else {
            // Nothing was compiled that would have to be freed.
            compiled = regex_t()
            return nil
        }
    }

    deinit { regfree(&compiled) }

    /// The first match, from the left, the longest there is; NULs in the text are bytes like any other.
    func firstMatch(in text: ArraySlice<UInt8>) -> Range<Int>? {
        text.withUnsafeBytes { buffer in
            // An empty text has no address, and still can match.
            var nothing: CChar = 0
            return withUnsafePointer(to: &nothing) { empty in
                let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self) ?? empty
                var match = regmatch_t(rm_so: 0, rm_eo: regoff_t(buffer.count))
                guard regexec(&compiled, start, 1, &match, REG_STARTEND) == 0 else { return nil }
                return text.startIndex + Int(match.rm_so)..<text.startIndex + Int(match.rm_eo)
            }
        }
    }
}

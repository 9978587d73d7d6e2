import Glibc
import Testing
@testable import WiFiSimValues

struct RegularExpressionTests {
    private func match(_ pattern: String, _ text: String) -> Range<Int>? {
        var steps = 1_000_000
        return RegularExpression(Array(pattern.utf8))?.firstMatch(in: Array(text.utf8)[...], steps: &steps)
    }

    @Test(arguments: [
        "\\(a*\\)*b", "\\(\\(a*\\)*\\)*$", "\\(a*\\)*\\(a*\\)*\\(a*\\)*\\(a*\\)*\\(a*\\)*\\(a*\\)*\\(a*\\)*x",
        "[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*x",
        "\\(.*\\)*\\(.*\\)*\\(.*\\)*x", "a\\{1,100\\}a\\{1,100\\}a\\{1,100\\}x",
    ])
    func `Nested repetitions take no more than their size times the text's`(_ pattern: String) throws {
        let expression = try #require(RegularExpression(Array(pattern.utf8)))
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 8192)
        var steps = 10_000_000
        let match = expression.firstMatch(in: text[...], steps: &steps)
        #expect(match == (pattern.hasSuffix("$") ? 0..<8192 : nil))
        #expect(steps > 0)
    }

    @Test(arguments: [
        "\\(.*\\)\\1\\1\\1x", "\\(a\\)\\1", "\\(\\(\\(a\\{1,99\\}\\)\\{1,99\\}\\)\\{1,99\\}\\)\\{1,99\\}",
        "a\\{1,256\\}", "a\\{255\\}a\\{255\\}a\\{255\\}a\\{255\\}a\\{9\\}",
        "a\\{2,1\\}", "a\\{", "a\\{1", "a\\{x\\}", "\\{1\\}", "a\\{99999999999999999999\\}", "[a", "[", "[z-a]",
        "[[:nosuch:]]", "[[:alpha", "[[.a", "\\(a", "a\\)", "\\", "a\u{0}b",
    ])
    func `An expression that is malformed or unbounded is refused`(_ pattern: String) {
        #expect(RegularExpression(Array(pattern.utf8)) == nil)
    }

    @Test func `Syntax is POSIX's`() {
        #expect(match("b*", "abb") == 0..<0)
        #expect(match("ab*c\\{0,1\\}", "xabbcc") == 1..<5)
        #expect(match("*a", "b*a") == 1..<3)
        #expect(match("^*a", "*a") == 0..<2)
        #expect(match("\\(*a\\)", "*a") == 0..<2)
        #expect(match("a^b$c", "a^b$c") == 0..<5)
        #expect(match("a|b\\|c+d?", "a|b|c+d?") == 0..<8)
        #expect(match("[]a]*$", "x]a]") == 1..<4)
        #expect(match("[^]a]", "]ax") == 2..<3)
        #expect(match("[a\\]x", "\\x") == 0..<2)
        #expect(match("[[:digit:][:upper:]_-]*", "A1_-b") == 0..<4)
        #expect(match("[[.-.]-/]", ".") == 0..<1)
        #expect(match("\\(ab\\)\\{2\\}", "ababab") == 0..<4)
        #expect(match("\\.", "a.") == 1..<2)
        #expect(match("", "a") == 0..<0)
    }

    @Test func `Random expressions match what the C library's do`() throws {
        var random = SeededGenerator(1)
        let pieces = ["a", "b", ".", "*", "[ab]", "[^a]", "\\(", "\\)", "\\{1,2\\}", "\\{2\\}", "\\{0,\\}", "^", "$"]
        var compared = 0
        for _ in 0..<4000 {
            let pattern = (0..<Int.random(in: 1...7, using: &random)).map { _ in pieces.randomElement(using: &random)! }
                .joined()
            var compiled = regex_t()
            // Extensions of the C library to POSIX (a repetition with nothing before it) are not compared.
            guard regcomp(&compiled, pattern, 0) == 0 else { continue }
            defer { regfree(&compiled) }
            guard let expression = RegularExpression(Array(pattern.utf8)) else { continue }
            compared += 1
            for _ in 0..<5 {
                let text = (0..<Int.random(in: 0...7, using: &random)).map { _ in
                    Bool.random(using: &random) ? "a" : "b"
                }
                .joined()
                var found = regmatch_t()
                let isFound = regexec(&compiled, text, 1, &found, 0) == 0
                var steps = 1_000_000
                let match = expression.firstMatch(in: Array(text.utf8)[...], steps: &steps)
                #expect(match == (isFound ? Int(found.rm_so)..<Int(found.rm_eo) : nil), "\(pattern) in \(text)")
            }
        }
        #expect(compared > 500)
    }
}

import Glibc

/// Standard output and standard error, unbuffered, so that whoever reads them sees each line when it is said.
enum Console {
    static func print(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
    static func printError(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    /// Shows how far something is, in the place of what was shown before.
    static func printProgress(_ text: String) { write("\r\u{1B}[K\(text)", to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
        }
    }
}

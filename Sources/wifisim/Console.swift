import Glibc
import Synchronization

/// Standard output and standard error, unbuffered, so that readers see each line at once.
enum Console {
    static func print(_ line: String) {
        // Ignore a reader that has ended and a closed standard output.
        guard let code = write(line + "\n", to: STDOUT_FILENO), code != EPIPE, code != EBADF else { return }
        _ = failureCode.compareExchange(expected: 0, desired: code, ordering: .relaxed)
    }

    static func printError(_ line: String) { _ = write(line + "\n", to: STDERR_FILENO) }

    /// Shows progress, in place of the progress shown before.
    static func printProgress(_ text: String) { _ = write("\r\u{1B}[K\(text)", to: STDERR_FILENO) }

    /// The reason why output was lost, for example a full disk; `nil` if none was.
    static var failure: String? {
        let code = failureCode.load(ordering: .relaxed)
        return code == 0 ? nil : String(cString: strerror(code))
    }

    private static let failureCode = Atomic<Int32>(0)

    /// - Returns: the `errno` value of a failure; `nil` if all was written.
    private static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return errno }
        }
        return nil
    }
}

import Glibc
import Synchronization

/// Standard output and standard error, unbuffered, so that whoever reads them sees each line when it is said.
enum Console {
    static func print(_ line: String) {
        // A reader that has gone, or that never was, has wanted no more.
        guard let code = write(line + "\n", to: STDOUT_FILENO), code != EPIPE, code != EBADF else { return }
        _ = failureCode.compareExchange(expected: 0, desired: code, ordering: .relaxed)
    }

    static func printError(_ line: String) { _ = write(line + "\n", to: STDERR_FILENO) }

    /// Shows how far something is, in the place of what was shown before.
    static func printProgress(_ text: String) { _ = write("\r\u{1B}[K\(text)", to: STDERR_FILENO) }

    /// Why something that was printed is lost, as on a full disk.
    static var failure: String? {
        let code = failureCode.load(ordering: .relaxed)
        return code == 0 ? nil : String(cString: strerror(code))
    }

    private static let failureCode = Atomic<Int32>(0)

    /// - Returns: why it could not be written.
    private static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return errno }
        }
        return nil
    }
}

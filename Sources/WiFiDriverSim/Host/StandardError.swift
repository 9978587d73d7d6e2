import Glibc

/// Writes a line to standard error, with a single call so that it stays in one piece.
package func complain(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { bytes in
        _ = retryingInterrupts { write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }
}

import Glibc

/// Writes a line to standard error, in one piece where the system can.
package func complain(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { bytes in
        _ = retryingInterrupts { write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }
}

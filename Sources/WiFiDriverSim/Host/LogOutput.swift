import CPosix
import Glibc
import WiFiSimValues

/// A file, pipe or terminal that receives a log. It never blocks on its reader: above the limit, lines are dropped and
/// counted.
package final class LogOutput {
    private let descriptor: Int32
    /// Closes the descriptor; `nil` if the descriptor is the process's standard error.
    private let owner: FileDescriptor?
    private let isRegular: Bool
    private var unsent = ByteQueue()
    private var lostCount = 0
    /// True while nothing is written; setting it to false writes what was held back.
    package var isHeld = false { didSet { if !isHeld { flush() } } }
    /// In bytes: above this, lines are dropped.
    private static let unsentLimit = 1 << 20
    /// In bytes: how much a ready pipe takes at once (POSIX's least PIPE_BUF is 512, Linux's is 4096).
    private static let pieceLength = 4096

    /// Appends to a file, which is created if it does not exist and becomes readable only by the user.
    /// - Throws: `SystemError` if it cannot be opened, for example a FIFO without a reader.
    package init(path: String) throws(SystemError) {
        let file: FileDescriptor
        do throws(SystemError) {
            file = FileDescriptor(
                owning: try systemCall("open \(path)") {
                    open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0o600)
                })
            try Self.makePrivate(file, path: path)
        } catch {
            guard error.code == ENXIO else { throw error }
            throw SystemError("open \(path)", code: ENXIO, reason: "has no reader; start the reader first")
        }
        owner = file
        descriptor = file.rawValue
        isRegular = Self.isRegular(descriptor)
    }

    /// Opens a terminal, pipe or device again, so that writes do not wait for its reader. Standard error itself may be
    /// shared with other processes and must not become non-blocking.
    private init(standardError: Int32) {
        let own =
            Self.isRegular(standardError)
            ? -1 : open("/proc/self/fd/\(standardError)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        owner = own >= 0 ? FileDescriptor(owning: own) : nil
        descriptor = own >= 0 ? own : standardError
        isRegular = Self.isRegular(descriptor)
    }

    /// Standard error.
    package static func standardError() -> LogOutput { LogOutput(standardError: STDERR_FILENO) }

    /// Makes an existing file readable only by the user.
    private static func makePrivate(_ file: FileDescriptor, path: String) throws(SystemError) {
        var information = stat()
        try systemCall("look at \(path)") { fstat(file.rawValue, &information) }
        guard information.st_mode & S_IFMT == S_IFREG, information.st_uid == geteuid() else { return }
        try systemCall("chmod \(path)") { fchmod(file.rawValue, 0o600) }
    }

    private static func isRegular(_ descriptor: Int32) -> Bool {
        var information = stat()
        return fstat(descriptor, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
    }

    package func write(_ line: String) {
        if unsent.count >= Self.unsentLimit { flush() }
        guard unsent.count < Self.unsentLimit else {
            lostCount += 1
            return
        }
        if lostCount > 0 {
            unsent.append(contentsOf: "# \(lostCount) lines were lost: the log could not take them\n".utf8)
            lostCount = 0
        }
        unsent.append(contentsOf: line.utf8)
        flush()
    }

    /// Writes as much as there is room for.
    package func flush() {
        guard !isHeld else { return }
        while !unsent.isEmpty, isReady {
            let count = unsent.withUnsafeBytes { bytes in
                retryingInterrupts {
                    Glibc.write(
                        descriptor, bytes.baseAddress, min(bytes.count, isRegular ? .max : Self.pieceLength))
                }
            }
            if count > 0 {
                unsent.removeFirst(count)
            } else {
                // The reader is slow or gone, or the disk is full. The log must not stop the program, so the lines
                // wait, up to the limit.
                return
            }
        }
    }

    /// True if a write returns at once.
    private var isReady: Bool {
        if isRegular { return true }
        var interest = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&interest, 1, 0) > 0
    }
}

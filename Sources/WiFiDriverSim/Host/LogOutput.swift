import CPosix
import Glibc
import WiFiSimValues

/// A file, pipe or terminal that takes a log. Never blocks on its reader. Above the limit lines are dropped and counted.
package final class LogOutput {
    private let descriptor: Int32
    /// Closes the descriptor, where it is not the process's own.
    private let owner: FileDescriptor?
    private let isRegular: Bool
    private var unsent = ByteQueue()
    private var lostCount = 0
    /// Nothing is written meanwhile.
    package var isHeld = false { didSet { if !isHeld { flush() } } }
    private static let unsentLimit = 1 << 20
    /// A pipe that is ready takes so many bytes at once (POSIX's least PIPE_BUF is 512, Linux's 4096).
    private static let pieceLength = 4096

    /// Appends to a file, which is made if need be and is then the user's alone.
    /// - Throws: `SystemError` if it cannot be opened, as for a FIFO that nobody reads.
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
            throw SystemError("open \(path)", code: ENXIO, reason: "nobody reads it; start its reader first")
        }
        owner = file
        descriptor = file.rawValue
        isRegular = Self.isRegular(descriptor)
    }

    /// A terminal, pipe or device is opened anew, so that a write does not wait for its reader: what standard error leads to
    /// may be shared, and cannot be made non-blocking itself.
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

    /// A file that was there already and that others may read is the user's alone from here on.
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

    /// Writes what there is room for.
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
                // The reader is slow or has gone, or the disk is full. The log must not stop what it tells of: the lines
                // wait, up to the limit.
                return
            }
        }
    }

    /// Whether a write comes back at once.
    private var isReady: Bool {
        if isRegular { return true }
        var interest = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&interest, 1, 0) > 0
    }
}

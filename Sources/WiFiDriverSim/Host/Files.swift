import CPosix
import Glibc

/// Operations on whole files and on paths.
package enum Files {
    /// Reads a regular file. Refuses a device or FIFO, which may never end.
    package static func read(_ path: String) throws(SystemError) -> [UInt8] {
        // Check before opening: opening a device or FIFO can have effects, or block.
        var information = stat()
        try systemCall("open \(path)") { stat(path, &information) }
        try requireRegular(information, at: path)
        let descriptor = FileDescriptor(
            owning: try systemCall("open \(path)") { cposix_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) })
        try systemCall("open \(path)") { fstat(descriptor.rawValue, &information) }
        try requireRegular(information, at: path)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = try systemCall("read \(path)") { Glibc.read(descriptor.rawValue, &buffer, buffer.count) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= longest else { throw SystemError("read \(path)", code: EFBIG) }
        }
    }

    /// In bytes: far above any file that is read here.
    private static let longest = 1 << 28

    /// The access rights of a file that is written.
    package enum Access {
        /// Readable only by the user, because the file contains passwords.
        case secret
        /// The rights of the file that it replaces; for a new file, readable by all, as far as the process's umask
        /// allows.
        case unchanged
    }

    /// Replaces a file as a whole: readers, and a crash, see either the old or the new content. If the path is a link,
    /// its target is replaced.
    package static func write(_ bytes: [UInt8], to path: String, _ access: Access = .unchanged) throws(SystemError) {
        var mode: mode_t = access == .secret ? 0o600 : 0o644
        var isNew = true
        var information = stat()
        if stat(path, &information) == 0 {
            try requireRegular(information, at: path)
            isNew = false
            if access == .unchanged { mode = information.st_mode & 0o777 }
        }
        let path = try canonicalPath(of: path)
        let temporary = temporaryPath(of: path)
        do throws(SystemError) {
            if try !writeUnnamed(bytes, for: path, mode: mode, isNew: isNew) {
                remove(temporary)
                let descriptor = FileDescriptor(
                    owning: try systemCall("create \(temporary)") {
                        open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
                    })
                try fill(descriptor, with: bytes, mode: isNew ? nil : mode, path: temporary)
            }
            try systemCall("rename \(temporary) to \(path)") { rename(temporary, path) }
        } catch {
            remove(temporary)
            throw error
        }
    }

    /// Writes to an unnamed file, which disappears if the process is killed, and gives it a name when it is complete.
    /// - Returns: false if the file system does not support that.
    private static func writeUnnamed(
        _ bytes: [UInt8], for path: String, mode: mode_t, isNew: Bool
    ) throws(SystemError) -> Bool {
        let rawValue = retryingInterrupts { cposix_open_unnamed(folder(of: path), mode) }
        guard rawValue >= 0 else { return false }
        let descriptor = FileDescriptor(owning: rawValue)
        try fill(descriptor, with: bytes, mode: isNew ? nil : mode, path: path)
        let temporary = temporaryPath(of: path)
        remove(temporary)
        return cposix_name_unnamed(descriptor.rawValue, temporary) == 0
    }

    private static func fill(
        _ descriptor: FileDescriptor, with bytes: [UInt8], mode: mode_t?, path: String
    ) throws(SystemError) {
        if let mode { try systemCall("chmod \(path)") { fchmod(descriptor.rawValue, mode) } }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try systemCall("write \(path)") {
                rest.withUnsafeBytes { Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
        try systemCall("fsync \(path)") { fsync(descriptor.rawValue) }
    }

    /// The name of the new file until it replaces `path`. It contains the process ID, because other processes may write
    /// the same file.
    private static func temporaryPath(of path: String) -> String { "\(path).\(getpid())\(temporarySuffix)" }

    private static let temporarySuffix = ".wifisim-tmp"

    /// Removes the temporary files of this path that killed processes left behind.
    package static func removeLeftovers(of path: String) {
        let folder = folder(of: path)
        let prefix = (path.split(separator: "/").last ?? "") + "."
        for name in (try? Folder.names(in: folder)) ?? [] {
            guard name.hasPrefix(prefix), name.hasSuffix(temporarySuffix) else { continue }
            let owner = Int32(name.dropFirst(prefix.count).dropLast(temporarySuffix.count))
            if let owner, owner > 0, !Environment.isRunning(owner) { remove("\(folder)/\(name)") }
        }
    }

    /// Removes a file if it exists.
    package static func remove(_ path: String) { Glibc.unlink(path) }

    /// Removes a file. Throws if that fails.
    package static func unlink(_ path: String) throws(SystemError) {
        try systemCall("remove \(path)") { Glibc.unlink(path) }
    }

    /// Makes a symbolic link.
    package static func makeLink(at path: String, to target: String) throws(SystemError) {
        try systemCall("link \(path)") { symlink(target, path) }
    }

    /// The length of a file in bytes; 0 if there is none.
    package static func size(_ path: String) -> Int {
        var information = stat()
        return stat(path, &information) == 0 ? Int(information.st_size) : 0
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    // MARK: Paths

    /// The canonical form of a path: absolute, without `.`, `..` and links. The last component need not exist.
    /// `followsLast` is true if a path that is a link stands for its target.
    package static func canonicalPath(of path: String, followsLast: Bool = true) throws(SystemError) -> String {
        var next = path
        for _ in 0..<longestLinkChain {
            if followsLast {
                if let known = real(next) { return known }
                let code = errno
                guard code == ENOENT else { throw SystemError("open \(path)", code: code) }
                if let target = linkTarget(next) {
                    next = target.hasPrefix("/") ? target : "\(folder(of: next))/\(target)"
                    continue
                }
            }
            let name = next.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? ""
            guard !["", ".", ".."].contains(name) else { throw SystemError("open \(path)", code: EISDIR) }
            guard let folder = real(folder(of: next)) else { throw SystemError("open \(path)") }
            return folder == "/" ? "/\(name)" : "\(folder)/\(name)"
        }
        throw SystemError("open \(path)", code: ELOOP)
    }

    /// The kernel's limit.
    private static let longestLinkChain = 40

    /// The target of a symbolic link; `nil` if the path is not one.
    package static func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func real(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func requireRegular(_ information: stat, at path: String) throws(SystemError) {
        let kind: String
        switch information.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFDIR: throw SystemError("open \(path)", code: EISDIR)
        case S_IFIFO: kind = "a FIFO"
        case S_IFSOCK: kind = "a socket"
        default: kind = "a device"
        }
        throw SystemError("open \(path)", code: EOPNOTSUPP, reason: "is \(kind); a regular file is needed")
    }
}

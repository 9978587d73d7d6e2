import CPosix
import Glibc

/// Whole files.
package enum Files {
    /// Reads a regular file. A device or FIFO, which could go on for ever, is refused.
    package static func read(_ path: String) throws(SystemError) -> [UInt8] {
        // Before it is opened: to open a device or FIFO can have an effect, or wait.
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

    /// In bytes. Nothing that is read here comes near it.
    private static let longest = 1 << 28

    /// Who may read a file that is written.
    package enum Access {
        /// The user alone: the file holds passwords.
        case secret
        /// Those who may read the file that it replaces; all, within the process's mask, where there was none.
        case unchanged
    }

    /// Replaces a file whole: whoever reads it, and a crash, finds the old or the new. Where the path is a link, the file
    /// that it leads to is replaced.
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

    /// Writes to a file without a name, of which a kill leaves nothing, and names it when it is whole.
    /// - Returns: whether the file system can do that.
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

    /// The name of a file on its way to `path`. It is this process's own, because others may write the same file.
    private static func temporaryPath(of path: String) -> String { "\(path).\(getpid())\(temporarySuffix)" }

    private static let temporarySuffix = ".wifisim-tmp"

    /// Removes what processes that were killed while they wrote this file have left.
    package static func removeLeftovers(of path: String) {
        let folder = folder(of: path)
        let prefix = (path.split(separator: "/").last ?? "") + "."
        for name in (try? Folder.names(in: folder)) ?? [] {
            guard name.hasPrefix(prefix), name.hasSuffix(temporarySuffix) else { continue }
            let owner = Int32(name.dropFirst(prefix.count).dropLast(temporarySuffix.count))
            if let owner, owner > 0, !Environment.isRunning(owner) { remove("\(folder)/\(name)") }
        }
    }

    /// Removes a file, where there is one.
    package static func remove(_ path: String) { Glibc.unlink(path) }

    /// Removes a file.
    package static func unlink(_ path: String) throws(SystemError) {
        try systemCall("remove \(path)") { Glibc.unlink(path) }
    }

    /// Makes a symbolic link.
    package static func makeLink(at path: String, to target: String) throws(SystemError) {
        try systemCall("link \(path)") { symlink(target, path) }
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    // MARK: Paths

    /// The one path of what has many: absolute, without `.`, `..` and links. What is there last need not exist.
    /// `followsLast` tells whether a path that is a link itself stands for what it leads to.
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

    /// As the kernel's.
    private static let longestLinkChain = 40

    /// What a symbolic link holds; `nil` for what is none.
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

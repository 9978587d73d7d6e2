import Glibc

/// Folders and their contents.
package enum Folder {
    /// True if there is a folder at this path.
    package static func exists(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder, sorted.
    package static func names(in path: String) throws(SystemError) -> [String] {
        guard let folder = opendir(path) else { throw SystemError("open \(path)") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Creates a folder that only the user may enter, unless it exists.
    /// - Throws: `SystemError`, with EACCES if the existing folder belongs to another user or is open to others.
    package static func makePrivate(_ path: String) throws(SystemError) {
        if mkdir(path, 0o700) == 0 { return }
        guard errno == EEXIST else { throw SystemError("make \(path)") }
        var information = stat()
        try systemCall("look at \(path)") { lstat(path, &information) }
        let isOurs = information.st_uid == getuid() && information.st_mode & S_IFMT == S_IFDIR
        guard isOurs, information.st_mode & 0o077 == 0 else { throw SystemError("use \(path)", code: EACCES) }
    }

    /// Creates a folder, unless there is one.
    package static func makeIfMissing(_ path: String) throws(SystemError) {
        if mkdir(path, 0o777) != 0, errno != EEXIST || !exists(path) { throw SystemError("make \(path)") }
    }

    /// Removes a folder and the files in it. Folders in it are left.
    package static func remove(_ path: String) {
        for name in (try? names(in: path)) ?? [] { Files.remove("\(path)/\(name)") }
        rmdir(path)
    }

    /// Creates a folder that only the user may enter. Throws if it exists.
    package static func makeNew(_ path: String) throws(SystemError) {
        try systemCall("make \(path)") { mkdir(path, 0o700) }
    }
}

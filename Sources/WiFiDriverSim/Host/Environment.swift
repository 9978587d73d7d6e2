import Glibc

/// What the process was given.
enum Environment {
    /// An environment variable's value; `nil` where it is not set.
    static subscript(name: String) -> String? { getenv(name).map { String(cString: $0) } }

    static var userID: UInt32 { getuid() }
    static var processID: Int32 { getpid() }

    /// Whether there is a process of this number.
    static func isRunning(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno == EPERM }
}

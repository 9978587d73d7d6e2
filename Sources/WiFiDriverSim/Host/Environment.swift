import Glibc

/// What the process was given.
package enum Environment {
    /// An environment variable's value; `nil` where it is not set.
    package static subscript(name: String) -> String? { getenv(name).map { String(cString: $0) } }

    package static var userID: UInt32 { getuid() }
    package static var processID: Int32 { getpid() }

    /// Whether there is a process of this number.
    package static func isRunning(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno == EPERM }
}

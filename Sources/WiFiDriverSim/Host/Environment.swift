import Glibc

/// The environment of the process.
package enum Environment {
    /// The value of an environment variable; `nil` if it is not set.
    package static subscript(name: String) -> String? { getenv(name).map { String(cString: $0) } }

    package static var userID: UInt32 { getuid() }
    package static var processID: Int32 { getpid() }

    /// True if a process with this ID exists.
    package static func isRunning(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno == EPERM }
}

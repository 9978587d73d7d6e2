import CPosix
import Glibc

/// What happens to the process that threads of this library run in.
package enum ProcessLife {
    /// Whether this is a child that was forked from a process whose forks were watched. It has none of the threads but the one
    /// that called fork, and what the others held is held for ever.
    package static var isForkedChild: Bool { cposix_is_forked() != 0 }

    package static func watchForks() { cposix_watch_forks() }

    /// Calls `body` when the program ends by `exit` or by returning from `main`.
    package static func atExit(_ body: @convention(c) () -> Void) { atexit(body) }

    /// Lets the process have as many descriptors as it may.
    package static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

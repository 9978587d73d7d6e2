import CPosix
import Glibc

/// The life of the process in which the library's threads run.
package enum ProcessLife {
    /// True in a child that was forked after `watchForks`. Such a child has only the thread that called fork, and locks
    /// that other threads held stay locked.
    package static var isForkedChild: Bool { cposix_is_forked() != 0 }

    package static func watchForks() { cposix_watch_forks() }

    /// Makes the program call `body` when it ends by `exit` or by returning from `main`.
    package static func atExit(_ body: @convention(c) () -> Void) { atexit(body) }

    /// The number of processors that are online.
    package static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// The processor time that children, and their children, have used, as far as they were waited for.
    package static var timeOfChildren: Duration {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        func duration(_ time: timeval) -> Duration { .seconds(time.tv_sec) + .microseconds(time.tv_usec) }
        return duration(usage.ru_utime) + duration(usage.ru_stime)
    }

    /// Raises the limit of open descriptors to the most that the process may have.
    package static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

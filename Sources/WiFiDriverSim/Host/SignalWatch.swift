import CPosix
import Glibc

/// Delivers signals as events of an event loop.
package final class SignalWatch {
    private let descriptor: FileDescriptor
    private let previousMask: sigset_t

    /// Blocks these signals in the calling thread and in threads that it starts later. Leaves SIGHUP out if it is
    /// ignored, as under nohup.
    package init(_ signals: [Int32]) throws(SystemError) {
        var mask = sigset_t()
        sigemptyset(&mask)
        for signal in signals where signal != SIGHUP || cposix_ignores(SIGHUP) == 0 { sigaddset(&mask, signal) }
        var previous = sigset_t()
        pthread_sigmask(SIG_BLOCK, &mask, &previous)
        previousMask = previous
        descriptor = FileDescriptor(
            owning: try systemCall("signalfd") { signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK)) })
    }

    package func watch(on loop: EventLoop, handler: @escaping (Int32) -> Void) throws(SystemError) {
        try loop.watch(descriptor, for: .read) { [descriptor] _ in
            var information = signalfd_siginfo()
            while read(descriptor.rawValue, &information, MemoryLayout<signalfd_siginfo>.size) > 0 {
                handler(Int32(information.ssi_signo))
            }
        }
    }

    package func unwatch(on loop: EventLoop) { loop.unwatch(descriptor) }

    /// Starts a program, found through PATH, for which the signals are not blocked.
    /// - Returns: the process ID.
    package func spawn(_ command: [String], environment: [String: String]) throws(SystemError) -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var mask = previousMask
        posix_spawnattr_setsigmask(&attributes, &mask)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        sigaddset(&defaults, SIGXFSZ)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments = command.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            arguments.forEach { free($0) }
            variables.forEach { free($0) }
        }
        var process = pid_t()
        let code = posix_spawnp(&process, command[0], nil, &attributes, &arguments, &variables)
        if code != 0 { throw SystemError("run \(command[0])", code: code) }
        return process
    }
}

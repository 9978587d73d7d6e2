import CPosix
import Glibc

/// Signals that come as events of a loop instead of by interruption.
package final class SignalWatch {
    private let descriptor: FileDescriptor
    private let previousMask: sigset_t

    /// Holds back these signals from the calling thread, and from threads it starts later. SIGHUP is left out where it is
    /// ignored, as nohup has it.
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

    /// Starts a program, found by PATH, to which the signals come as usual.
    /// - Returns: its process ID.
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

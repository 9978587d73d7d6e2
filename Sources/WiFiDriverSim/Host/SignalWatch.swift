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
        for signal in Self.unignored(signals) { sigaddset(&mask, signal) }
        var previous = sigset_t()
        pthread_sigmask(SIG_BLOCK, &mask, &previous)
        previousMask = previous
        descriptor = FileDescriptor(
            owning: try systemCall("signalfd") { signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK)) })
    }

    /// Leaves SIGHUP out if it is ignored, as under nohup.
    package static func unignored(_ signals: [Int32]) -> [Int32] {
        signals.filter { $0 != SIGHUP || cposix_ignores(SIGHUP) == 0 }
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
        try ChildProcess.spawn(command, environment: environment, mask: previousMask)
    }
}

import CPosix
import Glibc
import WiFiDriverSim

/// The command that runs beside the modules, and how it ended.
final class ChildCommand {
    private let process: pid_t
    /// A shell's status for it; `nil` while it runs.
    private(set) var status: Int32?
    /// It was asked to end.
    private var isToEnd = false

    /// Starts a command.
    /// - Parameters:
    ///   - words: the program and its arguments.
    ///   - variables: what is added to this process's environment.
    ///   - signals: SIGCHLD is one of them.
    /// - Throws: `SystemError` if it cannot be run.
    init(_ words: [String], variables: [String: String], signals: SignalWatch) throws(SystemError) {
        let environment = CommandLineTool.environmentVariables().merging(variables) { $1 }
        process = try signals.spawn(words, environment: environment)
    }

    /// The exit status where a command cannot be run, as a shell has it: 127 not found, 126 not to be run.
    static func status(of error: SystemError) -> Int32 { error.code == ENOENT ? 127 : 126 }

    /// Passes a signal on, or takes notice of the command's end. A second SIGTERM is no longer a request.
    /// - Returns: whether the command has ended.
    func handle(_ signal: Int32) -> Bool {
        guard signal == SIGCHLD else {
            // The terminal sends SIGINT to the command as well; the others it gets from here.
            if signal != SIGINT { end(by: signal == SIGTERM && isToEnd ? SIGKILL : signal) }
            if signal == SIGTERM { isToEnd = true }
            return false
        }
        takeStatus(WNOHANG)
        return status != nil
    }

    /// Where somebody else has taken the status, the command has ended all the same.
    private func takeStatus(_ options: Int32) {
        var end: Int32 = 0
        let result = waitpid(process, &end, options)
        if result == process { status = cposix_exit_status(end) }
        if result < 0, errno == ECHILD { status = EX_SOFTWARE }
    }

    /// Has it end: asks first, and does not ask any more after some seconds.
    func end() {
        takeStatus(WNOHANG)
        end(by: SIGTERM)
        var childSignal = sigset_t()
        sigemptyset(&childSignal)
        sigaddset(&childSignal, SIGCHLD)
        var wait = timespec(tv_sec: 0, tv_nsec: 100_000_000)
        for _ in 0..<Self.patience where status == nil {
            sigtimedwait(&childSignal, nil, &wait)
            takeStatus(WNOHANG)
        }
        guard status == nil else { return }
        end(by: SIGKILL)
        takeStatus(0)
    }

    /// In tenths of a second.
    private static let patience = 30

    /// Sends it a signal, while it runs.
    func end(by signal: Int32) {
        if status == nil { kill(process, signal) }
    }
}

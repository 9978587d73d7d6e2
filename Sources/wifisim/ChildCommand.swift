import CPosix
import Glibc
import WiFiDriverSim

/// The command that runs beside the modules, and its exit status.
final class ChildCommand {
    private let process: pid_t
    /// Its exit status, as a shell reports it; `nil` while it runs.
    private(set) var status: Int32?
    /// The signal that ended it; `nil` if it exited or runs.
    private(set) var endingSignal: Int32?
    /// True once it was asked to end with SIGTERM.
    private var isToEnd = false

    /// Starts a command.
    /// - Parameters:
    ///   - words: the program and its arguments.
    ///   - variables: added to this process's environment; `nil` removes a variable.
    ///   - signals: the watched signals, which must include SIGCHLD.
    /// - Throws: `SystemError` if the command cannot be run.
    init(_ words: [String], variables: [String: String?], signals: SignalWatch) throws(SystemError) {
        let inherited = CommandLineTool.environmentVariables().mapValues(Optional.some)
        let environment = inherited.merging(variables) { $1 }.compactMapValues(\.self)
        process = try signals.spawn(words, environment: environment)
    }

    /// The exit status if the command cannot be run, as in a shell: 127 if it was not found, 126 otherwise.
    static func status(of error: SystemError) -> Int32 { error.code == ENOENT ? 127 : 126 }

    /// Passes a signal on to the command, or on SIGCHLD takes its status. A second SIGTERM becomes SIGKILL.
    /// - Returns: true if the command has ended.
    func handle(_ signal: Int32) -> Bool {
        guard signal == SIGCHLD else {
            // The terminal sends SIGINT to the command by itself; other signals are passed on.
            if signal != SIGINT { end(by: signal == SIGTERM && isToEnd ? SIGKILL : signal) }
            if signal == SIGTERM { isToEnd = true }
            return false
        }
        takeStatus(WNOHANG)
        return status != nil
    }

    /// Takes the command's status. If other code has already taken it, the command counts as ended.
    private func takeStatus(_ options: Int32) {
        var end: Int32 = 0
        let result = waitpid(process, &end, options)
        if result == process {
            status = cposix_exit_status(end)
            let signal = cposix_ending_signal(end)
            endingSignal = signal == 0 ? nil : signal
        }
        if result < 0, errno == ECHILD { status = EX_SOFTWARE }
    }

    /// Ends the command: with SIGTERM, and after `patience` with SIGKILL.
    func end(patience: Duration = .seconds(3)) {
        takeStatus(WNOHANG)
        end(by: SIGTERM)
        var childSignal = sigset_t()
        sigemptyset(&childSignal)
        sigaddset(&childSignal, SIGCHLD)
        let deadline = ContinuousClock.now + patience
        var wait = timespec(tv_sec: 0, tv_nsec: 100_000_000)
        while status == nil, ContinuousClock.now < deadline {
            sigtimedwait(&childSignal, nil, &wait)
            takeStatus(WNOHANG)
        }
        guard status == nil else { return }
        end(by: SIGKILL)
        takeStatus(0)
    }

    /// Sends the command a signal if it still runs.
    func end(by signal: Int32) {
        if status == nil { kill(process, signal) }
    }
}

import CPosix
import Glibc
import WiFiDriverSim

/// The command that runs beside the modules, and how it ended.
final class ChildCommand {
    private let process: pid_t
    /// A shell's status for it; `nil` while it runs.
    private(set) var status: Int32?

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

    /// Passes a signal on, or takes notice of the command's end.
    /// - Returns: whether the command has ended.
    func handle(_ signal: Int32) -> Bool {
        guard signal == SIGCHLD else {
            // The terminal sends SIGINT to the command as well; the others it gets from here.
            if signal != SIGINT { end(by: signal) }
            return false
        }
        var end: Int32 = 0
        if waitpid(process, &end, WNOHANG) == process { status = cposix_exit_status(end) }
        return status != nil
    }

    /// Sends it a signal, while it runs.
    func end(by signal: Int32) {
        if status == nil { kill(process, signal) }
    }
}

import CPosix
import Glibc
import WiFiSimValues

/// A program that runs beside this one, in a process group of its own, with its output in a file.
package struct ChildProcess: Sendable {
    package let id: pid_t

    /// How a child has ended.
    package enum Ending: Equatable, Sendable {
        /// It ended with this status, as a shell reports it: 128 plus the number of a signal.
        case exited(Int32)
        /// It had not ended when its time was over, and was ended with its group.
        case timedOut
    }

    /// Starts a program, found through PATH. No signal is blocked for it.
    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - environment: all of its variables.
    ///   - outputPath: the new file for its standard output.
    ///   - errorPath: the new file for its standard error.
    /// - Throws: `SystemError` if it cannot be run.
    package init(
        _ command: [String], environment: [String: String], outputPath: String, errorPath: String
    ) throws(SystemError) {
        id = try Self.spawn(
            command, environment: environment, mask: nil,
            outputs: [(STDOUT_FILENO, outputPath), (STDERR_FILENO, errorPath)])
    }

    /// Starts a program.
    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - environment: all of its variables.
    ///   - mask: the signals that are blocked for it; `nil` for none, and a process group of its own.
    ///   - outputs: files for some of its descriptors; standard input is empty then.
    /// - Returns: the process ID.
    /// - Throws: `SystemError` if it cannot be run.
    static func spawn(
        _ command: [String], environment: [String: String], mask: sigset_t?, outputs: [(Int32, String)] = []
    ) throws(SystemError) -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var blocked = sigset_t()
        sigemptyset(&blocked)
        if let mask { blocked = mask }
        posix_spawnattr_setsigmask(&attributes, &blocked)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        sigaddset(&defaults, SIGXFSZ)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        if mask == nil {
            posix_spawnattr_setpgroup(&attributes, 0)
            flags |= POSIX_SPAWN_SETPGROUP
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if !outputs.isEmpty { posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) }
        for (descriptor, path) in outputs {
            posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        }
        var arguments = command.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            arguments.forEach { free($0) }
            variables.forEach { free($0) }
        }
        var process = pid_t()
        let code = posix_spawnp(&process, command[0], &actions, &attributes, &arguments, &variables)
        if code != 0 { throw SystemError("run \(command[0])", code: code) }
        return process
    }

    /// Waits for the end of the program. When `limit` is over or `isStopped` is true, asks the program and its group to
    /// end with SIGTERM, and kills them after `grace`. What the program leaves behind in its group is killed.
    /// - Parameters:
    ///   - limit: the longest time that it may take.
    ///   - grace: the time between SIGTERM and SIGKILL.
    ///   - isStopped: asked ten times a second; true ends the program early.
    /// - Returns: how it has ended.
    /// - Throws: `SystemError` if its end cannot be observed; the program runs on then.
    package func wait(atMost limit: Duration, grace: Duration, isStopped: () -> Bool) throws(SystemError) -> Ending {
        let descriptor = FileDescriptor(owning: try systemCall("pidfd_open") { cposix_pidfd_open(id) })
        let hasEnded = Self.hasEnded(descriptor, within: limit, isStopped: isStopped)
        if !hasEnded {
            kill(-id, SIGTERM)
            _ = Self.hasEnded(descriptor, within: grace) { false }
        }
        // The ID of the group stays taken until waitpid.
        kill(-id, SIGKILL)
        var status: Int32 = 0
        waitpid(id, &status, 0)
        return hasEnded ? .exited(cposix_exit_status(status)) : .timedOut
    }

    private static func hasEnded(
        _ descriptor: FileDescriptor, within time: Duration, isStopped: () -> Bool
    ) -> Bool {
        let end = RealTime(nanoseconds: RealTime.now.nanoseconds + time.nanoseconds)
        var event = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        while true {
            let left = end.millisecondsLeft
            if poll(&event, 1, min(left, 100)) > 0 { return true }
            if left == 0 || isStopped() { return false }
        }
    }
}

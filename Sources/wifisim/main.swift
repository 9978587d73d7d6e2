import Glibc
import WiFiDriverSim

// A reader of the log that has gone must not end what the log tells of.
signal(SIGPIPE, SIG_IGN)
// Nor may a limit of files' sizes: a write that reaches it fails.
signal(SIGXFSZ, SIG_IGN)
// A parent that ignores it passes that on, and then nobody tells of the command's end.
signal(SIGCHLD, SIG_DFL)
do {
    let status = try CommandLineTool.run(Array(CommandLine.arguments.dropFirst()))
    if let error = Console.failure, status == 0 {
        Console.printError("wifisim: standard output: \(error)")
        exit(EX_IOERR)
    }
    exit(status)
} catch let error as UsageError {
    Console.printError("wifisim: \(error.message)")
    if let hint = error.hint { Console.printError("\(hint)") }
    exit(EX_USAGE)
} catch {
    Console.printError("wifisim: \(error)")
    exit(ExitCode.of(error))
}

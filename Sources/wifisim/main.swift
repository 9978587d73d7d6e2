import Glibc
import WiFiDriverSim

// If the reader of the output or log ends, the program continues.
signal(SIGPIPE, SIG_IGN)
// At a file size limit, the write fails instead.
signal(SIGXFSZ, SIG_IGN)
// A parent that ignores SIGCHLD passes that on; then the end of the command would not be reported.
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

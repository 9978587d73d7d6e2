import Glibc
import WiFiDriverSim

// A reader of the log that has gone must not end what the log tells of.
signal(SIGPIPE, SIG_IGN)
do {
    exit(try CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
} catch let error as UsageError {
    Console.printError("wifisim: \(error.message)")
    if let hint = error.hint { Console.printError("\(hint)") }
    exit(EX_USAGE)
} catch {
    Console.printError("wifisim: \(error)")
    exit(ExitCode.of(error))
}

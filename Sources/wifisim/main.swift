import Glibc
import WiFiDriverSim

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

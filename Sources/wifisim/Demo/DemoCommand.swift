import Glibc
import WiFiDriverSim

extension CommandLineTool {
    static let demoCommand = Subcommand(
        name: "demo", summary: "shows an application, its driver and a module at work",
        help: """
            Usage: wifisim demo [--profile NAME] [--verbose]

            Runs an echo server, a module on a pseudo-terminal, and an application on IoT Socket that uses the server
            through the module: start-up, a name, TCP, UDP and a server of its own. The left column shows the
            application's calls, the right one the bytes on the serial line. Exits with 0 only if every byte came back
            correctly.

            Example:
              wifisim demo --profile esp8266-1.7
            """,
        options: OptionSet(options: [
            SimulatorArguments.options[0],
            Option("--verbose", nil, "shows all bytes, including long data"),
        ])
    ) { parsed in
        var options = SimulatorOptions()
        options.firmware = try SimulatorArguments.simulatorOptions(from: parsed).firmware
        options.world.names["echo.wifisim"] = [.v4(IPv4Address(10, 0, 2, 2))]
        let trace = DemoTrace(isVerbose: parsed.has("--verbose"))
        let echo = try EchoServer()
        trace.title("\(options.firmware.summary), and an echo server on port \(echo.port)")
        let path = try RunningSimulator(options) { trace.line($0, $1) }.lineNames[0]
        setenv("WIFISIM_TTY", path, 1)
        trace.title("the module is on \(path)")
        let application = DemoApplication(trace: trace, echoPort: echo.port)
        let isRight = application.run()
        trace.summary(isRight: isRight, application: application)
        return isRight ? 0 : 1
    }
}

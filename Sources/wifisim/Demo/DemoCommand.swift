import CDriverWiFi
import CIoTSocket
import Dispatch
import Glibc
import SocketStartup
import WiFiDriverSim

extension CommandLineTool {
    static let demoCommand = Subcommand(
        name: "demo", summary: "shows an application's sockets and the AT commands they become",
        help: """
            Usage: wifisim demo [--profile NAME] [--verbose]

            Runs a module on a pseudo-terminal, echo servers on this computer, and an application on the IoT Socket library
            over the terminal: start-up, a name, TCP, UDP, and a server that accepts. On the left is what the application
            called, on the right what went over the wire. The exit status is 0 only if every byte came back right.

            Example:
              wifisim demo --profile esp8266-1.7
            """,
        options: OptionSet(options: [
            SimulatorArguments.options[0],
            Option("--verbose", nil, "shows all bytes"),
        ])
    ) { parsed in
        var options = SimulatorOptions()
        options.firmware = try SimulatorArguments.simulatorOptions(from: parsed).firmware
        // An address of its own, so that the peer below finds the application's server.
        options.hostAddress = IPv4Address(127, 0, 0, 2)
        let modulePath = try startModule(options)
        let tap = try LineTap(modulePath: modulePath)
        setenv("WIFISIM_TTY", tap.path, 1)
        unsetenv("WIFISIM_SSID")
        unsetenv("WIFISIM_PASSWORD")
        Console.print("A module, \(options.firmware.name), is on \(modulePath).".padded(to: 46))
        let demo = Demo(trace: DemoTrace(tap, isVerbose: parsed.has("--verbose")))
        let start = ContinuousClock.now
        do {
            try demo.run()
        } catch let failure as DemoFailure {
            Console.printError("wifisim demo: \(failure.text)")
            return EXIT_FAILURE
        }
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        Console.print(
            "\n\(demo.bytesBack) bytes sent and \(demo.bytesBack) came back right; \(demo.trace.bytesOnTheLine) bytes on the line, "
                + "\(seconds).\(attoseconds / 100_000_000_000_000_000) s")
        return EXIT_SUCCESS
    }

    /// Runs a module on a thread of its own.
    /// - Parameter options: the module's.
    /// - Returns: the path of its tty.
    /// - Throws: what prevents it.
    private static func startModule(_ options: SimulatorOptions) throws -> String {
        final class Start: @unchecked Sendable {
            // Unchecked: written before the semaphore is signalled, read after.
            var path: Result<String, any Error> = .success("")
            let isReady = DispatchSemaphore(value: 0)
        }
        let start = Start()
        DispatchQueue(label: "module").async {
            do {
                let simulator = try Simulator(options, log: Log())
                try simulator.boot()
                start.path = .success(simulator.terminalPaths.first ?? "")
                start.isReady.signal()
                try simulator.run()
            } catch {
                start.path = .failure(error)
                start.isReady.signal()
            }
        }
        start.isReady.wait()
        return try start.path.get()
    }
}

struct DemoFailure: Error {
    let text: String
}

/// The application of the demonstration: plain calls of the IoT Socket interface.
private final class Demo {
    var trace: DemoTrace
    /// Payload that came back as it was sent.
    var bytesBack = 0
    private var host: [UInt8] = [0, 0, 0, 0]

    init(trace: DemoTrace) { self.trace = trace }

    func run() throws {
        trace.section("Start-up: power, then the network")
        try call("socket_startup()") { socket_startup() }

        trace.section("A name")
        var length: UInt32 = 4
        try call("iotSocketGetHostByName(\"gateway.wifisim\")") {
            iotSocketGetHostByName("gateway.wifisim", IOT_SOCKET_AF_INET, &host, &length)
        }

        trace.section("TCP to an echo server on this computer")
        let server = try EchoPeer.stream()
        let stream = try call("iotSocketCreate(AF_INET, SOCK_STREAM)") {
            iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0)
        }
        try call("iotSocketConnect(\(stream), \(text(host)), \(server))") { iotSocketConnect(stream, host, 4, server) }
        try exchange(stream, Array("Hello, module!".utf8))
        // Bytes that only a careless parser takes for replies.
        try exchange(stream, Array("\r\nOK\r\n+IPD,0,5:\0+++".utf8))
        try exchange(stream, (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        try call("iotSocketClose(\(stream))") { iotSocketClose(stream) }

        trace.section("UDP")
        let mirror = try EchoPeer.datagram()
        let datagram = try call("iotSocketCreate(AF_INET, SOCK_DGRAM)") {
            iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_DGRAM, 0)
        }
        let note = Array("a datagram".utf8)
        try call("iotSocketSendTo(\(datagram), …\(note.count) bytes, \(text(host)), \(mirror))") {
            iotSocketSendTo(datagram, note, UInt32(note.count), host, 4, mirror)
        }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = try call("iotSocketRecvFrom(\(datagram), …)") {
            iotSocketRecvFrom(datagram, &buffer, 64, nil, nil, nil)
        }
        try compare(Array(buffer.prefix(Int(count))), note)
        try call("iotSocketClose(\(datagram))") { iotSocketClose(datagram) }

        trace.section("A server that accepts")
        let listener = try call("iotSocketCreate(AF_INET, SOCK_STREAM)") {
            iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0)
        }
        try call("iotSocketBind(\(listener), 0.0.0.0, 8080)") { iotSocketBind(listener, [0, 0, 0, 0], 4, 8080) }
        try call("iotSocketListen(\(listener), 1)") { iotSocketListen(listener, 1) }
        try EchoPeer.connect(to: 8080)
        let accepted = try call("iotSocketAccept(\(listener))") { iotSocketAccept(listener, nil, nil, nil) }
        try exchange(accepted, Array("Who is there?".utf8))
        try call("iotSocketClose(\(accepted))") { iotSocketClose(accepted) }
        try call("iotSocketClose(\(listener))") { iotSocketClose(listener) }
        try call("Driver_WiFi0.Uninitialize()") { Driver_WiFi0.Uninitialize() }
    }

    /// Calls, shows the call, and stops the demonstration if it failed.
    @discardableResult
    private func call(_ text: String, _ body: () -> Int32) throws -> Int32 {
        let result = body()
        trace.call(text, gave: "\(result)")
        if result < 0 { throw DemoFailure(text: "\(text) gave \(result)") }
        return result
    }

    /// Sends bytes to a peer that gives them back.
    private func exchange(_ socket: Int32, _ bytes: [UInt8]) throws {
        try call("iotSocketSend(\(socket), …\(bytes.count) bytes)") {
            iotSocketSend(socket, bytes, UInt32(bytes.count))
        }
        var got: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while got.count < bytes.count {
            let count = try call("iotSocketRecv(\(socket), …)") { iotSocketRecv(socket, &buffer, 4096) }
            got += buffer.prefix(Int(count))
        }
        try compare(got, bytes)
    }

    private func compare(_ got: [UInt8], _ sent: [UInt8]) throws {
        guard got == sent else { throw DemoFailure(text: "what came back is not what was sent") }
        bytesBack += sent.count
    }

    private func text(_ ip: [UInt8]) -> String { ip.map(String.init).joined(separator: ".") }
}

import Glibc
import WiFiDriverSim

/// Modules in one process that stream at the bit rate of their lines, in passthrough from a server: their rate, and the
/// processor time that it takes.
enum PacedModules {
    static func figures(_ firmware: Firmware, count: Int, for duration: Duration) throws -> [Figure] {
        var options = SimulatorOptions()
        options.firmware = firmware
        options.count = count
        options.isPaced = true
        let terminals = try RunningSimulator(options).lineNames.map { try RawTerminal(opening: $0) }
        for line in ["ATE0", "AT+CWMODE=1", "AT+CWJAP=\"wifisim\",\"password\"", "AT+CIPMODE=1"] {
            try all(terminals, end: "OK\r\n") { line }
        }
        try all(terminals, end: "OK\r\n") {
            "AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(try LoopbackServer.source(block: 4096))"
        }
        try all(terminals, end: ">") { "AT+CIPSEND" }
        // What waited while the others began.
        _ = try RawTerminal.drain(terminals, for: .seconds(2))
        let before = processorTime()
        let clock = ContinuousClock()
        let start = clock.now
        let bytes = try RawTerminal.drain(terminals, for: duration)
        let seconds = (clock.now - start) / .seconds(1)
        let used = processorTime() - before
        let configuration = UARTConfiguration()
        let limit = Double(configuration.baud.value) / configuration.bitsPerByte / 1000
        return [
            Figure(
                name: "streaming, each of \(count)", unit: "kB/s",
                value: Double(bytes) / seconds / Double(count) / 1000, limitName: "the bit rate", limit: limit),
            Figure(
                name: "all, CPU a second", unit: "ms", value: used / seconds * 1000, limitName: "a core", limit: 1000),
        ]
    }

    /// Sends a line to all modules, and waits for the end of each answer.
    private static func all(_ terminals: [RawTerminal], end: String, _ line: () throws -> String) throws {
        for terminal in terminals { try terminal.write(Array("\(try line())\r\n".utf8)) }
        for terminal in terminals { try terminal.skip(past: Array(end.utf8)) }
    }

    /// The processor time used so far by all threads but this one, which reads the terminals; in seconds.
    private static func processorTime() -> Double {
        func used(_ clock: Int32) -> Double {
            var time = timespec()
            clock_gettime(clock, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
        }
        return used(CLOCK_PROCESS_CPUTIME_ID) - used(CLOCK_THREAD_CPUTIME_ID)
    }
}

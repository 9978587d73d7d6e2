import Glibc
import WiFiDriverSim

/// Many modules in one process: the memory and time of each, and how much the others slow one that works.
enum ManyModules {
    static func figures(_ firmware: Firmware, count: Int, for duration: Duration) throws -> [Figure] {
        let single = try ModuleClient(firmware)
        try single.join()
        let before = try residentBytes()
        var options = SimulatorOptions()
        options.firmware = firmware
        options.count = count
        let clients = try RunningSimulator(options).lineNames.map { path in
            ModuleClient(on: try RawTerminal(opening: path))
        }
        for client in clients {
            try client.command("ATE0")
            try client.command("AT+CWMODE=1")
        }
        // A join takes a second, so all modules join at the same time.
        let join = "AT+CWJAP=\"wifisim\",\"password\""
        for client in clients { try client.send(line: join) }
        for client in clients { try client.waitForOK() }
        // The clients' read buffers are resident too, but are not part of the modules.
        let perModule = Double(try residentBytes() - before) / Double(count) - Double(RawTerminal.bufferSize)
        let idle = try processorTime(of: duration)
        let trips = try Measure.medians(for: duration) {
            try clients[0].command("AT")
        } limit: {
            try single.command("AT")
        }
        return [
            Figure(
                name: "resident, each of \(count)", unit: "kB", value: perModule / 1000, limitName: "target", limit: 100
            ),
            Figure(name: "all idle, CPU a second", unit: "ms", value: idle, limitName: "target", limit: 1),
            Figure(
                name: "AT round trip", unit: "µs", value: trips.value, limitName: "with one module", limit: trips.limit),
        ]
    }

    private static func residentBytes() throws -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { throw SystemError("open /proc/self/statm") }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { throw BenchError("/proc/self/statm is empty") }
        let status = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self).split(separator: " ")
        guard status.count > 1, let pages = Int(status[1]) else { throw BenchError("/proc/self/statm has no figures") }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The processor time of the idle process, in milliseconds per second.
    private static func processorTime(of duration: Duration) throws -> Double {
        let start = used()
        let end = ContinuousClock.now + duration
        // A signal may end the sleep early.
        while ContinuousClock.now < end { usleep(UInt32((end - ContinuousClock.now) / .microseconds(1))) }
        return (used() - start) / (duration / .seconds(1)) * 1000
    }

    /// The processor time used so far, in seconds.
    private static func used() -> Double {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

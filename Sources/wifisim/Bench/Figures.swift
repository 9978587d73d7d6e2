import WiFiDriverSim

/// The median time from `AT` to `OK`. The limit: a byte that another thread echoes over a raw pseudo-terminal.
func roundTrip(_ firmware: Firmware, for duration: Duration) throws -> Figure {
    let client = try ModuleClient(firmware)
    let echo = try RawTerminal.echoing()
    let measured = try Measure.medians(for: duration) {
        try client.command("AT")
    } limit: {
        try echo.write([0x61])
        _ = try echo.readExactly(1)
    }
    return Figure(
        name: "AT round trip", unit: "µs", value: measured.value, limitName: "raw pty ping-pong", limit: measured.limit)
}

/// The same over TCP, or RFC 2217. The limit: a byte that another thread echoes over a raw TCP connection.
func networkRoundTrip(_ name: String, _ line: LineAddress, _ firmware: Firmware, for duration: Duration) throws
    -> Figure
{
    let client = try ModuleClient(firmware, line: line)
    let echo = try RawTerminal(connectingTo: LoopbackServer.echoing())
    let measured = try Measure.medians(for: duration) {
        try client.command("AT")
    } limit: {
        try echo.write([0x61])
        _ = try echo.readExactly(1)
    }
    return Figure(
        name: "AT round trip, \(name)", unit: "µs", value: measured.value, limitName: "raw TCP ping-pong",
        limit: measured.limit)
}

/// CIPSEND in the longest blocks to a TCP sink. The limit: the same exchange with a peer that only answers.
func upload(_ firmware: Firmware, for duration: Duration) throws -> Figure {
    let block = firmware.longestSendBlock
    let client = try ModuleClient(firmware)
    let port = try LoopbackServer.sink()
    try client.join()
    try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(port)")
    let bare = ModuleClient(on: try RawTerminal.answeringSends(ofLength: block))
    let measured = try Measure.rates(for: duration) {
        try client.send(blockOf: block)
        return block
    } limit: {
        try bare.send(blockOf: block)
        return block
    }
    return Figure(
        name: "upload, blocks of \(block)", unit: "MB/s", value: measured.value, limitName: "bare CIPSEND exchange",
        limit: measured.limit)
}

/// `+IPD` from a TCP source. The limit: a raw pseudo-terminal that is written in blocks of 4 KiB.
func download(_ firmware: Firmware, for duration: Duration) throws -> Figure {
    let client = try ModuleClient(firmware)
    let port = try LoopbackServer.source()
    try client.join()
    try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(port)")
    let raw = try RawTerminal.flooding()
    let measured = try Measure.rates(for: duration) {
        try client.receivePush()
    } limit: {
        try raw.readSome()
    }
    return Figure(
        name: "download, +IPD", unit: "MB/s", value: measured.value, limitName: "raw pty, 4 KiB writes",
        limit: measured.limit)
}

enum Measure {
    /// Measures a value and its limit in turns, so that other load and the placement of threads affect both. Each
    /// result is the median of its turns.
    private static func inTurns(_ value: () throws -> Double, _ limit: () throws -> Double) throws -> (
        value: Double, limit: Double
    ) {
        var values: [Double] = []
        var limits: [Double] = []
        for _ in 0..<turns {
            values.append(try value())
            limits.append(try limit())
        }
        return (values.sorted()[turns / 2], limits.sorted()[turns / 2])
    }

    private static let turns = 11

    /// The median times of two bodies in microseconds, each measured for `duration` in total.
    static func medians(
        for duration: Duration, _ value: () throws -> Void, limit: () throws -> Void
    ) throws -> (value: Double, limit: Double) {
        try inTurns({ try median(for: duration / turns, value) }, { try median(for: duration / turns, limit) })
    }

    /// The rates at which two bodies move bytes, in MB/s, each measured for `duration` in total.
    static func rates(
        for duration: Duration, _ value: () throws -> Int, limit: () throws -> Int
    ) throws -> (value: Double, limit: Double) {
        try inTurns({ try rate(for: duration / turns, value) }, { try rate(for: duration / turns, limit) })
    }

    /// How often two bodies run per second.
    static func counts(
        for duration: Duration, _ value: () throws -> Void, limit: () throws -> Void
    ) throws -> (value: Double, limit: Double) {
        func counting(_ body: () throws -> Void) throws -> Int {
            try body()
            return 1_000_000
        }
        return try rates(for: duration, { try counting(value) }, limit: { try counting(limit) })
    }

    private static func median(for duration: Duration, _ body: () throws -> Void) throws -> Double {
        let clock = ContinuousClock()
        for _ in 0..<100 { try body() }
        let end = clock.now + duration
        var times: [Duration] = []
        repeat { times.append(try clock.measure(body)) } while clock.now < end
        times.sort()
        return times[times.count / 2] / .microseconds(1)
    }

    private static func rate(for duration: Duration, _ body: () throws -> Int) throws -> Double {
        let clock = ContinuousClock()
        for _ in 0..<10 { _ = try body() }
        let start = clock.now
        var bytes = 0
        while clock.now - start < duration { bytes += try body() }
        return Double(bytes) / ((clock.now - start) / .seconds(1)) / 1_000_000
    }
}

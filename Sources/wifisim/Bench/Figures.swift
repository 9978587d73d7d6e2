import WiFiDriverSim

/// `AT` to `OK`, median, beside a byte that another thread sends back over a raw pseudo-terminal.
func roundTrip(_ firmware: Firmware, for duration: Duration) throws -> Figure {
    let client = try ModuleClient(firmware)
    let value = try Measure.median(for: duration) { try client.command("AT") }
    let echo = try RawTerminal.echoing()
    let limit = try Measure.median(for: duration) {
        try echo.write([0x61])
        _ = try echo.readExactly(1)
    }
    return Figure(name: "AT round trip", unit: "µs", value: value, limitName: "raw pty ping-pong", limit: limit)
}

/// CIPSEND in the longest blocks to a TCP sink, beside the same exchange with a peer that only answers.
func upload(_ firmware: Firmware, for duration: Duration) throws -> Figure {
    let block = firmware.longestSendBlock
    let client = try ModuleClient(firmware)
    let port = try LoopbackServer.sink()
    try client.join()
    try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(port)")
    let value = try Measure.rate(for: duration) {
        try client.send(blockOf: block)
        return block
    }
    let bare = ModuleClient(on: try RawTerminal.answeringSends(ofLength: block))
    let limit = try Measure.rate(for: duration) {
        try bare.send(blockOf: block)
        return block
    }
    return Figure(
        name: "upload, blocks of \(block)", unit: "MB/s", value: value, limitName: "bare CIPSEND exchange", limit: limit
    )
}

/// `+IPD` from a TCP source, beside a raw pseudo-terminal written in blocks of 4 KiB.
func download(_ firmware: Firmware, for duration: Duration) throws -> Figure {
    let client = try ModuleClient(firmware)
    let port = try LoopbackServer.source()
    try client.join()
    try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(port)")
    let value = try Measure.rate(for: duration) { try client.receivePush() }
    let raw = try RawTerminal.flooding()
    let limit = try Measure.rate(for: duration) { try raw.readSome() }
    return Figure(name: "download, +IPD", unit: "MB/s", value: value, limitName: "raw pty, 4 KiB writes", limit: limit)
}

enum Measure {
    /// The median time of `body` in microseconds.
    static func median(for duration: Duration, _ body: () throws -> Void) throws -> Double {
        let clock = ContinuousClock()
        for _ in 0..<100 { try body() }
        let end = clock.now + duration
        var times: [Duration] = []
        while clock.now < end { times.append(try clock.measure(body)) }
        times.sort()
        return times[times.count / 2] / .microseconds(1)
    }

    /// The bytes that `body` moves, in MB/s.
    static func rate(for duration: Duration, _ body: () throws -> Int) throws -> Double {
        let clock = ContinuousClock()
        for _ in 0..<10 { _ = try body() }
        let start = clock.now
        var bytes = 0
        while clock.now - start < duration { bytes += try body() }
        return Double(bytes) / ((clock.now - start) / .seconds(1)) / 1_000_000
    }

    /// How often `body` runs in a second.
    static func count(for duration: Duration, _ body: () throws -> Void) throws -> Double {
        try rate(for: duration) {
            try body()
            return 1_000_000
        }
    }
}

import WiFiDriverSim

/// The fastest possible client of a module: blocking reads of a raw tty, or of a connection.
final class ModuleClient {
    private let terminal: RawTerminal
    private var block: [UInt8] = []

    /// Starts a module and opens its line. Over RFC 2217 it asks for no settings: a module without settings answers
    /// nevertheless.
    convenience init(_ firmware: Firmware, line: LineAddress = .pty) throws {
        let name = try Self.startModule(firmware, line: line)
        let terminal: RawTerminal =
            switch try DeviceAddress(name) {
            case .tcp(_, let port), .rfc2217(_, let port): try RawTerminal(connectingTo: port)
            case .tty, .unix: try RawTerminal(opening: name)
            }
        self.init(on: terminal)
        try command("ATE0")
    }

    /// Starts a module with standard options except for its firmware, and without latency.
    /// - Parameters:
    ///   - firmware: the module's firmware.
    ///   - line: where its line is.
    /// - Returns: the name of its line.
    /// - Throws: the errors of `Simulator`.
    static func startModule(_ firmware: Firmware, line: LineAddress = .pty) throws -> String {
        var options = SimulatorOptions()
        options.firmware = firmware
        options.line = line
        // The program is measured, not the distance that it simulates.
        options.world = options.world.withoutLatency
        return try RunningSimulator(options).lineNames[0]
    }

    init(on terminal: RawTerminal) { self.terminal = terminal }

    func command(_ line: String) throws {
        try send(line: line)
        try waitForOK()
    }

    func send(line: String) throws { try terminal.write(Array("\(line)\r\n".utf8)) }

    func waitForOK() throws { try waitFor("OK\r\n") }

    func join() throws {
        try command("AT+CWMODE=1")
        try command("AT+CWJAP=\"wifisim\",\"password\"")
    }

    func send(blockOf length: Int) throws {
        if block.count != length { block = (0..<length).map { UInt8(truncatingIfNeeded: $0) } }
        try terminal.write(Array("AT+CIPSEND=\(length)\r\n".utf8))
        try waitFor(">")
        try terminal.write(block)
        try waitFor("SEND OK\r\n")
    }

    /// Receives one `+IPD,<length>:` and its bytes.
    func receivePush() throws -> Int {
        var header = try terminal.readExactly("\r\n+IPD,".utf8.count)
        var length = 0
        while let digit = try terminal.readExactly(1).first, digit != UInt8(ascii: ":") {
            header.append(digit)
            length = length * 10 + Int(digit &- UInt8(ascii: "0"))
        }
        guard header.starts(with: "\r\n+IPD,".utf8) else { throw BenchError("not a +IPD: \(header)") }
        try terminal.skip(length)
        return length
    }

    private func waitFor(_ end: String) throws { try terminal.skip(past: Array(end.utf8)) }
}

/// A failed measurement.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

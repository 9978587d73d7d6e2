import Foundation
import WiFiDriverSim
import WiFiSimHost
import WiFiSimValues

/// The host of a module on any line. It waits for the expected output for at most 20 s.
final class LineHost {
    private var port: DevicePort?
    private var received: [UInt8] = []
    private static let patience = Duration.seconds(20)

    init(_ name: String) throws { port = try DevicePort(DeviceAddress(name), speed: 115_200) }

    /// Ends as a killed process does: the system closes the line, whatever is on its way.
    func kill() { port = nil }

    private func opened() throws -> DevicePort {
        guard let port else { throw ProgramError("the line is closed") }
        return port
    }

    func write(_ text: String) throws { try opened().write(Array(text.utf8)) }
    func write(_ bytes: [UInt8]) throws { try opened().write(bytes) }
    func setSpeed(_ speed: Int) throws { try opened().setSpeed(speed) }

    /// Reads until `end`, and returns everything up to it.
    @discardableResult
    func read(until end: String) throws -> String {
        let end = Array(end.utf8)
        let limit = ContinuousClock.now + Self.patience
        var searched = 0
        while true {
            if let index = received[searched...].indices.first(where: { received[$0...].starts(with: end) }) {
                defer { received.removeFirst(index + end.count) }
                return String(decoding: received[..<(index + end.count)], as: UTF8.self)
            }
            searched = max(0, received.count - end.count + 1)
            let port = try opened()
            guard try port.waitForInput(limit - .now) else {
                throw ProgramError("\(String(decoding: end, as: UTF8.self)) never came: \(received.suffix(200))")
            }
            received += try port.read()
        }
    }

    func read(_ count: Int) throws -> [UInt8] {
        while received.count < count {
            guard try opened().waitForInput(Self.patience) else { throw ProgramError("\(count) bytes never came") }
            received += try opened().read()
        }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    /// The bytes that come within `time`.
    func read(for time: Duration) throws -> [UInt8] {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end, try opened().waitForInput(end - .now) { received += try opened().read() }
        defer { received = [] }
        return received
    }

    /// Sends a line and waits for OK.
    @discardableResult
    func command(_ line: String) throws -> String {
        try write("\(line)\r\n")
        return try read(until: "OK\r\n")
    }

    func join() throws {
        try command("ATE0")
        try command("AT+CWMODE=1")
        try command("AT+CWJAP=\"wifisim\",\"password\"")
    }

    /// True if the other end of the line closes it within the time.
    func isClosedSoon() -> Bool {
        do {
            while try opened().waitForInput(Self.patience) { _ = try opened().read() }
            return false
        } catch { return true }
    }
}

extension Program {
    /// `wifisim run` with the line's name.
    static func running(_ options: String...) throws -> (program: Program, line: String) {
        let program = try Program(["run"] + options)
        guard let line = program.readLine() else { throw ProgramError("no line: \(program.finish().errors)") }
        return (program, line)
    }

    /// Waits until it takes less than a tenth of a processor, at most 20 s.
    func waitUntilItRests() throws {
        func used() throws -> Double {
            let text = try String(contentsOfFile: "/proc/\(processIdentifier)/stat", encoding: .utf8)
            let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
            return fields.dropFirst(11).prefix(2).compactMap { Double($0) }.reduce(0, +) / 100
        }
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            let before = try used()
            usleep(500_000)
            if try used() - before < 0.05 { return }
        }
        throw ProgramError("the program does not rest")
    }

    /// In bytes: its memory.
    func memory() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(processIdentifier)/statm", encoding: .utf8)
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
    }
}

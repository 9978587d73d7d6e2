import CPosix
import Dispatch
import Glibc
import Testing
@testable import WiFiDriverSim
@testable import WiFiSimDriverCore
@testable import WiFiSimHost
@testable import WiFiSimValues

/// A module that a test scripts, at the other end of a socket pair.
///
/// Without instructions it answers every command as an idle module does: OK, with the reports and information lines
/// that the driver waits for. It runs on its own thread until the driver closes the line, or until `hangUp`.
final class ScriptedModule: Sendable {
    /// The answer to a command. Nil leaves it unanswered.
    typealias Answer = @Sendable (_ command: String, _ module: ScriptedModule) -> String?

    private struct State {
        var answers: [(prefix: String, answer: Answer)] = []
        var commands: [String] = []
        var sent: [UInt8] = []
        /// The number of bytes that the line loses of the next CIPSEND.
        var losses = 0
    }

    private let state = Locked(State())
    private let descriptor: Int32
    let driverEnd: Int32
    private let commandCount = DispatchSemaphore(value: 0)
    private let version: String
    /// Whether the firmware supports passive receive.
    private let isPassive: Bool
    private let prompt: String

    enum Firmware { case generation1, current, pushOnly }

    init(_ firmware: Firmware = .current) throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        descriptor = ends[0]
        driverEnd = ends[1]
        version =
            firmware == .current
            ? "AT version:4.1.0.0(test - ESP32C3)\r\nBin version:v4.1.0.0(MINI-1)\r\n" : "AT version:1.7.4.0(test)\r\n"
        isPassive = firmware != .pushOnly
        prompt = firmware == .current ? "\r\nOK\r\n\r\n>" : "\r\nOK\r\n> "
        try Thread { [self] in serve() }.start()
    }

    deinit { close(descriptor) }

    /// From now on, answers commands that start with `prefix` in this way. The latest instruction applies.
    func on(_ prefix: String, _ answer: @escaping Answer) {
        state.withLock { $0.answers.insert((prefix, answer), at: 0) }
    }

    /// Sends text without a command.
    func say(_ text: String) { say(Array(text.utf8)) }

    /// False after the line has been closed.
    @discardableResult
    func say(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Makes the line lose this many bytes of the next CIPSEND.
    func loseBytes(_ count: Int) { state.withLock { $0.losses = count } }

    func hangUp() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// All commands so far.
    var commands: [String] { state.withLock { $0.commands } }
    /// All bytes sent with CIPSEND.
    var sentBytes: [UInt8] { state.withLock { $0.sent } }

    /// Waits for a command that starts with `prefix`. Returns false if the module ends first.
    func waitForCommand(_ prefix: String) -> Bool {
        while true {
            if commands.contains(where: { $0.hasPrefix(prefix) }) { return true }
            if commandCount.wait(timeout: .now() + .seconds(20)) == .timedOut { return false }
        }
    }

    private func serve() {
        var input: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        func fill() -> Bool {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return false }
            input += buffer.prefix(count)
            return true
        }
        while true {
            guard let end = input.firstIndex(of: UInt8(ascii: "\n")) else {
                if fill() { continue }
                return
            }
            let line = String(decoding: input[..<end].filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
            input.removeSubrange(...end)
            if line.isEmpty { continue }
            let answer = state.withLock { state in
                state.commands.append(line)
                return state.answers.first { line.hasPrefix($0.prefix) }?.answer
            }
            commandCount.signal()
            let reply = answer.map { $0(line, self) } ?? standardAnswer(line)
            guard let reply else { continue }
            say(reply)
            // Bytes follow the prompt.
            guard line.hasPrefix("AT+CIPSEND="), reply.hasSuffix(">") || reply.hasSuffix("> ") else { continue }
            let fields = line.dropFirst("AT+CIPSEND=".count).split(separator: ",")
            guard fields.count > 1, let length = Int(fields[1]) else { continue }
            let losses = state.withLock { state in
                defer { state.losses = 0 }
                return state.losses
            }
            while input.count < length + losses { if !fill() { return } }
            input.removeFirst(losses)
            state.withLock { $0.sent += input.prefix(length) }
            input.removeFirst(length)
            let delivery = state.withLock { $0.answers.first { $0.prefix == "<delivery>" }?.answer }
            if let text = delivery.map({ $0(line, self) }) ?? "Recv \(length) bytes\r\n\r\nSEND OK\r\n" { say(text) }
        }
    }

    /// The answer of an idle module.
    func standardAnswer(_ line: String) -> String {
        let ok = "\r\nOK\r\n"
        func field(_ prefix: String) -> Substring { line.dropFirst(prefix.count).prefix { $0 != "," } }
        switch line {
        case "AT+RST": return ok + "\r\nready\r\n"
        case "AT+GMR": return version + ok
        case "AT+CIPMUX?": return "+CIPMUX:1\r\n" + ok
        case "AT+CIPSTA?", "AT+CIPSTA_CUR?":
            let name = line.dropFirst(3).dropLast()
            return
                "+\(name):ip:\"10.0.2.15\"\r\n+\(name):gateway:\"10.0.2.2\"\r\n+\(name):netmask:\"255.255.255.0\"\r\n"
                + ok
        case _ where line.hasPrefix("AT+CWJAP"): return "WIFI CONNECTED\r\nWIFI GOT IP\r\n" + ok
        case _ where line.hasPrefix("AT+CIPSTART="): return "\(field("AT+CIPSTART=")),CONNECT\r\n" + ok
        case _ where line.hasPrefix("AT+CIPCLOSE="): return "\(field("AT+CIPCLOSE=")),CLOSED\r\n" + ok
        case _ where line.hasPrefix("AT+CIPSEND="): return prompt
        case _ where line.hasPrefix("AT+CIPRECVDATA="): return "\r\nERROR\r\n"
        case _ where line.hasPrefix("AT+CIPRECVMODE=") || line.hasPrefix("AT+CIPRECVTYPE=5"):
            return isPassive ? ok : "\r\nERROR\r\n"
        default: return ok
        }
    }
}

/// A driver with a scripted module, switched on and joined.
func makeDriver(
    _ module: ScriptedModule, connectTimeout: Duration = .seconds(18), replyTimeout: Duration = .seconds(5),
    busyTimeout: Duration = .seconds(60)
) throws -> WiFiDriver {
    let end = module.driverEnd
    let driver = WiFiDriver(
        connectTimeout: connectTimeout, replyTimeout: replyTimeout, busyTimeout: busyTimeout
    ) { try SerialPort(adopting: end) }
    try driver.initialize(nil)
    try driver.powerControl(.full)
    try driver.activate(
        interface: 0,
        NetworkConfiguration(
            ssid: Array("wifisim".utf8), password: Array("password".utf8), security: .wpa2, channel: 0, wps: .none))
    return driver
}

func endpoint(_ ip: String, _ port: UInt16) throws -> Endpoint { Endpoint(try #require(IPAddress(ip)), port) }

extension WiFiDriver {
    /// A connected stream socket.
    func connectedSocket() throws -> Int32 {
        let number = Int32(try createSocket(family: .v4, isStream: true))
        try connect(number, to: try endpoint("10.0.2.2", 7))
        return number
    }

    func receive(_ number: Int32, _ room: Int = 65536) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: room)
        let count = try buffer.withUnsafeMutableBytes { try receive(number, into: $0).count }
        return Array(buffer.prefix(count))
    }

    func send(_ number: Int32, _ bytes: [UInt8], to destination: Endpoint? = nil) throws -> Int {
        try bytes.withUnsafeBytes { try send(number, $0, to: destination) }
    }
}

/// Whether a condition becomes true that the driver's own thread may still have to establish.
func comesTrue(_ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + .seconds(20)
    while !condition() {
        if ContinuousClock.now > deadline { return false }
        sched_yield()
    }
    return true
}

/// A value with a lock that the thread sanitizer understands, unlike `Mutex`.
final class Locked<Value>: @unchecked Sendable {
    // Unchecked: the value is used only with the lock held.
    private let lock = DriverLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}

struct NeverEnds: Error {}

/// Runs a function on its own thread and returns its result.
final class Background<Value: Sendable>: Sendable {
    private let result = Locked<Result<Value, any Error>?>(nil)
    private let end = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () throws -> Value) throws {
        try Thread { [self] in
            let outcome = Result { try body() }
            result.withLock { $0 = outcome }
            end.signal()
        }.start()
    }

    /// Waits for the end. A test that blocks without limit fails and does not hang.
    func value() throws -> Value {
        guard end.wait(timeout: .now() + .seconds(30)) == .success, let result = result.withLock({ $0 }) else {
            throw NeverEnds()
        }
        return try result.get()
    }

    var failure: SocketFailure? {
        do {
            _ = try value()
            return nil
        } catch {
            return error as? SocketFailure
        }
    }
}

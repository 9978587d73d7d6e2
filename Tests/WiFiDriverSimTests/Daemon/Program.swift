import CPosix
import Foundation
@testable import WiFiSimHost

/// The program as a user runs it, started by a test.
final class Program {
    private let process = Process()
    private let output = Pipe()
    private let errors = Pipe()

    /// The executable that was built with the tests.
    static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "wifisim").path(percentEncoded: false)

    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        process.executableURL = URL(filePath: Self.path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var processIdentifier: Int32 { process.processIdentifier }

    /// A line of standard output. `nil` at its end.
    func readLine() -> String? {
        var line: [UInt8] = []
        while let byte = try? output.fileHandleForReading.read(upToCount: 1)?.first {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Ends it if it still runs.
    func end() { if process.isRunning { send(SIGTERM) } }

    /// Waits until the program itself has opened this tty, as it does while there is no client.
    func waitUntilItHolds(_ path: String) throws {
        let folder = "/proc/\(processIdentifier)/fd"
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            for descriptor in try FileManager.default.contentsOfDirectory(atPath: folder)
            where (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(descriptor)")) == path {
                return
            }
            sched_yield()
        }
        throw ProgramError("the program does not notice that its client has gone")
    }

    /// Waits for its end.
    func finish() -> (status: Int32, output: String, errors: String) {
        let output = output.fileHandleForReading.readDataToEndOfFile()
        let errors = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        return (status, String(decoding: output, as: UTF8.self), String(decoding: errors, as: UTF8.self))
    }

    static func run(_ arguments: String...) throws -> (status: Int32, output: String, errors: String) {
        try run(arguments)
    }

    static func run(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
        try Program(arguments).finish()
    }

    /// `wifisim run` with one module, and a client of its tty.
    static func module(_ options: String...) throws -> (program: Program, client: SerialClient) {
        let program = try Program(["run"] + options)
        guard let path = program.readLine() else { throw ProgramError("no tty: \(program.finish().errors)") }
        return (program, try SerialClient(path, of: program))
    }
}

struct ProgramError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A client of a tty. It waits for the expected output for at most 20 s.
final class SerialClient {
    let path: String
    private let descriptor: Int32
    /// Runs as long as its client exists.
    private let program: Program?
    private var received: [UInt8] = []
    private static let patience: Int32 = 20_000

    init(_ path: String, of program: Program? = nil) throws {
        self.path = path
        self.program = program
        descriptor = cposix_open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0, cposix_tty_set_raw(descriptor, 115_200) == 0 else { throw SystemError("open \(path)") }
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else { try wait(for: POLLOUT) }
        }
    }

    /// Reads until `end`, and returns everything up to it.
    @discardableResult
    func read(until end: String) throws -> [UInt8] {
        let end = Array(end.utf8)
        var searched = 0
        while true {
            if let index = received[searched...].indices.first(where: { received[$0...].starts(with: end) }) {
                defer { received.removeFirst(index + end.count) }
                return Array(received[..<(index + end.count)])
            }
            searched = max(0, received.count - end.count + 1)
            try fill()
        }
    }

    func read(_ count: Int) throws -> [UInt8] {
        while received.count < count { try fill() }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    /// Changes the bit rate of the tty.
    func setSpeed(_ speed: Int32) throws {
        guard cposix_tty_set_raw(descriptor, speed) == 0 else { throw SystemError("set \(path)") }
    }

    /// Changes the bit rate of the tty, and whether it heeds RTS.
    func setSpeed(_ speed: Int32, hasFlowControl: Bool) throws {
        var settings = cposix_tty_settings(
            speed: speed, data_bits: 8, parity: CChar(UInt8(ascii: "N")), has_long_stop: 0,
            has_flow_control: hasFlowControl ? 1 : 0)
        guard cposix_tty_set_settings(descriptor, &settings) == 0 else { throw SystemError("set \(path)") }
    }

    /// Sends a line and waits for OK.
    @discardableResult
    func command(_ line: String) throws -> String {
        try write(Array((line + "\r\n").utf8))
        return String(decoding: try read(until: "OK\r\n"), as: UTF8.self)
    }

    func join() throws {
        try command("ATE0")
        try command("AT+CWMODE=1")
        try command("AT+CWJAP=\"wifisim\",\"password\"")
    }

    /// Reads one `+IPD,…:` and its bytes.
    func receivePush() throws -> [UInt8] {
        try read(until: "+IPD,")
        let header = String(decoding: try read(until: ":").dropLast(), as: UTF8.self)
        guard let length = header.split(separator: ",").last.flatMap({ Int($0) }) else {
            throw ProgramError("+IPD,\(header)")
        }
        return try read(length)
    }

    private func fill() throws {
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count > 0 { received += buffer[..<count] } else { try wait(for: POLLIN) }
    }

    private func wait(for event: Int32) throws {
        var poller = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        guard poll(&poller, 1, Self.patience) > 0, poller.revents & Int16(event) != 0 else {
            throw ProgramError(
                "nothing for 20 s, or the tty is gone; before that: \(String(decoding: received.suffix(200), as: UTF8.self))"
            )
        }
    }
}

/// A peer on this computer: a blocking TCP socket.
final class Peer: Sendable {
    let descriptor: Int32

    init(owning descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// Connects to 127.0.0.x.
    init(connectingTo port: UInt16, host: UInt32 = 0x7F00_0001) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = host.bigEndian
        address.sin_port = port.bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw SystemError("connect") }
    }

    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Closes the sending direction. It can still receive.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func receive(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count < count {
            let part = recv(descriptor, &buffer, min(buffer.count, count - bytes.count), 0)
            guard part > 0 else { break }
            bytes += buffer[..<part]
        }
        return bytes
    }
}

/// A TCP listener on a free port of 127.0.0.1.
final class Listener {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw SystemError("listen") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    func accept() throws -> Peer {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, 20_000) > 0 else { throw ProgramError("nobody connects") }
        return Peer(owning: Glibc.accept(descriptor, nil, nil))
    }
}

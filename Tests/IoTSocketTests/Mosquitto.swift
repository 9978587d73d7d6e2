import Foundation
import Glibc

/// Debian's MQTT server on a free port of 127.0.0.1, for the lifetime of this object.
final class Mosquitto {
    let port: UInt16
    private let process: Process
    private let folder: URL

    /// The path of the program. Nil if it is not installed.
    static let path: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin"]
        return folders.map { "\($0)/mosquitto" }.first { access($0, X_OK) == 0 }
    }()

    /// - Throws: `StartError` if the server does not start.
    init() throws {
        guard let path = Self.path else { throw StartError(description: "mosquitto is not installed") }
        folder = FileManager.default.temporaryDirectory.appending(path: "mosquitto-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var complaints = ""
        // Another program may take the port between its choice and its use.
        for _ in 0..<5 {
            let port = try Self.freePort()
            let process = try Self.start(path, port: port, folder: folder)
            complaints = process.output
            guard process.isRunning else { continue }
            self.port = port
            self.process = process.process
            return
        }
        try? FileManager.default.removeItem(at: folder)
        throw StartError(description: "mosquitto does not start: \(complaints)")
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    struct StartError: Error, CustomStringConvertible { let description: String }

    /// Starts the server. Returns when it listens or has ended.
    private static func start(_ path: String, port: UInt16, folder: URL) throws -> (
        process: Process, isRunning: Bool, output: String
    ) {
        let configuration = folder.appending(path: "mosquitto.conf")
        // With an unlimited queue, nothing is dropped, even at QoS 0.
        try """
        listener \(port) 127.0.0.1
        allow_anonymous true
        max_queued_messages 0
        persistence false
        log_dest stderr
        log_type error
        log_type warning
        log_type information

        """.write(to: configuration, atomically: true, encoding: .utf8)
        let errors = Pipe()
        // It also ends if the tests crash.
        let process = Process(
            command: ["/usr/bin/timeout", "300", path, "-c", configuration.path(percentEncoded: false)])
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        var output = ""
        while true {
            let data = errors.fileHandleForReading.availableData
            output += String(decoding: data, as: UTF8.self)
            if data.isEmpty {
                process.waitUntilExit()
                return (process, false, output)
            }
            // "mosquitto version 2.0.11 running" means that it listens.
            if output.contains("running") { return (process, true, output) }
        }
    }

    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) | getsockname(descriptor, $0, &length)
            }
        }
        guard code == 0 else { throw StartError(description: "there is no free port") }
        return UInt16(bigEndian: address.sin_port)
    }
}

extension Process {
    /// A process that can be interrupted. A test's thread may have signals blocked, which its children would inherit.
    convenience init(command: [String]) {
        self.init()
        executableURL = URL(filePath: "/usr/bin/env")
        arguments = ["--default-signal"] + command
    }
}

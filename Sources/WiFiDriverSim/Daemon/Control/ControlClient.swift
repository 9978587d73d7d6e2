import WiFiSimHost
import WiFiSimModule

/// Talks to the control socket of a running simulator.
public struct ControlClient {
    /// The socket's path.
    public let path: String

    public init(path: String) { self.path = path }

    /// Where simulators that name no path have their sockets: a folder of the user's own.
    public static var folder: String {
        if let runtime = Environment["XDG_RUNTIME_DIR"], !runtime.isEmpty { return "\(runtime)/wifisim" }
        return "/tmp/wifisim-\(Environment.userID)"
    }

    /// The path of this process's socket, in a folder that only the user may enter, made if need be.
    /// - Throws: `ControlSocketError` if there is something else there.
    public static func ownPath() throws -> String {
        let folder = Self.folder
        do throws(SystemError) {
            try Folder.makePrivate(folder)
            // Those that were killed have left theirs behind.
            for name in try Folder.names(in: folder) {
                guard let owner = name.hasSuffix(".sock") ? Int32(name.dropLast(5)) : nil else { continue }
                if !Environment.isRunning(owner) { Files.remove("\(folder)/\(name)") }
            }
        } catch {
            throw ControlSocketError(description: "\(error); name a socket with --control PATH")
        }
        return "\(folder)/\(Environment.processID).sock"
    }

    /// The sockets in that folder at which a simulator listens.
    public static func running() -> [String] {
        let names = (try? Folder.names(in: folder)) ?? []
        return names.filter { $0.hasSuffix(".sock") }.map { "\(folder)/\($0)" }.filter(UnixSocket.isAlive)
    }

    /// Has a command carried out.
    /// - Parameter words: the command (docs/Control.md).
    /// - Returns: the answer, a JSON object on one line.
    /// - Throws: `ControlSyntaxError` for what is no command, `ControlRefusal` for what the simulator cannot do,
    ///   `ControlSocketError` where there is none.
    public func send(_ words: [String]) throws -> String {
        do throws(WordError) {
            _ = try ControlCommand(Words(words))
        } catch {
            let word = words.indices.contains(error.position) ? "\"\(words[error.position])\": " : ""
            throw ControlSyntaxError(description: word + error.reason)
        }
        let socket: UnixSocket
        do throws(SystemError) {
            socket = try UnixSocket.connecting(to: path)
        } catch {
            throw ControlSocketError(description: "no simulator listens there: \(error)")
        }
        let request = ControlMessage.line(ControlMessage.Request(do: words.map(\.asWord).joined(separator: " ")))
        var rest = request[...]
        while !rest.isEmpty {
            guard case .done(let count) = try rest.withUnsafeBytes({ try socket.send($0) }) else { break }
            rest = rest.dropFirst(count)
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while answer.last != UInt8(ascii: "\n") {
            let transfer = try buffer.withUnsafeMutableBytes { try socket.descriptor.read(into: $0) }
            guard case .done(let count) = transfer else {
                throw ControlSocketError(description: "\(path): the simulator ended before it answered")
            }
            answer += buffer[..<count]
            guard answer.count <= Self.longestAnswer else {
                throw ControlSocketError(description: "\(path): the answer is too long for a simulator's")
            }
        }
        guard ControlMessage.isAnswer(answer) else {
            throw ControlSocketError(description: "\(path): what answers there is no simulator")
        }
        let text = String(decoding: answer.dropLast(), as: UTF8.self)
        if let reason = ControlMessage.refusal(in: answer) {
            if ControlMessage.isBusy(answer) { throw ControlBusyError(description: reason) }
            throw ControlRefusal(description: reason)
        }
        return text
    }

    /// In bytes. The state of a thousand modules is far from it.
    private static let longestAnswer = 1 << 26
}

/// Words that are no command.
public struct ControlSyntaxError: Error, CustomStringConvertible {
    public let description: String
}

/// A command that the simulator cannot carry out.
public struct ControlRefusal: Error, CustomStringConvertible {
    public let description: String
}

/// The simulator has too many clients for now.
public struct ControlBusyError: Error, CustomStringConvertible {
    public let description: String
}

/// A control socket that cannot be used.
public struct ControlSocketError: Error, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
}

extension String {
    /// In quotes where the word needs some.
    fileprivate var asWord: String {
        guard isEmpty || contains(where: { $0 == " " || $0 == "\"" || $0 == "\\" }) else { return self }
        return "\"" + replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

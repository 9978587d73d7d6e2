import WiFiSimHost
import WiFiSimModule

/// A client of the control socket of a running simulator (docs/Control.md).
package struct ControlClient {
    /// The socket's path.
    package let path: String

    /// Makes a client of the socket at `path`. Connects only in `send`.
    package init(path: String) { self.path = path }

    /// The folder of the sockets of simulators that name no path; it belongs to the user.
    package static var folder: String {
        if let runtime = Environment["XDG_RUNTIME_DIR"], !runtime.isEmpty { return "\(runtime)/wifisim" }
        return "/tmp/wifisim-\(Environment.userID)"
    }

    /// The default path of this process's socket. Creates its folder, accessible only to the user, if it does not
    /// exist, and removes the sockets of simulators that no longer run.
    /// - Throws: `ControlSocketError` if the folder cannot be created or used.
    package static func ownPath() throws -> String {
        let folder = Self.folder
        do throws(SystemError) {
            try Folder.makePrivate(folder)
            // A simulator that was killed leaves its socket behind.
            for name in try Folder.names(in: folder) {
                guard let owner = name.hasSuffix(".sock") ? Int32(name.dropLast(5)) : nil else { continue }
                if !Environment.isRunning(owner) { Files.remove("\(folder)/\(name)") }
            }
        } catch {
            throw ControlSocketError(description: "\(error); name a socket with --control PATH")
        }
        return "\(folder)/\(Environment.processID).sock"
    }

    /// The paths of the sockets in `folder` on which a simulator listens.
    package static func running() -> [String] {
        let names = (try? Folder.names(in: folder)) ?? []
        return names.filter { $0.hasSuffix(".sock") }.map { "\(folder)/\($0)" }.filter(UnixSocket.isAlive)
    }

    /// Sends a command to the simulator and waits for the answer.
    /// - Parameter words: the words of the command (docs/Control.md).
    /// - Returns: the answer, a JSON object on one line.
    /// - Throws: `ControlSyntaxError` if the words are not a command, `ControlRefusal` if the simulator cannot carry it
    ///   out, `ControlBusyError` if it has too many clients, `ControlSocketError` if no simulator answers,
    ///   `SystemError` if the transfer fails.
    package func send(_ words: [String]) throws -> String {
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
            guard case .done(let count) = try rest.withUnsafeBytes({ try socket.descriptor.send($0) }) else { break }
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
                throw ControlSocketError(description: "\(path): the answer is too long to be from a simulator")
            }
        }
        guard ControlMessage.isAnswer(answer) else {
            throw ControlSocketError(description: "\(path): the answer is not from a simulator")
        }
        let text = String(decoding: answer.dropLast(), as: UTF8.self)
        if let reason = ControlMessage.refusal(in: answer) {
            if ControlMessage.isBusy(answer) { throw ControlBusyError(description: reason) }
            throw ControlRefusal(description: reason)
        }
        return text
    }

    /// In bytes: far above the state of a thousand modules.
    private static let longestAnswer = 1 << 26
}

/// Words that are not a command.
package struct ControlSyntaxError: Error, CustomStringConvertible {
    /// What is wrong with the words.
    package let description: String
}

/// A command that the simulator cannot carry out.
package struct ControlRefusal: Error, CustomStringConvertible {
    /// The simulator's reason.
    package let description: String
}

/// The simulator has too many clients at the moment.
package struct ControlBusyError: Error, CustomStringConvertible {
    /// The simulator's reason.
    package let description: String
}

/// A control socket that cannot be used.
package struct ControlSocketError: Error, CustomStringConvertible {
    /// What is wrong with the socket.
    package let description: String
    /// Makes the error with this message.
    package init(description: String) { self.description = description }
}

extension String {
    /// The word, in quotes if it needs them.
    fileprivate var asWord: String {
        guard isEmpty || contains(where: { $0 == " " || $0 == "\"" || $0 == "\\" }) else { return self }
        return "\"" + replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

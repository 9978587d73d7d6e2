/// Serves the control socket: takes requests line by line, and answers each in turn.
///
/// Belongs to the event loop's thread.
final class ControlServer {
    let path: String
    private let listener: UnixSocket
    private let loop: EventLoop
    /// Carries out a command, and gives the answer's line.
    private let answer: (ControlCommand) throws -> [UInt8]
    private var clients: [Int32: Client] = [:]
    /// A request of more bytes than this ends its client.
    private static let longestLine = 64 * 1024

    private struct Client {
        let socket: UnixSocket
        var received: [UInt8] = []
        var unsent = ByteQueue()

        mutating func takeLine() -> [UInt8]? {
            guard let end = received.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { received.removeSubrange(...end) }
            return Array(received[..<end])
        }
    }

    /// Listens at `path`.
    init(
        at path: String, on loop: EventLoop, answer: @escaping (ControlCommand) throws -> [UInt8]
    ) throws(SystemError) {
        self.path = path
        self.loop = loop
        self.answer = answer
        listener = try UnixSocket.listening(at: path)
        try loop.watch(listener.descriptor, for: .read) { [weak self] _ in self?.accept() }
    }

    /// Ends all and removes the socket.
    func close() {
        loop.unwatch(listener.descriptor)
        for client in clients.values { loop.unwatch(client.socket.descriptor) }
        clients = [:]
        Files.remove(path)
    }

    private func accept() {
        guard let socket = listener.accept() else { return }
        let number = socket.descriptor.rawValue
        clients[number] = Client(socket: socket)
        do throws(SystemError) {
            try loop.watch(socket.descriptor, for: .read) { [weak self] in self?.handle($0, number) }
        } catch {
            clients[number] = nil
        }
    }

    private func end(_ number: Int32) {
        if let client = clients.removeValue(forKey: number) { loop.unwatch(client.socket.descriptor) }
    }

    private func handle(_ readiness: EventLoop.Readiness, _ number: Int32) {
        if readiness.canWrite { flush(number) }
        guard readiness.canRead || readiness.hasHungUp, let client = clients[number] else { return }
        let transfer = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let transfer = try? client.socket.descriptor.read(into: buffer)
            if case .done(let count) = transfer { clients[number]?.received += buffer[..<count] }
            return transfer
        }
        switch transfer {
        case .wouldBlock: return
        case .done: answerLines(of: number)
        case .ended, nil: end(number)
        }
    }

    private func answerLines(of number: Int32) {
        while let line = clients[number]?.takeLine() {
            clients[number]?.unsent.append(contentsOf: reply(to: line))
        }
        if let client = clients[number], client.received.count > Self.longestLine {
            clients[number]?.unsent.append(
                contentsOf: ControlMessage.failed("a request has \(Self.longestLine) bytes at most"))
            flush(number)
            return end(number)
        }
        flush(number)
    }

    private func reply(to line: [UInt8]) -> [UInt8] {
        do {
            return try answer(try ControlMessage.command(from: line))
        } catch let error as ControlError {
            return ControlMessage.failed(error.reason)
        } catch {
            return ControlMessage.failed("\(error)")
        }
    }

    private func flush(_ number: Int32) {
        while let client = clients[number], !client.unsent.isEmpty {
            switch client.unsent.withUnsafeBytes({ bytes in try? client.socket.send(bytes) }) {
            case .done(let count): clients[number]?.unsent.removeFirst(count)
            case .wouldBlock:
                try? loop.update(client.socket.descriptor, for: [.read, .write])
                return
            case .ended, nil: return end(number)
            }
        }
        if let client = clients[number] { try? loop.update(client.socket.descriptor, for: .read) }
    }
}

import Glibc
import WiFiSimHost
import WiFiSimValues

/// Serves the control socket: reads requests line by line and answers each in turn.
///
/// Belongs to the event loop's thread.
final class ControlServer {
    let path: String
    private let listener: UnixSocket
    private let loop: EventLoop
    /// Carries out a command and returns the answer as a line.
    private let answer: (ControlCommand) throws -> [UInt8]
    private var clients: [Int32: Client] = [:]
    /// In bytes: a longer request ends its client's connection.
    private static let longestLine = 64 * 1024
    /// In bytes. While a client has more unsent answers than this, its next request waits.
    private static let unsentLimit = 256 * 1024
    /// The most requests of one client that are answered before the modules get their turn.
    private static let answersAtOnce = 16

    /// More clients would take descriptors that the modules need.
    private static let mostClients = 64

    private struct Client {
        let socket: UnixSocket
        /// Received bytes of requests that are not answered yet.
        var received: [UInt8] = []
        var unsent = ByteQueue()
        /// True if the client sends no more requests; it may still read.
        var hasFinished = false

        var hasLine: Bool { received.contains(UInt8(ascii: "\n")) || hasFinished && !received.isEmpty }

        /// Takes the next request. The last one needs no line end.
        mutating func takeLine() -> [UInt8]? {
            guard hasLine else { return nil }
            let end = received.firstIndex(of: UInt8(ascii: "\n")) ?? received.endIndex
            defer { received.removeSubrange(..<min(end + 1, received.endIndex)) }
            return Array(received[..<end])
        }
    }

    /// Listens at `path`.
    /// - Throws: `SystemError` if it cannot listen there.
    init(
        at path: String, on loop: EventLoop, answer: @escaping (ControlCommand) throws -> [UInt8]
    ) throws(SystemError) {
        self.path = path
        self.loop = loop
        self.answer = answer
        listener = try UnixSocket.listening(at: path)
        try loop.watch(listener.descriptor, for: .read) { [weak self] _ in self?.accept() }
    }

    /// Ends all connections and removes the socket's file.
    func close() {
        loop.unwatch(listener.descriptor)
        for client in clients.values { loop.unwatch(client.socket.descriptor) }
        clients = [:]
        listener.removeFile(path)
    }

    private func accept() {
        guard let socket = listener.accept() else {
            // The pending client would make the loop spin.
            if errno == EMFILE || errno == ENFILE { loop.pause(listener.descriptor, for: .milliseconds(100)) }
            return
        }
        guard clients.count < Self.mostClients else {
            _ = try? ControlMessage.busy("\(Self.mostClients) clients are connected; end one").withUnsafeBytes {
                try socket.descriptor.send($0)
            }
            return
        }
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
        if readiness.canWrite || readiness.hasHungUp { flush(number) }
        if readiness.canRead || readiness.hasHungUp { read(number) }
        answerLines(of: number)
        flush(number)
        goOn(number)
    }

    private func read(_ number: Int32) {
        guard let client = clients[number], !client.hasFinished, !client.hasLine else { return }
        let transfer = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let transfer = try? client.socket.descriptor.read(into: buffer)
            if case .done(let count) = transfer { clients[number]?.received += buffer[..<count] }
            return transfer
        }
        switch transfer {
        case .wouldBlock, .done: break
        // Answers may still wait to be sent.
        case .ended: clients[number]?.hasFinished = true
        case nil: end(number)
        }
    }

    /// Answers pending requests, while the client reads the answers.
    private func answerLines(of number: Int32) {
        for _ in 0..<Self.answersAtOnce {
            guard let client = clients[number], client.unsent.count <= Self.unsentLimit,
                let line = clients[number]?.takeLine()
            else { break }
            clients[number]?.unsent.append(contentsOf: reply(to: line))
        }
        guard let client = clients[number], !client.hasLine, client.received.count > Self.longestLine else { return }
        clients[number]?.unsent.append(
            contentsOf: ControlMessage.failed("a request has \(Self.longestLine) bytes at most"))
        clients[number]?.received = []
        clients[number]?.hasFinished = true
    }

    private func flush(_ number: Int32) {
        while let client = clients[number], !client.unsent.isEmpty {
            switch client.unsent.withUnsafeBytes({ bytes in try? client.socket.descriptor.send(bytes) }) {
            case .done(let count): clients[number]?.unsent.removeFirst(count)
            case .wouldBlock: return
            case .ended, nil: return end(number)
            }
        }
    }

    /// Watches for the client's next action, or ends its connection once all answers are sent.
    private func goOn(_ number: Int32) {
        guard let client = clients[number] else { return }
        if client.hasFinished, !client.hasLine, client.unsent.isEmpty { return end(number) }
        // A pending request is handled as soon as there is room for its answer.
        let interest = EventLoop.Interest(
            reads: !client.hasFinished && !client.hasLine, writes: client.hasLine || !client.unsent.isEmpty)
        try? loop.update(client.socket.descriptor, for: interest)
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
}

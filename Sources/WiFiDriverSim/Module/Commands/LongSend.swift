import WiFiSimValues

/// CIPSENDL: sends data in blocks while more arrive, and reports the progress (ESP-AT docs, TCP-IP, CIPSENDL).
final class LongSend: DataOperation {
    private let length: Int
    private let socket: SocketID
    private let name: String
    private let configuration: Session.SendSizes
    private let interval: Duration
    private var target: SendTarget
    private var buffer = ByteQueue()
    /// Bytes received from the line.
    private var receivedCount = 0
    /// Bytes that the stack has taken, and the number of progress reports.
    private var sentCount = 0
    private var reportCount = 0
    private var flushAt: Instant?
    private var state = State.waiting

    private enum State {
        /// Waits for data.
        case waiting
        case resolving
        case sending(count: Int)
        /// The link is closed. Further data are dropped.
        case failed
    }

    init(length: Int, socket: SocketID, to target: SendTarget, name: String, session: Session) {
        self.length = length
        self.socket = socket
        self.target = target
        self.name = name
        configuration = session.longSend
        interval = .milliseconds(session.transmitInterval)
    }

    let isPassthrough = false
    var remaining: Int? { length - receivedCount }
    var room: Int {
        if case .failed = state { return length - receivedCount }
        return min(length - receivedCount, Self.bufferSize - buffer.count)
    }
    /// The buffer of the firmware for bytes from the line (ESP-AT docs, TCP-IP, CIPSEND).
    private static let bufferSize = 8192

    var deadline: Instant? {
        guard case .waiting = state else { return nil }
        return flushAt
    }

    func receive(_ bytes: inout Slice<UnsafeRawBufferPointer>, on module: Module) -> CommandOutcome? {
        let part = bytes.prefix(length - receivedCount)
        bytes = bytes.dropFirst(part.count)
        receivedCount += part.count
        if case .failed = state { return receivedCount == length ? SendOperation.failure : nil }
        buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: part))
        if flushAt == nil { flushAt = module.now + interval }
        let outcome = sendWhatIsDue(on: module)
        // The last byte ends data mode. Bytes after it are refused until `SEND OK`, as after CIPSEND's data.
        return outcome ?? (receivedCount == length ? .running(self) : nil)
    }

    private func sendWhatIsDue(on module: Module) -> CommandOutcome? {
        guard case .waiting = state, !buffer.isEmpty else { return nil }
        let isDue = receivedCount == length || flushAt.map { $0 <= module.now } ?? false
        guard isDue || buffer.count >= configuration.blockSize else { return nil }
        guard let link = module.links.id(of: socket).flatMap({ module.links[$0] }) else { return fail() }
        let endpoint: Endpoint?
        switch target {
        case .peer: endpoint = link.transport == .udp ? link.remote : nil
        case .endpoint(let known): endpoint = known
        case .name(let name, _):
            state = .resolving
            module.resolve(name, link.family)
            return nil
        }
        let block = buffer.take(configuration.blockSize)
        if buffer.isEmpty { flushAt = nil }
        state = .sending(count: block.count)
        module.request(.send(socket, block, to: endpoint))
        return nil
    }

    func resume(_ event: ModuleEvent, on module: Module) -> CommandOutcome? {
        switch (state, event) {
        case (.sending(let count), .network(.sent(socket))):
            sentCount += count
            state = .waiting
            reportProgress(on: module)
            if sentCount == length { return SendOperation.success }
        case (.sending, .network(.sendFailed(socket))): return fail()
        case (.resolving, .network(.resolved(_, let addresses))):
            guard let address = addresses.first, case .name(_, let port) = target else { return fail() }
            target = .endpoint(Endpoint(address, port))
            state = .waiting
        case (.failed, _): return nil
        default: if module.links.id(of: socket) == nil { return fail() }
        }
        return sendWhatIsDue(on: module)
    }

    /// Data are still taken up to their end or the escape sequence, but not sent.
    private func fail() -> CommandOutcome? {
        state = .failed
        buffer.removeAll()
        return receivedCount == length ? SendOperation.failure : nil
    }

    /// Writes one report for each multiple of the report size that has been passed, and one for the end.
    private func reportProgress(on module: Module) {
        while (reportCount + 1) * configuration.reportSize <= sentCount {
            reportCount += 1
            module.writeLine("+\(name):\(reportCount * configuration.reportSize),\(receivedCount)")
        }
        if sentCount == length, sentCount % configuration.reportSize != 0 {
            module.writeLine("+\(name):\(sentCount),\(receivedCount)")
        }
    }

    var escape: ((Module) -> CommandOutcome)? {
        { _ in .final("SEND CANCELLED") }
    }
}

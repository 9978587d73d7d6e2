import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// A UDP socket of the computer that reads only while the module's stack has given credit.
///
/// Belongs to the event loop's thread.
final class DatagramSocket {
    private let id: SocketID
    private let socket: Socket
    private let loop: EventLoop
    private let deliver: ([UInt8], Endpoint) -> Void
    /// Called with the length, in bytes, of a datagram that is lost.
    private let drop: (Int) -> Void
    private var credit = 0
    /// Datagrams for the module from servers in this process, and their senders.
    private var answers: [(bytes: [UInt8], sender: Endpoint)] = []
    /// The most datagrams in `answers`; further ones are lost, as from any full buffer.
    private static let answerLimit = 16

    private static let longestDatagram = 65_535

    init(
        _ id: SocketID, _ socket: Socket, on loop: EventLoop, deliver: @escaping ([UInt8], Endpoint) -> Void,
        drop: @escaping (Int) -> Void
    ) throws(SystemError) {
        self.id = id
        self.socket = socket
        self.loop = loop
        self.deliver = deliver
        self.drop = drop
        try loop.watch(socket.descriptor, for: .nothing) { [weak self] _ in self?.receive() }
    }

    func close() { loop.unwatch(socket.descriptor) }

    /// Lets the module receive `bytes` more bytes; negative to take credit back.
    /// - Returns: the events that follow at once.
    func allow(_ bytes: Int) -> [NetworkEvent] {
        credit += bytes
        defer { updateInterest() }
        return takeAnswers()
    }

    /// Hands the module a datagram from a server in this process.
    /// - Returns: the events that follow at once.
    func answer(_ bytes: [UInt8], from sender: Endpoint) -> [NetworkEvent] {
        guard answers.count < Self.answerLimit else {
            drop(bytes.count)
            return []
        }
        answers.append((bytes, sender))
        defer { updateInterest() }
        return takeAnswers()
    }

    private func takeAnswers() -> [NetworkEvent] {
        var events: [NetworkEvent] = []
        while credit > 0, !answers.isEmpty {
            let (bytes, sender) = answers.removeFirst()
            credit -= bytes.count + NetworkRequest.datagramOverhead
            events.append(.received(id, bytes, from: sender))
        }
        return events
    }

    func send(_ bytes: [UInt8], to remote: Endpoint) throws(SystemError) {
        try socket.send(bytes, to: remote)
    }

    /// Sends a datagram to a server on the computer's loopback.
    /// - Returns: true if no socket is bound to the port.
    func sendChecked(_ bytes: [UInt8], to remote: Endpoint) throws(SystemError) -> Bool {
        try socket.sendChecked(bytes, to: remote)
    }

    private func receive() {
        // The error of an earlier datagram is reported here. UDP ignores it.
        _ = socket.takeError()
        guard credit > 0 else { return }
        let datagram = withUnsafeTemporaryAllocation(byteCount: Self.longestDatagram, alignment: 8) { buffer in
            socket.receiveDatagram(into: buffer).map { (Array(UnsafeRawBufferPointer(buffer)[..<$0.count]), $0.sender) }
        }
        guard let (bytes, sender) = datagram else { return }
        credit -= bytes.count + NetworkRequest.datagramOverhead
        updateInterest()
        deliver(bytes, sender)
    }

    private func updateInterest() {
        try? loop.update(socket.descriptor, for: credit > 0 ? .read : .nothing)
    }
}

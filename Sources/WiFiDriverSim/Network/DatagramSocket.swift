/// A UDP socket on the host, with the credit that the module's stack has given for it.
final class DatagramSocket {
    private let id: SocketID
    private let socket: Socket
    private let loop: EventLoop
    private let deliver: ([UInt8], Endpoint) -> Void
    private var credit = 0

    private static let longestDatagram = 65_535

    init(
        _ id: SocketID, _ socket: Socket, on loop: EventLoop, deliver: @escaping ([UInt8], Endpoint) -> Void
    ) throws(SystemError) {
        self.id = id
        self.socket = socket
        self.loop = loop
        self.deliver = deliver
        try loop.watch(socket.descriptor, for: []) { [weak self] _ in self?.receive() }
    }

    func close() { loop.unwatch(socket.descriptor) }

    func allow(_ bytes: Int) {
        credit += bytes
        updateInterest()
    }

    func send(_ bytes: [UInt8], to remote: Endpoint) throws(SystemError) {
        try socket.send(bytes, to: remote)
    }

    private func receive() {
        // An error that an earlier datagram met is reported here, and means nothing to UDP.
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
        try? loop.update(socket.descriptor, for: credit > 0 ? .read : [])
    }
}

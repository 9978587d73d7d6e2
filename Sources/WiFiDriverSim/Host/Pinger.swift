import Glibc
import WiFiSimValues

/// Sends ICMP echo requests over IPv4, if the system allows it for this user.
package final class Pinger {
    private let socket: Socket
    private let isRaw: Bool
    private let loop: EventLoop
    private var sequence: UInt16 = 0
    private var waiting: (sequence: UInt16, since: Instant, completion: (Duration) -> Void)?

    package init(loop: EventLoop) throws(SystemError) {
        (socket, isRaw) = try Socket.icmp()
        self.loop = loop
        try loop.watch(socket.descriptor, for: .read) { [weak self] _ in self?.receive() }
    }

    deinit { loop.unwatch(socket.descriptor) }

    /// Sends an echo request, and calls `completion` with the round-trip time if the answer arrives before the next
    /// ping.
    package func ping(_ address: IPv4Address, completion: @escaping (Duration) -> Void) throws(SystemError) {
        sequence &+= 1
        waiting = (sequence, loop.now, completion)
        try socket.send(
            Self.echoRequest(identifier: Self.identifier, sequence: sequence), to: Endpoint(.v4(address), 0))
    }

    /// A raw socket receives every echo reply to this computer; the identifier marks those for this process.
    private static let identifier = UInt16(truncatingIfNeeded: getpid())

    private func receive() {
        withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 8) { buffer in
            guard let (count, _) = socket.receiveDatagram(into: buffer) else { return }
            var packet = UnsafeRawBufferPointer(buffer)[..<count]
            if isRaw, let first = packet.first { packet = packet.dropFirst(Int(first & 0x0F) * 4) }
            let bytes = Array(packet.prefix(8))
            // Type 0 is an echo reply (RFC 792).
            guard bytes.count == 8, bytes[0] == 0, !isRaw || Self.number(bytes, 4) == Self.identifier,
                let waiting, Self.number(bytes, 6) == waiting.sequence
            else { return }
            self.waiting = nil
            waiting.completion(loop.now - waiting.since)
        }
    }

    private static func number(_ bytes: [UInt8], _ offset: Int) -> UInt16 {
        UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    private static func echoRequest(identifier: UInt16, sequence: UInt16) -> [UInt8] {
        var packet: [UInt8] = [8, 0, 0, 0]
        for number in [identifier, sequence] { packet += [UInt8(number >> 8), UInt8(number & 0xFF)] }
        packet += [UInt8](repeating: 0x61, count: 32)
        var sum: UInt32 = 0
        for offset in stride(from: 0, to: packet.count, by: 2) { sum += UInt32(number(packet, offset)) }
        while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
        packet[2] = UInt8(truncatingIfNeeded: ~sum >> 8)
        packet[3] = UInt8(truncatingIfNeeded: ~sum)
        return packet
    }
}

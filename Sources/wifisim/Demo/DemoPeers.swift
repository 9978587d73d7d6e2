import Dispatch
import Glibc
import Synchronization
import WiFiDriverSim

/// TCP and UDP echo servers on one port of 127.0.0.1, each on a thread with blocking calls.
final class EchoServer {
    let port: UInt16

    init() throws {
        let (listener, port) = try Loopback.bound(SOCK_STREAM, port: 0)
        self.port = port
        guard listen(listener, 4) == 0 else { throw SystemError("listen on 127.0.0.1") }
        let (datagrams, _) = try Loopback.bound(SOCK_DGRAM, port: port)
        try Thread {
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while case let peer = accept(listener, nil, nil), peer >= 0 {
                while case let count = read(peer, &buffer, buffer.count), count > 0 {
                    _ = send(peer, buffer, count, Int32(MSG_NOSIGNAL))
                }
                close(peer)
            }
        }.start()
        try Thread {
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while true {
                var sender = sockaddr_storage()
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                withUnsafeMutablePointer(to: &sender) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { sender in
                        let count = recvfrom(datagrams, &buffer, buffer.count, 0, sender, &length)
                        if count >= 0 { sendto(datagrams, buffer, count, 0, sender, length) }
                    }
                }
            }
        }.start()
    }
}

/// A client on the computer that sends a question to the module's server.
final class LoopbackPeer: Sendable {
    private let received = Mutex<[UInt8]>([])
    private let done = DispatchSemaphore(value: 0)

    /// Connects to 127.0.0.1, sends the question and receives an answer of the same length.
    static func asking(_ question: [UInt8], on port: UInt16) throws -> LoopbackPeer {
        let peer = LoopbackPeer()
        try Thread {
            defer { peer.done.signal() }
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            defer { close(descriptor) }
            var address = Loopback.address(port)
            let result = Loopback.withSystemAddress(&address) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
            guard result == 0, send(descriptor, question, question.count, Int32(MSG_NOSIGNAL)) == question.count else {
                return
            }
            var buffer = [UInt8](repeating: 0, count: question.count)
            while case let have = peer.received.withLock({ $0.count }), have < question.count {
                let count = read(descriptor, &buffer, question.count - have)
                guard count > 0 else { return }
                peer.received.withLock { $0 += buffer.prefix(count) }
            }
        }.start()
        return peer
    }

    /// Waits until the answer is complete or the connection has ended, and returns it.
    func answer() -> [UInt8] {
        done.wait()
        return received.withLock { $0 }
    }
}

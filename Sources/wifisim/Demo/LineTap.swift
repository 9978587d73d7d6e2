import CPosix
import Dispatch
import Glibc
import WiFiDriverSim

/// Stands between a client and a module's tty, and keeps what passes.
///
/// Unchecked: `passed` is used with the lock; the rest does not change after init.
final class LineTap: @unchecked Sendable {
    /// The tty that the client opens in place of the module's.
    let path: String

    /// A run of bytes in one direction.
    struct Passage {
        let isFromClient: Bool
        var bytes: [UInt8]
    }

    private let client: Int32
    private let clientSlave: Int32
    private let module: Int32
    private let lock = DispatchSemaphore(value: 1)
    private var passed: [Passage] = []

    init(modulePath: String) throws {
        client = cposix_open_pty_master()
        guard client >= 0 else { throw SystemError("open a pseudo-terminal") }
        var name = [CChar](repeating: 0, count: 128)
        guard ptsname_r(client, &name, name.count) == 0 else { throw SystemError("name a pseudo-terminal") }
        path = name.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        // Held open, so that the client may come and go.
        clientSlave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        module = open(modulePath, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard clientSlave >= 0, module >= 0 else { throw SystemError("open \(modulePath)") }
        guard cposix_tty_set_raw(clientSlave, 115_200) == 0, cposix_tty_set_raw(module, 115_200) == 0 else {
            throw SystemError("set raw mode")
        }
        DispatchQueue(label: "line tap").async { [self] in relay() }
    }

    /// What passed since the last call.
    func take() -> [Passage] {
        lock.wait()
        defer { lock.signal() }
        defer { passed = [] }
        return passed
    }

    private func relay() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            var ends = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: module, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&ends, 2, -1) >= 0 || errno == EINTR else { return }
            for (index, end) in ends.enumerated() where end.revents != 0 {
                let count = buffer.withUnsafeMutableBytes { read(end.fd, $0.baseAddress, $0.count) }
                if count < 0, errno == EAGAIN || errno == EINTR { continue }
                guard count > 0 else { return }
                // Noted first: what the client sees is in the trace by then.
                note(Array(buffer.prefix(count)), isFromClient: index == 0)
                pass(buffer.prefix(count), to: index == 0 ? module : client)
            }
        }
    }

    private func note(_ bytes: [UInt8], isFromClient: Bool) {
        lock.wait()
        if passed.last?.isFromClient == isFromClient {
            passed[passed.count - 1].bytes += bytes
        } else {
            passed.append(Passage(isFromClient: isFromClient, bytes: bytes))
        }
        lock.signal()
    }

    private func pass(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else {
                guard errno == EAGAIN || errno == EINTR else { return }
                var end = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&end, 1, -1)
            }
        }
    }
}

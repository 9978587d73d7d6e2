import CIoTSocket
import IoTSocketWiFi
import Synchronization

/// An application on IoT Socket, written like one for the target, with each call shown in the trace.
final class DemoApplication {
    private let trace: DemoTrace
    private let echoPort: UInt16
    private(set) var bytesCompared = 0
    private(set) var failures: [String] = []

    init(trace: DemoTrace, echoPort: UInt16) {
        self.trace = trace
        self.echoPort = echoPort
    }

    /// - Returns: true if there were no failures.
    func run() -> Bool {
        guard call("socket_startup()", socket_startup()) == 0 else { return failed("start-up") }
        guard let address = resolve("echo.wifisim") else { return failed("name") }
        trace.title("TCP")
        exchangeStream(with: address)
        trace.title("UDP")
        exchangeDatagrams(with: address)
        trace.title("a server")
        serve()
        return failures.isEmpty
    }

    private func resolve(_ name: String) -> [UInt8]? {
        var address = [UInt8](repeating: 0, count: 4)
        var length: UInt32 = 4
        let code = call(
            "iotSocketGetHostByName(\"\(name)\", AF_INET)",
            iotSocketGetHostByName(name, IOT_SOCKET_AF_INET, &address, &length))
        return code == 0 ? address : nil
    }

    private func exchangeStream(with address: [UInt8]) {
        let socket = create("SOCK_STREAM", IOT_SOCKET_SOCK_STREAM, IOT_SOCKET_IPPROTO_TCP)
        let code = call(
            "iotSocketConnect(\(socket), \(text(address)), \(echoPort))", iotSocketConnect(socket, address, 4, echoPort)
        )
        guard code == 0 else { return fail("TCP connect") }
        for length in [13, 1460, 5000] {
            let data = pattern(length)
            guard send(data, on: socket) else { return fail("TCP send") }
            compare(receive(length, on: socket), data, "TCP, \(length) bytes")
        }
        close(socket)
    }

    private func exchangeDatagrams(with address: [UInt8]) {
        let socket = create("SOCK_DGRAM", IOT_SOCKET_SOCK_DGRAM, IOT_SOCKET_IPPROTO_UDP)
        for length in [4, 1400] {
            let data = pattern(length)
            let sent = call(
                "iotSocketSendTo(\(socket), \(length) bytes, \(text(address)), \(echoPort))",
                iotSocketSendTo(socket, data, UInt32(length), address, 4, echoPort))
            guard sent == Int32(length) else { return fail("UDP send") }
            var buffer = [UInt8](repeating: 0, count: 1500)
            var sender = [UInt8](repeating: 0, count: 4)
            var senderLength: UInt32 = 4
            var senderPort: UInt16 = 0
            let received = call(
                "iotSocketRecvFrom(\(socket), 1500)",
                iotSocketRecvFrom(socket, &buffer, 1500, &sender, &senderLength, &senderPort))
            compare(Array(buffer.prefix(Int(max(0, received)))), data, "UDP, \(length) bytes")
            if sender != address || senderPort != echoPort { fail("UDP sender") }
        }
        close(socket)
    }

    private func serve() {
        guard let port = try? Loopback.freePort() else { return fail("no free port on the host") }
        let listener = create("SOCK_STREAM", IOT_SOCKET_SOCK_STREAM, IOT_SOCKET_IPPROTO_TCP)
        let any = [UInt8](repeating: 0, count: 4)
        guard call("iotSocketBind(\(listener), 0.0.0.0, \(port))", iotSocketBind(listener, any, 4, port)) == 0,
            call("iotSocketListen(\(listener), 1)", iotSocketListen(listener, 1)) == 0
        else { return fail("listen") }
        let question = pattern(300)
        guard let peer = try? LoopbackPeer.asking(question, on: port) else { return fail("no thread") }
        let socket = call("iotSocketAccept(\(listener))", iotSocketAccept(listener, nil, nil, nil))
        guard socket >= 0 else { return fail("accept") }
        let received = receive(question.count, on: socket)
        compare(received, question, "the server's request")
        guard send(received, on: socket) else { return fail("the server's send") }
        compare(peer.answer(), question, "the server's answer")
        close(socket)
        close(listener)
    }

    // MARK: Calls

    private func create(_ name: String, _ type: Int32, _ proto: Int32) -> Int32 {
        call("iotSocketCreate(AF_INET, \(name), 0)", iotSocketCreate(IOT_SOCKET_AF_INET, type, proto))
    }

    private func send(_ data: [UInt8], on socket: Int32) -> Bool {
        let code = call(
            "iotSocketSend(\(socket), \(data.count) bytes)", iotSocketSend(socket, data, UInt32(data.count)))
        return code == Int32(data.count)
    }

    /// Receives until `count` bytes have come, or an error.
    private func receive(_ count: Int, on socket: Int32) -> [UInt8] {
        var data: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: count)
        while data.count < count {
            let left = UInt32(count - data.count)
            let code = call("iotSocketRecv(\(socket), \(left))", iotSocketRecv(socket, &buffer, left))
            guard code > 0 else { break }
            data += buffer.prefix(Int(code))
        }
        return data
    }

    private func close(_ socket: Int32) {
        if call("iotSocketClose(\(socket))", iotSocketClose(socket)) != 0 { fail("close") }
    }

    private func call(_ text: String, _ body: @autoclosure () -> Int32) -> Int32 {
        trace.call(text)
        let code = body()
        trace.result("\(code)")
        return code
    }

    // MARK: Checks

    private func compare(_ received: [UInt8], _ sent: [UInt8], _ what: String) {
        bytesCompared += sent.count
        if received != sent { fail("\(what): \(received.count) came back, not all correct") }
    }

    private func fail(_ what: String) { failures.append(what) }

    private func failed(_ what: String) -> Bool {
        fail(what)
        return false
    }

    private func pattern(_ length: Int) -> [UInt8] {
        (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ length) }
    }

    private func text(_ address: [UInt8]) -> String { address.map(String.init).joined(separator: ".") }
}

import Foundation
import Testing
@testable import WiFiSimHost

/// `wifisim ctl`, and the control socket itself.
struct ControlTests {
    private let folder = TemporaryFolder()

    private func start() throws -> (client: SerialClient, socket: String) {
        let socket = folder.path("control")
        let program = try Program(["run", "--control", socket])
        return (try SerialClient(try #require(program.readLine()), of: program), socket)
    }

    @Test func `A station joins the module's soft-AP and leaves it`() throws {
        let (client, socket) = try start()
        try client.command("ATE0")
        try client.command("AT+CWMODE=2")
        try client.command("AT+CWSAP=\"my lab\",\"12345678\",5,3")
        #expect(
            try Program.run("ctl", "--socket", socket, "station", "phone", "joins", "my lab", "12345678").status == 0)
        try client.read(until: "+DIST_STA_IP:\"02:00:00:00:03:01\",\"192.168.4.2\"\r\n")
        let state = try Program.run("ctl", "--socket", socket, "state").output
        #expect(state.contains("\"02:00:00:00:03:01\"") && state.contains("\"ssid\": \"my lab\""))
        #expect(try Program.run("ctl", "--socket", socket, "station", "phone", "leaves").status == 0)
        try client.read(until: "+STA_DISCONNECTED:\"02:00:00:00:03:01\"\r\n")
    }

    @Test func `Reset, power and reports come to the module`() throws {
        let (client, socket) = try start()
        try client.command("AT+CIPMUX=1")
        for words in [["reset"], ["power", "off"], ["power", "on"]] {
            let result = try Program.run(["ctl", "--socket", socket, "module", "0"] + words)
            #expect(result.status == 0, "\(result.errors)")
        }
        try client.read(until: "ready\r\n")
        #expect(try client.command("AT+CIPMUX?").contains("+CIPMUX:0"))
        _ = try Program.run("ctl", "--socket", socket, "module", "0", "report", "+NEWS: a \"b\" \\\\c")
        try client.read(until: "+NEWS: a \"b\" \\\\c\r\n")
    }

    @Test func `A network that moves gives another address`() throws {
        let (client, socket) = try start()
        try client.join()
        #expect(try client.command("AT+CIPSTA?").contains("10.0.2.15"))
        #expect(try Program.run("ctl", "--socket", socket, "ap", "wifisim", "subnet", "192.168.7.1/24").status == 0)
        try client.command("AT+CWJAP=\"wifisim\",\"password\"")
        #expect(try client.command("AT+CIPSTA?").contains("192.168.7.2"))
        // The gateway is this computer, at any address.
        let listener = try Listener()
        try client.command("AT+CIPSTART=\"TCP\",\"192.168.7.1\",\(listener.port)")
    }

    @Test func `A connection beyond the gateway is silent while there is no route`() throws {
        let (client, socket) = try start()
        let listener = try Listener()
        try client.join()
        try client.command("AT+CIPSTART=\"TCP\",\"127.0.0.1\",\(listener.port)")
        let peer = try listener.accept()
        #expect(try Program.run("ctl", "--socket", socket, "ap", "wifisim", "route", "off").status == 0)
        peer.send(Array("hello".utf8))
        try client.write(Array("AT+CIPSEND=4\r\n".utf8))
        try client.read(until: ">")
        try client.write(Array("held".utf8))
        let waiting = try client.read(until: "Recv 4 bytes\r\n")
        #expect(!String(decoding: waiting, as: UTF8.self).contains("+IPD"))
        #expect(try Program.run("ctl", "--socket", socket, "ap", "wifisim", "route", "on").status == 0)
        #expect(peer.receive(4) == Array("held".utf8))
        // Both lines follow, in either order.
        var text = ""
        while !text.contains("SEND OK") || !text.contains("+IPD,5:hello") {
            text += String(decoding: try client.read(1), as: UTF8.self)
        }
    }

    @Test(arguments: [
        (["ap", "nowhere", "off"], 65, "there is no access point \"nowhere\"; there are \"wifisim\""),
        (["station", "phone", "joins", "nowhere"], 65, "there is no access point \"nowhere\""),
        (
            ["ap", "wifisim", "leases", "1.2.3.4"], 65,
            "1.2.3.4 is not the address of a host in the network 10.0.2.2/24"
        ),
        (["ap", "wifisim", "password", "abc"], 65, "a password has 8 to 64 bytes"),
        (["--", "ap", "wifisim", "password", "-abc"], 65, "a password has 8 to 64 bytes"),
        (["module", "1", "reset"], 65, "there is no module 1"),
        (["ap", "wifisim", "sideways"], 64, "\"sideways\": an access point goes on or off"),
        (["ap", "wifisim", "channel", "15"], 64, "\"15\": the channel must be a number from 1 to 14"),
        (["module", "0"], 64, "what the module is to do is missing"), (["dance"], 64, "there is no command \"dance\""),
    ])
    func `A request that makes no sense is reported`(words: [String], status: Int32, error: String) throws {
        let (client, socket) = try start()
        let result = try Program.run(["ctl", "--socket", socket] + words)
        #expect(result.status == status)
        #expect(result.errors.contains(error), "\(result.errors)")
        // Nothing else has happened.
        try client.command("AT")
    }

    @Test func `The socket takes lines of JSON, in pieces and several at once, and is the user's alone`() throws {
        let (client, path) = try start()
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        let socket = try UnixSocket.connecting(to: path)
        for piece in ["{\"do\": \"ap wifi", "sim off\"}\n{\"do\": 1}\nrubbish\n", "{\"do\": \"ap wifisim on\"}\n"] {
            _ = try Array(piece.utf8).withUnsafeBytes { try socket.descriptor.send($0) }
        }
        var answers: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while answers.count(where: { $0 == UInt8(ascii: "\n") }) < 4 {
            guard case .done(let count) = try buffer.withUnsafeMutableBytes({ try socket.descriptor.read(into: $0) })
            else { break }
            answers += buffer[..<count]
        }
        let lines = String(decoding: answers, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 4 && lines[0] == "{\"ok\":true}" && lines[3] == "{\"ok\":true}")
        #expect(lines[1].hasPrefix("{\"error\":") && lines[2].hasPrefix("{\"error\":"))
        try client.command("AT")
    }

    /// Connects to the socket and sends.
    private func connect(to path: String, sending text: String = "") throws -> UnixSocket {
        let socket = try UnixSocket.connecting(to: path)
        _ = try Array(text.utf8).withUnsafeBytes { try socket.descriptor.send($0) }
        return socket
    }

    /// The lines until the simulator closes.
    private func readAll(_ socket: UnixSocket) throws -> [Substring] {
        var answers: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case .done(let count) = try buffer.withUnsafeMutableBytes({ try socket.descriptor.read(into: $0) }) {
            answers += buffer[..<count]
        }
        return String(decoding: answers, as: UTF8.self).split(separator: "\n")
    }

    @Test(arguments: ["\n", ""])
    func `A client that sends no more gets all its answers, and then the end`(lastEnd: String) throws {
        let (client, path) = try start()
        let requests = Array(repeating: "{\"do\": \"state\"}", count: 100).joined(separator: "\n")
        let socket = try connect(to: path, sending: requests + lastEnd)
        shutdown(socket.descriptor.rawValue, Int32(SHUT_WR))
        let answers = try readAll(socket)
        #expect(answers.count == 100 && answers.allSatisfy { $0.contains("\"modules\":") })
        try client.command("AT")
    }

    /// Whether a client's socket stays full while the simulator answers another client several times. With each answer
    /// it could have read.
    private func staysFull(_ socket: UnixSocket, _ path: String) throws -> Bool {
        let other = try connect(to: path)
        let request = Array("{\"do\": \"state\"}\n".utf8)
        var buffer = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<500 {
            var interest = pollfd(fd: socket.descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
            guard poll(&interest, 1, 0) == 0 else { return false }
            _ = try request.withUnsafeBytes { try other.descriptor.send($0) }
            var last: UInt8 = 0
            while last != UInt8(ascii: "\n") {
                guard case .done(let count) = try buffer.withUnsafeMutableBytes({ try other.descriptor.read(into: $0) })
                else { throw ProgramError("the socket was closed") }
                last = buffer[count - 1]
            }
        }
        return true
    }

    @Test func `A client that sends requests and never reads is no longer read, and takes no memory`() throws {
        let (client, path) = try start()
        let socket = try connect(to: path)
        try socket.descriptor.makeNonBlocking()
        let requests = Array(String(repeating: "{\"do\": \"state\"}\n", count: 1000).utf8)
        var sent = 0
        var hasStopped = false
        while sent < 20_000_000, !hasStopped {
            switch try requests.withUnsafeBytes({ try socket.descriptor.send($0) }) {
            case .done(let count): sent += count
            default: hasStopped = try staysFull(socket, path)
            }
        }
        #expect(hasStopped, "\(sent) bytes of requests were taken")
        // All other clients are still served.
        #expect(try Program.run("ctl", "--socket", path, "state").status == 0)
        try client.command("AT")
        // It gets its answers as soon as it reads.
        let flags = fcntl(socket.descriptor.rawValue, F_GETFL)
        _ = fcntl(socket.descriptor.rawValue, F_SETFL, flags & ~O_NONBLOCK)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var received = 0
        while received < 4_000_000 {
            guard case .done(let count) = try buffer.withUnsafeMutableBytes({ try socket.descriptor.read(into: $0) })
            else { break }
            received += count
        }
        #expect(received >= 4_000_000)
    }

    @Test func `Clients that stay leave descriptors for the modules`() throws {
        let (client, path) = try start()
        var sockets = try (0..<64).map { _ in try connect(to: path) }
        let refused = try readAll(try connect(to: path))
        #expect(refused == ["{\"busy\":true,\"error\":\"64 clients are connected; end one\"}"])
        try client.command("AT")
        sockets.removeLast()
        // Their ends are noticed in order of arrival.
        #expect(try Program.run("ctl", "--socket", path, "state").status == 0)
        withExtendedLifetime(sockets) {}
    }

    @Test func `The changes of ctl are recorded, and the recording can be checked`() throws {
        let (socket, file) = (folder.path("control"), folder.path("session.at"))
        let program = try Program(["record", file, "--control", socket])
        let client = try SerialClient(try #require(program.readLine()))
        try client.join()
        for words in ["ap wifisim rssi -80", "module 0 reset"] {
            #expect(
                try Program.run(["ctl", "--socket", socket] + words.split(separator: " ").map(String.init)).status == 0)
        }
        try client.read(until: "WIFI GOT IP\r\n")
        #expect(try client.command("AT+CWJAP?").contains(",-80,"))
        program.send(SIGTERM)
        #expect(program.finish().status == 0)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.contains("ap \"wifisim\" rssi -80\n") && text.contains("\nreset\n"))
        let check = try Program.run("check", file)
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }

    @Test func `Without a simulator it reports that`() throws {
        let file = folder.write("no socket", to: "file")
        for path in [folder.path("nothing"), file] {
            let result = try Program.run("ctl", "--socket", path, "state")
            #expect(result.status == 69 && result.errors.contains("no simulator listens there"), "\(result.errors)")
        }
    }

    @Test func `A command of exec has the socket in its environment, and the socket is removed after it`() throws {
        let socket = folder.path("exec")
        let result = try Program.run("exec", "--control", socket, "--", Program.path, "ctl", "state")
        #expect(result.status == 0 && result.output.contains("\"profile\": \"esp32c3-4.1\""), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: socket))
    }
}

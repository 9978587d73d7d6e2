@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// A host of a simulated module. Echo is off, and the boot banner has been read.
final class Conversation {
    let simulation: Simulation

    static let echoService = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 7)
    static let silentService = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 9999)
    static let peerService = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 5000)
    static let greetingService = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 13)

    init(_ firmware: Firmware = .standard, world: World = .standard, settings: Settings? = nil) {
        simulation = Simulation(firmware: firmware, world: world, settings: settings)
        simulation.network.serve(.echo, at: Self.echoService)
        simulation.network.ignore(.tcp, at: Self.silentService)
        simulation.network.ignore(.udp, at: Self.silentService)
        simulation.makePeer().listen(at: Self.peerService)
        simulation.network.serve(.greeting(Array("hello\r\nOK\r\n".utf8)), at: Self.greetingService)
        simulation.send("ATE0\r\n")
        _ = simulation.takeOutput()
    }

    /// A conversation with a module that has joined the access point of the world.
    static func joined(_ firmware: Firmware = .standard, multiplexed: Bool = false) -> Conversation {
        let conversation = Conversation(firmware)
        conversation.ask("AT+CWMODE=1")
        conversation.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3))
        if multiplexed { conversation.ask("AT+CIPMUX=1") }
        return conversation
    }

    /// Sends a line and returns the output of the module within a time.
    @discardableResult
    func ask(_ line: String, for duration: Duration = .milliseconds(50)) -> String {
        simulation.send(line + "\r\n")
        return listen(for: duration)
    }

    func send(_ bytes: [UInt8]) { simulation.send(bytes) }

    /// The output of the module within a time. The line is never full.
    @discardableResult
    func listen(for duration: Duration = .milliseconds(50)) -> String {
        String(decoding: listenForBytes(for: duration), as: UTF8.self)
    }

    func listenForBytes(for duration: Duration = .milliseconds(50)) -> [UInt8] {
        let end = simulation.now + duration
        var output = simulation.takeBytes()
        while let next = simulation.nextDeadline, next <= end {
            simulation.run(for: next - simulation.now)
            output += simulation.takeBytes()
        }
        simulation.run(for: end - simulation.now)
        return output + simulation.takeBytes()
    }

    /// Opens a link to the service that a test plays, and returns its socket.
    func openPeerLink(_ id: Int? = nil) -> SocketID? {
        ask("AT+CIPSTART=\(id.map { "\($0)," } ?? "")\"TCP\",\"10.0.2.2\",5000")
        return simulation.network.sockets(to: Self.peerService).last
    }

    func peerSends(_ bytes: [UInt8], on socket: SocketID) {
        simulation.network.sendFromPeer(bytes, on: socket, at: simulation.now)
    }

    func peerSends(_ text: String, on socket: SocketID) { peerSends(Array(text.utf8), on: socket) }
}

let ok = "\r\nOK\r\n"
let refused = "\r\nERROR\r\n"

/// Bytes that look like all messages of the protocol.
let treacherousPayload = Array("\r\nOK\r\n+IPD,0,5:\0+++SEND OK\r\n>ERROR\r\nready\r\n0,CLOSED\r\n".utf8)

@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Conversations with a module that has faults.
extension Conversation {
    /// Sets faults.
    func set(_ sentences: String...) throws {
        for sentence in sentences { try simulation.add(try Fault(sentence)) }
    }

    /// How often each fault of the first module has happened.
    var firings: [Int] { simulation.module.faultStates.map(\.fired) }

    var powerState: String { simulation.module.powerState }

    /// A conversation with a module that has a link to the service that a test plays.
    static func linked(_ firmware: Firmware = .standard) throws -> (host: Conversation, socket: SocketID) {
        let host = Conversation.joined(firmware)
        guard let socket = host.openPeerLink() else { throw NoLinkError() }
        return (host, socket)
    }

    private struct NoLinkError: Error {}

    /// All that the peer of a link has received.
    func received(_ socket: SocketID) -> String { String(decoding: simulation.network.sent(on: socket), as: UTF8.self) }
}

/// What asks for data on newer firmware.
let prompt = "\r\nOK\r\n\r\n>"

@testable import WiFiSimModule
@testable import WiFiSimValues

/// A network without hosts: it notes the requests and makes the events that a test says. It connects, opens ports and
/// takes sends at once, unless told otherwise.
final class ScriptedNetwork: Network {
    private(set) var requests: [(at: Instant, request: NetworkRequest)] = []
    var events: [NetworkEvent] = []
    var connects = true
    var takesSends = true
    /// The credit that is left of each socket.
    private(set) var credit: [SocketID: Int] = [:]

    func handle(_ request: NetworkRequest, at now: Instant) {
        requests.append((now, request))
        switch request {
        case .connect(let id, _, _, _) where connects, .openUDP(let id, _, _):
            events.append(.connected(id, local: Endpoint(.v4(.any), 5000)))
        case .send(let id, _, _) where takesSends: events.append(.sent(id))
        case .allow(let id, let bytes): credit[id, default: 0] += bytes
        case .resolve(let query, _, _): events.append(.resolved(query, [FaultStage.peer.address]))
        case .ping(let query, _): events.append(.pinged(query, .milliseconds(2)))
        default: break
        }
    }

    /// Delivers bytes within the credit.
    func deliver(_ bytes: [UInt8], on id: SocketID, from sender: Endpoint? = nil) {
        credit[id, default: 0] -= bytes.count + (sender == nil ? 0 : NetworkRequest.datagramOverhead)
        events.append(.received(id, bytes, from: sender))
    }

    func advance(to now: Instant) {}
    let nextDeadline: Instant? = nil

    func takeEvents() -> [NetworkEvent] {
        defer { events = [] }
        return events
    }
}

/// A module's end of a faulty network. What arrives at each end is noted as text: milliseconds, what, and data.
final class FaultStage {
    let network = ScriptedNetwork()
    let faulty: FaultyNetwork
    private(set) var now = Instant.zero
    /// The events for the module.
    private(set) var heard: [String] = []
    /// The faults that have taken effect.
    private(set) var fired: [NetworkFault] = []
    /// Bytes that a socket of the module has received.
    private(set) var received: [SocketID: [UInt8]] = [:]
    private var askedCount = 0

    static let peer = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 7)
    static let other = Endpoint(.v4(IPv4Address(10, 0, 2, 3)), 8)

    /// A network with these faults; socket n belongs to link n.
    init(_ faults: [NetworkFault] = [], seed: UInt64 = 1) {
        faulty = FaultyNetwork(network, seed: seed) { $0.origin == .module ? Int($0.number) : nil }
        faulty.fired = { [weak self] in self?.fired.append($0) }
        faulty.set(faults, at: now)
    }

    func set(_ faults: [NetworkFault]) {
        faulty.set(faults, at: now)
        settle()
    }

    func handle(_ request: NetworkRequest) {
        faulty.handle(request, at: now)
        settle()
    }

    /// Opens a TCP connection of the module, with credit for much.
    func connect(_ number: UInt32 = 1, to peer: Endpoint = FaultStage.peer, tls: TLSConfiguration? = nil) -> SocketID {
        let id = SocketID(.module, number)
        handle(.connect(id, to: peer, TCPOptions(), tls))
        handle(.allow(id, bytes: 100_000))
        return id
    }

    func openUDP(_ number: UInt32 = 1) -> SocketID {
        let id = SocketID(.module, number)
        handle(.openUDP(id, peer: Self.peer, localPort: 0))
        handle(.allow(id, bytes: 100_000))
        return id
    }

    func send(_ text: String, on id: SocketID, to target: Endpoint? = nil) {
        handle(.send(id, Array(text.utf8), to: target))
    }

    func deliver(_ text: String, on id: SocketID, from sender: Endpoint? = nil) {
        network.deliver(Array(text.utf8), on: id, from: sender)
        settle()
    }

    func happen(_ event: NetworkEvent) {
        network.events.append(event)
        settle()
    }

    func run(for duration: Duration) {
        let end = now + duration
        while let next = faulty.nextDeadline, next <= end {
            now = max(now, next)
            faulty.advance(to: now)
            settle()
        }
        now = end
        faulty.advance(to: now)
        settle()
    }

    private func settle() {
        while true {
            let events = faulty.takeEvents(at: now)
            if events.isEmpty { return }
            for event in events {
                if case .received(let id, let bytes, _) = event { received[id, default: []] += bytes }
                heard.append("\(milliseconds(now)) \(text(event))")
            }
        }
    }

    /// Takes the events for the module since the last call.
    func takeHeard() -> [String] {
        defer { heard = [] }
        return heard
    }

    /// Takes the requests to the network since the last call, without those for credit.
    func takeAsked() -> [String] {
        defer { askedCount = network.requests.count }
        return network.requests[askedCount...].compactMap { at, request in
            text(request).map { "\(milliseconds(at)) \($0)" }
        }
    }

    private func milliseconds(_ instant: Instant) -> Int64 { instant.nanoseconds / 1_000_000 }

    private func text(_ event: NetworkEvent) -> String {
        switch event {
        case .connected: "connected"
        case .connectFailed(_, let failure): "failed \(failure)"
        case .received(_, let bytes, _): "received \(String(decoding: bytes, as: UTF8.self))"
        case .sent: "sent"
        case .sendFailed: "send failed"
        case .closed: "closed"
        case .accepted: "accepted"
        case .listening: "listening"
        case .listenFailed: "listen failed"
        case .resolved(_, let addresses): "resolved \(addresses.map(\.description).joined(separator: " "))"
        case .pinged(_, let time): "pinged \(time.map(\.text) ?? "never")"
        }
    }

    private func text(_ request: NetworkRequest) -> String? {
        switch request {
        case .connect: "connect"
        case .openUDP: "open"
        case .send(_, let bytes, _): "send \(String(decoding: bytes, as: UTF8.self))"
        case .abandonSend: "abandon"
        case .close(_, let aborting): aborting ? "reset" : "close"
        case .resolve(_, let name, _): "resolve \(name)"
        case .ping: "ping"
        case .cancelQuery: "cancel"
        case .reset: "restart"
        case .allow, .setOptions, .listen, .stopListening, .interfaces: nil
        }
    }
}

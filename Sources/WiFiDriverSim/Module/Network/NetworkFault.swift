import WiFiSimValues

/// Something that goes wrong between a module and its network.
///
/// Faults combine: several latencies add up, and the lowest of several bandwidths counts. A fault applies to the
/// sockets in its scope, those that are open included. When it is removed, what it has held back is delivered at once,
/// in order.
public struct NetworkFault: Hashable, Sendable {
    /// What goes wrong.
    public var effect: Effect
    /// The sockets that it happens to.
    public var scope: Scope
    /// The direction in which it happens. Counts for `latency`, `bandwidth`, `loss`, `reorder`, `slice`, `limit`,
    /// `timeout` and `slowClose` only.
    public var direction: Direction

    /// Makes a fault; by default of all sockets, in both directions.
    public init(_ effect: Effect, on scope: Scope = .all, direction: Direction = .both) {
        self.effect = effect
        self.scope = scope
        self.direction = direction
    }

    /// The direction of traffic.
    public enum Direction: Hashable, Sendable, CaseIterable {
        /// From the network to the module.
        case toModule
        /// From the module to the network.
        case fromModule
        /// Both directions, each on its own.
        case both
    }

    /// The sockets that a fault happens to.
    public enum Scope: Hashable, Sendable {
        /// All traffic of the module: its links, its background clients, its pings and its name queries.
        case all
        /// The socket of the link with this ID, 0 to 4. A connection that the server accepts has a link only after it
        /// is accepted.
        case link(Int)
        /// Sockets and pings to or from this address, and this port if there is one. Each datagram counts by its own
        /// address.
        case peer(IPAddress, port: UInt16? = nil)
    }

    /// What goes wrong. A negative time counts as zero.
    ///
    /// The names and the meanings of `latency`, `bandwidth`, `slice`, `limit`, `timeout`, `reset` and `slowClose` are
    /// those of Toxiproxy's toxics, as far as a module can tell.
    public enum Effect: Hashable, Sendable {
        /// Traffic takes this long in each direction of the fault, and up to `jitter` longer, at random. The order is
        /// kept. Delays connections, their ends, pings and, for all sockets, name queries too.
        case latency(Duration, jitter: Duration = .zero)
        /// No more bytes than this pass in a second; less than 1 counts as 1. Nothing is lost: the sender is held back.
        case bandwidth(bytesPerSecond: Int)
        /// Datagrams and pings are lost at random.
        case loss(Percentage)
        /// Datagrams are overtaken at random: such a datagram is delivered after the next one, or 100 ms later if there
        /// is none.
        case reorder(Percentage)
        /// A TCP stream arrives in pieces of at most `bytes`, and each of them at least `delay` after the previous one;
        /// fewer than 1 byte count as 1.
        case slice(bytes: Int, delay: Duration)
        /// A TCP connection is closed after this number of bytes has passed in the directions of the fault together.
        case limit(bytes: Int)
        /// Nothing passes on an open connection. It is closed after this time, counted from its begin or from that of
        /// the fault, and what it held is lost; `nil` is never. Datagrams are lost.
        case timeout(Duration?)
        /// A TCP connection is reset this long after its begin, or after that of the fault.
        case reset(after: Duration)
        /// The end of a TCP connection takes this long to arrive. Its data does not.
        case slowClose(Duration)
        /// The peer of an open connection is gone without a word: what the module sends is taken and lost, and nothing
        /// arrives, not even an end. A connection that has lost something stays like this for good.
        case halfOpen
        /// The module's servers accept no more connections, and say nothing to their clients (a bug of firmware 2.0).
        /// When the fault is removed, the connections that it has kept waiting are reset.
        case deaf
        /// Of the next block that is sent over TCP, only the first `bytes` are delivered; then the send fails (esp-at
        /// issue 988). Happens once: the fault then removes itself.
        case partialSend(bytes: Int)
        /// Queries for a name go wrong, in every scope. `*` is every name; capitals do not count.
        case name(String, Resolution)
        /// A TLS handshake fails, after the connection is made as usual.
        case brokenCertificate
        /// The peer refuses new TCP connections of the module.
        case refuse
        /// After this time a router says that the peer of a new TCP connection cannot be reached.
        case unreachable(after: Duration)
        /// Nobody answers to a new TCP connection of the module.
        case noAnswer
    }

    /// What becomes of a name query.
    public enum Resolution: Hashable, Sendable {
        /// It takes this long before it is answered as usual.
        case slow(Duration)
        /// After this time the answer is that the name does not exist.
        case unknown(after: Duration)
        /// There is no answer.
        case silent
        /// These addresses are the answer, at once. Those of a family that the module did not ask for are left out.
        case addresses([IPAddress])
    }
}

extension NetworkFault.Effect {
    /// Whether it happens in one direction or in both.
    var hasDirection: Bool {
        switch self {
        case .latency, .bandwidth, .loss, .reorder, .slice, .limit, .timeout, .slowClose: true
        case .reset, .halfOpen, .deaf, .partialSend, .name, .brokenCertificate, .refuse, .unreachable, .noAnswer: false
        }
    }
}

extension NetworkFault {
    /// How long this fault holds back the answer for a name; `nil` if it does not.
    func delay(ofName name: String) -> Duration? {
        switch effect {
        case .name(let wanted, .slow(let delay)), .name(let wanted, .unknown(let delay)):
            wanted == "*" || wanted.lowercased() == name.lowercased() ? delay : nil
        default: nil
        }
    }
}

import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

/// What was said on a module's serial line, and what happened around it, in order: the content of an `.at` file.
/// docs/Transcripts.md holds the grammar.
public struct Transcript: Equatable, Sendable {
    public var header = Header()
    public var lines: [Line] = []

    public init() {}

    public struct Header: Equatable, Sendable {
        /// The firmware profile of the module.
        public var profile = Firmware.standard.name
        /// The path of a world file, from the transcript's folder; `nil` is the standard world.
        public var world: String?
        public var seed: UInt64 = 0
        public var start = Simulation.Start.ready
        /// Where the transcript comes from: a page of a manual, a device, a bug report.
        public var origin: String?

        public init() {}
    }

    public struct Line: Equatable, Sendable {
        public var content: Content
        /// Its number in the file, from 1; 0 where it isn't from a file.
        public var number = 0

        public init(_ content: Content, number: Int = 0) {
            self.content = content
            self.number = number
        }

        public static func == (left: Self, right: Self) -> Bool { left.content == right.content }
    }

    public enum Content: Equatable, Sendable {
        case blank
        /// The text after `#`.
        case comment(String)
        case event(Event)
    }

    public enum Event: Equatable, Sendable {
        /// The host sends.
        case host(Payload)
        /// The module sends.
        case module(Expectation)
        /// The module sends all of these, in any order.
        case unordered([Expectation])
        /// Time passes; what the module says meanwhile is not looked at yet.
        case wait(Duration)
        /// Time passes, and the module says nothing.
        case quiet(Duration)
        /// The host's end of the line takes another bit rate.
        case baud(Int)
        case reset
        case power(isOn: Bool)
        case peer(name: String, PeerAction)
        case name(String, Resolution)
        case world(WorldChange)
    }

    /// What the module is to send.
    public struct Expectation: Equatable, Sendable {
        public var payload: Payload
        /// When its last byte comes, counted from the event before; `nil` takes any time.
        public var window: Window?
        /// The line in the file, for an item of an unordered group.
        public var number = 0

        public init(_ payload: Payload, window: Window? = nil, number: Int = 0) {
            self.payload = payload
            self.window = window
            self.number = number
        }

        public static func == (left: Self, right: Self) -> Bool {
            left.payload == right.payload && left.window == right.window
        }
    }

    public struct Window: Equatable, Sendable {
        public var earliest: Duration?
        public var latest: Duration?

        public init(earliest: Duration? = nil, latest: Duration? = nil) {
            self.earliest = earliest
            self.latest = latest
        }

        func contains(_ duration: Duration) -> Bool {
            (earliest ?? .zero) <= duration && duration <= latest ?? .seconds(Int64.max >> 32)
        }
    }

    /// What another host does, or what has come to it.
    public enum PeerAction: Equatable, Sendable {
        /// Waits for connections or datagrams.
        case listens(Transport, Endpoint, after: Duration, TLSPeer? = nil)
        case refuses(Transport, Endpoint)
        /// Never answers.
        case ignores(Transport, Endpoint)
        /// Connects to the module's port, or aims datagrams at it.
        case connects(Transport, port: UInt16, from: Endpoint, TLSPeer? = nil)
        case sends(Payload)
        case closes
        /// Says that it sends no more, and still takes what comes.
        case halfCloses
        case resets
        /// These bytes have come from the module.
        case receives(Payload)
        /// The connection has ended so.
        case sees(Ending)
    }

    public enum Ending: String, Equatable, Sendable, CaseIterable {
        /// The module closed.
        case close
        case reset
        /// The module has no server at that port.
        case refusal
    }

    public enum Resolution: Equatable, Sendable {
        /// None: the name does not exist.
        case addresses([IPAddress])
        /// The query is never answered.
        case silent
    }

    /// The events, with the numbers of their lines.
    public var events: [(event: Event, line: Int)] {
        lines.compactMap { line in
            if case .event(let event) = line.content { (event, line.number) } else { nil }
        }
    }
}

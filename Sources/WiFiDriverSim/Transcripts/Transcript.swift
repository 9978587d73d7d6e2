import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

/// A record of the traffic on a module's serial line and of the events around it, in order: the content of an `.at`
/// file. docs/Transcripts.md contains the grammar.
public struct Transcript: Equatable, Sendable {
    /// The header.
    public var header = Header()
    /// The lines after the header.
    public var lines: [Line] = []

    /// An empty transcript.
    public init() {}

    /// The header of a transcript.
    public struct Header: Equatable, Sendable {
        /// The name of the module's firmware profile.
        public var profile = Firmware.standard.name
        /// The path of a world file, absolute or relative to the transcript's folder; `nil` is the standard world.
        public var world: String?
        /// The simulation's seed.
        public var seed: UInt64 = 0
        /// The state of the module when the session begins.
        public var start = Simulation.Start.ready
        /// True if the module does not hear the line in light sleep, as with `--uart real`.
        public var isUART = false
        /// The source of the transcript: a page of a manual, a device, a bug report.
        public var origin: String?

        /// The standard profile in the standard world, ready.
        public init() {}
    }

    /// A line of a transcript. Two lines are equal if their contents are.
    public struct Line: Equatable, Sendable {
        /// The content of the line.
        public var content: Content
        /// The number of the line in its file, counted from 1; 0 if it is not from a file.
        public var number = 0

        /// Makes a line.
        public init(_ content: Content, number: Int = 0) {
            self.content = content
            self.number = number
        }

        /// Compares the contents.
        public static func == (left: Self, right: Self) -> Bool { left.content == right.content }
    }

    /// The content of a line.
    public enum Content: Equatable, Sendable {
        /// An empty line.
        case blank
        /// The text after `#`.
        case comment(String)
        /// An event of the session.
        case event(Event)
    }

    /// An event: bytes on the line, time, or something that happens around the module.
    public enum Event: Equatable, Sendable {
        /// The host sends.
        case host(Payload)
        /// The module sends.
        case module(Expectation)
        /// The module sends all of these, in any order.
        case unordered([Expectation])
        /// Time passes. The module's output during this time is compared with later lines.
        case wait(Duration)
        /// Time passes, and the module sends nothing.
        case quiet(Duration)
        /// The host's end of the line changes to this bit rate, in bits per second.
        case baud(Int)
        /// The module's reset pin is pulsed.
        case reset
        /// A pin of the module gets a level from outside, which may wake it from light sleep.
        case pin(Int, isHigh: Bool)
        /// The module's power is turned on or off.
        case power(isOn: Bool)
        /// A peer acts, or has observed something.
        case peer(name: String, PeerAction)
        /// A name resolves as described from now on.
        case name(String, Resolution)
        /// The world changes.
        case world(WorldChange)
    }

    /// Bytes that the module is expected to send.
    public struct Expectation: Equatable, Sendable {
        /// The bytes.
        public var payload: Payload
        /// When the last byte is to come, counted from the previous event; `nil` is any time.
        public var window: Window?
        /// The number of the line in the file, for an item of an unordered group; otherwise 0.
        public var number = 0

        /// Makes an expectation.
        public init(_ payload: Payload, window: Window? = nil, number: Int = 0) {
            self.payload = payload
            self.window = window
            self.number = number
        }

        /// Compares the payloads and the windows.
        public static func == (left: Self, right: Self) -> Bool {
            left.payload == right.payload && left.window == right.window
        }
    }

    /// A time window. Both ends belong to it.
    public struct Window: Equatable, Sendable {
        /// The earliest time; `nil` is zero.
        public var earliest: Duration?
        /// The latest time; `nil` is no limit.
        public var latest: Duration?

        /// Makes a window.
        public init(earliest: Duration? = nil, latest: Duration? = nil) {
            self.earliest = earliest
            self.latest = latest
        }

        func contains(_ duration: Duration) -> Bool {
            (earliest ?? .zero) <= duration && duration <= latest ?? .seconds(Int64.max >> 32)
        }
    }

    /// What a peer does, or what it has observed.
    public enum PeerAction: Equatable, Sendable {
        /// Accepts connections or datagrams at this endpoint. A connection is accepted after the duration.
        case listens(Transport, Endpoint, after: Duration, TLSPeer? = nil)
        /// Refuses connections or datagrams at this endpoint.
        case refuses(Transport, Endpoint)
        /// Never answers at this endpoint.
        case ignores(Transport, Endpoint)
        /// Connects to the module's port, or selects it as the destination of datagrams.
        case connects(Transport, port: UInt16, from: Endpoint, TLSPeer? = nil)
        /// Sends these bytes.
        case sends(Payload)
        /// Closes the connection.
        case closes
        /// Ends its direction of the connection, and still receives.
        case halfCloses
        /// Resets the connection.
        case resets
        /// Has received these bytes from the module.
        case receives(Payload)
        /// Has seen the connection end this way.
        case sees(Ending)
    }

    /// How a connection ends, as its peer sees it.
    public enum Ending: String, Equatable, Sendable, CaseIterable {
        /// The module closed the connection.
        case close
        /// The module reset the connection.
        case reset
        /// The module has no server on that port.
        case refusal
    }

    /// How a name resolves.
    public enum Resolution: Equatable, Sendable {
        /// The addresses of the name. An empty list means that the name does not exist.
        case addresses([IPAddress])
        /// Queries for the name are never answered.
        case silent
    }

    /// The events with their line numbers.
    public var events: [(event: Event, line: Int)] {
        lines.compactMap { line in
            if case .event(let event) = line.content { (event, line.number) } else { nil }
        }
    }
}

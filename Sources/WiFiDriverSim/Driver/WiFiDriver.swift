import CDriverWiFi

/// A CMSIS-Driver WiFi over a serial line to an ESP-AT module.
///
/// Threads. Any number may call at the same time. All variables are guarded by `lock`, which is never held while a call
/// sleeps. One command is on the line at a time; its owner has the command slot. The line is read by whichever call waits
/// for it (`waitForProgress`): that call handles everything that comes and wakes the others it concerns. When it is done, a
/// watching thread reads on where that matters to somebody (`leaveLine`); else what comes waits for the next call, which
/// reads it first (`perform`). A worker thread runs what nobody waits for: connections, and closing behind a long command.
///
/// Back-pressure. Where the firmware can, data stays in the module until it is asked for (passive receive). Pushed data
/// is kept as far as `heldBackLimit`: the line is then not read until the application has taken some, and no command is
/// made. A command that is under way by then is read on for, as far as `replyLimit`.
///
/// Limits. Whatever grows by what the module says has one: queues, the lines of a reply, events, connections to be
/// accepted. What comes beyond is held back or dropped and counted.
///
/// The variables that are looked at most go without the checks at run time that accesses do not overlap, a fifth of the work of
/// a Send. They hold values whose methods know no driver.
final class WiFiDriver: @unchecked Sendable {
    // Unchecked: see above, every variable is guarded by `lock`.

    enum Power { case uninitialized, off, low, full }

    static let socketLimit = 16
    static let linkLimit = 5
    /// A queue longer than this stops reading for the sake of reading.
    static let idleLimit = 128 * 1024
    /// A queue longer than this stops reading until the application has taken some.
    static let heldBackLimit = 1024 * 1024
    /// The same while a reply is awaited, which comes behind what the module has said before.
    static let replyLimit = 2 * heldBackLimit
    /// A datagram socket whose queue has more bytes, or more datagrams, drops what comes.
    static let datagramLimit = (bytes: 256 * 1024, count: 4096)
    /// Connections that wait for Accept; those that have ended meanwhile make room for new ones.
    static let pendingLimit = 16
    /// Events that wait for the application; later ones are dropped.
    static let eventLimit = 256

    let lock = DriverLock()
    let openLine: @Sendable () throws -> SerialPort
    /// A peer that does not answer is given up after this.
    let connectTimeout: Duration
    /// How long a command that asks for nothing lengthy may take.
    let replyTimeout: Duration
    /// How long the module may be kept busy: by a peer that does not read what it is sent, or by a command that was given up.
    let busyTimeout: Duration

    var power = Power.uninitialized
    var line: DriverLine?
    var threads: Threads?
    var dialect = DriverDialect.unknown
    var versionLines: [[UInt8]] = []

    // Calls that sleep, and the one command.
    @exclusivity(unchecked) var waiters: [DriverWaiter] = []
    @exclusivity(unchecked) var slot = CommandSlot()
    @exclusivity(unchecked) var exchange: CommandExchange?
    /// What a Send has left behind: the exchange in flight is its.
    var unconfirmed: UnconfirmedDelivery?
    /// The power is about to be switched, on or off: nobody waits for the module's answer any more, but for a prompt.
    var isSwitchingPower = false
    /// The firmware keeps TCP data until it is asked for.
    var receivesPassively = false
    /// What CIPRECVDATA reads for.
    var readTarget: DriverConnection?
    var conversation = Conversation.found
    /// Questions without an answer since the conversation was lost; calls with little time ask one each.
    var silentAttempts = 0
    /// The module restarted by itself and has lost what was set up.
    var needsSetup = false
    /// Bytes announced to CIPSEND that the module may still be waiting for.
    var missingBytes = 0
    /// Topics to notify of once the input at hand is handled.
    var changed: DriverTopics = []

    @exclusivity(unchecked) var links = [DriverConnection?](repeating: nil, count: WiFiDriver.linkLimit)
    @exclusivity(unchecked) var sockets = [DriverSocket?](repeating: nil, count: WiFiDriver.socketLimit)
    /// Whose server the module runs. It outlives the socket until its turn to be stopped comes.
    var servedListener: DriverSocket.Listener?
    /// Links that CIPRECVTYPE has set to push what they receive, for datagrams.
    var pushingLinks: Set<Int> = []
    /// Numbers that a Connect found taken although nothing was reported of them.
    var blockedLinks: Set<Int> = []
    var nextEphemeralPort: UInt16 = 49152

    var options = DriverOptions()
    var station = StationState()
    var accessPointIsActive = false
    /// CWMODE: 1 station, 2 soft-AP, 3 both.
    var mode = 1

    var eventCallback: ARM_WIFI_SignalEvent_t?
    var events: [(event: UInt32, mac: MACAddress)] = []
    var droppedEvents = 0
    var jobs: [() -> Void] = []
    /// One of the jobs is to close the links that nobody wants.
    var isClosingQueued = false
    /// Why Initialize failed last.
    var lastError: (any Error)?

    /// Whether replies can be told apart.
    enum Conversation {
        case found
        /// A command ended without its reply: before the next one, the conversation is to be found again.
        case lost
        /// It was not found again, since the module was busy for too long. Each call looks for a moment.
        case busy
        /// It was not found again, since the module said nothing: it has lost its power, or its line. Each call asks once.
        case silent
    }

    /// The network that the station is in.
    struct StationState {
        var isConnected = false
        /// What Activate was called with.
        var ssid: [UInt8] = []
        var password: [UInt8] = []
        var security: UInt8 = 0
        /// The addresses of `options` may no longer be those in use.
        var addressIsStale = false
    }

    /// - Parameters:
    ///   - connectTimeout: how long Connect waits for a silent peer; callers count on less than 20 s.
    ///   - replyTimeout: how long the module may take to answer an ordinary command.
    ///   - busyTimeout: how long it may be kept busy, by a peer that does not read or by a command that was given up.
    ///   - openLine: opens the line to the module; called by Initialize.
    init(
        connectTimeout: Duration = .seconds(18), replyTimeout: Duration = .seconds(5),
        busyTimeout: Duration = .seconds(60), openLine: @escaping @Sendable () throws -> SerialPort
    ) {
        self.connectTimeout = connectTimeout
        self.replyTimeout = replyTimeout
        self.busyTimeout = busyTimeout
        self.openLine = openLine
    }

    /// Runs a function of the interface: with the lock, knowing what the module has said by now, and with somebody left to
    /// read the line afterwards.
    func perform<Result, Failure: Error>(
        catchingUp: Bool = true, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock.lock()
        if catchingUp { catchUp() }
        defer {
            leaveLine()
            lock.unlock()
        }
        return try body()
    }
}

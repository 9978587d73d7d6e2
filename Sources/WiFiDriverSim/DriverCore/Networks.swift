import CDriverWiFi
import WiFiSimValues

/// The arguments of Activate, copied from the caller's memory.
package struct NetworkConfiguration {
    package enum WPS: Equatable { case none, pushButton, pin }

    var ssid: [UInt8]
    var password: [UInt8]
    var security: NetworkSecurity
    var channel: UInt8
    var wps: WPS

    package init(ssid: [UInt8], password: [UInt8], security: NetworkSecurity, channel: UInt8, wps: WPS) {
        self.ssid = ssid
        self.password = password
        self.security = security
        self.channel = channel
        self.wps = wps
    }
}

/// One line of CWLAP.
package struct ScannedNetwork {
    package var ssid: [UInt8]
    package var bssid: MACAddress
    package var security: NetworkSecurity
    package var channel: UInt8
    package var rssi: Int8

    init?(_ line: [UInt8]) {
        let network = line.withUnsafeBytes { bytes -> ScannedNetwork? in
            // (<ecn>,<"ssid">,<rssi>,<"mac">,<channel>,…)
            var fields = FieldReader(bytes, after: bytes.first == UInt8(ascii: "(") ? 1 : 0)
            guard let encryption = fields.integer(), let ssid = fields.text(quotesAfter: 2),
                let rssi = fields.integer(), let bssid = fields.mac(), let channel = fields.integer()
            else { return nil }
            return ScannedNetwork(
                ssid: Array(ssid.prefix(32)), bssid: bssid, security: NetworkSecurity(reported: encryption),
                channel: UInt8(clamping: channel), rssi: Int8(clamping: rssi))
        }
        guard let network else { return nil }
        self = network
    }

    private init(ssid: [UInt8], bssid: MACAddress, security: NetworkSecurity, channel: UInt8, rssi: Int8) {
        self.ssid = ssid
        self.bssid = bssid
        self.security = security
        self.channel = channel
        self.rssi = rssi
    }
}

/// The results of GetNetInfo.
package struct NetworkInformation {
    package var ssid: [UInt8]
    package var password: [UInt8]
    package var security: NetworkSecurity
    package var channel: UInt8
    package var rssi: Int8
}

extension CommandExchange.Outcome {
    /// The error of a call that manages the interface. Nil if the command succeeded.
    var driverFailure: DriverFailure? {
        switch self {
        case .done: nil
        case .timedOut, .stillBusy: .timedOut
        case .refused, .notDelivered, .moduleReset, .lineLost: .unspecified
        }
    }
}

extension DriverCore {
    var isInNetwork: Bool { station.isConnected || accessPointIsActive }

    package var hasPower: Bool { (power == .full || power == .low) && !isLineLost }

    /// Whether the station has joined a network.
    package var isConnected: Bool { hasPower && station.isConnected }
}

/// Joins a network by name.
final class Join: LineWork {
    private let configuration: NetworkConfiguration
    private var state = State.beginning
    private(set) var reply = Reply(outcome: .timedOut)

    private enum State { case beginning, joining, joined }

    init(_ configuration: NetworkConfiguration) { self.configuration = configuration }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        switch state {
        case .beginning:
            state = .joining
            let address = core.staticAddress
            if !address.isEmpty { return .first(Commands(address)) }
            return next(nil, core)
        case .joining:
            state = .joined
            var command = CommandText(core.dialect.volatile("CWJAP")).quoted(configuration.ssid)
                .quoted(configuration.security == .open ? [] : configuration.password)
            let bssid = MACAddress(bytes: core.options[ARM_WIFI_BSSID, .station])
            if bssid.rawValue != 0 { command = command.quoted(bssid.description) }
            return .command(command, timeout: .seconds(30))
        case .joined:
            if let reply { self.reply = reply }
            return .end
        }
    }

    override func failed(_ core: DriverCore) {
        if case .unavailable(let outcome)? = ending { reply = Reply(outcome: outcome) }
    }
}

/// Starts the module's own access point.
final class StartAccessPoint: LineWork {
    private let configuration: NetworkConfiguration
    private var state = State.beginning
    private(set) var outcome = CommandExchange.Outcome.timedOut

    private enum State { case beginning, modeSet, optionsSet, started, poolSet, stopped }

    init(_ configuration: NetworkConfiguration) { self.configuration = configuration }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        switch state {
        case .beginning:
            state = .modeSet
            return .command(CommandText(core.dialect.volatile("CWMODE")).field(3))
        case .modeSet:
            outcome = reply?.outcome ?? .timedOut
            guard outcome == .done else { return .end }
            core.mode = 3
            core.accessPointIsActive = true
            state = .optionsSet
            return .first(Commands(core.chosenOptions(of: .accessPoint)))
        case .optionsSet:
            state = .started
            let channel = configuration.channel == 0 ? 1 : configuration.channel
            return .command(
                CommandText(core.dialect.volatile("CWSAP")).quoted(configuration.ssid)
                    .quoted(configuration.security == .open ? [] : configuration.password)
                    .field(channel).field(configuration.security.rawValue), timeout: .seconds(10))
        case .started:
            outcome = reply?.outcome ?? .timedOut
            guard outcome == .done else {
                state = .stopped
                return .first(StopAccessPoint())
            }
            state = .poolSet
            guard core.options.isChosen(ARM_WIFI_IP_DHCP_POOL_BEGIN, of: .accessPoint) else { return .end }
            return .first(Commands(core.pool))
        case .poolSet, .stopped: return .end
        }
    }

    override func failed(_ core: DriverCore) {
        if case .unavailable(let outcome)? = ending { self.outcome = outcome }
    }
}

final class StopAccessPoint: LineWork {
    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        guard let reply else {
            core.accessPointIsActive = false
            return .command(CommandText(core.dialect.volatile("CWMODE")).field(1))
        }
        if reply.isDone { core.mode = 1 }
        return .end
    }
}

// MARK: Calls

/// Activate.
final class ActivateCall: PendingCall {
    private let interface: DriverOptions.Interface
    private let configuration: NetworkConfiguration
    private var state = State.beginning

    private enum State {
        case beginning
        case joining(Join)
        case startingAccessPoint(StartAccessPoint)
        case pushingButton(SingleCommand)
        /// WIFI GOT IP reports the join (ESP-AT docs, Wi-Fi, WPS).
        case awaitingJoin
        case givingUp(SingleCommand)
        case askingNetwork(SingleCommand)
        case askingSecurity(SingleCommand)
        case readingAddresses(ReadAddresses)
    }

    init(_ id: CallID, _ interface: DriverOptions.Interface, _ configuration: NetworkConfiguration) {
        self.interface = interface
        self.configuration = configuration
        super.init(id)
    }

    override func proceed(_ core: DriverCore) {
        switch state {
        case .beginning: begin(core)
        case .joining(let work):
            if work.ending != nil { joined(work.reply, core) }
        case .startingAccessPoint(let work):
            guard work.ending != nil else { return }
            if let failure = work.outcome.driverFailure { fail(failure, core) } else { succeed(core) }
        case .pushingButton(let work):
            guard work.ending != nil else { return }
            guard work.reply.isDone else { return fail(.unsupported, core) }
            deadline = core.now + .seconds(120)
            state = .awaitingJoin
            self.work = nil
            proceed(core)
        case .awaitingJoin:
            if core.station.isConnected {
                core.station.password = []
                ask(.query(core.dialect.volatile("CWJAP")), core) { .askingNetwork($0) }
            } else if core.isLineLost || isOver(at: core.now) {
                deadline = nil
                ask(CommandText("WPS").field(0), core) { .givingUp($0) }
            }
        case .givingUp(let work):
            if work.ending != nil { fail(.timedOut, core) }
        case .askingNetwork(let work):
            guard work.ending != nil else { return }
            deadline = nil
            guard let network = JoinedNetwork(work.reply, core) else { return complete(core) }
            core.station.ssid = network.ssid
            ask(CommandText("CWLAP").quoted(network.ssid), core, timeout: .seconds(15)) { .askingSecurity($0) }
        case .askingSecurity(let work):
            guard work.ending != nil else { return }
            core.station.security =
                work.reply.fields("+CWLAP:").compactMap(ScannedNetwork.init).first?.security
                ?? .unknown
            complete(core)
        case .readingAddresses(let work):
            if work.ending != nil { succeed(core) }
        }
    }

    private func begin(_ core: DriverCore) {
        guard core.hasPower else { return fail(.unspecified, core) }
        switch (interface, configuration.wps) {
        case (.station, .none):
            let work = Join(configuration)
            state = .joining(work)
            start(work, isLong: true, on: core)
        // The firmware answers OK at once.
        case (.station, .pushButton): ask(CommandText("WPS").field(1), core) { .pushingButton($0) }
        case (.accessPoint, .none):
            // CWSAP does not support WEP (ESP-AT docs, Wi-Fi, CWSAP).
            if configuration.security == .wep { return fail(.unsupported, core) }
            let work = StartAccessPoint(configuration)
            state = .startingAccessPoint(work)
            start(work, isLong: true, on: core)
        // No AT firmware has a command for these.
        case (.station, .pin), (.accessPoint, .pushButton), (.accessPoint, .pin): fail(.unsupported, core)
        }
    }

    private func ask(
        _ command: CommandText, _ core: DriverCore, timeout: Duration? = nil, _ next: (SingleCommand) -> State
    ) {
        let work = SingleCommand(command, timeout: timeout)
        state = next(work)
        start(work, isLong: timeout != nil, on: core)
    }

    private func joined(_ reply: Reply, _ core: DriverCore) {
        switch reply.outcome {
        case .done:
            core.station.ssid = configuration.ssid
            core.station.password = configuration.password
            core.station.security = configuration.security
            complete(core)
        case .refused:
            // 1 is a time-out. 2 to 4 are a wrong password, no such network, any other failure (ESP-AT docs, CWJAP).
            // Generation 1 uses either name.
            let reasons = reply.fields("+CWJAP:") + reply.fields("+CWJAP_CUR:")
            // The module has left its network to try the new one.
            if !reasons.isEmpty { core.forgetNetwork() }
            fail(reasons.first == Array("1".utf8) ? .timedOut : .unspecified, core)
        case .timedOut, .stillBusy, .notDelivered, .moduleReset, .lineLost:
            fail(reply.outcome.driverFailure ?? .unspecified, core)
        }
    }

    private func complete(_ core: DriverCore) {
        core.station.isConnected = true
        core.station.addressIsStale =
            core.options.number(ARM_WIFI_IP_DHCP, of: .station) != 0 || core.dialect.hasIPv6
        let work = ReadAddresses()
        state = .readingAddresses(work)
        start(work, on: core)
    }

    private func succeed(_ core: DriverCore) { core.finish(self, .success(.nothing)) }
    private func fail(_ failure: DriverFailure, _ core: DriverCore) { core.finish(self, .failure(.driver(failure))) }
}

/// The reply to `CWJAP?`.
struct JoinedNetwork {
    var ssid: [UInt8]
    var channel: Int
    var rssi: Int

    init?(_ reply: Reply, _ core: DriverCore) {
        guard let line = reply.fields("+\(core.dialect.volatile("CWJAP")):").first else { return nil }
        let fields = line.withUnsafeBytes { bytes -> ([UInt8], Int, Int)? in
            // <"ssid">,<"bssid">,<channel>,<rssi>,…
            var fields = FieldReader(bytes)
            guard let ssid = fields.text(quotesAfter: 2), fields.text() != nil, let channel = fields.integer(),
                let rssi = fields.integer()
            else { return nil }
            return (ssid, channel, rssi)
        }
        guard let fields else { return nil }
        (ssid, channel, rssi) = fields
    }
}

/// A call that consists of one piece of work.
final class WorkCall<Work: LineWork>: PendingCall {
    private let make: (DriverCore) throws(CallFailure) -> Work?
    private let isLong: Bool
    private let conclude: (Work?, DriverCore) -> CallOutcome
    private var own: Work?
    private var hasBegun = false

    /// - Parameters:
    ///   - id: the identifier of the call.
    ///   - isLong: whether its command may take seconds.
    ///   - make: creates the work. Nil if there is nothing to do on the line.
    ///   - conclude: the result of the call after the work.
    init(
        _ id: CallID, isLong: Bool = false, _ make: @escaping (DriverCore) throws(CallFailure) -> Work?,
        _ conclude: @escaping (Work?, DriverCore) -> CallOutcome
    ) {
        self.make = make
        self.isLong = isLong
        self.conclude = conclude
        super.init(id)
    }

    override func proceed(_ core: DriverCore) {
        if hasBegun {
            if own.map({ $0.ending != nil }) ?? true { core.finish(self, conclude(own, core)) }
            return
        }
        hasBegun = true
        do throws(CallFailure) {
            own = try make(core)
        } catch {
            return core.finish(self, .failure(error))
        }
        if let own { start(own, isLong: isLong, on: core) } else { core.finish(self, conclude(nil, core)) }
    }
}

/// Ping. The call ends within two seconds; a command that takes longer continues without it.
final class PingCall: PendingCall {
    private let ip: IPAddress
    private var ping: SingleCommand?

    init(_ id: CallID, _ ip: IPAddress, until deadline: Instant) {
        self.ip = ip
        super.init(id, deadline: deadline)
    }

    override func proceed(_ core: DriverCore) {
        guard let ping else {
            guard core.hasPower else { return core.finish(self, .failure(.driver(.unspecified))) }
            let ping = SingleCommand(CommandText("PING").quoted(ip), timeout: .seconds(10))
            self.ping = ping
            // The work belongs to no call, so that it continues.
            return core.enqueue(ping, isLong: true)
        }
        guard ping.ending != nil || isOver(at: core.now) || core.isLineLost else { return }
        switch ping.ending == nil ? .timedOut : ping.reply.outcome {
        case .done: core.finish(self, .success(.nothing))
        case .refused, .timedOut, .stillBusy:
            core.finish(self, .failure(.driver(core.isLineLost ? .unspecified : .timedOut)))
        case .notDelivered, .moduleReset, .lineLost: core.finish(self, .failure(.driver(.unspecified)))
        }
    }
}

/// GetHostByName.
final class ResolveCall: PendingCall {
    private let name: String
    private let family: IPAddress.Family
    private var question: SingleCommand?
    private var start = Instant.zero

    /// A name server that denies a name answers at once. One that does not answer is asked again first, so a later
    /// failure counts as a time-out.
    private static let denialLimit = Duration.seconds(3)

    init(_ id: CallID, _ name: String, _ family: IPAddress.Family) {
        self.name = name
        self.family = family
        super.init(id)
    }

    override func proceed(_ core: DriverCore) {
        do throws(SocketFailure) {
            if let question {
                if question.ending != nil { core.finish(self, .success(.address(try address(question.reply, core)))) }
            } else {
                try ask(core)
            }
        } catch {
            core.finish(self, .failure(.socket(error)))
        }
    }

    private func ask(_ core: DriverCore) throws(SocketFailure) {
        guard core.power == .full else { throw .unspecified }
        // The firmware takes lines of up to 256 bytes (ESP-AT docs, AT command set).
        guard !name.isEmpty, name.utf8.count <= 220 else { throw .invalidArgument }
        if family == .v6, !core.dialect.hasIPv6 { throw .notSupported }
        var command = CommandText("CIPDOMAIN").quoted(name)
        // 3 selects IPv6 only. Without the field, IPv4 is preferred.
        if family == .v6 { command = command.field(3) }
        let question = SingleCommand(command, timeout: .seconds(20))
        self.question = question
        start = core.now
        start(question, isLong: true, on: core)
    }

    private func address(_ reply: Reply, _ core: DriverCore) throws(SocketFailure) -> IPAddress {
        switch reply.outcome {
        case .done:
            let found = reply.fields("+CIPDOMAIN:").compactMap { line in
                line.withUnsafeBytes { bytes -> IPAddress? in
                    var fields = FieldReader(bytes)
                    return fields.ip()
                }
            }
            guard let ip = found.first(where: { $0.family == family }) else { throw .hostNotFound }
            return ip
        case .refused where !core.isInNetwork: throw .unspecified
        // The firmware gives no reason.
        case .refused: throw core.now - start < Self.denialLimit ? .hostNotFound : .timedOut
        case .timedOut, .stillBusy: throw .timedOut
        case .notDelivered, .moduleReset, .lineLost: throw .unspecified
        }
    }
}

/// Several pieces of work, done one after the other.
final class WorkSequence: LineWork {
    private var parts: ArraySlice<LineWork>

    init(_ parts: [LineWork]) { self.parts = parts[...] }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep { parts.popFirst().map { .first($0) } ?? .end }
}

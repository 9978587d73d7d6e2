import WiFiSimValues

/// The radio medium that modules share. It answers scans and joins after the time that they take on hardware, and
/// connects stations with the soft-APs of other modules.
///
/// Sans-IO, with two kinds of methods: `handle`, `advance` and `change` take requests, time and changes; `takeEvents()`
/// returns the events for the radios. After each input, take the events, and call `advance(to:)` at `nextDeadline`.
/// Time only moves forward. Not thread-safe: the thread of the simulation owns it. The air never carries packets
/// itself; it only decides whether they pass (`carries`).
package final class Air {
    /// A radio in this air, of a module or of a virtual station.
    package struct RadioID: Hashable, Sendable {
        package let index: Int
    }

    /// The access points of the world and the soft-APs of modules.
    package var accessPoints: [AccessPoint] { cells.map(\.accessPoint) }
    var cells: [Cell]
    private var radios: [Radio] = [] { didSet { knownDeadline = nil } }
    /// The cached result of `radioDeadline`, `nil` after a radio has changed. Saves a search: most of a thousand radios
    /// do nothing for hours.
    private var knownDeadline: Instant??
    /// The faults that a new radio's module has.
    private var faults: [Fault] = []
    private var events: [(radio: RadioID, event: AirEvent)] = []
    /// The virtual stations of the world, by name.
    var stations: [String: VirtualStation] = [:]

    /// An access point and its owner.
    struct Cell {
        var accessPoint: AccessPoint
        /// The radio whose soft-AP it is. `nil` for an access point of the world.
        var owner: RadioID?
        var leases = LeasePool()
        /// Its WPS button was pressed and is valid until then.
        var buttonUntil: Instant?
    }

    private struct Radio {
        var scan: (request: AirRequest.Scan, until: Instant)?
        var station = Membership.idle
        var learner: Learner?

        var deadline: Instant? { .earlier(.earlier(scan?.until, station.deadline), learner?.deadline) }
    }

    /// How far a radio's station has joined.
    package enum Membership {
        case idle
        case searching(AirRequest.Join, until: Instant)
        case authenticating(AirRequest.Join, bssid: MACAddress, until: Instant)
        case askingForAddress(AirRequest.Join, bssid: MACAddress, until: Instant)
        case associated(AirRequest.Join, bssid: MACAddress)
        /// The access point is silent. The station notices when enough beacons are missing.
        case missingBeacons(AirRequest.Join, bssid: MACAddress, until: Instant)

        var deadline: Instant? {
            switch self {
            case .idle, .associated: nil
            case .searching(_, let until), .authenticating(_, _, let until), .askingForAddress(_, _, let until),
                .missingBeacons(_, _, let until):
                until
            }
        }

        /// The access point that lists this station, and the station's address there.
        package var joined: (bssid: MACAddress, station: MACAddress)? {
            switch self {
            case .idle, .searching, .authenticating: nil
            case .askingForAddress(let join, let bssid, _), .associated(let join, let bssid),
                .missingBeacons(let join, let bssid, _):
                (bssid, join.station)
            }
        }
    }

    /// Durations on an ESP. Those of scans and beacons are documented (ESP-AT docs, Wi-Fi, CWLAP and CWCONFIG), the
    /// others are typical values.
    enum Timing {
        static let activeScan = Duration.milliseconds(120)
        static let passiveScan = Duration.milliseconds(360)
        static let authentication = Duration.milliseconds(80)
        static let dhcp = Duration.milliseconds(250)
        static let wrongPassword = Duration.milliseconds(2500)
        /// The validity of a pressed WPS button and of a WPS search (Wi-Fi Protected Setup).
        static let wpsWalk = Duration.seconds(120)
        static let wps = Duration.seconds(4)
        static let smartConfig = Duration.seconds(3)
    }

    /// The number of changes of access points, for callers that cache something about them.
    package private(set) var changeCount = 0
    /// The changes of the timeline that are still to come.
    private var timeline: ArraySlice<World.TimedChange>

    package init(world: World) {
        cells = world.accessPoints.map { Cell(accessPoint: $0) }
        timeline = world.timeline.sorted { $0.at < $1.at }[...]
        faults = world.faults
    }

    /// Adds a radio. It starts idle.
    package func addRadio() -> RadioID {
        radios.append(Radio())
        let radio = RadioID(index: radios.count - 1)
        for fault in faults { events.append((radio, .faults(.add(fault)))) }
        return radio
    }

    var radioCount: Int { radios.count }

    /// Tells the modules that faults are set or cleared.
    package func tell(_ change: FaultChange) {
        var only: Int?
        switch change {
        case .add(let fault, let module):
            only = module
            if module == nil { faults.append(fault) }
        case .clear: faults = []
        }
        for index in radios.indices where only.map({ $0 == index }) ?? true {
            events.append((RadioID(index: index), .faults(change)))
        }
    }

    /// Takes a request of a radio. The answer is an event, now or later.
    package func handle(_ request: AirRequest, from radio: RadioID, at now: Instant) {
        switch request {
        case .scan(let scan):
            radios[radio.index].scan = (scan, now + scan.timePerChannel * scan.channels.count)
        case .join(let join):
            setStation(.searching(join, until: now + searchTime(for: join, of: radio)), of: radio, at: now)
        case .leave:
            setStation(.idle, of: radio, at: now)
        case .askForAddress:
            guard case .associated(let join, let bssid) = radios[radio.index].station, let cell = audible(bssid) else {
                return
            }
            setStation(
                .askingForAddress(join, bssid: bssid, until: now + addressTime(at: cells[cell])), of: radio, at: now)
        case .announce(let accessPoint): announce(accessPoint, by: radio, at: now)
        case .silence:
            if let cell = softAP(of: radio) { endSoftAP(cell, at: now) }
        case .expel(let station):
            if let cell = softAP(of: radio) { expel(station, from: cells[cell].accessPoint.bssid, at: now) }
        case .learn(let provisioning?): startLearning(provisioning, by: radio, at: now)
        case .learn(nil): radios[radio.index].learner = nil
        case .change(let change): try? make(change, at: now)
        case .stop:
            radios[radio.index].learner = nil
            setStation(.idle, of: radio, at: now)
            if let cell = softAP(of: radio) {
                let bssid = cells.remove(at: cell).accessPoint.bssid
                silenceBeacons(of: bssid, at: now)
            }
        }
    }

    private var radioDeadline: Instant? {
        if let knownDeadline { return knownDeadline }
        let deadline = radios.reduce(Instant?.none) { .earlier($0, $1.deadline) }
        knownDeadline = .some(deadline)
        return deadline
    }

    /// When to call `advance(to:)` next. `nil` if nothing is due.
    package var nextDeadline: Instant? {
        .earlier(timeline.first.map { .zero + $0.at }, radioDeadline)
    }

    /// Handles everything that is due by `now`.
    package func advance(to now: Instant) {
        while let next = timeline.first, .zero + next.at <= now {
            timeline.removeFirst()
            // The world file has been checked, so only a soft-AP can be missing. Such a change has no effect.
            try? make(next.change, at: .zero + next.at)
        }
        guard let due = radioDeadline, due <= now else { return }
        for index in radios.indices {
            let radio = RadioID(index: index)
            if let (scan, until) = radios[index].scan, until <= now {
                radios[index].scan = nil
                emit(.scanned(sightings(for: scan, by: radio)), to: radio)
            }
            while let learner = radios[index].learner, let due = learner.deadline, due <= now {
                radios[index].learner = step(learner, of: radio, at: due)
            }
            while let due = radios[index].station.deadline, due <= now {
                setStation(step(radios[index].station, of: radio, at: due), of: radio, at: due)
            }
        }
    }

    package var hasEvents: Bool { !events.isEmpty }

    /// The events since the last call, in the order in which they happened.
    package func takeEvents() -> [(radio: RadioID, event: AirEvent)] {
        defer { events.removeAll() }
        return events
    }

    func emit(_ event: AirEvent, to radio: RadioID) { events.append((radio, event)) }

    // MARK: Changes

    /// Changes an access point while modules use it, for example off and on, another channel, password or network. For
    /// a soft-AP, off and a weak signal mean out of reach; its module does not notice.
    package func change(_ bssid: MACAddress, at now: Instant, _ body: (inout AccessPoint) -> Void) {
        guard let index = cells.firstIndex(where: { $0.accessPoint.bssid == bssid }) else { return }
        let old = cells[index].accessPoint
        body(&cells[index].accessPoint)
        let new = cells[index].accessPoint
        if !new.network.hasAddresses(of: old.network) { cells[index].leases = LeasePool() }
        changeCount += 1
        if !new.isOn || new.channel != old.channel { silenceBeacons(of: bssid, at: now) }
        guard new.isOn, new.channel == old.channel else { return }
        for (radio, state) in members(of: bssid) {
            if case .missingBeacons(let join, _, _) = state {
                setStation(.associated(join, bssid: bssid), of: radio, at: now)
            }
        }
    }

    /// From now on, the access point's stations receive no beacons.
    private func silenceBeacons(of bssid: MACAddress, at now: Instant) {
        for (radio, state) in members(of: bssid) {
            if case .associated(let join, _) = state {
                setStation(
                    .missingBeacons(join, bssid: bssid, until: now + join.beaconTimeout), of: radio, at: now)
            }
        }
    }

    /// The radios whose station the access point lists.
    package func members(of bssid: MACAddress) -> [(radio: RadioID, state: Membership)] {
        radios.indices.compactMap { index in
            let state = radios[index].station
            return state.joined?.bssid == bssid ? (RadioID(index: index), state) : nil
        }
    }

    func setLearner(_ learner: Learner, of radio: RadioID) { radios[radio.index].learner = learner }

    func changeLearners(_ body: (inout Learner) -> Void) {
        for index in radios.indices {
            guard var learner = radios[index].learner else { continue }
            body(&learner)
            radios[index].learner = learner
        }
    }

    func membership(of radio: RadioID) -> Membership { radios[radio.index].station }

    /// Changes the state of a radio's station, and reports leaving and joining to the soft-AP concerned.
    func setStation(_ state: Membership, of radio: RadioID, at now: Instant) {
        let old = radios[radio.index].station.joined
        radios[radio.index].station = state
        let new = state.joined
        guard old?.bssid != new?.bssid || old?.station != new?.station else { return }
        if let old, let cell = cell(of: old.bssid) {
            cells[cell].leases.stationLeft(old.station, at: now)
            if let owner = cells[cell].owner { emit(.stationLeft(old.station), to: owner) }
        }
        if let new, let cell = cell(of: new.bssid) {
            if let owner = cells[cell].owner { emit(.stationJoined(new.station), to: owner) }
            followChannel(of: cells[cell].accessPoint, radio)
        }
    }

    func cell(of bssid: MACAddress) -> Int? { cells.firstIndex { $0.accessPoint.bssid == bssid } }

    // MARK: Packets

    /// Whether packets pass between a radio and an access point: the radio's station has joined it, or it is the
    /// radio's soft-AP.
    func carries(_ bssid: MACAddress, of radio: RadioID) -> Bool {
        guard let cell = audible(bssid) else { return false }
        if cells[cell].owner == radio { return true }
        switch radios[radio.index].station {
        case .associated(_, bssid), .askingForAddress(_, bssid, _): return true
        default: return false
        }
    }

    /// Whether an access point leads to the rest of the world.
    func hasRouter(_ bssid: MACAddress) -> Bool {
        cell(of: bssid).map { cells[$0].accessPoint.network.hasRouter } ?? false
    }

    /// Whether packets pass the gateway of an access point.
    func leadsOn(_ bssid: MACAddress) -> Bool { cell(of: bssid).map { cells[$0].accessPoint.network.leadsOn } ?? true }

    /// Whether the name servers of an access point's network answer.
    func answersNames(_ bssid: MACAddress) -> Bool {
        cell(of: bssid).map { cells[$0].accessPoint.network.answersNames } ?? true
    }

    /// Round trip between a module and the gateway behind an access point.
    func latency(of bssid: MACAddress) -> Duration? { cell(of: bssid).map { cells[$0].accessPoint.latency } }

    /// The name servers that DHCP announces behind an access point.
    func nameServers(of bssid: MACAddress) -> [IPv4Address] {
        cell(of: bssid).map { cells[$0].accessPoint.network.dns } ?? []
    }

    // MARK: Scanning

    private func sightings(for scan: AirRequest.Scan, by radio: RadioID) -> [AirEvent.Sighting] {
        cells.filter { $0.owner != radio }.map(\.accessPoint).filter { accessPoint in
            accessPoint.isOn && scan.channels.contains(accessPoint.channel)
                && (scan.bssid ?? accessPoint.bssid) == accessPoint.bssid
                && (scan.ssid ?? accessPoint.ssid) == accessPoint.ssid
        }.map { accessPoint in
            var sighting = AirEvent.Sighting(accessPoint)
            // Its beacons have no SSID. It answers probes with its SSID.
            if accessPoint.isHidden, scan.ssid == nil { sighting.ssid = "" }
            return sighting
        }.sorted { $0.rssi > $1.rssi }
    }

    /// The index of an access point that is on.
    func audible(_ bssid: MACAddress) -> Int? {
        cells.firstIndex { $0.accessPoint.bssid == bssid && $0.accessPoint.isOn }
    }
}

extension AirEvent.Sighting {
    init(_ accessPoint: AccessPoint) {
        self.init(
            ssid: accessPoint.ssid, bssid: accessPoint.bssid, channel: accessPoint.channel, rssi: accessPoint.rssi,
            security: accessPoint.security, pmf: accessPoint.pmf, hasWPS: accessPoint.hasWPS,
            latency: accessPoint.latency,
            network: accessPoint.network)
    }
}

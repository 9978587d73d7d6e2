/// The radio medium that modules share: it answers their scans and joins after the time that these take on hardware.
///
/// Sans-IO: requests and the time go in, events for the radios come out of `takeEvents()`.
public final class Air {
    /// A module's radio on this air.
    public struct RadioID: Hashable, Sendable {
        let index: Int
    }

    public private(set) var accessPoints: [AccessPoint]
    private var radios: [Radio] = []
    private var events: [(radio: RadioID, event: AirEvent)] = []
    /// Addresses given out, by BSSID and station: a station gets its old one again.
    private var leases: [MACAddress: [MACAddress: IPv4Address]] = [:]

    private struct Radio {
        var scan: (request: AirRequest.Scan, until: Instant)?
        var station = Membership.idle

        var deadline: Instant? { .earlier(scan?.until, station.deadline) }
    }

    private enum Membership {
        case idle
        case searching(AirRequest.Join, until: Instant)
        case authenticating(AirRequest.Join, bssid: MACAddress, until: Instant)
        case askingForAddress(AirRequest.Join, bssid: MACAddress, until: Instant)
        case associated(AirRequest.Join, bssid: MACAddress)
        /// The AP has gone silent; the station notices once enough beacons are missing.
        case missingBeacons(AirRequest.Join, bssid: MACAddress, until: Instant)

        var deadline: Instant? {
            switch self {
            case .idle, .associated: nil
            case .searching(_, let until), .authenticating(_, _, let until), .askingForAddress(_, _, let until),
                .missingBeacons(_, _, let until):
                until
            }
        }
    }

    /// Times as an ESP takes them: the scans' and the beacons' are documented (ESP-AT docs, Wi-Fi, CWLAP and CWCONFIG),
    /// the others typical.
    enum Timing {
        static let activeScan = Duration.milliseconds(120)
        static let passiveScan = Duration.milliseconds(360)
        static let authentication = Duration.milliseconds(80)
        static let dhcp = Duration.milliseconds(250)
        static let wrongPassword = Duration.milliseconds(2500)
        static let beaconLoss = Duration.seconds(6)
    }

    public init(world: World) { accessPoints = world.accessPoints }

    public func addRadio() -> RadioID {
        radios.append(Radio())
        return RadioID(index: radios.count - 1)
    }

    public func handle(_ request: AirRequest, from radio: RadioID, at now: Instant) {
        switch request {
        case .scan(let scan):
            radios[radio.index].scan = (scan, now + scan.timePerChannel * scan.channels.count)
        case .join(let join):
            radios[radio.index].station = .searching(join, until: now + searchTime(for: join))
        case .leave:
            radios[radio.index].station = .idle
        case .askForAddress:
            guard case .associated(let join, let bssid) = radios[radio.index].station,
                let accessPoint = audible(bssid)
            else { return }
            radios[radio.index].station = .askingForAddress(
                join, bssid: bssid, until: now + Timing.dhcp + accessPoint.latency * 2)
        }
    }

    public var nextDeadline: Instant? {
        radios.reduce(nil) { .earlier($0, $1.deadline) }
    }

    /// Lets everything happen that is due by `now`.
    public func advance(to now: Instant) {
        for index in radios.indices {
            let radio = RadioID(index: index)
            if let (scan, until) = radios[index].scan, until <= now {
                radios[index].scan = nil
                emit(.scanned(sightings(for: scan)), to: radio)
            }
            while let due = radios[index].station.deadline, due <= now {
                radios[index].station = step(radios[index].station, of: radio)
            }
        }
    }

    var hasEvents: Bool { !events.isEmpty }

    /// The events since the last call, in the order in which they happened.
    public func takeEvents() -> [(radio: RadioID, event: AirEvent)] {
        defer { events.removeAll() }
        return events
    }

    /// Changes an access point while modules use it: off and on, another channel, password or network.
    public func change(_ bssid: MACAddress, at now: Instant, _ body: (inout AccessPoint) -> Void) {
        guard let index = accessPoints.firstIndex(where: { $0.bssid == bssid }) else { return }
        let old = accessPoints[index]
        body(&accessPoints[index])
        let new = accessPoints[index]
        if new.network != old.network { leases[bssid] = nil }
        for radio in radios.indices {
            switch radios[radio].station {
            case .associated(let join, bssid) where !new.isOn || new.channel != old.channel:
                radios[radio].station = .missingBeacons(join, bssid: bssid, until: now + Timing.beaconLoss)
            case .missingBeacons(let join, bssid, _) where new.isOn && new.channel == old.channel:
                radios[radio].station = .associated(join, bssid: bssid)
            default: break
            }
        }
    }

    private func emit(_ event: AirEvent, to radio: RadioID) { events.append((radio, event)) }

    // MARK: Scanning

    private func sightings(for scan: AirRequest.Scan) -> [AirEvent.Sighting] {
        accessPoints.filter { accessPoint in
            accessPoint.isOn && scan.channels.contains(accessPoint.channel)
                && (scan.bssid ?? accessPoint.bssid) == accessPoint.bssid
                && (scan.ssid == nil ? !accessPoint.isHidden : scan.ssid == accessPoint.ssid)
        }.map(AirEvent.Sighting.init).sorted { $0.rssi > $1.rssi }
    }

    // MARK: Joining

    private func step(_ state: Membership, of radio: RadioID) -> Membership {
        switch state {
        case .idle, .associated:
            return state
        case .searching(let join, let until):
            switch find(join) {
            case .failure(let failure):
                emit(.joinFailed(failure), to: radio)
                return .idle
            case .success(let accessPoint):
                let time = accepts(join, accessPoint) ? Timing.authentication : Timing.wrongPassword
                return .authenticating(join, bssid: accessPoint.bssid, until: until + time)
            }
        case .authenticating(let join, let bssid, let until):
            guard let accessPoint = audible(bssid) else {
                emit(.joinFailed(.refused), to: radio)
                return .idle
            }
            guard accepts(join, accessPoint) else {
                emit(.joinFailed(.wrongPassword), to: radio)
                return .idle
            }
            emit(.associated(.init(accessPoint)), to: radio)
            return join.usesDHCP
                ? .askingForAddress(join, bssid: bssid, until: until + Timing.dhcp + accessPoint.latency * 2)
                : .associated(join, bssid: bssid)
        case .askingForAddress(let join, let bssid, let until):
            guard let accessPoint = audible(bssid) else {
                emit(.lost, to: radio)
                return .idle
            }
            guard let lease = lease(for: join.station, at: accessPoint) else {
                // The client asks again until it is told to leave.
                return .askingForAddress(join, bssid: bssid, until: until + .seconds(1))
            }
            emit(.leased(lease), to: radio)
            return .associated(join, bssid: bssid)
        case .missingBeacons:
            emit(.lost, to: radio)
            return .idle
        }
    }

    /// The AP that this join would take.
    private func find(_ join: AirRequest.Join) -> Result<AccessPoint, JoinFailure> {
        let candidates = accessPoints.filter {
            $0.isOn && $0.ssid == join.ssid && (join.bssid ?? $0.bssid) == $0.bssid
                && join.channels.contains($0.channel)
        }
        let found =
            join.scansAll
            ? candidates.max { $0.rssi < $1.rssi } : candidates.min { $0.channel < $1.channel }
        guard let found else { return .failure(.notFound) }
        return found.security.rawValue < join.threshold.rawValue || found.security == .wpa2Enterprise
            ? .failure(.refused) : .success(found)
    }

    /// A fast scan ends at the AP's channel, one of all channels, or for an AP that isn't there, after the last.
    private func searchTime(for join: AirRequest.Join) -> Duration {
        guard !join.scansAll, case .success(let accessPoint) = find(join) else {
            return Timing.activeScan * join.channels.count
        }
        return Timing.activeScan * (accessPoint.channel - join.channels.lowerBound + 1)
    }

    private func accepts(_ join: AirRequest.Join, _ accessPoint: AccessPoint) -> Bool {
        accessPoint.security == .open || join.password == accessPoint.password
    }

    private func audible(_ bssid: MACAddress) -> AccessPoint? {
        accessPoints.first { $0.bssid == bssid && $0.isOn }
    }

    private func lease(for station: MACAddress, at accessPoint: AccessPoint) -> AirEvent.Lease? {
        guard let range = accessPoint.network.leases else { return nil }
        var taken = leases[accessPoint.bssid, default: [:]]
        let address: IPv4Address
        if let old = taken[station], range.contains(old) {
            address = old
        } else {
            let used = Set(taken.values)
            let free = (range.lowerBound.rawValue...range.upperBound.rawValue).lazy
                .map { IPv4Address(rawValue: $0) }.first { !used.contains($0) }
            guard let free else { return nil }
            address = free
            taken[station] = free
            leases[accessPoint.bssid] = taken
        }
        return AirEvent.Lease(
            address: address, gateway: accessPoint.network.gateway, netmask: accessPoint.network.netmask,
            dns: accessPoint.network.dns)
    }
}

extension AirEvent.Sighting {
    init(_ accessPoint: AccessPoint) {
        self.init(
            ssid: accessPoint.ssid, bssid: accessPoint.bssid, channel: accessPoint.channel, rssi: accessPoint.rssi,
            security: accessPoint.security, hasWPS: accessPoint.hasWPS, latency: accessPoint.latency,
            network: accessPoint.network)
    }
}

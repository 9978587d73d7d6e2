import WiFiSimValues

/// The progress of the station interface. Indirect, because it is read far more often than it changes.
indirect enum Station {
    /// No join was started.
    case idle
    case joining(StationSettings, Attempt)
    /// Has joined the access point, without an address yet.
    case associated(StationSettings, AirEvent.Sighting, Attempt)
    case connected(StationSettings, AirEvent.Sighting, AirEvent.Lease)
    case disconnected(StationSettings, retry: Retry?)

    /// The reason for a join.
    enum Attempt: Equatable {
        /// CWJAP waits for it.
        case command
        /// At power-up, or attempt n after a loss.
        case automatic(Int)
    }

    struct Retry: Equatable {
        let at: Instant
        let number: Int
    }

    var deadline: Instant? {
        guard case .disconnected(_, let retry?) = self else { return nil }
        return retry.at
    }

    var lease: AirEvent.Lease? {
        guard case .connected(_, _, let lease) = self else { return nil }
        return lease
    }

    var accessPoint: AirEvent.Sighting? {
        switch self {
        case .associated(_, let accessPoint, _), .connected(_, let accessPoint, _): accessPoint
        case .idle, .joining, .disconnected: nil
        }
    }

    var target: StationSettings? {
        switch self {
        case .idle: nil
        case .joining(let target, _), .associated(let target, _, _), .connected(let target, _, _),
            .disconnected(let target, _):
            target
        }
    }

    /// CWSTATE's number (ESP-AT docs, Wi-Fi, CWSTATE).
    var number: Int {
        switch self {
        case .idle: 0
        case .associated: 1
        case .connected: 2
        case .joining: 3
        case .disconnected(_, let retry): retry == nil ? 4 : 3
        }
    }
}

/// The station's IPv6 addresses. They appear by themselves, after duplicate address detection and a router
/// advertisement.
struct StationIPv6 {
    var linkLocal: IPv6Address?
    var global: IPv6Address?
    fileprivate var pending: [(at: Instant, scope: Scope)] = []

    enum Scope { case linkLocal, global }

    var deadline: Instant? { pending.first?.at }
}

extension Module {
    // MARK: Joining and leaving

    /// Starts to join. `station` holds the progress; a waiting CWJAP receives the events of the air.
    func join(_ target: StationSettings, _ attempt: Station.Attempt) {
        station = .joining(target, attempt)
        request(
            .join(
                AirRequest.Join(
                    ssid: target.ssid, password: target.password, bssid: target.bssid,
                    threshold: Security(rawValue: target.threshold.value) ?? .open, scansAll: target.scansAll,
                    channels: settings.country.channels, station: settings.stationMAC,
                    usesDHCP: settings.stationUsesDHCP, enterprise: target.enterprise, pmf: target.pmf.value,
                    beaconTimeout: .seconds((settings.inactivity ?? Inactivity()).station.value))))
    }

    /// Leaves the access point, or stops joining one.
    func leave() {
        let wasAssociated = station.accessPoint != nil
        station = .idle
        request(.leave)
        if wasAssociated { lostStation() }
    }

    private func lostStation() {
        stationIPv6 = StationIPv6()
        report("WIFI DISCONNECT")
        for (id, link) in links.open where endsWithStation(link) {
            // With CIPCONNPERSIST, the TCP stack decides when a link ends.
            if link.transport == .udp || !session.keepsLink[id] { closeLink(id) }
        }
        failUpdate()
    }

    /// Starts the soft-AP of a radio that was switched on, and joins the stored network if that is enabled.
    func radioBooted() {
        updateSoftAP()
        if settings.wifiMode.hasStation, settings.joinsAtPowerUp, let target = settings.station {
            join(target, .automatic(1))
        }
    }

    func handleAir(_ event: AirEvent) {
        switch (event, station) {
        case (.associated(let accessPoint), .joining(let target, let attempt)):
            report("WIFI CONNECTED")
            station = .associated(target, accessPoint, attempt)
            if settings.ipv6 { awaitIPv6() }
            if !settings.stationUsesDHCP, let address = settings.stationAddress {
                gotAddress(
                    AirEvent.Lease(
                        address: address.address, gateway: address.gateway, netmask: address.netmask,
                        dns: accessPoint.network.dns))
            }
        case (.leased(let lease), .associated):
            gotAddress(lease)
        case (.joinFailed, .joining(let target, let attempt)):
            station = .disconnected(target, retry: nextRetry(after: attempt))
        case (.roamed(let accessPoint), .connected(let target, _, let lease)):
            station = .connected(target, accessPoint, lease)
        case (.roamed(let accessPoint), .associated(let target, _, let attempt)):
            station = .associated(target, accessPoint, attempt)
        case (.lost, .associated(let target, _, let attempt)):
            station = .disconnected(target, retry: nextRetry(after: attempt))
            lostStation()
        case (.lost, .connected(let target, _, _)):
            station = .disconnected(target, retry: nextRetry(after: .automatic(0)))
            lostStation()
        case (.stationJoined, _), (.stationLeased, _), (.stationLeft, _): handleSoftAP(event)
        case (.learned, _), (.learnedNothing, _): handleLearning(event)
        case (.faults, _):
            // The module has set them before it looks at its state.
            break
        case (.scanned, _):
            // The answer to the command that runs.
            break
        case (.associated, _), (.leased, _), (.joinFailed, _), (.lost, _), (.roamed, _):
            // An event of a join that has been given up.
            break
        }
    }

    private func gotAddress(_ lease: AirEvent.Lease) {
        guard case .associated(let target, let accessPoint, _) = station else { return }
        station = .connected(target, accessPoint, lease)
        report("WIFI GOT IP")
        tellSmartConfig()
    }

    /// A failed CWJAP is not repeated. A lost access point is joined again after CWRECONNCFG's interval.
    private func nextRetry(after attempt: Station.Attempt) -> Station.Retry? {
        guard case .automatic(let number) = attempt, settings.reconnect.interval > 0 else { return nil }
        guard settings.reconnect.count == 0 || number < settings.reconnect.count.value else { return nil }
        return Station.Retry(at: now + .seconds(settings.reconnect.interval.value), number: number + 1)
    }

    // MARK: Time

    func advanceStation() {
        if case .disconnected(let target, let retry?) = station, retry.at <= now {
            join(target, .automatic(retry.number))
        }
        while let (at, scope) = stationIPv6.pending.first, at <= now {
            stationIPv6.pending.removeFirst()
            switch scope {
            case .linkLocal:
                stationIPv6.linkLocal = settings.stationMAC.linkLocal
                report("WIFI GOT IPv6 LL")
            case .global:
                guard let prefix = station.accessPoint?.network.ipv6Prefix else { break }
                stationIPv6.global = IPv6Address(high: prefix.high, low: settings.stationMAC.interfaceIdentifier)
                report("WIFI GOT IPv6 GL")
            }
        }
    }

    /// Called after CIPV6, while the station may have joined.
    func ipv6Changed() {
        stationIPv6 = StationIPv6()
        if settings.ipv6, station.accessPoint != nil { awaitIPv6() }
    }

    /// Called after DHCP was switched on, while the station may have a static address.
    func useDHCP() {
        guard case .connected(let target, let accessPoint, _) = station else { return }
        station = .associated(target, accessPoint, .automatic(1))
        request(.askForAddress)
    }

    /// Called after CIPSTA has set an address, while the station may have joined.
    func useStaticAddress(_ address: StaticAddress) {
        guard let accessPoint = station.accessPoint, let target = station.target else { return }
        let lease = AirEvent.Lease(
            address: address.address, gateway: address.gateway, netmask: address.netmask, dns: accessPoint.network.dns)
        station = .connected(target, accessPoint, lease)
    }

    private func awaitIPv6() {
        stationIPv6.pending = [(now + .seconds(1), .linkLocal), (now + .seconds(2), .global)]
    }

    // MARK: Addresses

    /// The station's IPv4 address, from DHCP or static.
    var stationAddress: StaticAddress {
        if let lease = station.lease {
            return StaticAddress(address: lease.address, gateway: lease.gateway, netmask: lease.netmask)
        }
        if !settings.stationUsesDHCP, let address = settings.stationAddress { return address }
        return StaticAddress(address: .any, gateway: .any, netmask: .any)
    }
}

extension MACAddress {
    /// The lower half of an address, made by EUI-64 (RFC 4291, appendix A).
    var interfaceIdentifier: UInt64 {
        let high = (rawValue >> 24) ^ 0x02_0000
        return high << 40 | 0xFFFE << 24 | rawValue & 0xFF_FFFF
    }

    var linkLocal: IPv6Address { IPv6Address(high: 0xFE80_0000_0000_0000, low: interfaceIdentifier) }
}

import WiFiSimValues

/// A change of the world while modules use it. Transcripts, the timeline of a world file and the control socket use the
/// same words for it (docs/World.md, Changes).
public enum WorldChange: Equatable, Sendable {
    /// Applies to all access points with this SSID, or to the one with this BSSID.
    case accessPoint(String, AccessPointChange)
    /// Applies to a virtual station.
    case station(name: String, StationAction)
    /// A phone sends an SSID and a password to the modules that listen.
    case smartConfig(SmartConfig, ssid: String, password: String, key: String?)
    /// Sets or clears faults of the modules.
    case faults(FaultChange)
}

/// A change of an access point.
public enum AccessPointChange: Equatable, Sendable {
    /// Switches its radio on.
    case on
    /// Switches its radio off. Stations lose it after the beacon timeout.
    case off
    /// Moves it to another channel, 1 to 14.
    case channel(Int)
    /// Sets the signal strength at which modules receive it, in dBm.
    case rssi(Int)
    /// Disconnects all its stations, as an administrator or an attacker does. They may join again.
    case deauthenticate
    /// Its stations move to the strongest other access point with its SSID, and keep their addresses and links.
    case roam
    /// A station takes this much longer to join.
    case joinDelay(Duration)
    /// Sets another password. Stations that have joined stay.
    case password(String)
    /// Presses the WPS button.
    case wps
    /// The first address that DHCP assigns.
    case leases(IPv4Address)
    /// Moves the network behind it to another gateway address and prefix length.
    case subnet(IPv4Address, prefixLength: Int)
    /// Sets how its DHCP server behaves.
    case dhcp(AccessPoint.Subnet.DHCP)
    /// Whether its name servers answer.
    case dns(Switch)
    /// Whether packets pass the gateway. Off is the situation behind a captive portal.
    case route(Switch)

    /// The states of what can be switched.
    public enum Switch: String, Sendable, CaseIterable {
        /// It works.
        case on
        /// It does not answer.
        case off
    }
}

/// An action of a virtual station.
public enum StationAction: Equatable, Sendable {
    /// Joins the network with this SSID.
    case joins(ssid: String, password: String)
    /// Leaves the network that it has joined.
    case leaves
}

/// A change that the world cannot make.
public struct WorldChangeError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, for a person.
    public let description: String

    package init(description: String) { self.description = description }
}

// MARK: In words

extension WorldChange {
    /// The first words of all changes.
    package static let keywords = ["ap", "station", "smartconfig", "fault"]

    /// In bytes, as a phone sends them to a station.
    fileprivate static let ssidLength = 1...32
    fileprivate static let passwordLength = 0...64

    /// Reads a change from all of the words. Throws `WordError` for a word that is missing, wrong or left over.
    package init(_ words: Words) throws(WordError) {
        var words = words
        let keyword = try words.next("what changes")
        switch keyword.text {
        case "ap":
            let name = try words.text("the access point's SSID")
            self = .accessPoint(name, try AccessPointChange(&words))
        case "station":
            let name = try words.text("the station's name")
            self = .station(name: name, try StationAction(&words))
        case "smartconfig":
            self = .smartConfig(
                try words.choice("smartconfig's way"),
                ssid: try words.text("the access point's SSID", Self.ssidLength),
                password: try words.text("the password", Self.passwordLength), key: words.optionalText())
        case "fault": self = .faults(try FaultChange(&words))
        default:
            throw keyword.error(
                "there is no change \"\(keyword.text)\"; there are \(Self.keywords.joined(separator: ", "))")
        }
        try words.finish()
    }

    /// The change in words. `quoted` writes names and passwords.
    package func text(quoting quoted: (String) -> String) -> String {
        switch self {
        case .accessPoint(let name, let change): "ap \(quoted(name)) \(change.text(quoting: quoted))"
        case .station(let name, .joins(let ssid, let password)):
            "station \(quoted(name)) joins \(quoted(ssid))" + (password.isEmpty ? "" : " \(quoted(password))")
        case .station(let name, .leaves): "station \(quoted(name)) leaves"
        case .faults(let change): "fault \(change.text(quoting: quoted))"
        case .smartConfig(let way, let ssid, let password, let key):
            "smartconfig \(way.rawValue) \(quoted(ssid)) \(quoted(password))" + (key.map { " \(quoted($0))" } ?? "")
        }
    }
}

extension AccessPointChange {
    init(_ words: inout Words) throws(WordError) {
        let keyword = try words.next("what changes")
        switch keyword.text {
        case "on": self = .on
        case "off": self = .off
        case "wps": self = .wps
        case "channel": self = .channel(try words.integer("the channel", 1...14))
        case "rssi": self = .rssi(try words.integer("the signal strength", -100...0))
        case "deauthenticates": self = .deauthenticate
        case "roams": self = .roam
        case "join-delay": self = .joinDelay(try words.duration("how much longer a station takes to join"))
        case "password": self = .password(try words.text("the password"))
        case "leases": self = .leases(try words.value("an IPv4 address"))
        case "subnet":
            let word = try words.next("a gateway and its prefix length, as 10.0.3.2/24,")
            guard let (gateway, prefix) = AccessPoint.Subnet.gateway(from: word.text) else {
                throw word.error("\"\(word.text)\" is not a gateway and its prefix length, as 10.0.3.2/24")
            }
            self = .subnet(gateway, prefixLength: prefix)
        case "dhcp": self = .dhcp(try words.choice("dhcp"))
        case "dns": self = .dns(try words.choice("dns"))
        case "route": self = .route(try words.choice("route"))
        default:
            throw keyword.error(
                "an access point goes on or off, has its button pressed (wps), deauthenticates, roams, or changes channel, rssi, join-delay, password, leases, subnet, dhcp, dns or route"
            )
        }
    }

    func text(quoting quoted: (String) -> String) -> String {
        switch self {
        case .on: "on"
        case .off: "off"
        case .wps: "wps"
        case .channel(let channel): "channel \(channel)"
        case .rssi(let strength): "rssi \(strength)"
        case .deauthenticate: "deauthenticates"
        case .roam: "roams"
        case .joinDelay(let time): "join-delay \(time.text)"
        case .password(let password): "password \(quoted(password))"
        case .leases(let address): "leases \(address)"
        case .subnet(let gateway, let prefix): "subnet \(gateway)/\(prefix)"
        case .dhcp(let state): "dhcp \(state.rawValue)"
        case .dns(let state): "dns \(state.rawValue)"
        case .route(let state): "route \(state.rawValue)"
        }
    }
}

extension StationAction {
    init(_ words: inout Words) throws(WordError) {
        let keyword = try words.next("what the station does")
        switch keyword.text {
        case "joins":
            self = .joins(ssid: try words.text("the access point's SSID"), password: words.optionalText() ?? "")
        case "leaves": self = .leaves
        default: throw keyword.error("a station joins or leaves")
        }
    }
}

// MARK: In the air

extension Air {
    /// Makes a change of the world.
    /// - Throws: `WorldChangeError` for an access point that does not exist, a value that it cannot have, or too many
    ///   stations.
    public func make(_ change: WorldChange, at now: Instant) throws(WorldChangeError) {
        switch change {
        case .accessPoint(let name, let change):
            for accessPoint in try accessPoints(named: name) {
                if let reason = change.mistake(for: accessPoint) { throw WorldChangeError(description: reason) }
                switch change {
                case .wps: pressButton(accessPoint.bssid, at: now)
                case .deauthenticate: expel(nil, from: accessPoint.bssid, at: now)
                case .roam: try roam(from: accessPoint, at: now)
                default: self.change(accessPoint.bssid, at: now) { $0.apply(change) }
                }
            }
        case .station(let name, .joins(let ssid, let password)):
            _ = try accessPoints(named: ssid)
            guard stations[name] != nil || stations.count < Self.mostStations else {
                throw WorldChangeError(
                    description: "there are \(Self.mostStations) stations, which is the most; use one of them again")
            }
            stationJoins(name, ssid: ssid, password: password, at: now)
        case .station(let name, .leaves): stationLeaves(name, at: now)
        case .faults(let change):
            if case .add(let fault, let module) = change { try check(fault, ofModule: module) }
            tell(change)
        case .smartConfig(let way, let ssid, let password, let key):
            guard WorldChange.ssidLength.contains(ssid.utf8.count),
                WorldChange.passwordLength.contains(password.utf8.count)
            else {
                throw WorldChangeError(description: "an SSID has 1 to 32 bytes, a password 64 at most")
            }
            smartConfig(ssid: ssid, password: password, way, key: key, at: now)
        }
    }
}

extension Air {
    /// Checks that a fault can happen: that its module is there, and that its change of the world can be made.
    private func check(_ fault: Fault, ofModule module: Int?) throws(WorldChangeError) {
        if let module, !(0..<radioCount).contains(module) {
            throw WorldChangeError(description: "there is no module \(module); there are 0 to \(radioCount - 1)")
        }
        guard case .world(let change) = fault.effect else { return }
        switch change {
        case .accessPoint(let name, let change):
            for accessPoint in try accessPoints(named: name) {
                if let reason = change.mistake(for: accessPoint) { throw WorldChangeError(description: reason) }
            }
        case .station(_, .joins(let ssid, _)): _ = try accessPoints(named: ssid)
        case .station(_, .leaves), .smartConfig, .faults: break
        }
    }

    /// The most virtual stations in one world.
    private static let mostStations = 1000

    private func accessPoints(named name: String) throws(WorldChangeError) -> [AccessPoint] {
        let bssid = MACAddress(name)
        let named = accessPoints.filter { $0.ssid == name || $0.bssid == bssid }
        guard named.isEmpty else { return named }
        let names = accessPoints.map { "\"\($0.ssid)\"" }.joined(separator: ", ")
        throw WorldChangeError(
            description: "there is no access point \"\(name)\"; there are \(names.isEmpty ? "none" : names)")
    }
}

extension AccessPointChange {
    /// Why the access point cannot make this change. `nil` if it can.
    fileprivate func mistake(for accessPoint: AccessPoint) -> String? {
        let lengths = accessPoint.security.passwordLengths
        return switch self {
        case .leases(let first) where !accessPoint.network.hasHost(first):
            "\(first) is not the address of a host in the network \(accessPoint.network.gateway)/\(accessPoint.network.prefixLength)"
        case .password(let password) where !password.isEmpty && !lengths.contains(password.utf8.count):
            "a password has \(lengths.lowerBound) to \(lengths.upperBound) bytes, or none for an open network"
        case .channel(let channel) where !(1...14).contains(channel): "channel \(channel) is not 1 to 14"
        case .rssi(let strength) where !(-128...0).contains(strength): "\(strength) dBm is not -128 to 0"
        case .subnet(_, let length) where !(1...30).contains(length): "a prefix of \(length) bits is not 1 to 30"
        default: nil
        }
    }
}

extension AccessPoint {
    fileprivate mutating func apply(_ change: AccessPointChange) {
        switch change {
        case .wps, .deauthenticate, .roam: break
        case .joinDelay(let time): joinDelay = time
        case .on: isOn = true
        case .off: isOn = false
        case .channel(let channel): self.channel = channel
        case .rssi(let strength): rssi = strength
        case .password(let password):
            self.password = password
            security = password.isEmpty ? .open : security == .open ? .wpa2 : security
        case .leases(let first):
            let last = network.leases?.upperBound ?? first
            network.leases = first...max(first, last)
        case .subnet(let gateway, let prefixLength): network.move(to: gateway, prefixLength: prefixLength)
        case .dhcp(let state):
            network.dhcp = state
            if network.leases == nil { network.leases = network.firstLeases }
        case .dns(let state): network.answersNames = state == .on
        case .route(let state): network.leadsOn = state == .on
        }
    }
}

extension AccessPoint.Subnet {
    /// Reads text such as `10.0.2.2/24`. The default length is 24, the range 1 to 30. `nil` if the address cannot be a
    /// gateway's.
    package static func gateway(from text: String) -> (gateway: IPv4Address, prefixLength: Int)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let prefix = parts.count == 2 ? Int(parts[1]) : 24
        guard parts.count <= 2, let gateway = IPv4Address(String(parts[0])), let prefix, 1...30 ~= prefix else {
            return nil
        }
        var subnet = AccessPoint.Subnet()
        subnet.gateway = gateway
        subnet.prefixLength = prefix
        return gateway.isUnicast && !gateway.isLoopback && subnet.hasHost(gateway) ? (gateway, prefix) : nil
    }

    /// The gateway's IPv6 address.
    package var gateway6: IPv6Address? { ipv6Prefix.map { IPv6Address(high: $0.high, low: 2) } }

    /// Moves to another gateway, which also becomes the name server, with all addresses of the new network for DHCP.
    package mutating func move(to gateway: IPv4Address, prefixLength: Int) {
        self.gateway = gateway
        self.prefixLength = prefixLength
        dns = [gateway]
        leases = firstLeases
    }

    /// All addresses above the gateway's except the broadcast address. If there are none, those below the gateway's.
    var firstLeases: ClosedRange<IPv4Address> {
        let base = gateway.rawValue & netmask.rawValue
        let last = base | ~netmask.rawValue
        return gateway.rawValue + 1 < last
            ? IPv4Address(rawValue: gateway.rawValue + 1)...IPv4Address(rawValue: last - 1)
            : IPv4Address(rawValue: base + 1)...IPv4Address(rawValue: gateway.rawValue - 1)
    }

    /// Whether leases of the other network are valid in this one.
    func hasAddresses(of other: Self) -> Bool {
        gateway == other.gateway && prefixLength == other.prefixLength && leases == other.leases
    }
}

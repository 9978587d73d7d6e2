import FoundationEssentials
import WiFiSimModule
import WiFiSimValues

/// A world read from a JSON file; docs/World.md is the manual.
///
/// Keys that the file omits have the values of `World.standard`. An unknown key is an error, so that a misspelled key
/// is noticed.
struct WorldFile {
    let world: World

    /// Parses a world; `path` names the file in errors.
    init(text: String, path: String) throws(WorldFileError) {
        do {
            world = try JSONDecoder().decode(Root.self, from: Data(text.utf8)).world
        } catch let error as DecodingError {
            throw WorldFileError(error, text: text, path: path)
        } catch {
            throw WorldFileError(path: path, line: 1, key: "", reason: "\(error)")
        }
    }
}

/// An error in a world file, with its place.
public struct WorldFileError: Error, Equatable, CustomStringConvertible {
    /// The path of the file.
    public let path: String
    /// The line, counted from 1.
    public let line: Int
    /// The key, for example `accessPoints[0].channel`; empty for the file as a whole.
    public let key: String
    /// What is wrong.
    public let reason: String

    /// The message, in the form `path:line: key: reason`.
    public var description: String { "\(path):\(line): " + (key.isEmpty ? "" : "\(key): ") + reason }
}

extension WorldFileError {
    fileprivate init(_ error: DecodingError, text: String, path: String) {
        let context: DecodingError.Context
        var reason: String
        switch error {
        case .typeMismatch(let type, let inner):
            context = inner
            reason = "must be \(Self.word(for: type))"
        case .valueNotFound(let type, let inner):
            context = inner
            reason = "must be \(Self.word(for: type)), not null"
        case .keyNotFound(let key, let inner):
            context = inner
            reason = "lacks \"\(key.stringValue)\""
        case .dataCorrupted(let inner):
            context = inner
            reason = inner.debugDescription
        @unknown default:
            context = DecodingError.Context(codingPath: [], debugDescription: "")
            reason = "\(error)"
        }
        var line = JSONPlace.line(of: context.codingPath, in: text)
        if context.codingPath.isEmpty, case .dataCorrupted = error, let found = JSONSyntax.firstError(in: text) {
            (line, reason) = found
        }
        self.init(path: path, line: line, key: JSONPlace.text(of: context.codingPath), reason: reason)
    }

    private static func word(for type: Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Bool.Type: "true or false"
        case is Int.Type, is Double.Type: "a number"
        default: "\(type)".hasPrefix("Array") || "\(type)".hasPrefix("Unkeyed") ? "a list" : "an object"
        }
    }
}

// MARK: The file's shape

private struct Root: Decodable {
    let world: World

    enum CodingKeys: String, CodingKey, CaseIterable { case accessPoints, names, timeline, updates, faults }

    init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        let files = try container.decodeIfPresent([AccessPointFile].self, forKey: .accessPoints)
        let accessPoints = files.map { $0.enumerated().map { $1.accessPoint(number: $0 + 1) } }
        if let accessPoints, Set(accessPoints.map(\.bssid)).count < accessPoints.count {
            throw DecodingError.dataCorruptedError(
                forKey: .accessPoints, in: container, debugDescription: "two access points have the same bssid")
        }
        let names = try container.decodeIfPresent([String: OneOrMore<AddressFile>].self, forKey: .names)
        let timeline = try container.decodeIfPresent([TimedChangeFile].self, forKey: .timeline) ?? []
        let faults = try container.decodeIfPresent([FaultFile].self, forKey: .faults)?.map(\.fault) ?? []
        world = World(
            accessPoints: accessPoints ?? World.standard.accessPoints,
            names: Dictionary(
                (names ?? [:]).map { ($0.lowercased(), $1.values.map(\.address)) },
                uniquingKeysWith: { first, _ in first }),
            timeline: timeline.map(\.change),
            updates: try container.decodeIfPresent(UpdatesFile.self, forKey: .updates)?.server,
            faults: faults)
        for (index, entry) in timeline.enumerated() {
            try check(
                entry.change.change,
                container.codingPath + [CodingKeys.timeline, IndexKey(index), TimedChangeFile.CodingKeys.change])
        }
        for (index, fault) in faults.enumerated() {
            guard case .world(let change) = fault.effect else { continue }
            try check(change, container.codingPath + [CodingKeys.faults, IndexKey(index)])
        }
    }

    /// Checks that the access point of a change is one of this world.
    private func check(_ change: WorldChange, _ path: [any CodingKey]) throws {
        var change = change
        if case .faults(.add(let fault, _)) = change, case .world(let effect) = fault.effect { change = effect }
        guard let name = world.missingAccessPoint(of: change) else { return }
        throw DecodingError.dataCorrupted(
            DecodingError.Context(codingPath: path, debugDescription: "there is no access point \"\(name)\""))
    }
}

private struct FaultFile: Decodable {
    let fault: Fault

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let sentence = try container.decode(String.self)
        do throws(FaultSyntaxError) {
            fault = try Fault(sentence)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }
}

private struct UpdatesFile: Decodable {
    let server: UpdateServer

    enum CodingKeys: String, CodingKey, CaseIterable { case versions, size }

    init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        let versions = try container.decode(OneOrMore<String>.self, forKey: .versions).values
        let areVersions = versions.allSatisfy { version in
            1...64 ~= version.utf8.count
                && version.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
        }
        try container.check(
            !versions.isEmpty && areVersions, .versions, "must be one or more versions, for example \"v4.1.1.0\"")
        var server = UpdateServer(versions: versions)
        server.size = try container.decodeIfPresent(Int.self, forKey: .size) ?? server.size
        try container.check(2...(16 << 20) ~= server.size, .size, "must be 2 to 16777216 (bytes)")
        self.server = server
    }
}

private struct AccessPointFile: Decodable {
    private var template: AccessPoint
    private let bssid: MACAddress?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case ssid, bssid, hidden, channel, rssi, security, pmf, password, enterprise, on, wps, latency, network
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        let ssid = try container.decode(String.self, forKey: .ssid)
        try container.check(1...32 ~= ssid.utf8.count, .ssid, "must have 1 to 32 bytes")
        bssid = try container.decodeIfPresent(MACAddress.self, forKey: .bssid)
        try container.check(bssid?.isUnicast ?? true, .bssid, "must not be a group address or zero")
        template = AccessPoint(ssid: ssid, bssid: MACAddress(rawValue: 0))
        template.isHidden = try container.decodeIfPresent(Bool.self, forKey: .hidden) ?? false
        template.channel = try container.decodeIfPresent(Int.self, forKey: .channel) ?? template.channel
        try container.check(1...14 ~= template.channel, .channel, "must be 1 to 14")
        template.rssi = try container.decodeIfPresent(Int.self, forKey: .rssi) ?? template.rssi
        try container.check(-100...0 ~= template.rssi, .rssi, "must be -100 to 0 (dBm)")
        template.password = try container.decodeIfPresent(String.self, forKey: .password) ?? ""
        let security = try container.decodeIfPresent(String.self, forKey: .security)
        template.security = template.password.isEmpty ? .open : .wpa2
        if let security {
            guard let known = Security.allCases.first(where: { $0.name == security }) else {
                let names = Security.allCases.map(\.name).joined(separator: ", ")
                throw DecodingError.dataCorruptedError(
                    forKey: .security, in: container, debugDescription: "\"\(security)\" is not one of \(names)")
            }
            template.security = known
        }
        template.enterprise = try container.decodeIfPresent(EnterpriseFile.self, forKey: .enterprise)?.enterprise
        try container.check(
            template.enterprise == nil || template.security == .wpa2Enterprise, .enterprise,
            "needs \"security\": \"wpa2-enterprise\"")
        let needsPassword = template.security.takesPassword
        try container.check(!needsPassword || !template.password.isEmpty, .security, "needs a \"password\"")
        let lengths = template.security.passwordLengths
        try container.check(
            !needsPassword || lengths.contains(template.password.utf8.count), .password,
            "must have \(lengths.lowerBound) to \(lengths.upperBound) bytes")
        template.isOn = try container.decodeIfPresent(Bool.self, forKey: .on) ?? true
        if let pmf = try container.decodeIfPresent(String.self, forKey: .pmf) {
            guard let known = ManagementFrameProtection(rawValue: pmf) else {
                let names = ManagementFrameProtection.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
                throw DecodingError.dataCorruptedError(
                    forKey: .pmf, in: container, debugDescription: "\"\(pmf)\" is not one of \(names)")
            }
            template.pmf = known
        }
        template.hasWPS = try container.decodeIfPresent(Bool.self, forKey: .wps) ?? true
        let latency = try container.decodeIfPresent(Double.self, forKey: .latency) ?? 2
        try container.check(0...60_000 ~= latency, .latency, "must be 0 to 60000 (milliseconds)")
        template.latency = .nanoseconds(Int64(latency * 1_000_000))
        if let network = try container.decodeIfPresent(NetworkFile.self, forKey: .network) {
            template.network = network.network
        }
    }

    /// The access point. `number` determines its BSSID if the file gives none.
    func accessPoint(number: Int) -> AccessPoint {
        var accessPoint = template
        accessPoint.bssid = bssid ?? MACAddress(rawValue: 0x02_00_00_00_02_01 + UInt64(number))
        return accessPoint
    }
}

private struct EnterpriseFile: Decodable {
    let enterprise: Enterprise

    enum CodingKeys: String, CodingKey, CaseIterable { case method, identity, username, password }

    init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .method)
        guard let method = Enterprise.Method.allCases.first(where: { $0.name == name }) else {
            let names = Enterprise.Method.allCases.map(\.name).joined(separator: ", ")
            throw DecodingError.dataCorruptedError(
                forKey: .method, in: container, debugDescription: "\"\(name)\" is not one of \(names)")
        }
        func text(_ key: CodingKeys) throws -> String {
            let text = try container.decode(String.self, forKey: key)
            try container.check(1...32 ~= text.utf8.count, key, "must have 1 to 32 bytes")
            return text
        }
        enterprise =
            method == .tls
            ? Enterprise(method: method, identity: try text(.identity))
            : Enterprise(
                method: method, identity: try text(.identity), username: try text(.username),
                password: try text(.password))
    }
}

private struct NetworkFile: Decodable {
    var network = AccessPoint.Subnet()

    enum CodingKeys: String, CodingKey, CaseIterable { case gateway, dhcp, dns, ipv6 }

    init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        if let text = try container.decodeIfPresent(String.self, forKey: .gateway) {
            guard let (gateway, prefix) = AccessPoint.Subnet.gateway(from: text) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .gateway, in: container,
                    debugDescription:
                        "\"\(text)\" is not an address such as 10.0.2.2/24, with a prefix of 1 to 30 and neither the network's own nor its broadcast address"
                )
            }
            network.move(to: gateway, prefixLength: prefix)
        }
        if let leases = try container.decodeStated([IPv4Address]?.self, forKey: .dhcp) {
            network.leases = nil
            if let leases {
                let fits = leases.count == 2 && leases[0] <= leases[1] && leases.allSatisfy(network.hasHost)
                try container.check(
                    fits, .dhcp, "must be the first and the last address of hosts in the gateway's network, or null")
                network.leases = leases[0]...leases[1]
            }
        }
        if let dns = try container.decodeIfPresent([IPv4Address].self, forKey: .dns) { network.dns = dns }
        if let prefix = try container.decodeStated(String?.self, forKey: .ipv6) {
            network.ipv6Prefix = nil
            if let prefix {
                guard prefix.hasSuffix("/64"), let address = IPv6Address(String(prefix.dropLast(3))) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .ipv6, in: container,
                        debugDescription: "\"\(prefix)\" is not a prefix such as fec0::/64")
                }
                network.ipv6Prefix = address
            }
        }
    }
}

private struct TimedChangeFile: Decodable {
    let change: World.TimedChange

    enum CodingKeys: String, CodingKey, CaseIterable { case at, change = "do" }

    init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        let text = try container.decode(String.self, forKey: .at)
        guard let at = Duration(text: text) else {
            throw DecodingError.dataCorruptedError(
                forKey: .at, in: container, debugDescription: "\"\(text)\" is not a duration such as 500ms, 12s or 2min"
            )
        }
        let words = try container.decode(String.self, forKey: .change)
        do throws(WordError) {
            change = World.TimedChange(at: at, try WorldChange(Words(parsing: words)))
        } catch {
            throw DecodingError.dataCorruptedError(
                forKey: .change, in: container,
                debugDescription: "\"\(words)\", at \(error.position + 1): \(error.reason)")
        }
    }
}

private struct AddressFile: Decodable {
    let address: IPAddress

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = IPAddress(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not an IP address")
        }
        self.address = address
    }
}

/// One value or a list of values.
private struct OneOrMore<Element: Decodable>: Decodable {
    let values: [Element]

    init(from decoder: any Decoder) throws {
        if (try? decoder.unkeyedContainer()) != nil {
            values = try [Element](from: decoder)
        } else {
            values = [try Element(from: decoder)]
        }
    }
}

// MARK: Strictness

/// An index of a list, as a coding key.
private struct IndexKey: CodingKey {
    let intValue: Int?
    var stringValue: String { intValue.map(String.init) ?? "" }
    init(_ index: Int) { intValue = index }
    init(stringValue: String) { intValue = Int(stringValue) }
    init(intValue: Int) { self.intValue = intValue }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    /// A keyed container that throws if there is a key other than those of `Key`.
    fileprivate func strictContainer<Key: CodingKey & CaseIterable>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        let known = Key.allCases.map(\.stringValue)
        let all = try container(keyedBy: AnyKey.self)
        if let stranger = all.allKeys.first(where: { !known.contains($0.stringValue) }) {
            throw DecodingError.dataCorruptedError(
                forKey: stranger, in: all,
                debugDescription: "is not known; the keys here are \(known.joined(separator: ", "))")
        }
        return try container(keyedBy: type)
    }
}

extension KeyedDecodingContainer {
    fileprivate func check(_ holds: Bool, _ key: Key, _ reason: String) throws {
        if !holds { throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: reason) }
    }

    /// The value of a key, which may be null; `nil` if the key is missing.
    fileprivate func decodeStated<Value: Decodable>(_ type: Value?.Type, forKey key: Key) throws -> Value?? {
        guard contains(key) else { return nil }
        return .some(try decodeNil(forKey: key) ? nil : try decode(Value.self, forKey: key))
    }
}

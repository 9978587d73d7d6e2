import WiFiSimValues

/// The types check the ranges of numbers. This checks everything else that the commands would have refused.
extension Settings {
    /// Why no module with this firmware could have stored these settings, with the name of the field. `nil` if they are
    /// valid.
    package func mistake(for firmware: Firmware) -> String? {
        countMistake ?? addressMistake ?? radioMistake(for: firmware) ?? linkMistake(for: firmware)
            ?? userData?.mistake(for: firmware).map { "userData.\($0)" }
    }

    private var countMistake: String? {
        if tcpOptions.count != Links.limit { return "tcpOptions has not \(Links.limit) entries" }
        if ssl.count != Links.limit { return "ssl has not \(Links.limit) entries" }
        if let bandwidth, bandwidth.count != 2 { return "bandwidth has not 2 entries" }
        return nil
    }

    private var addressMistake: String? {
        for (name, address) in [("stationAddress", stationAddress), ("softAPAddress", softAPAddress)] {
            if let part = address?.wrongPart { return "\(name).\(part) is none that an interface can have" }
        }
        if let dhcpServer, dhcpServer.last < dhcpServer.first { return "dhcpServer.last is before dhcpServer.first" }
        if let dnsServers, !(1...3).contains(dnsServers.count) || dnsServers.contains(where: { IPAddress($0) == nil }) {
            return "dnsServers is not a list of one to three addresses"
        }
        for (name, address) in [("stationMAC", stationMAC), ("softAPMAC", softAPMAC)] where !address.isUnicast {
            return "\(name) is a group's"
        }
        return stationMAC == softAPMAC ? "softAPMAC is the station's" : nil
    }

    private func radioMistake(for firmware: Firmware) -> String? {
        if country.channels.upperBound > WiFiChannel.highest {
            return "country has channels beyond \(WiFiChannel.highest)"
        }
        if let reason = country.code.mistake(Country.codeLength) { return "country.code \(reason)" }
        if let reason = softAP.ssid.mistake(SoftAPSettings.ssidLength) { return "softAP.ssid \(reason)" }
        if let reason = softAP.password.mistake(SoftAPSettings.passwordLength) { return "softAP.password \(reason)" }
        if softAP.security == .wep { return "softAP.security is WEP, which a soft-AP has not" }
        if systemMessages.rawValue.value & ~firmware.systemMessageBits != 0 {
            return "systemMessages has bits that this firmware does not know"
        }
        guard let station else { return nil }
        let texts = [
            ("ssid", station.ssid, StationSettings.ssidLength),
            ("password", station.password, StationSettings.passwordLength),
            ("enterprise.identity", station.enterprise?.identity, 0...Enterprise.longestText),
            ("enterprise.username", station.enterprise?.username, 0...Enterprise.longestText),
            ("enterprise.password", station.enterprise?.password, 0...Enterprise.longestText),
        ]
        for case (let name, let text?, let length) in texts {
            if let reason = text.mistake(length) { return "station.\(name) \(reason)" }
        }
        return nil
    }

    private func linkMistake(for firmware: Firmware) -> String? {
        if let link = powerUpLink {
            if let reason = link.host.mistake(PowerUpLink.hostLength) { return "powerUpLink.host \(reason)" }
            if link.port == 0 { return "powerUpLink.port is 0" }
            if link.transport.hasTLS, !firmware.passesThroughSSL {
                return "powerUpLink.transport is none that this firmware passes through"
            }
        }
        if let server = powerUpServer {
            if server.port == 0 { return "powerUpServer.port is 0" }
            if server.hasTLS, !firmware.hasSSLServer { return "powerUpServer.hasTLS: this firmware has no SSL server" }
        }
        for version in [images?.running, images?.other] {
            if let reason = version?.mistake(FirmwareImages.versionLength) { return "images: a version \(reason)" }
        }
        return nil
    }
}

extension UserData {
    /// In bytes, the lengths of names (ESP-IDF, Non-Volatile Storage Library).
    static let nameLength = 1...15
    /// In bytes. A string takes one more for its end: 4000 in all (ESP-IDF, Non-Volatile Storage Library).
    static let longestString = 3999
    /// In bytes, slightly less than the partition.
    static let longestBinary = 120_000

    /// In bytes, the size of the host's values in their partition: an entry for each value, and the bytes of strings
    /// and binaries (ESP-IDF, Non-Volatile Storage Library, Structure of Entry).
    private var valuesSize: Int {
        values.values.reduce(0) { sum, changes in
            changes.values.reduce(sum) { $0 + ($1.value == nil ? 0 : 32) + ($1.value?.bytes?.count ?? 0) }
        }
    }

    /// Why no command could have written this data, with the place. `nil` if it is valid.
    func mistake(for firmware: Firmware) -> String? {
        if let partition = firmware.partitions.first(where: \.isNVS), valuesSize > partition.size {
            return "values do not fit into \(partition.name)'s \(partition.size) bytes"
        }
        for (namespace, changes) in values {
            if let reason = namespace.mistake(Self.nameLength) { return "values: a namespace \(reason)" }
            for (key, change) in changes {
                let place = "values.\(namespace).\(key)"
                if let reason = key.mistake(Self.nameLength) { return "values.\(namespace): a key \(reason)" }
                switch change.value {
                case .number(let type, let number) where !type.range.contains(number):
                    return "\(place) is not \(type.range.lowerBound) to \(type.range.upperBound)"
                case .string(let text) where text.bytes.count > Self.longestString:
                    return "\(place) is longer than \(Self.longestString) bytes"
                case .binary(let bytes) where bytes.bytes.count > Self.longestBinary:
                    return "\(place) is longer than \(Self.longestBinary) bytes"
                case .number, .string, .binary, nil: break
                }
            }
        }
        for (name, content) in partitions {
            guard let partition = firmware.partitions.first(where: { $0.name == name }) else {
                return "partitions: there is no partition of that name"
            }
            if content.bytes.count > partition.size {
                return "partitions.\(name) is longer than \(partition.size) bytes"
            }
        }
        return nil
    }
}

extension String {
    /// Why a text from the line cannot have this length. `nil` if it can. Each invalid UTF-8 byte has become a
    /// replacement character of three bytes.
    fileprivate func mistake(_ length: ClosedRange<Int>) -> String? {
        let replaced = unicodeScalars.count { $0 == "\u{FFFD}" }
        return length.contains(utf8.count - 2 * replaced)
            ? nil : "is not \(length.lowerBound) to \(length.upperBound) bytes long"
    }
}

import CDriverWiFi

/// SetOption and GetOption, and their values in the module.
///
/// The driver holds every value. It passes on what the firmware has a command for; what the firmware refuses now, as an
/// address of an interface that is not active, stays held and is applied when the interface starts.
extension WiFiDriver {
    func setOption(_ option: UInt32, interface: UInt32, data: UnsafeRawBufferPointer) throws(DriverFailure) {
        guard let interface = DriverOptions.Interface(rawValue: interface), data.baseAddress != nil else {
            throw .invalidParameter
        }
        let length = try DriverOptions.length(option, of: interface)
        guard data.count >= length else { throw .invalidParameter }
        let bytes = Array(data[..<length])
        try perform { () throws(DriverFailure) in
            try requirePower()
            try options.choose(option, of: interface, bytes: bytes)
            withSlot {
                apply(option, of: interface)
            } otherwise: { _ in
            }
        }
    }

    func getOption(_ option: UInt32, interface: UInt32, room: Int) throws(DriverFailure) -> [UInt8] {
        guard let interface = DriverOptions.Interface(rawValue: interface) else { throw .invalidParameter }
        let length = try DriverOptions.length(option, of: interface)
        guard room >= length else { throw .invalidParameter }
        return try perform { () throws(DriverFailure) in
            try requirePower()
            switch option {
            case ARM_WIFI_MAC: if !options.isChosen(option, of: interface) { readMAC(of: interface) }
            case ARM_WIFI_IP...ARM_WIFI_IP_DNS2, ARM_WIFI_IP6_GLOBAL, ARM_WIFI_IP6_LINK_LOCAL: refreshAddresses()
            default: break
            }
            return options[option, interface]
        }
    }

    // MARK: To the module; the slot is the caller's

    /// Everything the application has chosen, after a restart or when an interface starts.
    func applyOptions(of interface: DriverOptions.Interface) {
        let options: [UInt32] = [
            ARM_WIFI_MAC, ARM_WIFI_TX_POWER, ARM_WIFI_IP_DHCP, ARM_WIFI_IP_DNS1, ARM_WIFI_IP_DHCP_POOL_BEGIN,
        ]
        for option in options where self.options.isChosen(option, of: interface) { apply(option, of: interface) }
        // These have defaults worth setting in company only.
        if interface == .accessPoint, self.options.isChosen(ARM_WIFI_IP, of: interface) {
            apply(ARM_WIFI_IP, of: interface)
        }
    }

    private func apply(_ option: UInt32, of interface: DriverOptions.Interface) {
        switch (option, interface) {
        case (ARM_WIFI_TX_POWER, _):
            // The firmware counts quarters of a dBm (ESP-AT docs, Basic, RFPOWER).
            _ = transact(CommandText("RFPOWER").field(options.number(option, of: interface) * 4))
        case (ARM_WIFI_MAC, .station):
            let mac = MACAddress(bytes: options[option, interface])
            _ = transact(CommandText(dialect.volatile("CIPSTAMAC")).quoted(mac.description))
        case (ARM_WIFI_MAC, .accessPoint):
            let mac = MACAddress(bytes: options[option, interface])
            _ = transact(CommandText(dialect.volatile("CIPAPMAC")).quoted(mac.description))
        case (ARM_WIFI_IP_DHCP, .station):
            let enabled = options.number(option, of: interface) != 0
            _ = transact(dialect.dhcp(station: true, enable: enabled))
            if !enabled {
                options.keepAssigned()
                applyAddress(of: interface, "CIPSTA")
            }
            station.addressIsStale = enabled
        case (ARM_WIFI_IP_DHCP, .accessPoint):
            _ = transact(dialect.dhcp(station: false, enable: options.number(option, of: interface) != 0))
        case (ARM_WIFI_IP...ARM_WIFI_IP_GATEWAY, .station):
            if options.number(ARM_WIFI_IP_DHCP, of: .station) == 0 { applyAddress(of: interface, "CIPSTA") }
        case (ARM_WIFI_IP...ARM_WIFI_IP_GATEWAY, .accessPoint):
            if accessPointIsActive { applyAddress(of: interface, "CIPAP") }
        case (ARM_WIFI_IP_DNS1...ARM_WIFI_IP_DNS2, .station): applyNameServers()
        case (ARM_WIFI_IP_DHCP_POOL_BEGIN...ARM_WIFI_IP_DHCP_LEASE_TIME, .accessPoint):
            if accessPointIsActive { applyPool() }
        // Without a command in the firmware, or used when the interface is activated.
        default: break
        }
    }

    /// The station's address where DHCP is off; before a join.
    func applyStaticAddress() {
        if options.number(ARM_WIFI_IP_DHCP, of: .station) == 0 { applyAddress(of: .station, "CIPSTA") }
    }

    private func applyAddress(of interface: DriverOptions.Interface, _ name: String) {
        guard let ip = options.ip(ARM_WIFI_IP, of: interface), !ip.isUnspecified,
            let gateway = options.ip(ARM_WIFI_IP_GATEWAY, of: interface),
            let mask = options.ip(ARM_WIFI_IP_SUBNET_MASK, of: interface)
        else { return }
        var command = CommandText(dialect.volatile(name)).quoted(ip)
        if !gateway.isUnspecified, !mask.isUnspecified { command = command.quoted(gateway).quoted(mask) }
        _ = transact(command)
    }

    private func applyNameServers() {
        let servers = [ARM_WIFI_IP_DNS1, ARM_WIFI_IP_DNS2].compactMap { options.ip($0, of: .station) }
            .filter { !$0.isUnspecified }
        guard let first = servers.first else { return }
        var command = CommandText(dialect.volatile("CIPDNS")).field(1).quoted(first)
        // The same server twice is refused (ESP-AT docs, TCP-IP, CIPDNS).
        if let second = servers.last, second != first { command = command.quoted(second) }
        _ = transact(command)
    }

    func applyPool() {
        guard let begin = options.ip(ARM_WIFI_IP_DHCP_POOL_BEGIN, of: .accessPoint),
            let end = options.ip(ARM_WIFI_IP_DHCP_POOL_END, of: .accessPoint)
        else { return }
        // In minutes there, 1 to 2880 (ESP-AT docs, Wi-Fi, CWDHCPS).
        let seconds = options.number(ARM_WIFI_IP_DHCP_LEASE_TIME, of: .accessPoint)
        let minutes = min(2880, max(1, (UInt64(seconds) + 59) / 60))
        _ = transact(CommandText(dialect.volatile("CWDHCPS")).field(1).field(minutes).quoted(begin).quoted(end))
    }

    // MARK: From the module

    private func readMAC(of interface: DriverOptions.Interface) {
        let name = dialect.volatile(interface == .station ? "CIPSTAMAC" : "CIPAPMAC")
        guard let field = run(.query(name)).fields("+\(name):").first else { return }
        var fields = field.withUnsafeBytes { bytes -> MACAddress? in
            var reader = FieldReader(bytes)
            return reader.mac()
        }
        if let mac = fields.take() { options.set(ARM_WIFI_MAC, of: interface, bytes: mac.bytes) }
    }

    /// Reads what DHCP has assigned since it was read last.
    func refreshAddresses() {
        guard station.isConnected, station.addressIsStale else { return }
        let name = dialect.volatile("CIPSTA")
        let reply = run(.query(name), expecting: .information("+\(name)"))
        guard reply.isDone else { return }
        station.addressIsStale = false
        let parts: [(String, UInt32)] = [
            ("ip", ARM_WIFI_IP), ("gateway", ARM_WIFI_IP_GATEWAY), ("netmask", ARM_WIFI_IP_SUBNET_MASK),
            ("ip6ll", ARM_WIFI_IP6_LINK_LOCAL), ("ip6gl", ARM_WIFI_IP6_GLOBAL),
        ]
        for (part, option) in parts {
            if let ip = reply.fields("+\(name):\(part):").first.flatMap(Self.firstIP) {
                options.assign(option, bytes: ip.networkBytes)
            }
        }
        refreshNameServers()
    }

    private func refreshNameServers() {
        guard !options.isChosen(ARM_WIFI_IP_DNS1, of: .station), !options.isChosen(ARM_WIFI_IP_DNS2, of: .station)
        else { return }
        let name = dialect.volatile("CIPDNS")
        let fields = run(.query(name)).fields("+\(name):")
        // One line with the mode first, or a line for each server in generation 1.
        let servers = fields.flatMap { field in
            field.split(separator: UInt8(ascii: ",")).compactMap { Self.firstIP(Array($0)) }
        }
        for (option, server) in zip([ARM_WIFI_IP_DNS1, ARM_WIFI_IP_DNS2], servers) where server.family == .v4 {
            options.assign(option, bytes: server.networkBytes)
        }
    }

    private static func firstIP(_ field: [UInt8]) -> IPAddress? {
        field.withUnsafeBytes { bytes in
            var reader = FieldReader(bytes)
            return reader.ip()
        }
    }
}

extension MACAddress {
    /// Takes six bytes, first byte first.
    init(bytes: some Sequence<UInt8>) {
        self.init(rawValue: bytes.prefix(6).reduce(0) { $0 << 8 | UInt64($1) })
    }
}

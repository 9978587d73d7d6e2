import CDriverWiFi
import WiFiSimValues

/// SetOption and GetOption, and their values in the module.
///
/// The driver holds every value and passes on those for which the firmware has a command. A value that the firmware
/// refuses now, such as the address of an inactive interface, is applied when the interface starts.
extension DriverCore {
    /// The commands for all options that the application has set. Sent after a restart, and when an interface starts.
    func chosenOptions(of interface: DriverOptions.Interface) -> [CommandText] {
        let options: [UInt32] = [
            ARM_WIFI_MAC, ARM_WIFI_TX_POWER, ARM_WIFI_IP_DHCP, ARM_WIFI_IP_DNS1, ARM_WIFI_IP_DHCP_POOL_BEGIN,
        ]
        var commands = options.filter { self.options.isChosen($0, of: interface) }.flatMap {
            self.commands(applying: $0, of: interface)
        }
        // IP, gateway and mask have defaults, and are sent together only if the application has set the address.
        if interface == .accessPoint, self.options.isChosen(ARM_WIFI_IP, of: interface) {
            commands += self.commands(applying: ARM_WIFI_IP, of: interface)
        }
        return commands
    }

    /// The commands that pass an option's value to the module. Empty for an option without a command, and for one that
    /// is used only when the interface is activated.
    func commands(applying option: UInt32, of interface: DriverOptions.Interface) -> [CommandText] {
        switch (option, interface) {
        case (ARM_WIFI_TX_POWER, _):
            // The firmware counts in units of 0.25 dBm (ESP-AT docs, Basic, RFPOWER).
            return [CommandText("RFPOWER").field(options.number(option, of: interface) * 4)]
        case (ARM_WIFI_MAC, .station):
            return [CommandText(dialect.volatile("CIPSTAMAC")).quoted(mac(of: interface).description)]
        case (ARM_WIFI_MAC, .accessPoint):
            return [CommandText(dialect.volatile("CIPAPMAC")).quoted(mac(of: interface).description)]
        case (ARM_WIFI_IP_DHCP, .station):
            let enabled = options.number(option, of: interface) != 0
            station.addressIsStale = enabled
            if !enabled { options.keepAssigned() }
            return [dialect.dhcp(station: true, enable: enabled)] + (enabled ? [] : address(of: interface, "CIPSTA"))
        case (ARM_WIFI_IP_DHCP, .accessPoint):
            return [dialect.dhcp(station: false, enable: options.number(option, of: interface) != 0)]
        case (ARM_WIFI_IP...ARM_WIFI_IP_GATEWAY, .station): return staticAddress
        case (ARM_WIFI_IP...ARM_WIFI_IP_GATEWAY, .accessPoint):
            return accessPointIsActive ? address(of: interface, "CIPAP") : []
        case (ARM_WIFI_IP_DNS1...ARM_WIFI_IP_DNS2, .station): return nameServers
        case (ARM_WIFI_IP_DHCP_POOL_BEGIN...ARM_WIFI_IP_DHCP_LEASE_TIME, .accessPoint):
            return accessPointIsActive ? pool : []
        default: return []
        }
    }

    private func mac(of interface: DriverOptions.Interface) -> MACAddress {
        MACAddress(bytes: options[ARM_WIFI_MAC, interface])
    }

    /// The station's static address; empty while DHCP is on.
    var staticAddress: [CommandText] {
        options.number(ARM_WIFI_IP_DHCP, of: .station) == 0 ? address(of: .station, "CIPSTA") : []
    }

    private func address(of interface: DriverOptions.Interface, _ name: String) -> [CommandText] {
        guard let ip = options.ip(ARM_WIFI_IP, of: interface), !ip.isUnspecified,
            let gateway = options.ip(ARM_WIFI_IP_GATEWAY, of: interface),
            let mask = options.ip(ARM_WIFI_IP_SUBNET_MASK, of: interface)
        else { return [] }
        var command = CommandText(dialect.volatile(name)).quoted(ip)
        if !gateway.isUnspecified, !mask.isUnspecified { command = command.quoted(gateway).quoted(mask) }
        return [command]
    }

    private var nameServers: [CommandText] {
        let servers = [ARM_WIFI_IP_DNS1, ARM_WIFI_IP_DNS2].compactMap { options.ip($0, of: .station) }
            .filter { !$0.isUnspecified }
        guard let first = servers.first else { return [] }
        var command = CommandText(dialect.volatile("CIPDNS")).field(1).quoted(first)
        // The firmware refuses the same server twice (ESP-AT docs, TCP-IP, CIPDNS).
        if let second = servers.last, second != first { command = command.quoted(second) }
        return [command]
    }

    var pool: [CommandText] {
        guard let begin = options.ip(ARM_WIFI_IP_DHCP_POOL_BEGIN, of: .accessPoint),
            let end = options.ip(ARM_WIFI_IP_DHCP_POOL_END, of: .accessPoint)
        else { return [] }
        // The firmware takes minutes, 1 to 2880 (ESP-AT docs, Wi-Fi, CWDHCPS).
        let seconds = options.number(ARM_WIFI_IP_DHCP_LEASE_TIME, of: .accessPoint)
        let minutes = min(2880, max(1, (UInt64(seconds) + 59) / 60))
        return [CommandText(dialect.volatile("CWDHCPS")).field(1).field(minutes).quoted(begin).quoted(end)]
    }
}

/// Passes an option's value to the module.
final class ApplyOption: LineWork {
    private let option: UInt32
    private let interface: DriverOptions.Interface
    private var commands: ArraySlice<CommandText>?

    init(_ option: UInt32, of interface: DriverOptions.Interface) {
        self.option = option
        self.interface = interface
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        if commands == nil { commands = core.commands(applying: option, of: interface)[...] }
        return commands?.popFirst().map { .command($0) } ?? .end
    }
}

/// Reads the MAC address of an interface.
final class ReadMAC: LineWork {
    private let interface: DriverOptions.Interface

    init(of interface: DriverOptions.Interface) { self.interface = interface }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        let name = core.dialect.volatile(interface == .station ? "CIPSTAMAC" : "CIPAPMAC")
        guard let reply else { return .command(.query(name)) }
        if let field = reply.fields("+\(name):").first,
            let mac = field.withUnsafeBytes({ bytes -> MACAddress? in
                var fields = FieldReader(bytes)
                return fields.mac()
            })
        {
            core.options.set(ARM_WIFI_MAC, of: interface, bytes: mac.bytes)
        }
        return .end
    }
}

/// Reads the addresses that DHCP has assigned since the last read.
final class ReadAddresses: LineWork {
    private var state = State.addresses

    private enum State { case addresses, addressesAsked, nameServersAsked }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        let name = core.dialect.volatile("CIPSTA")
        switch state {
        case .addresses:
            guard core.hasStaleAddresses else { return .end }
            state = .addressesAsked
            return .command(.query(name), expecting: .information("+\(name)"))
        case .addressesAsked:
            guard let reply, reply.isDone else { return .end }
            core.station.addressIsStale = false
            let parts: [(String, UInt32)] = [
                ("ip", ARM_WIFI_IP), ("gateway", ARM_WIFI_IP_GATEWAY), ("netmask", ARM_WIFI_IP_SUBNET_MASK),
                ("ip6ll", ARM_WIFI_IP6_LINK_LOCAL), ("ip6gl", ARM_WIFI_IP6_GLOBAL),
            ]
            for (part, option) in parts {
                if let ip = reply.fields("+\(name):\(part):").first.flatMap(Self.firstIP) {
                    core.options.assign(option, bytes: ip.networkBytes)
                }
            }
            guard !core.options.isChosen(ARM_WIFI_IP_DNS1, of: .station),
                !core.options.isChosen(ARM_WIFI_IP_DNS2, of: .station)
            else { return .end }
            state = .nameServersAsked
            return .command(.query(core.dialect.volatile("CIPDNS")))
        case .nameServersAsked:
            // One line that begins with the mode, or in generation 1 one line for each server.
            let fields = reply?.fields("+\(core.dialect.volatile("CIPDNS")):") ?? []
            let servers = fields.flatMap { field in
                field.split(separator: UInt8(ascii: ",")).compactMap { Self.firstIP(Array($0)) }
            }
            for (option, server) in zip([ARM_WIFI_IP_DNS1, ARM_WIFI_IP_DNS2], servers) where server.family == .v4 {
                core.options.assign(option, bytes: server.networkBytes)
            }
            return .end
        }
    }

    private static func firstIP(_ field: [UInt8]) -> IPAddress? {
        field.withUnsafeBytes { bytes in
            var reader = FieldReader(bytes)
            return reader.ip()
        }
    }
}

extension DriverCore {
    var hasStaleAddresses: Bool { station.isConnected && station.addressIsStale }
}

extension MACAddress {
    /// Takes the first six bytes, most significant first.
    init(bytes: some Sequence<UInt8>) {
        self.init(rawValue: bytes.prefix(6).reduce(0) { $0 << 8 | UInt64($1) })
    }
}

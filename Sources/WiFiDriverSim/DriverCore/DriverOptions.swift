import CDriverWiFi
import WiFiSimValues

/// The options of SetOption and GetOption, with the values that the driver holds.
package struct DriverOptions {
    package enum Interface: UInt32, CaseIterable { case station = 0, accessPoint = 1 }

    private struct Key: Hashable {
        let option: UInt32
        let interface: Interface
    }

    /// The properties of an option, as the header defines them.
    private struct Kind {
        let length: Int
        var interfaces: [Interface] = [.station, .accessPoint]
        var range: ClosedRange<UInt32>?
    }

    private static let kinds: [UInt32: Kind] = [
        ARM_WIFI_BSSID: Kind(length: 6),
        ARM_WIFI_TX_POWER: Kind(length: 4, range: 0...20),
        ARM_WIFI_LP_TIMER: Kind(length: 4, interfaces: [.station]),
        ARM_WIFI_DTIM: Kind(length: 4),
        ARM_WIFI_BEACON: Kind(length: 4, interfaces: [.accessPoint]),
        ARM_WIFI_MAC: Kind(length: 6),
        ARM_WIFI_IP: Kind(length: 4),
        ARM_WIFI_IP_SUBNET_MASK: Kind(length: 4),
        ARM_WIFI_IP_GATEWAY: Kind(length: 4),
        ARM_WIFI_IP_DNS1: Kind(length: 4),
        ARM_WIFI_IP_DNS2: Kind(length: 4),
        ARM_WIFI_IP_DHCP: Kind(length: 4),
        ARM_WIFI_IP_DHCP_POOL_BEGIN: Kind(length: 4, interfaces: [.accessPoint]),
        ARM_WIFI_IP_DHCP_POOL_END: Kind(length: 4, interfaces: [.accessPoint]),
        ARM_WIFI_IP_DHCP_LEASE_TIME: Kind(length: 4, interfaces: [.accessPoint]),
        ARM_WIFI_IP6_GLOBAL: Kind(length: 16),
        ARM_WIFI_IP6_LINK_LOCAL: Kind(length: 16),
        ARM_WIFI_IP6_SUBNET_PREFIX_LEN: Kind(length: 4, range: 1...127),
        ARM_WIFI_IP6_GATEWAY: Kind(length: 16),
        ARM_WIFI_IP6_DNS1: Kind(length: 16),
        ARM_WIFI_IP6_DNS2: Kind(length: 16),
        ARM_WIFI_IP6_DHCP_MODE: Kind(length: 4, range: 0...2),
    ]

    private var values: [Key: [UInt8]] = [:]
    /// Values that the network has assigned to the station. Cleared when it leaves the network.
    private var assigned: [Key: [UInt8]] = [:]
    /// Options that SetOption has set, as opposed to defaults.
    private var chosen: Set<Key> = []

    package init() {
        for interface in Interface.allCases {
            set(ARM_WIFI_TX_POWER, of: interface, number: 20)
            set(ARM_WIFI_DTIM, of: interface, number: 1)
            set(ARM_WIFI_IP_DHCP, of: interface, number: 1)
            set(ARM_WIFI_IP6_SUBNET_PREFIX_LEN, of: interface, number: 64)
        }
        set(ARM_WIFI_BEACON, of: .accessPoint, number: 100)
        set(ARM_WIFI_IP_DHCP_LEASE_TIME, of: .accessPoint, number: 7200)
        // The firmware's defaults (ESP-AT docs, Wi-Fi, CIPAP and CWDHCPS).
        set(ARM_WIFI_IP, of: .accessPoint, bytes: [192, 168, 4, 1])
        set(ARM_WIFI_IP_GATEWAY, of: .accessPoint, bytes: [192, 168, 4, 1])
        set(ARM_WIFI_IP_SUBNET_MASK, of: .accessPoint, bytes: [255, 255, 255, 0])
        set(ARM_WIFI_IP_DHCP_POOL_BEGIN, of: .accessPoint, bytes: [192, 168, 4, 2])
        set(ARM_WIFI_IP_DHCP_POOL_END, of: .accessPoint, bytes: [192, 168, 4, 101])
    }

    /// The length of an option in bytes. Throws `unsupported` if the interface does not have the option.
    package static func length(_ option: UInt32, of interface: Interface) throws(DriverFailure) -> Int {
        guard let kind = kinds[option], kind.interfaces.contains(interface) else { throw .unsupported }
        return kind.length
    }

    subscript(_ option: UInt32, _ interface: Interface) -> [UInt8] {
        let key = Key(option: option, interface: interface)
        return assigned[key] ?? values[key] ?? Array(repeating: 0, count: Self.kinds[option]?.length ?? 0)
    }

    func number(_ option: UInt32, of interface: Interface) -> UInt32 {
        self[option, interface].withUnsafeBytes { $0.count >= 4 ? $0.loadUnaligned(as: UInt32.self) : 0 }
    }

    func ip(_ option: UInt32, of interface: Interface) -> IPAddress? {
        self[option, interface].withUnsafeBytes { IPAddress(networkBytes: $0) }
    }

    func isChosen(_ option: UInt32, of interface: Interface) -> Bool {
        chosen.contains(Key(option: option, interface: interface))
    }

    /// Sets an option for the application. Throws `invalidParameter` if the value is out of range.
    mutating func choose(_ option: UInt32, of interface: Interface, bytes: [UInt8]) throws(DriverFailure) {
        var bytes = bytes
        if let range = Self.kinds[option]?.range {
            let number = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
            guard range.contains(number) else { throw .invalidParameter }
        }
        if option == ARM_WIFI_IP_DHCP, bytes.contains(where: { $0 != 0 }) { bytes = Self.bytes(of: 1) }
        set(option, of: interface, bytes: bytes)
        assigned[Key(option: option, interface: interface)] = nil
        chosen.insert(Key(option: option, interface: interface))
    }

    /// Sets an option to a value from the module. A value of another length, such as an IPv6 address for an IPv4
    /// option, is ignored.
    mutating func set(_ option: UInt32, of interface: Interface, bytes: [UInt8]) {
        guard bytes.count == Self.kinds[option]?.length else { return }
        values[Key(option: option, interface: interface)] = bytes
    }

    /// Sets an option of the station to a value from its network. A value of another length is ignored.
    mutating func assign(_ option: UInt32, bytes: [UInt8]) {
        guard bytes.count == Self.kinds[option]?.length else { return }
        assigned[Key(option: option, interface: .station)] = bytes
    }

    /// Clears the assigned values, because the station has left the network.
    mutating func forgetAssigned() { assigned = [:] }

    /// Keeps the assigned values as the station's own.
    mutating func keepAssigned() {
        values.merge(assigned) { $1 }
        assigned = [:]
    }

    private mutating func set(_ option: UInt32, of interface: Interface, number: UInt32) {
        set(option, of: interface, bytes: Self.bytes(of: number))
    }

    private static func bytes(of number: UInt32) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
}

import WiFiSimValues

/// The settings that a module keeps in flash. One copy is in use (RAM), another is stored. A restart loads the stored
/// one.
package struct Settings: Codable, Equatable, Sendable {
    package var uart = UARTConfiguration()
    /// Whether UART_DEF was set.
    package var hasChosenUART: Bool?
    var wifiMode = WiFiMode.off
    var station: StationSettings?
    var reconnect = Reconnect()
    var joinsAtPowerUp = true
    var stationUsesDHCP = true
    var stationAddress: StaticAddress?
    var stationMAC: MACAddress
    var softAP: SoftAPSettings
    var softAPUsesDHCP = true
    var softAPAddress = StaticAddress(
        address: IPv4Address(192, 168, 4, 1), gateway: IPv4Address(192, 168, 4, 1),
        netmask: IPv4Address(255, 255, 255, 0))
    var softAPMAC: MACAddress
    var dhcpServer: DHCPServer?
    /// Manually set servers, as text because both families are possible. `nil` selects those of DHCP.
    var dnsServers: [String]?
    var systemMessages = SystemMessages()
    var ipv6 = false
    var country = Country()
    var tcpOptions = [TCPOptions](repeating: TCPOptions(), count: Links.limit)

    /// CWCONFIG.
    var inactivity: Inactivity?
    /// CWSTAPROTO and CWAPPROTO: one bit each for 802.11 b, g, n and Espressif's long range. `nil` is the chip's
    /// default.
    var stationProtocols: RadioProtocols?
    var softAPProtocols: RadioProtocols?
    /// CWBANDWIDTH of the station and the soft-AP: 1 for 20 MHz, 2 for 40 MHz. `nil` is 40 MHz for both.
    var bandwidth: [Bandwidth]?
    /// The images that CIUPDATE has written to flash. `nil` with the factory image only.
    var images: FirmwareImages?

    /// SAVETRANSLINK: the client's link, or the server.
    var powerUpLink: PowerUpLink?
    var powerUpServer: Links.Server?
    private var storedReconnectInterval: ReconnectTenths?
    /// CIPRECONNINTV, in tenths of a second.
    var passthroughReconnectInterval: ReconnectTenths {
        get { storedReconnectInterval ?? 1 }
        set { storedReconnectInterval = newValue }
    }

    var ssl = [SSLSettings](repeating: SSLSettings(), count: Links.limit)

    /// The data that the host has written to its partitions. `nil` if they are unchanged since the factory.
    var userData: UserData?

    var bandwidths: [Bandwidth] { bandwidth ?? [2, 2] }

    typealias Bandwidth = Bounded<1, 2>
    typealias ReconnectTenths = Bounded<1, 36_000>

    /// The settings of a new module.
    /// - Parameters:
    ///   - firmware: the profile.
    ///   - serialNumber: makes the MAC addresses unique; its low 24 bits are used.
    /// - Returns: the factory settings.
    package static func factory(for firmware: Firmware, serialNumber: UInt32) -> Settings {
        let stationMAC = MACAddress(rawValue: UInt64(firmware.macPrefix) << 24 | UInt64(serialNumber & 0xFF_FFFF))
        let softAPMAC = MACAddress(
            rawValue: firmware.softAPSetsLocalBit ? stationMAC.rawValue | 0x02 << 40 : stationMAC.rawValue + 1)
        let suffix = softAPMAC.bytes.suffix(3).map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
        var settings = Settings(
            stationMAC: stationMAC, softAP: SoftAPSettings(ssid: "\(firmware.softAPPrefix)_\(suffix.joined())"),
            softAPMAC: softAPMAC)
        settings.uart.flowControl = firmware.flowControl
        settings.wifiMode = firmware.factoryWiFiMode
        settings.reconnect.interval = firmware.defaultReconnectInterval
        return settings
    }
}

struct StationSettings: Codable, Equatable, Sendable {
    var ssid: String
    var password: String
    var bssid: MACAddress?
    /// The lowest security that is accepted.
    var threshold: Threshold = 0
    var listenInterval: ListenInterval = 3
    var scansAll = false
    var pmf: PMF = 1
    /// CWJEAP.
    var enterprise: Enterprise?
    /// CWJEAP's `<security>`.
    var certificates: Certificates?

    /// A value of `<ecn>`, or a higher one that the chip does not know.
    typealias Threshold = Bounded<0, 15>
    /// In beacon intervals.
    typealias ListenInterval = Bounded<1, 100>
    typealias PMF = Bounded<0, 3>
    typealias Certificates = Bounded<0, 3>
    /// In bytes.
    static let ssidLength = 0...32
    static let passwordLength = 0...64
}

struct Reconnect: Codable, Equatable, Sendable {
    /// Seconds between attempts; 0 means no attempts.
    var interval: ReconnectInterval = 0
    /// Attempts before it gives up; 0 means without limit.
    var count: Count = 0

    typealias Count = Bounded<0, 1000>
}

/// CWCONFIG (ESP-AT docs, Wi-Fi, CWCONFIG).
struct Inactivity: Codable, Equatable, Sendable {
    /// Seconds without data before the soft-AP disconnects a station.
    var softAP: SoftAP = 300
    /// Seconds without beacons before the station gives up its access point.
    var station: Station = 6
    var listenInterval: StationSettings.ListenInterval = 3

    /// In seconds.
    typealias SoftAP = Bounded<10, 3600>
    typealias Station = Bounded<3, 600>
}

/// The two application partitions (ESP-AT docs, Basic, SYSROLLBACK). The versions are only names: the module continues
/// with the firmware of its profile.
struct FirmwareImages: Codable, Equatable, Sendable {
    var runsSecond = false
    /// `nil` is the version of the profile.
    var running: String?
    /// `nil` if the other partition is empty.
    var other: String?

    /// In bytes.
    static let versionLength = 1...64
}

struct SoftAPSettings: Codable, Equatable, Sendable {
    var ssid: String
    var password = ""
    var channel: WiFiChannel = 1
    var security = Security.open
    var stationLimit: StationLimit = 4
    var isHidden = false

    typealias StationLimit = Bounded<1, 10>
    /// In bytes.
    static let ssidLength = 1...32
    static let passwordLength = 0...64
}

/// A channel of the 2.4 GHz band.
typealias WiFiChannel = Bounded<1, 14>

struct DHCPServer: Codable, Equatable, Sendable {
    var leaseMinutes: LeaseMinutes
    var first: IPv4Address
    var last: IPv4Address

    typealias LeaseMinutes = Bounded<1, 2880>
}

/// CIPSSLCCONF.
struct SSLSettings: Codable, Equatable, Sendable {
    /// 0: none, 1: the client presents its certificate, 2: it verifies the server's certificate, 3: both.
    var authentication: Authentication = 0
    var showsCertificate: Bool { authentication.value & 1 != 0 }
    var checksServer: Bool { authentication.value & 2 != 0 }
    var certificate: CredentialNumber = 0
    var authority: CredentialNumber = 0

    typealias Authentication = Bounded<0, 3>
    /// The index of one of several certificates.
    typealias CredentialNumber = Bounded<0, 255>
}

/// The bits of SYSMSG (ESP-AT docs, Basic, SYSMSG).
struct SystemMessages: Codable, Equatable, Sendable {
    var rawValue: Bits = 0
    /// `+QUITT` at the end of passthrough.
    var tellsEndOfPassthrough: Bool { rawValue.value & 1 != 0 }
    /// `+LINK_CONN:` instead of `n,CONNECT`.
    var detailsConnections: Bool { rawValue.value & 2 != 0 }
    /// Changes of links and Wi-Fi are reported in passthrough too.
    var speaksInPassthrough: Bool { rawValue.value & 4 != 0 }

    typealias Bits = Bounded<0, 7>
}

/// CWCOUNTRY.
struct Country: Codable, Equatable, Sendable {
    /// Whether it keeps its code if the access point has another one.
    var isFixed = false
    var code = "CN"
    var firstChannel: WiFiChannel = 1
    var channelCount: WiFiChannel = 13

    var channels: ClosedRange<Int> { firstChannel.value...(firstChannel.value + channelCount.value - 1) }

    /// In bytes.
    static let codeLength = 1...3
}

/// The state that a restart resets.
struct Session {
    var echoes = true
    var multiplexes = false
    var showsPeer = false
    /// CIPMODE: received data has no header, and CIPSEND without a length starts passthrough.
    var passesThrough = false
    /// TRANSINTVL, in milliseconds.
    var transmitInterval = 20
    /// Whether SAVETRANSLINK's server waits for its first client, with which passthrough begins.
    var awaitsPassthroughClient = false
    var longSend = SendSizes()
    /// Passive receive for each link (CIPRECVMODE, CIPRECVTYPE).
    var receivesPassively = [Bool](repeating: false, count: Links.limit)
    var sslClients = [SSLClientOptions](repeating: SSLClientOptions(), count: Links.limit)
    var serverTimeout: Int
    var serverLimit = Links.limit
    var logsErrors = false
    /// CWINIT.
    var hasWiFi = true
    /// CIPCONNPERSIST for each link: whether a TCP link outlives its network.
    var keepsLink = [Bool](repeating: false, count: Links.limit)
    var messageFilters = MessageFilters()
    var updateState = FirmwareUpdate.State.idle
    /// SYSREG's registers, by address.
    var registers: [Int: Int] = [:]
    var storesSettings = true
    var sleepMode = 0
    var lightSleep = LightSleep()
    var hostName: String
    var rfPower: [Int]
    var scanOptions: ScanOptions
    /// The number of dropped datagrams and parts of datagrams.
    var dropCount = 0

    /// CIPSENDLCFG, in bytes (ESP-AT docs, TCP-IP, CIPSENDLCFG).
    struct SendSizes {
        var reportSize = 1024
        var blockSize = 2920
    }

    /// CWLAPOPT (ESP-AT docs, Wi-Fi, CWLAPOPT).
    struct ScanOptions: Equatable {
        var sortsByStrength = true
        var fields: Int
        var weakest = -100
        var securities = 0xFFFF
    }

    init(firmware: Firmware) {
        serverTimeout = firmware.defaultServerTimeout
        hostName = firmware.hostName
        rfPower = firmware.rfPower
        scanOptions = ScanOptions(fields: firmware.scanFields)
    }
}

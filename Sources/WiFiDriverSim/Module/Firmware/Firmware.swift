import WiFiSimValues

/// What one firmware build answers, where builds differ. Each difference is data here; no command asks for a profile by name.
public struct Firmware: Sendable {
    /// The profile's name, as `esp32c3-4.1`.
    public let name: String
    /// What hardware and firmware it stands for, in a line.
    public let summary: String
    let generation: Generation
    /// The lines of `AT+GMR`.
    let versionLines: [String]
    /// The vendor's half of the factory MAC addresses.
    let macPrefix: UInt32
    /// The vendor's word in the factory soft-AP name: `ESP_1A2B3C`.
    let softAPPrefix: String

    /// From power or reset to `ready`.
    package var bootTime: Duration = .milliseconds(350)
    /// What the ROM prints before the firmware starts, at `romBaud` whatever the UART is set to; empty where the ROM
    /// prints on another port.
    var romText = ""
    /// The ESP8266's ROM takes the 26 MHz crystal for one of 40 MHz, so that its 115200 comes out as this.
    static let romBaud = 74_880

    /// The clock of the UART; `nil` shows rates as they were set.
    var uartClock: UARTClock?
    /// UART's flow control as from the factory (ESP-AT, main/interface/uart/Kconfig, AT_UART_DEFAULT_FLOW_CONTROL).
    var flowControl: UARTConfiguration.FlowControl = 1
    /// Whether UART_DEF? shows zeros until it is set (ESP8266_NONOS_SDK issue 213).
    var showsUnsetUARTAsZeros = false
    /// Whether a restart by command tells of the links and the network that end with it.
    var reportsShutdown = false
    /// Whether CIPAP starts the soft-AP's DHCP server anew, and CWDHCP? leaves out the station's client where the mode has
    /// no station (esp-at issue 950, ESP32-C3, 3.3).
    var restartsDHCPServer = true

    /// How a command says where its setting goes.
    var storage: Storage = .systemStore
    /// What ends the echo of a line.
    var echoTerminator = "\r\n"
    /// What follows OK when data is expected.
    var prompt = "\r\n>"
    /// The final line of a failed CWJAP, after `+CWJAP:n`.
    var joinFailure = "ERROR"
    /// The longest CIPSEND, in bytes (ESP-AT docs, TCP-IP, CIPSEND).
    var longestSend = 8192
    /// The longest block that passthrough sends, and what it buffers of the line, in bytes
    /// (ESP-AT docs, TCP-IP, CIPSEND).
    var passthroughBlock = 2920
    var passthroughBuffer = 8192
    /// Whether addresses in `+IPD`, CIPDOMAIN and CIPDNS stand in quotes, and PING carries its name.
    var quotesAddresses = true
    /// Whether passive receive takes in UDP and SSL links as well as TCP.
    var passiveReceiveOfAllTypes = true
    /// How many SSL links there can be at a time; `nil` is as many as there are links.
    var sslLinkLimit: Int?
    var passesThroughSSL = true
    /// The longest CIPSSLCCN and CIPSSLCSNI, in bytes; `nil` is as long as the line lets it.
    var longestSSLName: Int? = 64
    /// Whether CIPSERVER can be an SSL server (ESP-AT docs, AT Command Set Comparison).
    var hasSSLServer = true
    /// The partitions of the flash that are the host's own.
    var partitions: [FlashPartition] = []
    /// Whether certificates are values of the manufacturing NVS (else each kind has a partition).
    var keepsCertificatesInNVS = true
    /// Whether the length of an SSL link's data counts what is decrypted and what is not, else what is decrypted, if anything
    /// is (ESP-AT docs 2.2 and 3.3, TCP-IP, CIPRECVLEN).
    var addsEncryptedLength = false
    /// Whether SAVETRANSLINK takes 255.255.255.255 (esp-at issue 535).
    var savesBroadcastLink = true
    /// What CIPRECVLEN says of a link that is not open.
    var lengthOfNoLink = -1
    /// The longest line that TCP data is pushed in (ESP-AT docs, TCP-IP, CIPRECVTYPE).
    var longestPush = 2920
    /// What one passive link holds until it is read: the TCP receive window.
    package var receiveWindow = 5760
    /// The fields of `+CWJAP:`: how many of the nine that it has by now. AT 1.7 tells `pci_en`.
    var joinFields = 9
    /// CWJAP's `<reconn interval>` is in seconds, else a yes or no (ESP-AT docs, Wi-Fi, CWJAP).
    var joinTakesInterval = true
    /// CWDHCP's bit 0 is the station (else the soft-AP), and its set form is enable, bits (else mode, enable).
    var dhcpStationFirst = true
    /// CIPSTO's value until it is set, in seconds.
    var defaultServerTimeout = 0
    /// CWRECONNCFG's interval until it is set, in seconds; 0 is never.
    var defaultReconnectInterval: ReconnectInterval = 0
    /// Whether CIPDNS? prints one line with its mode first (else a line for each server).
    var dnsOnOneLine = true
    /// The DNS servers that the firmware falls back to (ESP-AT docs, TCP-IP, CIPDNS).
    var publicDNS = ["208.67.222.222", "114.114.114.114", "8.8.8.8"]
    /// So many can be set.
    var longestDNSList = 3
    /// SYSMSG's bits that the firmware knows.
    var systemMessageBits = 0b111
    /// The longest password of the soft-AP, in bytes (ESP-AT docs, Wi-Fi, CWSAP).
    var longestSoftAPPassword = 63
    /// Whether refusals are preceded by a line that says why, as `link is not valid`.
    var explainsRefusals = false
    /// Whether a line that comes while a command runs is refused at its end, and echoed as any other, and whether a line may
    /// begin anywhere with `AT` or `at` and an empty one is refused (ESP8266_AT, at_recvTask). Else it is refused at its first
    /// byte and not echoed.
    var readsLinesAsNonOS = false
    /// Whether `AT+RST` is taken while another command runs.
    var restartsWhileBusy = true
    /// CWMODE's modes: the oldest firmware cannot switch its radio off.
    var wifiModes = 0...3
    /// SLEEP's modes.
    var sleepModes = 0...3
    /// CWMODE as from the factory.
    var factoryWiFiMode = WiFiMode.off
    var hostName = "espressif"
    /// SLEEPWKCFG's sources, and the chip's pins that can be one.
    var wakeSources: Set = [2]
    var wakePins = 0...21
    /// Whether SYSLOG=1 also shows `+ERRNO` of connections.
    var tellsErrorNumbers = false
    /// Whether MDNS puts the underscore before the service's name (NONOS SDK, mdns.c).
    var marksServices = false
    /// Whether MDNS announces an instance that is not named under the service's name, not the host's (measured on 3.1 and 4.1:
    /// espressif/esp-at, issue 810).
    var namesInstanceAfterService = false
    /// How many texts MDNS takes.
    var longestServiceText = 10
    /// CWSTAPROTO and CWAPPROTO until they are set.
    var radioProtocols: RadioProtocols = 7
    /// Where the two application partitions are (SYSROLLBACK).
    var firmwareSlots = (first: 0x60000, second: 0x230000)
    /// The SNTP servers where CIPSNTPCFG names none.
    var timeServers = ["cn.ntp.org.cn", "ntp.sjtu.edu.cn", "us.pool.ntp.org"]
    /// Whether `+TIME_UPDATED` is told.
    var tellsTimeUpdate = true
    /// Whether the time survives a restart, as long as there is power.
    var keepsTime = true
    /// Whether CIPSNTPTIME writes a day of one digit with a zero before it, and not as asctime does.
    var padsDayOfMonth = false
    /// CWLAP's fields, as a CWLAPOPT mask.
    var scanFields = 0x7FF
    /// SYSRAM: bytes free now, and the least that were.
    var heap = (free: 148_408, least: 84_044)
    /// RFPOWER: the Wi-Fi power and where there is Bluetooth LE its three, in steps of 0.25 dBm and of the chip's levels;
    /// empty where it can only be set.
    var rfPower = [78, 7, 7, 7]
    var rfPowerRange = 40...84
    var bluetoothPowerRange = 0...15
    /// The Wi-Fi powers that the chip has; another is rounded down (ESP-AT docs, Basic, RFPOWER).
    var rfPowerSteps = [34, 44, 52, 56, 60, 66, 72, 78]

    /// The text that refuses a line while the data of a CIPSEND are on their way (ESP8266_AT, at_port.c).
    var busySending = "busy p..."
    /// Whether the answers of PING, CWLIF and CIPRECVDATA carry their name and a colon (ESP8266_AT, at_exeCmdCwlif).
    var namesAnswers = true
    /// Whether the soft-AP's MAC address is the station's with the local bit set, instead of the next one.
    var softAPSetsLocalBit = false
    /// Whether `+++` gives up a CIPSEND whose data have not all come (ESP-AT docs, AT Messages, `SEND Canceled`).
    var cancelsSends = true
    /// SLEEP's mode of light sleep.
    var lightSleepMode = 2
    /// What `SLEEP?` answers for light sleep (ESP-AT docs 2.2, Basic, SLEEP: "will return 3 but not 2").
    var reportedLightSleep = 2
    /// Whether `SYSRAM?` shows the least free bytes as well.
    var reportsLeastHeap = true
    /// Whether every sleep mode is refused while the soft-AP is on (ESP-AT docs, Basic, SLEEP).
    var sleepsWithoutSoftAPOnly = true
    /// Whether CWJAP takes the SSID and password of the stored network where none are given.
    var joinsStoredNetwork = true
    /// CWSTARTSMART's types.
    var smartConfigTypes = 1...4
    /// The highest security that CWSTARTSMART and CWSTARTDISCOVER take as the lowest to join.
    var highestSecurityFloor = 15
    /// What `CIPSNTPCFG?` answers while the client is off.
    var disabledTimeClient = "0,0"
    /// Whether CIPSNTPCFG needs a time zone to switch the client on.
    var needsTimeZone = false
    /// Whether CIPSNTPCFG's time zone may have minutes.
    var timeZoneTakesMinutes = true
    /// Whether CIPDNS takes the same server twice.
    var takesSameDNSServers = false
    /// Whether `CIPTCPOPT?` shows the keep-alive time.
    var reportsKeepAlive = true
    /// Whether `CIPRECVLEN?` shows one length where there is one link only.
    var reportsOneLength = true
    /// Whether `CIPSTATUS` has numbers for a station that is off or was never joined.
    var reportsIdleStation = true
    /// Whether CIPMUX is refused while there is a TCP link, even where it would change nothing
    /// (ESP8266_AT, at_setupCmdCipmux).
    var locksMultiplexing = false
    /// Whether CIPSERVER and SAVETRANSLINK take the interface that the server is on.
    var serverTakesInterface = true
    /// Whether they take a place for the CA flag without SSL, too (core library of 4.1, at_setup_cmd_cipserver).
    var plainServerTakesCA = false
    /// Whether passthrough may run on a server's only link.
    var passesThroughServedLink = true
    /// Whether CIPMODE=0 is refused as CIPMODE=1 is, where there is more than one link (ESP8266_AT, at_setupCmdCipmode).
    var locksPassthrough = false
    /// Whether SAVETRANSLINK=0 refuses further parameters.
    var refusesExcessPowerUpParameters = true
    /// Whether SAVETRANSLINK resolves the host's name before it stores it (core libraries of 4.1 and 5.0,
    /// at_setup_cmd_savetranslink).
    var resolvesPowerUpLink = true

    /// Firmware generations in the order in which their command sets grew. A generation says which commands, forms and
    /// parameters there are; how they behave is in the properties above.
    enum Generation: Int, Comparable, Sendable, CaseIterable {
        case nonOS1_7, esp32_2_1, esp8266_2_2, v3_3, v4_1, v5_0
        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    enum Storage: Sendable {
        /// `_CUR` and `_DEF` name where a setting goes; the bare name stores it.
        case nameSuffix
        /// SYSSTORE tells for all commands.
        case systemStore
    }
}

extension Firmware {
    /// As in `v4.1.0.0`.
    var version: String {
        let number = versionLines[0].drop { !$0.isNumber }.prefix { $0.isNumber || $0 == "." }
        return "v\(number)"
    }
}

// Answers whose shape differs.
extension Firmware {
    /// The refusal of a line while a command runs. Older firmware tells a block that is on its way from all else
    /// (ESP8266_AT, at_port.c).
    func busyText(isSending: Bool) -> String { isSending ? busySending : "busy p..." }

    /// What stands before the bytes in CIPRECVDATA's answer; `peer` where CIPDINFO asks for it.
    func receivedDataHeader(count: Int, peer: Endpoint?) -> String {
        guard namesAnswers else { return "+CIPRECVDATA,\(count):" }
        guard let peer else { return "+CIPRECVDATA:\(count)," }
        return "+CIPRECVDATA:\(count),\"\(peer.address)\",\(peer.port),"
    }

    /// CWLIF's line about a station; the oldest firmware's has no name (ESP8266_AT, at_exeCmdCwlif).
    func stationLine(_ name: String, address: IPv4Address, mac: MACAddress) -> String {
        (namesAnswers ? "+\(name):" : "") + "\(address),\(mac)"
    }

    /// PING's line: the milliseconds, or `nil` for no answer.
    func pingReply(_ milliseconds: String?) -> String {
        namesAnswers ? "+PING:\(milliseconds ?? "TIMEOUT")" : "+\(milliseconds ?? "timeout")"
    }
}

extension Firmware: CustomStringConvertible {
    /// The name.
    public var description: String { name }
}

extension Firmware: Equatable {
    /// Two profiles are the same when their names are.
    public static func == (left: Self, right: Self) -> Bool { left.name == right.name }
}

extension Firmware {
    /// The longest block that one CIPSEND takes, in bytes.
    public var longestSendBlock: Int { longestSend }
}

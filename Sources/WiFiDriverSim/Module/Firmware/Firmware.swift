import WiFiSimValues

/// A profile: one firmware version with its differences. Each difference is a property; commands never ask for a
/// profile by name.
public struct Firmware: Sendable {
    /// The name of the profile, such as `esp32c3-4.1`.
    public let name: String
    /// The hardware and firmware, in one line.
    public let summary: String
    /// The generation of the command set.
    let generation: Generation
    /// The lines of `AT+GMR`.
    let versionLines: [String]
    /// The first three bytes of the factory MAC addresses.
    let macPrefix: UInt32
    /// The prefix of the factory soft-AP name, such as `ESP` in `ESP_1A2B3C`.
    let softAPPrefix: String

    /// From power-on or reset to `ready`.
    package var bootTime: Duration = .milliseconds(350)
    /// What the ROM prints before the firmware starts, always in `romFrame`. Empty if the ROM prints on another port.
    var romText = ""
    /// 8N1 at 74880 bits per second. The ESP8266's ROM assumes a 40 MHz crystal in place of the 26 MHz one, so its
    /// 115200 becomes this rate.
    static let romFrame = UARTFrame(bitRate: 74_880)

    /// The clock of the UART. With `nil`, queries show rates as they were set.
    var uartClock: UARTClock?
    /// The buffers of the UART.
    package var uartBuffers = UARTBuffers.esp32
    /// The factory setting of the UART's flow control (ESP-AT, main/interface/uart/Kconfig,
    /// AT_UART_DEFAULT_FLOW_CONTROL).
    var flowControl: UARTConfiguration.FlowControl = 1
    /// Whether UART_DEF? shows zeros until it is set (ESP8266_NONOS_SDK issue 213).
    var showsUnsetUARTAsZeros = false
    /// Whether a restart by command reports the end of the links and of the network.
    var reportsShutdown = false
    /// Whether CIPAP restarts the soft-AP's DHCP server, and CWDHCP? omits the station's client if the mode has no
    /// station (esp-at issue 950, ESP32-C3, 3.3).
    var restartsDHCPServer = true

    /// How a command selects whether its setting goes to flash.
    var storage: Storage = .systemStore
    /// The end of an echoed line.
    var echoTerminator = "\r\n"
    /// What follows OK when the module is ready for data.
    var prompt = "\r\n>"
    /// The final line of a failed CWJAP, after `+CWJAP:n`.
    var joinFailure = "ERROR"
    /// The longest block of CIPSEND, in bytes (ESP-AT docs, TCP-IP, CIPSEND).
    var longestSend = 8192
    /// The longest block that passthrough sends, and its buffer for bytes from the line, both in bytes (ESP-AT docs,
    /// TCP-IP, CIPSEND).
    var passthroughBlock = 2920
    var passthroughBuffer = 8192
    /// Whether addresses in `+IPD`, CIPDOMAIN and CIPDNS are quoted, and PING's line has the name of the command.
    var quotesAddresses = true
    /// Whether passive receive includes UDP and SSL links.
    var passiveReceiveOfAllTypes = true
    /// The most SSL links at the same time. `nil` permits as many as there are links.
    var sslLinkLimit: Int?
    var passesThroughSSL = true
    /// The longest value of CIPSSLCCN and CIPSSLCSNI, in bytes. `nil` means that only the length of the line limits it.
    var longestSSLName: Int? = 64
    /// Whether CIPSERVER supports SSL (ESP-AT docs, AT Command Set Comparison).
    var hasSSLServer = true
    /// The flash partitions for the host's data.
    var partitions: [FlashPartition] = []
    /// Whether certificates are values of the manufacturing NVS. If not, each kind has a partition.
    var keepsCertificatesInNVS = true
    /// Whether the data length of an SSL link includes encrypted bytes. If not, it is the length of the decrypted
    /// bytes, if there are any (ESP-AT docs 2.2 and 3.3, TCP-IP, CIPRECVLEN).
    var addsEncryptedLength = false
    /// Whether SAVETRANSLINK accepts 255.255.255.255 (esp-at issue 535).
    var savesBroadcastLink = true
    /// CIPRECVLEN's value for a link that is not open.
    var lengthOfNoLink = -1
    /// The most TCP data in one `+IPD`, in bytes (ESP-AT docs, TCP-IP, CIPRECVTYPE).
    var longestPush = 2920
    /// In bytes, what a passive link holds until it is read: the TCP receive window.
    package var receiveWindow = 5760
    /// The number of fields of `+CWJAP:`, at most nine. The fifth is `pci_en`, which AT 1.7 has.
    var joinFields = 9
    /// Whether CWJAP's `<reconn interval>` is in seconds. If not, it is on or off (ESP-AT docs, Wi-Fi, CWJAP).
    var joinTakesInterval = true
    /// Whether bit 0 of CWDHCP is the station and its set form is enable, bits. If not, bit 0 is the soft-AP and the
    /// set form is mode, enable.
    var dhcpStationFirst = true
    /// The initial value of CIPSTO, in seconds.
    var defaultServerTimeout = 0
    /// The initial interval of CWRECONNCFG, in seconds; 0 means never.
    var defaultReconnectInterval: ReconnectInterval = 0
    /// Whether CIPDNS? prints one line that begins with the mode. If not, it prints one line for each server.
    var dnsOnOneLine = true
    /// The firmware's fallback DNS servers (ESP-AT docs, TCP-IP, CIPDNS).
    var publicDNS = ["208.67.222.222", "114.114.114.114", "8.8.8.8"]
    /// The most DNS servers that can be set.
    var longestDNSList = 3
    /// The supported bits of SYSMSG.
    var systemMessageBits = 0b111
    /// The longest password of the soft-AP, in bytes (ESP-AT docs, Wi-Fi, CWSAP).
    var longestSoftAPPassword = 63
    /// Whether a line with the reason precedes a refusal, such as `link is not valid`.
    var explainsRefusals = false
    /// How lines are read while a command runs, and where they begin. If true, a line during a command is echoed as
    /// usual and refused at its end, a line may begin anywhere with `AT` or `at`, and an empty line is refused
    /// (ESP8266_AT, at_recvTask). If false, a line during a command is refused at its first byte and not echoed.
    var readsLinesAsNonOS = false
    /// Whether `AT+RST` is accepted while another command runs.
    var restartsWhileBusy = true
    /// The modes of CWMODE. The oldest firmware cannot switch its radio off.
    var wifiModes = 0...3
    /// The modes of SLEEP.
    var sleepModes = 0...3
    /// The factory setting of CWMODE.
    var factoryWiFiMode = WiFiMode.off
    var hostName = "espressif"
    /// The sources of SLEEPWKCFG, and the pins that can wake the chip.
    var wakeSources: Set = [2]
    var wakePins = 0...21
    /// Whether SYSLOG=1 also shows `+ERRNO` for connections.
    var tellsErrorNumbers = false
    /// Whether MDNS adds the underscore to the service name (NONOS SDK, mdns.c).
    var marksServices = false
    /// Whether MDNS announces an unnamed instance under the service name instead of the host name (measured on 3.1 and
    /// 4.1: espressif/esp-at, issue 810).
    var namesInstanceAfterService = false
    /// The most TXT entries of MDNS.
    var longestServiceText = 10
    /// The initial values of CWSTAPROTO and CWAPPROTO.
    var radioProtocols: RadioProtocols = 7
    /// The addresses of the two application partitions (SYSROLLBACK).
    var firmwareSlots = (first: 0x60000, second: 0x230000)
    /// The SNTP servers if CIPSNTPCFG names none.
    var timeServers = ["cn.ntp.org.cn", "ntp.sjtu.edu.cn", "us.pool.ntp.org"]
    /// Whether `+TIME_UPDATED` is reported.
    var tellsTimeUpdate = true
    /// Whether the time survives a restart without a loss of power.
    var keepsTime = true
    /// Whether CIPSNTPTIME pads a one-digit day with a zero, instead of a space as asctime does.
    var padsDayOfMonth = false
    /// The fields of CWLAP, as a CWLAPOPT mask.
    var scanFields = 0x7FF
    /// SYSRAM's values in bytes: free now, and the lowest so far.
    var heap = (free: 148_408, least: 84_044)
    /// RFPOWER's values: the Wi-Fi power in steps of 0.25 dBm, and on a chip with Bluetooth LE three levels of the
    /// chip. Empty if the power can only be set.
    var rfPower = [78, 7, 7, 7]
    var rfPowerRange = 40...84
    var bluetoothPowerRange = 0...15
    /// The Wi-Fi powers of the chip, in steps of 0.25 dBm. Other values are rounded down (ESP-AT docs, Basic, RFPOWER).
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
    /// Whether CIPMODE=0 is refused as CIPMODE=1 is, where there is more than one link (ESP8266_AT,
    /// at_setupCmdCipmode).
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
        /// A suffix `_CUR` or `_DEF` of the command's name. The bare name saves the setting.
        case nameSuffix
        /// SYSSTORE, for all commands.
        case systemStore
    }
}

extension Firmware {
    /// Such as `v4.1.0.0`.
    var version: String {
        let number = versionLines[0].drop { !$0.isNumber }.prefix { $0.isNumber || $0 == "." }
        return "v\(number)"
    }
}

// Answers whose form depends on the firmware.
extension Firmware {
    /// The refusal of a line while a command runs. Older firmware has a different one while a block is being sent
    /// (ESP8266_AT, at_port.c).
    func busyText(isSending: Bool) -> String { isSending ? busySending : "busy p..." }

    /// The text before the bytes in CIPRECVDATA's answer. `peer` is set if CIPDINFO asks for it.
    func receivedDataHeader(count: Int, peer: Endpoint?) -> String {
        guard namesAnswers else { return "+CIPRECVDATA,\(count):" }
        guard let peer else { return "+CIPRECVDATA:\(count)," }
        return "+CIPRECVDATA:\(count),\"\(peer.address)\",\(peer.port),"
    }

    /// CWLIF's line about a station. The oldest firmware has no name in it (ESP8266_AT, at_exeCmdCwlif).
    func stationLine(_ name: String, address: IPv4Address, mac: MACAddress) -> String {
        (namesAnswers ? "+\(name):" : "") + "\(address),\(mac)"
    }

    /// PING's line. The argument is the round trip in milliseconds, `nil` without an answer.
    func pingReply(_ milliseconds: String?) -> String {
        namesAnswers ? "+PING:\(milliseconds ?? "TIMEOUT")" : "+\(milliseconds ?? "timeout")"
    }
}

extension Firmware: CustomStringConvertible {
    /// The name.
    public var description: String { name }
}

extension Firmware: Equatable {
    /// Two profiles are equal if their names are.
    public static func == (left: Self, right: Self) -> Bool { left.name == right.name }
}

extension Firmware {
    /// The longest block of one CIPSEND, in bytes.
    public var longestSendBlock: Int { longestSend }
}

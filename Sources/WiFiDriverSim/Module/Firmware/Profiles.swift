import WiFiSimValues

extension Firmware {
    /// All profiles, the oldest firmware first.
    public static let all: [Firmware] = [
        .esp8266v1_7, .wizFi360v1_0, .esp32v2_1, .esp8266v2_2, .esp32c3v3_3, .esp32c3v4_1, .esp32c3v5_0,
    ]

    /// The default profile.
    public static let standard = Firmware.esp32c3v4_1

    /// The profile with this name. `nil` if there is none.
    public static func named(_ name: String) -> Firmware? { all.first { $0.name == name } }

    /// ESP8266 with NONOS AT 1.7.4: `esp8266-1.7`.
    public static let esp8266v1_7 = {
        var firmware = nonOSOnESP8266
        firmware.uartClock = .esp8266
        firmware.flowControl = 1
        firmware.showsUnsetUARTAsZeros = true
        firmware.joinFields = 5
        return firmware
    }()

    private static let nonOSOnESP8266 = nonOS(
        name: "esp8266-1.7", summary: "ESP8266, NONOS AT 1.7",
        versionLines: [
            "AT version:1.7.4.0(May 11 2020 19:13:04)", "SDK version:3.0.4(9532ceb)",
            "compile time:May 27 2020 10:12:17", "Bin version(Wroom 02):1.7.4",
        ],
        macPrefix: 0x5CCF7F, softAPPrefix: "ESP",
        romText: """
            \r\n ets Jan  8 2013,rst cause:2, boot mode:(3,6)\r\n\r\nload 0x40100000, len 1856, room 16 \r\n\
            tail 0\r\nchksum 0x63\r\ncsum 0x63\r\n
            """)

    /// WIZnet's module uses the NONOS dialect with its own version text.
    public static let wizFi360v1_0 = nonOS(
        name: "wizfi360-1.0", summary: "WIZnet WizFi360, AT 1.0",
        versionLines: [
            "AT version:1.1.1.7(Jun 11 2020 15:17:33)", "SDK version:3.2.0(a0ffff9f)",
            "compile time:Jun 11 2020 15:17:33",
        ],
        macPrefix: 0x0008DC, softAPPrefix: "WizFi360", romText: "")

    /// ESP32 with ESP-AT 2.1: `esp32-2.1`.
    public static let esp32v2_1 = Firmware(
        name: "esp32-2.1", summary: "ESP32, ESP-AT 2.1", generation: .esp32_2_1,
        versionLines: [
            "AT version:2.1.0.0(883f7f2 - Jul 24 2020 11:50:07)", "SDK version:v4.0.1-193-ge7ac221",
            "compile time(0ad6331):Jul 28 2020 02:47:21", "Bin version:2.1.0(WROOM-32)",
        ],
        macPrefix: 0x240AC4, softAPPrefix: "ESP", uartClock: .esp32, restartsDHCPServer: false, passthroughBlock: 2048,
        passthroughBuffer: 2048, longestSSLName: nil, partitions: esp32Partitions,
        keepsCertificatesInNVS: false, addsEncryptedLength: true, savesBroadcastLink: false,
        longestPush: 1460, receiveWindow: 5744, joinFields: 8, joinTakesInterval: false,
        publicDNS: ["222.222.67.208"], systemMessageBits: 0b11, longestSoftAPPassword: 64, wakeSources: [0, 1, 2],
        wakePins: 0...39,
        tellsTimeUpdate: false, scanFields: 0x1F, rfPowerRange: 40...82, bluetoothPowerRange: 0...7,
        reportsLeastHeap: false, sleepsWithoutSoftAPOnly: false, joinsStoredNetwork: false, smartConfigTypes: 1...3,
        highestSecurityFloor: 7,
        disabledTimeClient: "0", needsTimeZone: true, timeZoneTakesMinutes: false, reportsKeepAlive: false,
        reportsOneLength: false, serverTakesInterface: false, plainServerTakesCA: true,
        refusesExcessPowerUpParameters: false, resolvesPowerUpLink: false)

    /// ESP8266 with ESP-AT 2.2 on RTOS: `esp8266-2.2`.
    public static let esp8266v2_2 = Firmware(
        name: "esp8266-2.2", summary: "ESP8266, ESP-AT 2.2 on RTOS", generation: .esp8266_2_2,
        versionLines: [
            "AT version:2.2.1.0(4f3ec8f - ESP8266 - Jun 29 2021 09:50:29)", "SDK version:v3.4-22-g967752e2",
            "compile time(ede72af):Aug  6 2021 03:44:25", "Bin version:2.2.1(ESP8266_1MB)",
        ],
        macPrefix: 0x8CAAB5, softAPPrefix: "ESP", uartClock: .esp8266, uartBuffers: .esp8266,
        restartsDHCPServer: false, longestSend: 2048,
        passthroughBlock: 1460, passthroughBuffer: 2048,
        hasSSLServer: false, partitions: esp8266Partitions, keepsCertificatesInNVS: false, addsEncryptedLength: true,
        longestPush: 1460, publicDNS: ["208.67.222.222"], longestSoftAPPassword: 64, wakeSources: [0, 2],
        wakePins: 0...15,
        radioProtocols: 3, tellsTimeUpdate: false,
        keepsTime: false, heap: (38_320, 30_528),
        rfPower: [78], rfPowerRange: 40...82, rfPowerSteps: [32, 48, 56, 64, 68, 74, 78, 82],
        reportedLightSleep: 3, smartConfigTypes: 1...3, highestSecurityFloor: 7, disabledTimeClient: "0",
        needsTimeZone: true, reportsKeepAlive: false, reportsOneLength: false, serverTakesInterface: false,
        plainServerTakesCA: true, refusesExcessPowerUpParameters: false, resolvesPowerUpLink: false)

    /// ESP32-C3 with ESP-AT 3.3: `esp32c3-3.3`.
    public static let esp32c3v3_3 = Firmware(
        name: "esp32c3-3.3", summary: "ESP32-C3, ESP-AT 3.3", generation: .v3_3,
        versionLines: [
            "AT version:3.3.0.0(3b13d04 - ESP32C3 - May  8 2024 08:21:54)", "SDK version:v5.0.6-dirty",
            "compile time(be332568):May  8 2024 08:51:33", "Bin version:v3.3.0.0(MINI-1)",
        ],
        macPrefix: 0x84F703, softAPPrefix: "ESP", uartClock: .esp32c3, partitions: nvsPartitions,
        publicDNS: ["208.67.222.222", "8.8.8.8"], namesInstanceAfterService: true, rfPowerSteps: Array(40...84),
        highestSecurityFloor: 7, needsTimeZone: true, serverTakesInterface: false, plainServerTakesCA: true,
        refusesExcessPowerUpParameters: false, resolvesPowerUpLink: false)

    /// ESP32-C3 with ESP-AT 4.1: `esp32c3-4.1`.
    public static let esp32c3v4_1 = Firmware(
        name: "esp32c3-4.1", summary: "ESP32-C3, ESP-AT 4.1", generation: .v4_1,
        versionLines: [
            "AT version:4.1.0.0(9e9fe15 - ESP32C3 - Jul 18 2025 07:28:38)", "SDK version:v5.0.6-dirty",
            "compile time(9e9fe15f):Jul 18 2025 16:20:50", "Bin version:v4.1.0.0(MINI-1)",
        ],
        macPrefix: 0x84F703, softAPPrefix: "ESP", uartClock: .esp32c3Crystal, partitions: nvsPartitions,
        namesInstanceAfterService: true,
        rfPowerSteps: Array(40...84))

    /// ESP32-C3 with ESP-AT 5.0: `esp32c3-5.0`.
    public static let esp32c3v5_0 = Firmware(
        name: "esp32c3-5.0", summary: "ESP32-C3, ESP-AT 5.0", generation: .v5_0,
        versionLines: [
            "AT version:5.0.1.0(3258eee - ESP32C3 - Mar  9 2026 10:08:52)", "SDK version:v5.4.1-dirty",
            "compile time(3258eee0):Mar  9 2026 18:08:52", "Bin version:v5.0.1.0(MINI-1)",
        ],
        macPrefix: 0x84F703, softAPPrefix: "ESP", uartClock: .esp32c3Crystal, longestSSLName: nil,
        partitions: nvsPartitions,
        tellsErrorNumbers: true,
        longestServiceText: 20,
        rfPowerSteps: Array(40...84))

    private static func nonOS(
        name: String, summary: String, versionLines: [String], macPrefix: UInt32, softAPPrefix: String, romText: String
    ) -> Firmware {
        Firmware(
            name: name, summary: summary, generation: .nonOS1_7, versionLines: versionLines, macPrefix: macPrefix,
            softAPPrefix: softAPPrefix, romText: romText, uartBuffers: .esp8266, flowControl: 0, reportsShutdown: true,
            restartsDHCPServer: false,
            storage: .nameSuffix, echoTerminator: "\r\r\n", prompt: "> ",
            joinFailure: "FAIL", longestSend: 2048, passthroughBlock: 2048, passthroughBuffer: 2048,
            quotesAddresses: false,
            passiveReceiveOfAllTypes: false, sslLinkLimit: 1, passesThroughSSL: false, hasSSLServer: false,
            savesBroadcastLink: false, lengthOfNoLink: 0, longestPush: 1460, joinFields: 4,
            dhcpStationFirst: false,
            defaultServerTimeout: 180, defaultReconnectInterval: 1, dnsOnOneLine: false,
            publicDNS: ["208.67.222.222", "8.8.8.8"], longestDNSList: 2, systemMessageBits: 0b11,
            longestSoftAPPassword: 64,
            explainsRefusals: true, readsLinesAsNonOS: true, restartsWhileBusy: false,
            wifiModes: 1...3, sleepModes: 0...2, factoryWiFiMode: .softAP, hostName: softAPPrefix, marksServices: true,
            tellsTimeUpdate: false,
            keepsTime: false,
            padsDayOfMonth: true, rfPower: [], rfPowerRange: 0...82, busySending: "busy s...",
            namesAnswers: false, softAPSetsLocalBit: true, cancelsSends: false, lightSleepMode: 1,
            reportedLightSleep: 1, reportsLeastHeap: false, sleepsWithoutSoftAPOnly: false, joinsStoredNetwork: false,
            smartConfigTypes: 1...3, highestSecurityFloor: 7, disabledTimeClient: "0", needsTimeZone: true,
            timeZoneTakesMinutes: false, takesSameDNSServers: true, reportsKeepAlive: false,
            reportsOneLength: false, reportsIdleStation: false, locksMultiplexing: true,
            serverTakesInterface: false, passesThroughServedLink: false, locksPassthrough: true,
            refusesExcessPowerUpParameters: false, resolvesPowerUpLink: false)
    }

    // ESP-AT, module_config/module_esp32_default, module_esp8266_1mb and module_esp32c3_default, at_customize.csv.

    private static let esp32Partitions =
        [FlashPartition(name: "ble_data", type: 0x40, subtype: 1, address: 0x21000, size: 0x3000)]
        + raw(
            ["server_cert", "server_key", "server_ca", "client_cert", "client_key", "client_ca"], subtype: 2,
            address: 0x24000, size: 0x2000)
        + raw(["factory_param"], subtype: 8, address: 0x30000, size: 0x1000)
        + raw(
            ["wpa2_cert", "wpa2_key", "wpa2_ca", "mqtt_cert", "mqtt_key", "mqtt_ca"], subtype: 9, address: 0x31000,
            size: 0x2000)
        + [FlashPartition(name: "fatfs", type: 1, subtype: 0x81, address: 0x70000, size: 0x90000)]

    private static let esp8266Partitions =
        raw(["factory_param"], subtype: 8, address: 0x19000, size: 0x1000)
        + raw(["client_cert", "client_key", "client_ca"], subtype: 5, address: 0x1A000, size: 0x1000)
        + raw(["mqtt_cert", "mqtt_key", "mqtt_ca"], subtype: 11, address: 0x1D000, size: 0x1000)

    private static let nvsPartitions = [
        FlashPartition(name: "mfg_nvs", type: 1, subtype: 2, address: 0x1F000, size: 0x1F000),
        FlashPartition(name: "fatfs", type: 1, subtype: 0x81, address: 0x47000, size: 0x19000),
    ]

    /// Consecutive partitions of the same size.
    private static func raw(_ names: [String], subtype: Int, address: Int, size: Int) -> [FlashPartition] {
        names.enumerated().map { index, name in
            FlashPartition(
                name: name, type: 0x40, subtype: subtype + index, address: address + index * size, size: size)
        }
    }
}

// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

let package = Package(
    name: "wifisim",
    products: [
        .library(name: "WiFiDriverSim", targets: ["WiFiDriverSim"]),
        .library(name: "IoTSocketWiFi", type: .dynamic, targets: ["IoTSocketWiFi"]),
        .library(name: "IoTSocketMux", type: .dynamic, targets: ["IoTSocketMux"]),
        .executable(name: "wifisim", targets: ["wifisim"]),
    ],
    targets: [
        .target(name: "CPosix"),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CTranscript"),
        .target(name: "CDriverWiFi"),
        .target(name: "CIoTSocket"),
        .target(
            name: "WiFiDriverSim", dependencies: ["COpenSSL", "CPosix", "CTranscript", "CDriverWiFi"],
            swiftSettings: strict),
        .target(name: "SocketStartup", dependencies: ["WiFiDriverSim", "CDriverWiFi"]),
        .target(name: "IoTSocketWiFi", dependencies: ["SocketStartup", "CIoTSocket"]),
        .target(name: "IoTSocketMux", dependencies: ["SocketStartup", "CIoTSocket"]),
        .executableTarget(
            name: "wifisim", dependencies: ["CPosix", "IoTSocketWiFi", "WiFiDriverSim"], swiftSettings: strict),

        .target(
            name: "ModuleSessions", dependencies: ["WiFiDriverSim"], path: "Fuzz/ModuleSessions", swiftSettings: strict),
        .executableTarget(
            name: "ModuleFuzz", dependencies: ["ModuleSessions"], path: "Fuzz/ModuleFuzz", swiftSettings: strict),

        .target(name: "CTranscriptClient", dependencies: ["CTranscript"], path: "Tests/CTranscriptClient"),
        .executableTarget(
            name: "MQTTClient", dependencies: ["CIoTSocket", "IoTSocketWiFi", "SocketStartup"],
            path: "Tests/MQTTClient",
            cSettings: [.treatAllWarnings(as: .error)]),
        .testTarget(
            name: "WiFiDriverSimTests",
            dependencies: ["CPosix", "CTranscriptClient", "ModuleSessions", "WiFiDriverSim", "wifisim"],
            swiftSettings: strict),
        .testTarget(
            name: "DriverTests", dependencies: ["CPosix", "CDriverWiFi", "WiFiDriverSim"], swiftSettings: strict),
        .target(name: "CHeaderTests", dependencies: ["CDriverWiFi", "CIoTSocket"], path: "Tests/CHeaderTests"),
        .target(
            name: "MuxUnderTest", dependencies: ["CDriverWiFi", "CIoTSocket", "SocketStartup"],
            path: "Tests/MuxUnderTest", cSettings: [.headerSearchPath("../../Sources/IoTSocketMux/include")]),
        .testTarget(
            name: "IoTSocketTests",
            dependencies: [
                "IoTSocketWiFi", "CHeaderTests", "CIoTSocket", "CDriverWiFi", "MQTTClient", "MuxUnderTest",
                "SocketStartup",
            ],
            swiftSettings: strict),
    ]
)

// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

extension Target {
    /// A layer of WiFiDriverSim: its folder and the targets that it may use.
    static func layer(_ name: String, _ folder: String, uses: [Target.Dependency] = []) -> Target {
        .target(name: name, dependencies: uses, path: "Sources/WiFiDriverSim/\(folder)", swiftSettings: strict)
    }
}

/// All layers. A target that holds their types names each of them: the package manager rebuilds a target only when one
/// that it names has changed.
let layers: [Target.Dependency] = [
    "WiFiDriverSim", "WiFiSimDaemon", "WiFiSimDriverCore", "WiFiSimHost", "WiFiSimModule", "WiFiSimProtocols",
    "WiFiSimSimulation", "WiFiSimTranscripts", "WiFiSimValues",
]

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
        // The layers: a folder of Sources/WiFiDriverSim each, which uses only the targets listed here (docs/Design.md).
        .layer("WiFiSimValues", "Values"),
        .layer("WiFiSimProtocols", "Protocols", uses: ["WiFiSimValues"]),
        .layer("WiFiSimModule", "Module", uses: ["WiFiSimValues"]),
        .layer("WiFiSimDriverCore", "DriverCore", uses: ["WiFiSimValues", "CDriverWiFi"]),
        .layer("WiFiSimSimulation", "Simulation", uses: ["WiFiSimModule", "WiFiSimValues"]),
        .layer("WiFiSimHost", "Host", uses: ["WiFiSimValues", "COpenSSL", "CPosix"]),
        .layer("WiFiSimDaemon", "Daemon", uses: ["WiFiSimHost", "WiFiSimModule", "WiFiSimValues", "CPosix"]),
        .layer(
            "WiFiSimTranscripts", "Transcripts",
            uses: [
                "WiFiSimDaemon", "WiFiSimHost", "WiFiSimModule", "WiFiSimSimulation", "WiFiSimValues", "CPosix",
                "CTranscript",
            ]),
        .layer(
            "WiFiDriverSim", "Driver",
            uses: [
                "WiFiSimDaemon", "WiFiSimDriverCore", "WiFiSimHost", "WiFiSimModule", "WiFiSimSimulation",
                "WiFiSimTranscripts", "WiFiSimValues", "CDriverWiFi",
            ]),
        .target(name: "SocketStartup", dependencies: ["WiFiDriverSim", "CDriverWiFi"]),
        .target(name: "IoTSocketWiFi", dependencies: ["SocketStartup", "CIoTSocket"]),
        .target(name: "IoTSocketMux", dependencies: ["SocketStartup", "CIoTSocket"]),
        .executableTarget(
            name: "wifisim", dependencies: ["CPosix", "IoTSocketWiFi"] + layers, swiftSettings: strict),

        .target(
            name: "ModuleSessions", dependencies: layers, path: "Fuzz/ModuleSessions", swiftSettings: strict),
        .executableTarget(
            name: "ModuleFuzz", dependencies: ["ModuleSessions"] + layers, path: "Fuzz/ModuleFuzz",
            swiftSettings: strict),

        .target(name: "CTranscriptClient", dependencies: ["CTranscript"], path: "Tests/CTranscriptClient"),
        .executableTarget(
            name: "MQTTClient", dependencies: ["CIoTSocket", "IoTSocketWiFi", "SocketStartup"],
            path: "Tests/MQTTClient",
            cSettings: [.treatAllWarnings(as: .error)]),
        .testTarget(
            name: "WiFiDriverSimTests",
            dependencies: ["CPosix", "CTranscriptClient", "ModuleSessions", "wifisim"] + layers, swiftSettings: strict),
        .testTarget(
            name: "DriverTests", dependencies: ["CPosix", "CDriverWiFi"] + layers, swiftSettings: strict),
        .target(name: "CHeaderTests", dependencies: ["CDriverWiFi", "CIoTSocket"], path: "Tests/CHeaderTests"),
        .target(
            name: "MuxUnderTest", dependencies: ["CDriverWiFi", "CIoTSocket", "SocketStartup"],
            path: "Tests/MuxUnderTest", cSettings: [.headerSearchPath("../../Sources/IoTSocketMux/include")]),
        .testTarget(
            name: "IoTSocketTests",
            dependencies: [
                "IoTSocketWiFi", "CHeaderTests", "CIoTSocket", "CDriverWiFi", "MQTTClient", "MuxUnderTest",
                "SocketStartup", "WiFiDriverSim",
            ],
            swiftSettings: strict),
    ]
)

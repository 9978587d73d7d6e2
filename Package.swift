// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

let package = Package(
    name: "wifisim",
    products: [
        .library(name: "WiFiDriverSim", targets: ["WiFiDriverSim"]),
        .executable(name: "wifisim", targets: ["wifisim"]),
    ],
    targets: [
        .target(name: "CPosix"),
        .target(name: "CTranscript"),
        .target(name: "WiFiDriverSim", dependencies: ["CPosix", "CTranscript"], swiftSettings: strict),
        .executableTarget(name: "wifisim", dependencies: ["CPosix", "WiFiDriverSim"], swiftSettings: strict),
        .target(name: "CTranscriptClient", dependencies: ["CTranscript"], path: "Tests/CTranscriptClient"),
        .testTarget(
            name: "WiFiDriverSimTests", dependencies: ["CPosix", "CTranscriptClient", "WiFiDriverSim", "wifisim"], swiftSettings: strict),
    ]
)

// swift-tools-version: 6.2
import PackageDescription

// A separate package, because a fuzz target is linked with libFuzzer.
let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "wifisim", path: "..")],
    targets: [
        .target(name: "CFuzz"),
        .executableTarget(
            name: "FuzzTranscript", dependencies: ["CFuzz", .product(name: "WiFiDriverSim", package: "wifisim")],
            swiftSettings: [.unsafeFlags(["-parse-as-library", "-sanitize=fuzzer"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]),
    ]
)

// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "SwiftTest",
    dependencies: [.package(name: "wifisim", path: "../..")],
    targets: [
        .target(name: "Uplink"),
        .testTarget(
            name: "UplinkTests", dependencies: ["Uplink", .product(name: "WiFiDriverSim", package: "wifisim")]),
    ]
)

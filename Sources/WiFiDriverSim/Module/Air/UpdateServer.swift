import WiFiSimValues

/// The server for firmware updates in the world: HTTP or HTTPS, with the paths and answers that ESP-AT expects
/// (components/at/src/at_ota_cmd.c).
public struct UpdateServer: Sendable, Equatable {
    /// The versions on offer, the latest first. Without any, there is nothing to install.
    public var versions: [String]
    /// The length of an image in bytes.
    public var size = 1 << 20

    /// Creates a server with these versions, the latest first.
    public init(versions: [String]) {
        self.versions = versions
    }

    /// The host name that the firmware uses, and its address in the world, from a range reserved for documentation (RFC
    /// 5737).
    static let host = "iot.espressif.cn"
    package static let endpoint = Endpoint(.v4(IPv4Address(192, 0, 2, 80)), 80)
    /// The endpoint for HTTPS.
    package static let secureEndpoint = Endpoint(endpoint.address, 443)

    static let listPath = "/v1/device/rom"
    static let latestPath = "/v1/device/rom/?is_format_simple=true"

    static func imagePath(version: String, file: String) -> String {
        "/v1/device/rom/?action=download_rom&version=\(version)&filename=\(file).bin"
    }

    /// The answer to a request. The server closes the connection after it.
    package func answer(to request: [UInt8]) -> [UInt8] {
        let line = String(decoding: request.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self).split(separator: " ")
        guard line.count == 3, line[0] == "GET" else { return Self.response("400 Bad Request", []) }
        let path = String(line[1])
        if path == Self.listPath {
            let list = versions.map { "{\"version\": \"\($0)\", \"status\": 1}" }.joined(separator: ", ")
            return Self.response("200 OK", Array("{\"productRoms\": [\(list)]}".utf8))
        }
        if path == Self.latestPath, let latest = versions.first {
            return Self.response("200 OK", Array("{\"rom_version\": \"\(latest)\", \"status\": 200}".utf8))
        }
        guard let version = versions.first(where: { path == Self.imagePath(version: $0, file: "ota") }) else {
            return Self.response("404 Not Found", [])
        }
        return Self.response("200 OK", image(of: version))
    }

    /// An image: the magic number 0xE9, then the version as a repeated text.
    private func image(of version: String) -> [UInt8] {
        let filling = Array("wifisim \(version) ".utf8)
        return [0xE9] + (1..<max(2, size)).map { filling[$0 % filling.count] }
    }

    private static func response(_ status: String, _ body: [UInt8]) -> [UInt8] {
        Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n".utf8) + body
    }
}

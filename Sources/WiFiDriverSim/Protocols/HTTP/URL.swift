import WiFiSimValues

/// Where a request goes: the scheme, the host, the port, and the path with its query (RFC 3986).
///
/// A user name and password in the URL are skipped, as esp_http_client skips them without authentication. A fragment is
/// not sent. Percent encoding is neither added nor removed.
package struct URL: Hashable, Sendable {
    package enum Scheme: String, Sendable, CaseIterable {
        case http, https, ws, wss

        /// Whether the connection uses TLS.
        package var isSecure: Bool { self == .https || self == .wss }
        package var defaultPort: UInt16 { isSecure ? 443 : 80 }
    }

    package enum Host: Hashable, Sendable, CustomStringConvertible {
        /// In the case of the URL.
        case name(String)
        case address(IPAddress)

        /// The host as a URL has it: an IPv6 address is in brackets.
        package var description: String {
            switch self {
            case .name(let name): name
            case .address(.v4(let address)): address.description
            case .address(.v6(let address)): "[\(address)]"
            }
        }
    }

    package var scheme: Scheme
    package var host: Host
    package var port: UInt16
    /// The path with its query, as the request line has it. Begins with a slash.
    package var target: String

    package init(_ scheme: Scheme = .http, _ host: Host, port: UInt16? = nil, target: String = "/") {
        self.scheme = scheme
        self.host = host
        self.port = port ?? scheme.defaultPort
        self.target = target
    }

    /// The value of the Host field: the port is there if it is not the scheme's.
    package var authority: String { port == scheme.defaultPort ? "\(host)" : "\(host):\(port)" }

    /// The path without the query.
    package var path: Substring { target.prefix { $0 != "?" } }

    /// Whether both use the same server: a connection to one serves the other.
    package func sharesServer(with other: URL) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// Reads an absolute URL.
    /// - Parameters:
    ///   - text: the URL.
    ///   - schemes: the schemes that are accepted.
    /// - Throws: `URLError` with the place of the first problem.
    package init(_ text: String, schemes: Set<Scheme> = [.http, .https]) throws(URLError) {
        let bytes = Array(text.utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        if let index = bytes.firstIndex(where: { $0 <= 0x20 || $0 == 0x7F }) {
            throw URLError(.badCharacter, at: index)
        }
        guard let separator = bytes.firstRange(of: Array("://".utf8)) else { throw URLError(.noScheme, at: 0) }
        guard let scheme = Scheme(rawValue: part(0..<separator.lowerBound).lowercased()), schemes.contains(scheme)
        else { throw URLError(.unknownScheme, at: 0) }

        let end = bytes[separator.upperBound...].firstIndex { "/?#".utf8.contains($0) } ?? bytes.count
        let start =
            bytes[separator.upperBound..<end].lastIndex(of: UInt8(ascii: "@")).map { $0 + 1 } ?? separator.upperBound
        let (host, hostEnd) = try Self.host(bytes[start..<end])
        var port: UInt16?
        if hostEnd < end {
            guard bytes[hostEnd] == UInt8(ascii: ":") else { throw URLError(.badHost, at: hostEnd) }
            let digits = bytes[hostEnd + 1..<end]
            guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt16(part(digits.startIndex..<end)), number > 0
            else { throw URLError(.badPort, at: hostEnd + 1) }
            port = number
        }
        let targetEnd = bytes[end...].firstIndex(of: UInt8(ascii: "#")) ?? bytes.count
        let target = part(end..<targetEnd)
        self.init(scheme, host, port: port, target: target.hasPrefix("/") ? target : "/" + target)
    }

    /// Reads the host at the start of `bytes`.
    /// - Returns: the host, and the index of what follows it.
    private static func host(_ bytes: ArraySlice<UInt8>) throws(URLError) -> (Host, end: Int) {
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")),
                let address = IPv6Address(String(decoding: bytes[..<bracket].dropFirst(), as: UTF8.self))
            else { throw URLError(.badHost, at: bytes.startIndex) }
            return (.address(.v6(address)), bracket + 1)
        }
        let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        guard end > bytes.startIndex else { throw URLError(.noHost, at: bytes.startIndex) }
        if let index = bytes[..<end].firstIndex(where: { !isNameByte($0) }) { throw URLError(.badHost, at: index) }
        let name = String(decoding: bytes[..<end], as: UTF8.self)
        return (IPv4Address(name).map { .address(.v4($0)) } ?? .name(name), end)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The URL that a reference, such as the value of Location, means here (RFC 3986, section 5.2).
    /// - Throws: `URLError` if the reference is no URL, or its scheme is neither http nor https.
    package func resolving(_ reference: String) throws(URLError) -> URL {
        if reference.hasPrefix("//") { return try URL("\(scheme):" + reference) }
        // A colon before the path is the end of a scheme.
        if reference.prefix(while: { !"/?#".contains($0) }).contains(":") { return try URL(reference) }
        let newTarget: String =
            switch reference.first {
            case "/": reference
            case "?": path + reference
            case "#", nil: target
            default: path[...(path.lastIndex(of: "/") ?? path.startIndex)] + reference
            }
        var url = try URL("\(scheme)://\(authority)\(newTarget)", schemes: [scheme])
        url.removeDotSegments()
        return url
    }

    /// RFC 3986, section 5.2.4.
    private mutating func removeDotSegments() {
        let query = target[path.endIndex...]
        var kept: [Substring] = []
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            if segment == ".." { _ = kept.popLast() }
            if segment != ".", segment != ".." {
                kept.append(segment)
            } else if index == segments.count - 1 {
                kept.append("")
            }
        }
        target = "/" + kept.joined(separator: "/") + query
    }
}

extension URL: CustomStringConvertible {
    package var description: String { "\(scheme)://\(authority)\(target)" }
}

/// What is wrong with a URL, and where.
package struct URLError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Problem: String, Sendable {
        case badCharacter = "write a blank, a control character or DEL in a URL as % and two digits"
        case noScheme = "begin the URL with http:// or https://"
        case unknownScheme = "use a scheme that this command knows, such as http"
        case noHost = "name a host after ://"
        case badHost = "use letters, digits, dots and hyphens in a host name, or an IPv6 address in brackets"
        case badPort = "use a port from 1 to 65535"
    }

    package let problem: Problem
    /// The offset in bytes from the start of the URL.
    package let offset: Int

    init(_ problem: Problem, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    package var description: String { "\(problem.rawValue) (at byte \(offset))" }
}

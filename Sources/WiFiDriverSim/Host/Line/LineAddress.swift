import WiFiSimValues

/// Where the module's end of a serial line is: the value of `--line`.
public enum LineAddress: Sendable, Equatable {
    /// A new pseudo-terminal.
    case pty
    /// Raw bytes over TCP, for one client at a time. Port 0 takes a free port.
    case tcp(Endpoint)
    /// A serial port over Telnet (RFC 2217), for one client at a time. Port 0 takes a free port.
    case rfc2217(Endpoint)
    /// A Unix domain socket at a path.
    case unix(String)
    /// A tty that exists, such as a USB adapter with a microcontroller at its other end.
    case tty(String)

    /// Parses `pty`, `tcp:[ADDRESS:]PORT`, `rfc2217:[ADDRESS:]PORT`, `unix:PATH` or `tty:PATH`. Without an address, the
    /// loopback is used. An IPv6 address is in brackets.
    /// - Throws: `LineAddressError` with what is wrong.
    public init(_ text: String) throws(LineAddressError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let value = parts.count == 2 ? parts[1] : ""
        switch (parts[0], value.isEmpty) {
        case ("pty", _) where parts.count == 1: self = .pty
        case ("tcp", false): self = .tcp(try Self.endpoint(value, of: text))
        case ("rfc2217", false): self = .rfc2217(try Self.endpoint(value, of: text))
        case ("unix", false): self = .unix(value)
        case ("tty", false): self = .tty(value)
        default:
            throw LineAddressError(
                text: text,
                reason: "a line is pty, tcp:[ADDRESS:]PORT, rfc2217:[ADDRESS:]PORT, unix:PATH or tty:PATH")
        }
    }

    private static func endpoint(_ value: String, of text: String) throws(LineAddressError) -> Endpoint {
        let (host, portText) = HostAndPort.split(value)
        guard let port = UInt16(portText) else {
            throw LineAddressError(text: text, reason: "\"\(portText)\" is not a port, 0 to 65535")
        }
        guard let host else { return Endpoint(.v4(.loopback), port) }
        guard let address = IPAddress(host) else {
            throw LineAddressError(
                text: text, reason: "\"\(host)\" is not an address of this computer, such as 0.0.0.0 or [::1]")
        }
        return Endpoint(address, port)
    }

    /// False if the module's end is a client itself.
    package var isOpenedByClients: Bool { if case .tty = self { false } else { true } }

    /// The line of the module with this number among several: the next port, or the path with the number appended.
    package func numbered(_ index: Int) -> LineAddress {
        switch self {
        case .pty, .tty: self
        case .tcp(let endpoint): .tcp(endpoint.next(index))
        case .rfc2217(let endpoint): .rfc2217(endpoint.next(index))
        case .unix(let path): .unix("\(path)\(index)")
        }
    }

    /// Why this line cannot serve `count` modules; `nil` if it can.
    package func mistake(forCount count: Int) -> String? {
        switch self {
        case .tty where count > 1: "a tty has one module; leave --count out"
        case .tcp(let endpoint) where endpoint.lacksPorts(count),
            .rfc2217(let endpoint) where endpoint.lacksPorts(count):
            "there are no \(count) ports from \(endpoint.port) on"
        default: nil
        }
    }
}

extension LineAddress {
    /// Opens the line. `speed` is the bit rate with which a tty begins, in bits per second. Without a `resetLine`, RFC 2217
    /// has that of the common boards and a tty none, because its modem lines may not be connected.
    package func open(speed: Int, resetLine: ResetLine?, on loop: EventLoop) throws(SystemError) -> any ModuleLine {
        switch self {
        case .pty: try TerminalLine(speed: speed, on: loop)
        case .tcp(let endpoint): try SocketLine.tcp(at: endpoint, on: loop)
        case .rfc2217(let endpoint):
            try SocketLine.rfc2217(at: endpoint, resetLine: resetLine ?? .board, speed: speed, on: loop)
        case .unix(let path): try SocketLine.unix(at: path, on: loop)
        case .tty(let path): try DeviceLine(path: path, speed: speed, resetLine: resetLine ?? .nothing, on: loop)
        }
    }
}

extension Endpoint {
    fileprivate func next(_ index: Int) -> Endpoint { port == 0 ? self : Endpoint(address, port + UInt16(index)) }
    fileprivate func lacksPorts(_ count: Int) -> Bool { port != 0 && Int(port) + count - 1 > Int(UInt16.max) }
}

/// The text `[HOST:]PORT`, in parts.
enum HostAndPort {
    /// The host without brackets, `nil` if there is none, and the port as text.
    static func split(_ text: String) -> (host: String?, port: String) {
        guard let colon = text.lastIndex(of: ":") else { return (nil, text) }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (String(host), String(text[text.index(after: colon)...]))
    }
}

/// An invalid address of a line.
public struct LineAddressError: Error, CustomStringConvertible {
    /// The address as given.
    public let text: String
    /// What is wrong, and what is possible.
    public let reason: String
    /// The message.
    public var description: String { "\(text): \(reason)" }
}

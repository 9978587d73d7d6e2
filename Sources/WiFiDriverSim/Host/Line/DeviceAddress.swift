import WiFiSimValues

/// What a program opens to reach a module: the value of `--device` and of `WIFISIM_TTY`.
public enum DeviceAddress: Sendable, Equatable, CustomStringConvertible {
    /// The path of a tty.
    case tty(String)
    /// Raw bytes over TCP.
    case tcp(host: String, port: UInt16)
    /// A serial port over Telnet (RFC 2217).
    case rfc2217(host: String, port: UInt16)
    /// The path of a Unix domain socket.
    case unix(String)

    /// Parses a path, `tcp:HOST:PORT` or `socket://HOST:PORT`, `rfc2217:HOST:PORT` or `rfc2217://HOST:PORT`, or
    /// `unix:PATH`. The URLs are those of pyserial. An IPv6 address is in brackets.
    /// - Throws: `LineAddressError` with what is wrong.
    public init(_ text: String) throws(LineAddressError) {
        let schemes: [(prefix: String, make: (String, UInt16) -> DeviceAddress)] = [
            ("socket://", { .tcp(host: $0, port: $1) }), ("rfc2217://", { .rfc2217(host: $0, port: $1) }),
            ("tcp:", { .tcp(host: $0, port: $1) }), ("rfc2217:", { .rfc2217(host: $0, port: $1) }),
        ]
        if let scheme = schemes.first(where: { text.hasPrefix($0.prefix) }) {
            let (host, port) = HostAndPort.split(String(text.dropFirst(scheme.prefix.count)))
            guard let host, !host.isEmpty, let port = UInt16(port), port > 0 else {
                throw LineAddressError(
                    text: text, reason: "write \(scheme.prefix)HOST:PORT, with a port from 1 to 65535")
            }
            self = scheme.make(host, port)
        } else if text.hasPrefix("unix:") {
            guard text.count > 5 else { throw LineAddressError(text: text, reason: "write unix:PATH") }
            self = .unix(String(text.dropFirst(5)))
        } else {
            self = .tty(text)
        }
    }

    /// The address, in a form that `init` parses.
    public var description: String {
        switch self {
        case .tty(let path): path
        case .tcp(let host, let port): "socket://\(Self.bracketed(host)):\(port)"
        case .rfc2217(let host, let port): "rfc2217://\(Self.bracketed(host)):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}

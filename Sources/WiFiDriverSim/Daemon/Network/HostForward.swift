import WiFiSimModule
import WiFiSimValues

/// A port of the computer that leads to a port of the module, in QEMU's notation.
public struct HostForward: Hashable, Sendable {
    /// TCP or UDP.
    public let transport: Transport
    /// The address and port of the computer.
    public let host: Endpoint
    /// The port of the module, 1 to 65,535.
    public let modulePort: UInt16

    /// Makes a forward; both ports are 1 to 65,535.
    public init(transport: Transport, host: Endpoint, modulePort: UInt16) {
        self.transport = transport
        self.host = host
        self.modulePort = modulePort
    }

    /// Parses `tcp:[HOST-ADDRESS]:HOST-PORT-[MODULE-ADDRESS]:MODULE-PORT`, for example `tcp::8080-:80`; `udp` likewise.
    /// The default host address is 127.0.0.1. The module address is accepted for compatibility with QEMU and ignored.
    /// Returns `nil` for any other text.
    public init?(_ text: String) {
        let sides = text.split(separator: "-", omittingEmptySubsequences: false)
        guard sides.count == 2 else { return nil }
        let host = sides[0].split(separator: ":", omittingEmptySubsequences: false)
        let module = sides[1].split(separator: ":", omittingEmptySubsequences: false)
        guard host.count == 3, module.count == 2, let transport = ["tcp": Transport.tcp, "udp": .udp][host[0]],
            let address = host[1].isEmpty ? IPv4Address.loopback : IPv4Address(String(host[1])),
            let hostPort = UInt16(host[2]), let modulePort = UInt16(module[1]), hostPort > 0, modulePort > 0,
            module[0].isEmpty || IPv4Address(String(module[0])) != nil
        else { return nil }
        self.init(transport: transport, host: Endpoint(.v4(address), hostPort), modulePort: modulePort)
    }
}

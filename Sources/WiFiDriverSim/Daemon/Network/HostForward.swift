import WiFiSimModule
import WiFiSimValues

/// A port of the host that leads to a port of the module, in QEMU's notation.
public struct HostForward: Hashable, Sendable {
    public let transport: Transport
    public let host: Endpoint
    public let modulePort: UInt16

    public init(transport: Transport, host: Endpoint, modulePort: UInt16) {
        self.transport = transport
        self.host = host
        self.modulePort = modulePort
    }

    /// Reads `tcp:[HOST-ADDRESS]:HOST-PORT-[MODULE-ADDRESS]:MODULE-PORT`, as `tcp::8080-:80`. Without an address the host's
    /// is 127.0.0.1; the module's has no meaning and is there for QEMU's sake. `nil` for anything else.
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

import Testing
@testable import WiFiSimDaemon
@testable import WiFiSimModule
@testable import WiFiSimValues

struct HostForwardTests {
    @Test func `A forward is read in QEMU's notation`() {
        #expect(
            HostForward("tcp::8080-:80")
                == HostForward(transport: .tcp, host: Endpoint(.v4(.loopback), 8080), modulePort: 80))
        #expect(
            HostForward("udp:127.0.0.2:5000-10.0.2.15:1112")
                == HostForward(transport: .udp, host: Endpoint(.v4(IPv4Address(127, 0, 0, 2)), 5000), modulePort: 1112))
    }

    @Test(arguments: [
        "", "tcp", "tcp:8080-:80", "tcp::8080:80", "icmp::1-:1", "tcp::0-:80", "tcp::8080-:65536", "tcp:x:1-:1",
        "tcp::1-x:1",
    ])
    func `Anything else is not one`(text: String) {
        #expect(HostForward(text) == nil)
    }
}

struct AddressTests {
    @Test func `Addresses are read and printed`() {
        #expect(IPv4Address("10.0.2.15")?.description == "10.0.2.15")
        #expect(IPv4Address("10.0.2") == nil)
        #expect(IPv6Address("fe80:0:0::1")?.description == "fe80::1")
        #expect(IPAddress("::1") == .v6(.loopback))
        #expect(MACAddress("1E:30:6c:A2:45:5e")?.description == "1e:30:6c:a2:45:5e")
        #expect(MACAddress("1e:30:6c:a2:45") == nil)
        #expect(MACAddress("1e:30:6c:a2:45:+5") == nil)
    }
}

import CDriverWiFi
import CHeaderTests
import CIoTSocket
import Glibc
import MuxUnderTest
import SocketStartup
import Testing

/// The C interface, called as a C program calls it: Driver_WiFi0 with a module in this process.
@Suite(.serialized) struct `The C interface` {
    /// The library joins once, because all tests are one program.
    private static let startup: Int32 = {
        setenv("WIFISIM_HOST_ADDRESS", "127.0.0.10", 1)
        setenv("WIFISIM_HOST_DATAGRAM_LIMIT", "1460", 1)
        return socket_startup()
    }()

    let any: [UInt8] = [0, 0, 0, 0]
    private let host: [UInt8] = [10, 0, 2, 2]

    init() throws {
        header_tests()
        try #require(Self.startup == 0)
    }

    func stream(_ api: iotSocketApi_t) throws -> Int32 {
        let socket = api.SocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0)
        try #require(socket >= 0)
        return socket
    }

    func datagram(_ api: iotSocketApi_t) throws -> Int32 {
        let socket = api.SocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_DGRAM, 0)
        try #require(socket >= 0)
        return socket
    }

    // MARK: Sockets

    @Test(arguments: SocketStack.allCases)
    func `creates sockets of known kinds only`(stack: SocketStack) {
        let api = stack.api()
        #expect(api.SocketCreate(9, IOT_SOCKET_SOCK_STREAM, 0) == IOT_SOCKET_EINVAL)
        #expect(api.SocketCreate(IOT_SOCKET_AF_INET, 9, 0) == IOT_SOCKET_EINVAL)
        #expect(api.SocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 9) == IOT_SOCKET_EINVAL)
        #expect(
            api.SocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, IOT_SOCKET_IPPROTO_UDP) == IOT_SOCKET_EINVAL)
        #expect(
            api.SocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_DGRAM, IOT_SOCKET_IPPROTO_TCP) == IOT_SOCKET_EINVAL)
    }

    @Test(arguments: SocketStack.allCases, [-1, 16, 127, 128, Int32.min, Int32.max])
    func `detects sockets that do not exist`(stack: SocketStack, number: Int32) {
        let api = stack.api()
        var length: UInt32 = 4
        var value: UInt32 = 0
        #expect(api.SocketBind(number, any, 4, 80) == IOT_SOCKET_ESOCK)
        #expect(api.SocketListen(number, 1) == IOT_SOCKET_ESOCK)
        #expect(api.SocketAccept(number, nil, nil, nil) == IOT_SOCKET_ESOCK)
        #expect(api.SocketConnect(number, stack.host, 4, 80) == IOT_SOCKET_ESOCK)
        #expect(api.SocketRecv(number, &value, 4) == IOT_SOCKET_ESOCK)
        #expect(api.SocketRecvFrom(number, &value, 4, nil, nil, nil) == IOT_SOCKET_ESOCK)
        #expect(api.SocketSend(number, &value, 4) == IOT_SOCKET_ESOCK)
        #expect(api.SocketSendTo(number, &value, 4, stack.host, 4, 80) == IOT_SOCKET_ESOCK)
        #expect(api.SocketGetSockName(number, nil, nil, nil) == IOT_SOCKET_ESOCK)
        #expect(api.SocketGetPeerName(number, nil, nil, nil) == IOT_SOCKET_ESOCK)
        #expect(api.SocketGetOpt(number, IOT_SOCKET_SO_TYPE, &value, &length) == IOT_SOCKET_ESOCK)
        #expect(api.SocketSetOpt(number, IOT_SOCKET_SO_RCVTIMEO, &value, 4) == IOT_SOCKET_ESOCK)
        #expect(api.SocketClose(number) == IOT_SOCKET_ESOCK)
    }

    @Test(arguments: SocketStack.allCases)
    func `binds once, to a port of its own`(stack: SocketStack) throws {
        let api = stack.api()
        for kind in [IOT_SOCKET_SOCK_STREAM, IOT_SOCKET_SOCK_DGRAM] {
            let first = api.SocketCreate(IOT_SOCKET_AF_INET, kind, 0)
            let second = api.SocketCreate(IOT_SOCKET_AF_INET, kind, 0)
            #expect(api.SocketBind(first, nil, 4, 8100) == IOT_SOCKET_EINVAL)
            #expect(api.SocketBind(first, any, 0, 8100) == IOT_SOCKET_EINVAL)
            #expect(api.SocketBind(first, any, .max, 8100) == IOT_SOCKET_EINVAL)
            #expect(api.SocketBind(first, any, 4, 0) == IOT_SOCKET_EINVAL)
            #expect(api.SocketBind(first, any, 4, 8100) == 0)
            #expect(api.SocketBind(first, any, 4, 8101) == IOT_SOCKET_EINVAL)
            #expect(api.SocketBind(second, any, 4, 8100) == IOT_SOCKET_EADDRINUSE)
            #expect(api.SocketBind(second, any, 4, 8101) == 0)
            var ip: [UInt8] = [1, 2, 3, 4]
            var length: UInt32 = 4
            var port: UInt16 = 0
            #expect(api.SocketGetSockName(first, &ip, &length, &port) == 0)
            #expect(ip == any && length == 4 && port == 8100)
            #expect(api.SocketClose(first) == 0)
            #expect(api.SocketClose(first) == IOT_SOCKET_ESOCK)
            #expect(api.SocketClose(second) == 0)
        }
    }

    @Test(arguments: SocketStack.allCases)
    func `listens on bound streams`(stack: SocketStack) throws {
        let api = stack.api()
        let socket = try stream(api)
        #expect(api.SocketListen(socket, 1) == IOT_SOCKET_EINVAL)
        #expect(api.SocketAccept(socket, nil, nil, nil) == IOT_SOCKET_EINVAL)
        #expect(api.SocketBind(socket, any, 4, 8102) == 0)
        #expect(api.SocketListen(socket, 1) == 0)
        #expect(api.SocketListen(socket, 1) == IOT_SOCKET_EINVAL)
        #expect(api.SocketConnect(socket, stack.host, 4, 80) == IOT_SOCKET_EINVAL)
        var on: UInt32 = 1
        #expect(api.SocketSetOpt(socket, IOT_SOCKET_IO_FIONBIO, &on, 4) == 0)
        #expect(api.SocketAccept(socket, nil, nil, nil) == IOT_SOCKET_EAGAIN)
        #expect(api.SocketRecv(socket, &on, 4) == IOT_SOCKET_ENOTCONN)
        #expect(api.SocketSend(socket, &on, 4) == IOT_SOCKET_ENOTCONN)
        #expect(api.SocketClose(socket) == 0)
        let other = try datagram(api)
        #expect(api.SocketListen(other, 1) == IOT_SOCKET_ENOTSUP)
        #expect(api.SocketAccept(other, nil, nil, nil) == IOT_SOCKET_ENOTSUP)
        #expect(api.SocketClose(other) == 0)
    }

    @Test(arguments: SocketStack.allCases)
    func `refuses invalid addresses`(stack: SocketStack) throws {
        let api = stack.api()
        let socket = try stream(api)
        #expect(api.SocketConnect(socket, nil, 4, 80) == IOT_SOCKET_EINVAL)
        #expect(api.SocketConnect(socket, any, 4, 80) == IOT_SOCKET_EINVAL)
        #expect(api.SocketConnect(socket, stack.host, 5, 80) == IOT_SOCKET_EINVAL)
        #expect(api.SocketConnect(socket, stack.host, 4, 0) == IOT_SOCKET_EINVAL)
        #expect(api.SocketGetSockName(socket, nil, nil, nil) == IOT_SOCKET_EINVAL)
        #expect(api.SocketGetPeerName(socket, nil, nil, nil) == IOT_SOCKET_ENOTCONN)
        var byte: UInt8 = 0
        #expect(api.SocketRecv(socket, &byte, 1) == IOT_SOCKET_ENOTCONN)
        #expect(api.SocketSend(socket, &byte, 1) == IOT_SOCKET_ENOTCONN)
        #expect(api.SocketRecv(socket, nil, 1) == IOT_SOCKET_EINVAL)
        #expect(api.SocketSend(socket, nil, 1) == IOT_SOCKET_EINVAL)
        #expect(api.SocketClose(socket) == 0)
    }

    @Test(arguments: SocketStack.allCases)
    func `sets and drops the peer of a datagram socket, again and again`(stack: SocketStack) throws {
        let api = stack.api()
        let socket = try datagram(api)
        #expect(api.SocketConnect(socket, any, 4, 80) == 0)
        #expect(api.SocketConnect(socket, stack.host, 4, 9) == 0)
        var ip: [UInt8] = [0, 0, 0, 0, 0]
        var length: UInt32 = 5
        var port: UInt16 = 0
        #expect(api.SocketGetPeerName(socket, &ip, &length, &port) == 0)
        #expect(ip.prefix(4) == stack.host[...] && length == 4 && port == 9)
        #expect(api.SocketConnect(socket, stack.host, 4, 10) == 0)
        #expect(api.SocketGetSockName(socket, &ip, &length, &port) == 0)
        #expect(port != 0 && ip.prefix(4) != any[...])
        #expect(api.SocketConnect(socket, any, 4, 10) == 0)
        #expect(api.SocketGetPeerName(socket, &ip, &length, &port) == IOT_SOCKET_ENOTCONN)
        #expect(api.SocketClose(socket) == 0)
    }

    @Test(arguments: SocketStack.allCases)
    func `holds options of four bytes`(stack: SocketStack) throws {
        let api = stack.api()
        let socket = try stream(api)
        var value: UInt32 = 77
        var length: UInt32 = 9
        #expect(api.SocketGetOpt(socket, IOT_SOCKET_SO_TYPE, &value, &length) == 0)
        #expect(value == UInt32(IOT_SOCKET_SOCK_STREAM) && length == 4)
        #expect(api.SocketGetOpt(socket, IOT_SOCKET_IO_FIONBIO, &value, &length) == IOT_SOCKET_EINVAL)
        length = 3
        #expect(api.SocketGetOpt(socket, IOT_SOCKET_SO_TYPE, &value, &length) == IOT_SOCKET_EINVAL)
        #expect(api.SocketGetOpt(socket, IOT_SOCKET_SO_TYPE, nil, &length) == IOT_SOCKET_EINVAL)
        #expect(api.SocketGetOpt(socket, IOT_SOCKET_SO_TYPE, &value, nil) == IOT_SOCKET_EINVAL)
        for option in [IOT_SOCKET_SO_RCVTIMEO, IOT_SOCKET_SO_SNDTIMEO, IOT_SOCKET_SO_KEEPALIVE] {
            value = 1
            #expect(api.SocketSetOpt(socket, option, &value, 3) == IOT_SOCKET_EINVAL)
            #expect(api.SocketSetOpt(socket, option, nil, 4) == IOT_SOCKET_EINVAL)
            #expect(api.SocketSetOpt(socket, option, &value, 4) == 0)
            value = 0
            length = 4
            #expect(api.SocketGetOpt(socket, option, &value, &length) == 0)
            #expect(value == 1 && length == 4)
        }
        #expect(api.SocketSetOpt(socket, IOT_SOCKET_SO_TYPE, &value, 4) == IOT_SOCKET_EINVAL)
        #expect(api.SocketSetOpt(socket, 99, &value, 4) == IOT_SOCKET_EINVAL)
        #expect(api.SocketClose(socket) == 0)
    }

    @Test(arguments: SocketStack.allCases)
    func `resolves names`(stack: SocketStack) {
        let api = stack.api()
        var ip: [UInt8] = [0, 0, 0, 0, 0]
        var length: UInt32 = 3
        #expect(api.SocketGetHostByName(stack.hostName, IOT_SOCKET_AF_INET, &ip, &length) == IOT_SOCKET_EINVAL)
        length = 5
        #expect(api.SocketGetHostByName(nil, IOT_SOCKET_AF_INET, &ip, &length) == IOT_SOCKET_EINVAL)
        #expect(api.SocketGetHostByName(stack.hostName, 9, &ip, &length) == IOT_SOCKET_EINVAL)
        #expect(api.SocketGetHostByName(stack.hostName, IOT_SOCKET_AF_INET, nil, &length) == IOT_SOCKET_EINVAL)
        #expect(api.SocketGetHostByName(stack.hostName, IOT_SOCKET_AF_INET, &ip, nil) == IOT_SOCKET_EINVAL)
        #expect(api.SocketGetHostByName(stack.hostName, IOT_SOCKET_AF_INET, &ip, &length) == 0)
        #expect(ip.prefix(4) == stack.host[...] && length == 4)
        #expect(api.SocketGetHostByName("192.0.2.7", IOT_SOCKET_AF_INET, &ip, &length) == 0)
        #expect(ip.prefix(4) == [192, 0, 2, 7])
        #expect(
            api.SocketGetHostByName("no-such-host.invalid", IOT_SOCKET_AF_INET, &ip, &length)
                == IOT_SOCKET_EHOSTNOTFOUND
        )
    }

    // MARK: Control

    /// The options and their sizes. Nil if an interface does not have one.
    private static let options: [(option: UInt32, station: UInt32?, accessPoint: UInt32?)] = [
        (ARM_WIFI_BSSID, 6, 6), (ARM_WIFI_TX_POWER, 4, 4), (ARM_WIFI_LP_TIMER, 4, nil), (ARM_WIFI_DTIM, 4, 4),
        (ARM_WIFI_BEACON, nil, 4), (ARM_WIFI_MAC, 6, 6), (ARM_WIFI_IP, 4, 4), (ARM_WIFI_IP_SUBNET_MASK, 4, 4),
        (ARM_WIFI_IP_GATEWAY, 4, 4), (ARM_WIFI_IP_DNS1, 4, 4), (ARM_WIFI_IP_DNS2, 4, 4), (ARM_WIFI_IP_DHCP, 4, 4),
        (ARM_WIFI_IP_DHCP_POOL_BEGIN, nil, 4), (ARM_WIFI_IP_DHCP_POOL_END, nil, 4),
        (ARM_WIFI_IP_DHCP_LEASE_TIME, nil, 4), (ARM_WIFI_IP6_GLOBAL, 16, 16), (ARM_WIFI_IP6_LINK_LOCAL, 16, 16),
        (ARM_WIFI_IP6_SUBNET_PREFIX_LEN, 4, 4), (ARM_WIFI_IP6_GATEWAY, 16, 16), (ARM_WIFI_IP6_DNS1, 16, 16),
        (ARM_WIFI_IP6_DNS2, 16, 16), (ARM_WIFI_IP6_DHCP_MODE, 4, 4),
    ]

    @Test func `sets and returns every option on the interfaces that have it`() {
        let driver = Driver_WiFi0
        var data: [UInt8] = Array(repeating: 0, count: 20)
        for (option, station, accessPoint) in Self.options {
            for (interface, size) in [(UInt32(0), station), (1, accessPoint)] {
                var length: UInt32 = 20
                guard let size else {
                    #expect(driver.GetOption(interface, option, &data, &length) == ARM_DRIVER_ERROR_UNSUPPORTED)
                    continue
                }
                #expect(driver.GetOption(2, option, &data, &length) == ARM_DRIVER_ERROR_PARAMETER)
                #expect(driver.GetOption(interface, option, nil, &length) == ARM_DRIVER_ERROR_PARAMETER)
                length = size - 1
                #expect(driver.GetOption(interface, option, &data, &length) == ARM_DRIVER_ERROR_PARAMETER)
                length = 20
                #expect(driver.GetOption(interface, option, &data, &length) == ARM_DRIVER_OK)
                #expect(length == size)
                #expect(driver.SetOption(2, option, data, size) == ARM_DRIVER_ERROR_PARAMETER)
                #expect(driver.SetOption(interface, option, nil, size) == ARM_DRIVER_ERROR_PARAMETER)
                #expect(driver.SetOption(interface, option, data, size - 1) == ARM_DRIVER_ERROR_PARAMETER)
            }
        }
        #expect(driver.SetOption(0, 99, data, 20) == ARM_DRIVER_ERROR_UNSUPPORTED)
    }

    @Test func `refuses invalid configurations`() {
        let driver = Driver_WiFi0
        #expect(driver.Activate(0, nil) == ARM_DRIVER_ERROR_PARAMETER)
        "network".withCString { ssid in
            "password".withCString { password in
                func activate(_ change: (inout ARM_WIFI_CONFIG_t) -> Void, interface: UInt32 = 0) -> Int32 {
                    var config = ARM_WIFI_CONFIG_t()
                    config.ssid = ssid
                    config.pass = password
                    config.security = UInt8(ARM_WIFI_SECURITY_WPA2)
                    change(&config)
                    return driver.Activate(interface, &config)
                }
                #expect(activate { $0.ssid = nil } == ARM_DRIVER_ERROR_PARAMETER)
                #expect(activate { $0.pass = nil } == ARM_DRIVER_ERROR_PARAMETER)
                #expect(activate { $0.security = 255 } == ARM_DRIVER_ERROR_PARAMETER)
                #expect(activate { $0.ch = 15 } == ARM_DRIVER_ERROR_PARAMETER)
                #expect(activate { $0.wps_method = 9 } == ARM_DRIVER_ERROR_PARAMETER)
                #expect(activate({ _ in }, interface: 2) == ARM_DRIVER_ERROR_PARAMETER)
                #expect(
                    activate({ $0.security = UInt8(ARM_WIFI_SECURITY_WEP) }, interface: 1)
                        == ARM_DRIVER_ERROR_UNSUPPORTED)
            }
        }
        #expect(driver.Deactivate(2) == ARM_DRIVER_ERROR_PARAMETER)
        #expect(driver.Deactivate(1) == ARM_DRIVER_OK)
        #expect(driver.GetNetInfo(nil) == ARM_DRIVER_ERROR_PARAMETER)
        #expect(driver.Scan(nil, 5) == ARM_DRIVER_ERROR_PARAMETER)
        #expect(driver.Ping(host, 5) == ARM_DRIVER_ERROR_PARAMETER)
        #expect(driver.Ping(nil, 4) == ARM_DRIVER_ERROR_PARAMETER)
        #expect(driver.BypassControl(0, 1) == ARM_DRIVER_ERROR_UNSUPPORTED)
        #expect(driver.EthSendFrame(0, host, 4) == ARM_DRIVER_ERROR_UNSUPPORTED)
        #expect(driver.EthReadFrame(0, nil, 4) == ARM_DRIVER_ERROR_UNSUPPORTED)
        #expect(driver.EthGetRxFrameSize(0) == 0)
    }

    @Test func `describes its network`() {
        let driver = Driver_WiFi0
        #expect(driver.IsConnected() != 0)
        var info = ARM_WIFI_NET_INFO_t()
        #expect(driver.GetNetInfo(&info) == ARM_DRIVER_OK)
        #expect(withUnsafeBytes(of: info.ssid) { Array($0.prefix(8)) } == Array("wifisim".utf8) + [0])
        #expect(withUnsafeBytes(of: info.pass) { Array($0.prefix(9)) } == Array("password".utf8) + [0])
        #expect(info.security == UInt8(ARM_WIFI_SECURITY_WPA2) && info.ch == 6 && Int8(bitPattern: info.rssi) < 0)
        var found = [ARM_WIFI_SCAN_INFO_t](repeating: ARM_WIFI_SCAN_INFO_t(), count: 3)
        #expect(driver.Scan(&found, 3) == 1)
        var text = [CChar](repeating: 1, count: 8)
        #expect(driver.GetModuleInfo(&text, 0) == ARM_DRIVER_ERROR_PARAMETER)
        #expect(driver.GetModuleInfo(&text, 8) == ARM_DRIVER_OK)
        #expect(text.last == 0 && text.first != 0)
    }

    @Test func `answers before it is initialized`() {
        let driver = Driver_WiFi1
        #expect(driver.GetVersion().api == 0x101)
        let capabilities = driver.GetCapabilities()
        #expect(
            capabilities.station == 1 && capabilities.ap == 1 && capabilities.station_ap == 1 && capabilities.ip == 1)
        #expect(driver.PowerControl(ARM_POWER_OFF) == ARM_DRIVER_ERROR)
        #expect(driver.PowerControl(ARM_POWER_FULL) == ARM_DRIVER_ERROR)
        #expect(driver.SocketCreate(ARM_SOCKET_AF_INET, ARM_SOCKET_SOCK_STREAM, 0) == ARM_SOCKET_ERROR)
        #expect(driver.IsConnected() == 0)
        #expect(driver.Uninitialize() == ARM_DRIVER_OK)
    }
}

import CDriverWiFi
import WiFiSimDaemon
import WiFiSimDriverCore
import WiFiSimHost
import WiFiSimValues

// The functions of the access structures: pointers in, codes out. `WiFiDriver` does the work, `Driver_WiFi.h` describes
// the functions.

private let busyTimeout = DriverEnvironment.busyTimeout()

/// Driver_WiFi0 and Driver_WiFi1. Environment variables select the line of each: see docs/Driver.md.
private let drivers = ["WIFISIM_TTY", "WIFISIM_TTY1"].map { variable in
    WiFiDriver(connectTimeout: DriverEnvironment.connectTimeout(variable: variable), busyTimeout: busyTimeout) {
        ProcessLife.watchForks()
        // Registers the exit handler once.
        _ = endsAtExit
        return try DriverEnvironment.openLine(variable: variable)
    }
}

/// When the program ends, its threads end first, so that their memory is freed.
private let endsAtExit: Void = ProcessLife.atExit {
    if ProcessLife.isForkedChild { return }
    for driver in drivers { driver.abandon(within: .seconds(2)) }
    EmbeddedModule.joinAll(within: .seconds(2))
}

private func driver(_ number: UInt32) -> WiFiDriver { drivers[Int(number)] }

// A forked child has the driver's memory but not its threads. Every call returns an error before it waits for one.

private func code(_ body: () throws(DriverFailure) -> Void) -> Int32 {
    if ProcessLife.isForkedChild { return ARM_DRIVER_ERROR }
    do throws(DriverFailure) {
        try body()
        return ARM_DRIVER_OK
    } catch {
        return error.rawValue
    }
}

private func code(_ body: () throws(SocketFailure) -> Int) -> Int32 {
    if ProcessLife.isForkedChild { return ARM_SOCKET_ERROR }
    do throws(SocketFailure) { return Int32(clamping: try body()) } catch { return error.rawValue }
}

private func code(_ body: () throws(SocketFailure) -> Void) -> Int32 {
    if ProcessLife.isForkedChild { return ARM_SOCKET_ERROR }
    do throws(SocketFailure) {
        try body()
        return 0
    } catch {
        return error.rawValue
    }
}

// MARK: Control

/// GetVersion: API version 1.1, driver version 1.0.
@c @implementation
func wifisim_driver_GetVersion(_ number: UInt32) -> ARM_DRIVER_VERSION {
    ARM_DRIVER_VERSION(api: 1 << 8 | 1, drv: 1 << 8 | 0)
}

/// GetCapabilities.
@c @implementation
func wifisim_driver_GetCapabilities(_ number: UInt32) -> ARM_WIFI_CAPABILITIES {
    var capabilities = ARM_WIFI_CAPABILITIES()
    capabilities.station = 1
    capabilities.ap = 1
    capabilities.station_ap = 1
    // By push button. The firmware has no command for PIN.
    capabilities.wps_station = 1
    capabilities.event_ap_connect = 1
    capabilities.event_ap_disconnect = 1
    capabilities.ip = 1
    capabilities.ip6 = 1
    capabilities.ping = 1
    return capabilities
}

/// Initialize: opens the line. On failure, prints the reason to standard error.
@c @implementation
func wifisim_driver_Initialize(_ number: UInt32, _ callback: ARM_WIFI_SignalEvent_t?) -> Int32 {
    if ProcessLife.isForkedChild {
        complain("Driver_WiFi\(number): this process was forked from one that uses the driver, and cannot use it")
        return ARM_DRIVER_ERROR
    }
    let result = code { () throws(DriverFailure) in try driver(number).initialize(callback) }
    if result != ARM_DRIVER_OK, let reason = driver(number).perform({ driver(number).lastError }) {
        complain("Driver_WiFi\(number): \(reason)")
    }
    return result
}

/// Uninitialize: switches the module off and gives up the line.
@c @implementation
func wifisim_driver_Uninitialize(_ number: UInt32) -> Int32 {
    code { () throws(DriverFailure) in try driver(number).uninitialize() }
}

/// PowerControl.
@c @implementation
func wifisim_driver_PowerControl(_ number: UInt32, _ state: ARM_POWER_STATE) -> Int32 {
    code { () throws(DriverFailure) in
        switch state {
        case ARM_POWER_OFF: try driver(number).powerControl(.off)
        case ARM_POWER_LOW: try driver(number).powerControl(.low)
        case ARM_POWER_FULL: try driver(number).powerControl(.full)
        default: throw .invalidParameter
        }
    }
}

/// GetModuleInfo: a C string, cut to `room` bytes including its end.
@c @implementation
func wifisim_driver_GetModuleInfo(_ number: UInt32, _ info: UnsafeMutablePointer<CChar>?, _ room: UInt32)
    -> Int32
{
    code { () throws(DriverFailure) in
        guard let info, room > 0 else { throw .invalidParameter }
        store(Array(try driver(number).moduleInfo().utf8), to: info, room: Int(room))
    }
}

/// Stores a C string, cut to `room` bytes including its end.
private func store(_ text: [UInt8], to pointer: UnsafeMutableRawPointer, room: Int) {
    let length = min(text.count, room - 1)
    text.withUnsafeBytes { bytes in
        if length > 0, let start = bytes.baseAddress { pointer.copyMemory(from: start, byteCount: length) }
    }
    pointer.storeBytes(of: 0, toByteOffset: length, as: UInt8.self)
}

// MARK: Management

/// SetOption.
@c @implementation
func wifisim_driver_SetOption(
    _ number: UInt32, _ interface: UInt32, _ option: UInt32, _ data: UnsafeRawPointer?, _ length: UInt32
) -> Int32 {
    code { () throws(DriverFailure) in
        try driver(number).setOption(
            option, interface: interface,
            data: UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : Int(length)))
    }
}

/// GetOption.
@c @implementation
func wifisim_driver_GetOption(
    _ number: UInt32, _ interface: UInt32, _ option: UInt32, _ data: UnsafeMutableRawPointer?,
    _ length: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    code { () throws(DriverFailure) in
        guard let data, let length else { throw .invalidParameter }
        let value = try driver(number).getOption(option, interface: interface, room: Int(length.pointee))
        value.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { data.copyMemory(from: start, byteCount: bytes.count) }
        }
        length.pointee = UInt32(value.count)
    }
}

/// Scan: stores at most `limit` networks and returns their number.
@c @implementation
func wifisim_driver_Scan(_ number: UInt32, _ infos: UnsafeMutablePointer<ARM_WIFI_SCAN_INFO_t>?, _ limit: UInt32)
    -> Int32
{
    if ProcessLife.isForkedChild { return ARM_DRIVER_ERROR }
    do throws(DriverFailure) {
        guard let infos, limit > 0 else { throw .invalidParameter }
        let networks = try driver(number).scan(limit: Int(limit))
        for (index, network) in networks.enumerated() {
            var info = ARM_WIFI_SCAN_INFO_t()
            withUnsafeMutableBytes(of: &info.ssid) { store(network.ssid, to: $0) }
            withUnsafeMutableBytes(of: &info.bssid) { $0.copyBytes(from: network.bssid.bytes) }
            info.security = network.security.rawValue
            info.ch = network.channel
            info.rssi = UInt8(bitPattern: network.rssi)
            infos[index] = info
        }
        return Int32(networks.count)
    } catch {
        return error.rawValue
    }
}

private func store(_ text: [UInt8], to field: UnsafeMutableRawBufferPointer) {
    if let start = field.baseAddress { store(text, to: start, room: field.count) }
}

/// Activate.
@c @implementation
func wifisim_driver_Activate(_ number: UInt32, _ interface: UInt32, _ config: UnsafePointer<ARM_WIFI_CONFIG_t>?)
    -> Int32
{
    code { () throws(DriverFailure) in
        try driver(number).activate(interface: interface, try config.map(configuration))
    }
}

private func configuration(_ config: UnsafePointer<ARM_WIFI_CONFIG_t>) throws(DriverFailure)
    -> NetworkConfiguration
{
    let config = config.pointee
    func text(_ pointer: UnsafePointer<CChar>?) -> [UInt8]? {
        guard var next = pointer else { return nil }
        var bytes: [UInt8] = []
        while next.pointee != 0 {
            bytes.append(UInt8(bitPattern: next.pointee))
            next += 1
        }
        return bytes
    }
    let ssid = text(config.ssid)
    let password = text(config.pass)
    let wps: NetworkConfiguration.WPS
    switch UInt32(config.wps_method) {
    case ARM_WIFI_WPS_METHOD_NONE: wps = .none
    case ARM_WIFI_WPS_METHOD_PBC: wps = .pushButton
    case ARM_WIFI_WPS_METHOD_PIN:
        guard let pin = config.wps_pin, pin.pointee != 0 else { throw .invalidParameter }
        wps = .pin
    default: throw .invalidParameter
    }
    // With WPS the security comes from the access point.
    var security = NetworkSecurity.unknown
    if wps == .none {
        guard let ssid, (1...32).contains(ssid.count) else { throw .invalidParameter }
        guard let known = NetworkSecurity(rawValue: config.security), known != .unknown, config.ch <= 14 else {
            throw .invalidParameter
        }
        security = known
        if security != .open {
            guard let password, password.count <= 64 else { throw .invalidParameter }
        }
    }
    return NetworkConfiguration(
        ssid: ssid ?? [], password: password ?? [], security: security, channel: config.ch, wps: wps)
}

/// Deactivate.
@c @implementation
func wifisim_driver_Deactivate(_ number: UInt32, _ interface: UInt32) -> Int32 {
    code { () throws(DriverFailure) in try driver(number).deactivate(interface: interface) }
}

/// IsConnected: 1 if the station has joined a network, else 0.
@c @implementation
func wifisim_driver_IsConnected(_ number: UInt32) -> UInt32 {
    !ProcessLife.isForkedChild && driver(number).isConnected() ? 1 : 0
}

/// GetNetInfo.
@c @implementation
func wifisim_driver_GetNetInfo(_ number: UInt32, _ info: UnsafeMutablePointer<ARM_WIFI_NET_INFO_t>?) -> Int32 {
    code { () throws(DriverFailure) in
        guard let info else { throw .invalidParameter }
        let network = try driver(number).networkInformation()
        var result = ARM_WIFI_NET_INFO_t()
        withUnsafeMutableBytes(of: &result.ssid) { store(network.ssid, to: $0) }
        withUnsafeMutableBytes(of: &result.pass) { store(network.password, to: $0) }
        result.security = network.security.rawValue
        result.ch = network.channel
        result.rssi = UInt8(bitPattern: network.rssi)
        info.pointee = result
    }
}

// MARK: Bypass: no AT firmware hands out frames

/// BypassControl: unsupported.
@c @implementation
func wifisim_driver_BypassControl(_ number: UInt32, _ interface: UInt32, _ mode: UInt32) -> Int32 {
    ARM_DRIVER_ERROR_UNSUPPORTED
}

/// EthSendFrame: unsupported.
@c @implementation
func wifisim_driver_EthSendFrame(
    _ number: UInt32, _ interface: UInt32, _ frame: UnsafePointer<UInt8>?, _ length: UInt32
) -> Int32 { ARM_DRIVER_ERROR_UNSUPPORTED }

/// EthReadFrame: unsupported.
@c @implementation
func wifisim_driver_EthReadFrame(
    _ number: UInt32, _ interface: UInt32, _ frame: UnsafeMutablePointer<UInt8>?, _ length: UInt32
) -> Int32 { ARM_DRIVER_ERROR_UNSUPPORTED }

/// EthGetRxFrameSize: always 0.
@c @implementation
func wifisim_driver_EthGetRxFrameSize(_ number: UInt32, _ interface: UInt32) -> UInt32 { 0 }

// MARK: Names and ping

/// SocketGetHostByName.
@c @implementation
func wifisim_driver_SocketGetHostByName(
    _ number: UInt32, _ name: UnsafePointer<CChar>?, _ family: Int32, _ ip: UnsafeMutablePointer<UInt8>?,
    _ ipLength: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    code { () throws(SocketFailure) -> Void in
        guard let name, let ip, let ipLength, let family = IPAddress.Family(socketFamily: family) else {
            throw .invalidArgument
        }
        guard ipLength.pointee >= family.byteCount else { throw .invalidArgument }
        let found = try driver(number).resolve(String(cString: name), family)
        store(Endpoint(found, 0), ip, ipLength, nil)
    }
}

/// Ping: waits less than two seconds for the answer.
@c @implementation
func wifisim_driver_Ping(_ number: UInt32, _ ip: UnsafePointer<UInt8>?, _ length: UInt32) -> Int32 {
    code { () throws(DriverFailure) in
        guard let ip, let address = address(ip, length) else { throw .invalidParameter }
        try driver(number).ping(address)
    }
}

/// The address at `ip`. Nil unless its length is 4 or 16 bytes.
private func address(_ ip: UnsafePointer<UInt8>, _ length: UInt32) -> IPAddress? {
    guard length == 4 || length == 16 else { return nil }
    return IPAddress(networkBytes: UnsafeRawBufferPointer(start: ip, count: Int(length)))
}

/// Stores an address if the caller wants it and the room is sufficient. The port is stored in any case.
private func store(
    _ endpoint: Endpoint, _ ip: UnsafeMutablePointer<UInt8>?, _ ipLength: UnsafeMutablePointer<UInt32>?,
    _ port: UnsafeMutablePointer<UInt16>?
) {
    let bytes = endpoint.address.networkBytes
    if let ip, let ipLength, bytes.count <= Int(ipLength.pointee) {
        for (index, byte) in bytes.enumerated() { ip[index] = byte }
        ipLength.pointee = UInt32(bytes.count)
    }
    port?.pointee = endpoint.port
}

extension IPAddress.Family {
    /// Takes ARM_SOCKET_AF_…. Nil for any other value.
    init?(socketFamily: Int32) {
        switch socketFamily {
        case ARM_SOCKET_AF_INET: self = .v4
        case ARM_SOCKET_AF_INET6: self = .v6
        default: return nil
        }
    }
}

// MARK: Sockets

/// SocketCreate: TCP or UDP, over IPv4 or IPv6.
@c @implementation
func wifisim_driver_SocketCreate(_ number: UInt32, _ family: Int32, _ type: Int32, _ transport: Int32) -> Int32 {
    code { () throws(SocketFailure) -> Int in
        guard let family = IPAddress.Family(socketFamily: family) else { throw .invalidArgument }
        switch (type, transport) {
        case (ARM_SOCKET_SOCK_STREAM, 0), (ARM_SOCKET_SOCK_STREAM, ARM_SOCKET_IPPROTO_TCP):
            return try driver(number).createSocket(family: family, isStream: true)
        case (ARM_SOCKET_SOCK_DGRAM, 0), (ARM_SOCKET_SOCK_DGRAM, ARM_SOCKET_IPPROTO_UDP):
            return try driver(number).createSocket(family: family, isStream: false)
        default: throw .invalidArgument
        }
    }
}

/// SocketBind.
@c @implementation
func wifisim_driver_SocketBind(
    _ number: UInt32, _ socket: Int32, _ ip: UnsafePointer<UInt8>?, _ length: UInt32, _ port: UInt16
) -> Int32 {
    code { () throws(SocketFailure) -> Void in
        try driver(number).bind(socket, to: ip.flatMap { address($0, length) }.map { Endpoint($0, port) })
    }
}

/// SocketListen: the backlog is ignored; the limit is `DriverCore.pendingLimit`.
@c @implementation
func wifisim_driver_SocketListen(_ number: UInt32, _ socket: Int32, _ backlog: Int32) -> Int32 {
    code { () throws(SocketFailure) -> Void in try driver(number).listen(socket) }
}

/// SocketAccept.
@c @implementation
func wifisim_driver_SocketAccept(
    _ number: UInt32, _ socket: Int32, _ ip: UnsafeMutablePointer<UInt8>?, _ ipLength: UnsafeMutablePointer<UInt32>?,
    _ port: UnsafeMutablePointer<UInt16>?
) -> Int32 {
    code { () throws(SocketFailure) -> Int in
        try driver(number).check(socket, room: ip == nil ? nil : ipLength?.pointee ?? 0)
        let (accepted, peer) = try driver(number).accept(socket)
        if let peer { store(peer, ip, ipLength, port) }
        return accepted
    }
}

/// SocketConnect.
@c @implementation
func wifisim_driver_SocketConnect(
    _ number: UInt32, _ socket: Int32, _ ip: UnsafePointer<UInt8>?, _ length: UInt32, _ port: UInt16
) -> Int32 {
    code { () throws(SocketFailure) -> Void in
        try driver(number).connect(socket, to: ip.flatMap { address($0, length) }.map { Endpoint($0, port) })
    }
}

/// SocketRecv.
@c @implementation
func wifisim_driver_SocketRecv(
    _ number: UInt32, _ socket: Int32, _ buffer: UnsafeMutableRawPointer?, _ length: UInt32
) -> Int32 {
    wifisim_driver_SocketRecvFrom(number, socket, buffer, length, nil, nil, nil)
}

/// SocketRecvFrom.
@c @implementation
func wifisim_driver_SocketRecvFrom(
    _ number: UInt32, _ socket: Int32, _ buffer: UnsafeMutableRawPointer?, _ length: UInt32,
    _ ip: UnsafeMutablePointer<UInt8>?, _ ipLength: UnsafeMutablePointer<UInt32>?, _ port: UnsafeMutablePointer<UInt16>?
) -> Int32 {
    code { () throws(SocketFailure) -> Int in
        if ip != nil { try driver(number).check(socket, room: ipLength?.pointee ?? 0) }
        guard buffer != nil || length == 0 else {
            try driver(number).check(socket, room: nil)
            throw .invalidArgument
        }
        // The result is an `Int32`, so no more than it can hold.
        let room = UnsafeMutableRawBufferPointer(
            start: buffer, count: buffer == nil ? 0 : min(Int(length), Int(Int32.max)))
        let (count, source) = try driver(number).receive(socket, into: room)
        if length > 0, let source { store(source, ip, ipLength, port) }
        return count
    }
}

/// SocketSend.
@c @implementation
func wifisim_driver_SocketSend(_ number: UInt32, _ socket: Int32, _ buffer: UnsafeRawPointer?, _ length: UInt32)
    -> Int32
{
    wifisim_driver_SocketSendTo(number, socket, buffer, length, nil, 0, 0)
}

/// SocketSendTo.
@c @implementation
func wifisim_driver_SocketSendTo(
    _ number: UInt32, _ socket: Int32, _ buffer: UnsafeRawPointer?, _ length: UInt32, _ ip: UnsafePointer<UInt8>?,
    _ ipLength: UInt32, _ port: UInt16
) -> Int32 {
    code { () throws(SocketFailure) -> Int in
        guard buffer != nil || length == 0 else {
            try driver(number).check(socket, room: nil)
            throw .invalidArgument
        }
        var destination: Endpoint?
        if let ip {
            guard let address = address(ip, ipLength) else {
                try driver(number).check(socket, room: nil)
                throw .invalidArgument
            }
            destination = Endpoint(address, port)
        }
        let bytes = UnsafeRawBufferPointer(start: buffer, count: buffer == nil ? 0 : min(Int(length), Int(Int32.max)))
        return try driver(number).send(socket, bytes, to: destination)
    }
}

/// SocketGetSockName.
@c @implementation
func wifisim_driver_SocketGetSockName(
    _ number: UInt32, _ socket: Int32, _ ip: UnsafeMutablePointer<UInt8>?, _ ipLength: UnsafeMutablePointer<UInt32>?,
    _ port: UnsafeMutablePointer<UInt16>?
) -> Int32 {
    code { () throws(SocketFailure) -> Void in
        try driver(number).check(socket, room: ip == nil ? nil : ipLength?.pointee ?? 0)
        store(try driver(number).localAddress(of: socket), ip, ipLength, port)
    }
}

/// SocketGetPeerName.
@c @implementation
func wifisim_driver_SocketGetPeerName(
    _ number: UInt32, _ socket: Int32, _ ip: UnsafeMutablePointer<UInt8>?, _ ipLength: UnsafeMutablePointer<UInt32>?,
    _ port: UnsafeMutablePointer<UInt16>?
) -> Int32 {
    code { () throws(SocketFailure) -> Void in
        try driver(number).check(socket, room: ip == nil ? nil : ipLength?.pointee ?? 0)
        store(try driver(number).peerAddress(of: socket), ip, ipLength, port)
    }
}

/// SocketGetOpt.
@c @implementation
func wifisim_driver_SocketGetOpt(
    _ number: UInt32, _ socket: Int32, _ option: Int32, _ value: UnsafeMutableRawPointer?,
    _ length: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    code { () throws(SocketFailure) -> Void in
        let result = try driver(number).socketOption(option, of: socket)
        guard let value, let length, length.pointee >= 4 else { throw .invalidArgument }
        value.storeBytes(of: result, as: UInt32.self)
        length.pointee = 4
    }
}

/// SocketSetOpt.
@c @implementation
func wifisim_driver_SocketSetOpt(
    _ number: UInt32, _ socket: Int32, _ option: Int32, _ value: UnsafeRawPointer?, _ length: UInt32
) -> Int32 {
    code { () throws(SocketFailure) -> Void in
        let number4 = value.flatMap { length >= 4 ? $0.loadUnaligned(as: UInt32.self) : nil }
        try driver(number).setSocketOption(option, of: socket, to: number4)
    }
}

/// SocketClose.
@c @implementation
func wifisim_driver_SocketClose(_ number: UInt32, _ socket: Int32) -> Int32 {
    code { () throws(SocketFailure) -> Void in try driver(number).close(socket) }
}

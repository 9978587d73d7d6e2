import CIoTSocket
import MuxUnderTest
import Testing

/// The implementation of `iot_socket.h`. The multiplexer has one registered table at a time, so its tests run one after
/// the other.
enum SocketStack: CaseIterable {
    /// The functions of IoTSocketWiFi.
    case wifi
    /// The functions of IoTSocketMux, with its table of the WiFi driver registered.
    case multiplexedWiFi
    /// The functions of IoTSocketMux, with its table of the host's sockets registered.
    case multiplexedHost

    /// The functions, ready for use.
    func api() -> iotSocketApi_t {
        switch self {
        case .wifi:
            return iotSocketApi_t(
                SocketCreate: iotSocketCreate, SocketBind: iotSocketBind, SocketListen: iotSocketListen,
                SocketAccept: iotSocketAccept, SocketConnect: iotSocketConnect, SocketRecv: iotSocketRecv,
                SocketRecvFrom: iotSocketRecvFrom, SocketSend: iotSocketSend, SocketSendTo: iotSocketSendTo,
                SocketGetSockName: iotSocketGetSockName, SocketGetPeerName: iotSocketGetPeerName,
                SocketGetOpt: iotSocketGetOpt, SocketSetOpt: iotSocketSetOpt, SocketClose: iotSocketClose,
                SocketGetHostByName: iotSocketGetHostByName)
        case .multiplexedWiFi: #expect(mux_register_wifi() == 0)
        case .multiplexedHost: #expect(mux_register_host() == 0)
        }
        return iotSocketApiMux
    }

    /// The address of this computer for this stack.
    var host: [UInt8] { self == .multiplexedHost ? [127, 0, 0, 1] : [10, 0, 2, 2] }
    var hostName: String { self == .multiplexedHost ? "localhost" : "gateway.wifisim" }
    /// The address of this stack's servers for the sockets of this computer.
    var ownAddress: [UInt8] { self == .multiplexedHost ? [127, 0, 0, 1] : [127, 0, 0, 10] }
}

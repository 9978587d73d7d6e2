// The WiFi table: each function calls the driver's function of the same name.
#include "Driver_WiFi.h"
#include "iot_socket_tables.h"

// The driver's access structure is not a constant expression, so each entry is a function that uses it.
#define FORWARD(name, parameters, ...) \
    static int32_t name parameters { return Driver_WiFi0.name(__VA_ARGS__); }

FORWARD(SocketCreate, (int32_t af, int32_t type, int32_t protocol), af, type, protocol)
FORWARD(SocketBind, (int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port), socket, ip, ip_len, port)
FORWARD(SocketListen, (int32_t socket, int32_t backlog), socket, backlog)
FORWARD(SocketAccept, (int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port), socket, ip, ip_len, port)
FORWARD(SocketConnect, (int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port), socket, ip, ip_len, port)
FORWARD(SocketRecv, (int32_t socket, void *buf, uint32_t len), socket, buf, len)
FORWARD(SocketRecvFrom,
        (int32_t socket, void *buf, uint32_t len, uint8_t *ip, uint32_t *ip_len, uint16_t *port),
        socket, buf, len, ip, ip_len, port)
FORWARD(SocketSend, (int32_t socket, const void *buf, uint32_t len), socket, buf, len)
FORWARD(SocketSendTo,
        (int32_t socket, const void *buf, uint32_t len, const uint8_t *ip, uint32_t ip_len, uint16_t port),
        socket, buf, len, ip, ip_len, port)
FORWARD(SocketGetSockName, (int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port), socket, ip, ip_len, port)
FORWARD(SocketGetPeerName, (int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port), socket, ip, ip_len, port)
FORWARD(SocketGetOpt, (int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len),
        socket, opt_id, opt_val, opt_len)
FORWARD(SocketSetOpt, (int32_t socket, int32_t opt_id, const void *opt_val, uint32_t opt_len),
        socket, opt_id, opt_val, opt_len)
FORWARD(SocketClose, (int32_t socket), socket)
FORWARD(SocketGetHostByName, (const char *name, int32_t af, uint8_t *ip, uint32_t *ip_len), name, af, ip, ip_len)

const iotSocketApi_t iotSocketApiWiFi = {
    SocketCreate,      SocketBind,        SocketListen, SocketAccept, SocketConnect, SocketRecv,
    SocketRecvFrom,    SocketSend,        SocketSendTo, SocketGetSockName, SocketGetPeerName,
    SocketGetOpt,      SocketSetOpt,      SocketClose,  SocketGetHostByName};

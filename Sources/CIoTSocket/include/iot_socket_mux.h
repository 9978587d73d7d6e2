// IoT Socket multiplexer: chooses at run time which implementation is behind iot_socket.h.
#ifndef IOT_SOCKET_MUX_H_
#define IOT_SOCKET_MUX_H_

#ifdef __cplusplus
extern "C" {
#endif

#include <stdint.h>

/// One implementation: the functions of iot_socket.h, none of them NULL.
typedef struct {
    int32_t (*SocketCreate)(int32_t af, int32_t type, int32_t protocol);
    int32_t (*SocketBind)(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port);
    int32_t (*SocketListen)(int32_t socket, int32_t backlog);
    int32_t (*SocketAccept)(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);
    int32_t (*SocketConnect)(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port);
    int32_t (*SocketRecv)(int32_t socket, void *buf, uint32_t len);
    int32_t (*SocketRecvFrom)(int32_t socket, void *buf, uint32_t len, uint8_t *ip, uint32_t *ip_len, uint16_t *port);
    int32_t (*SocketSend)(int32_t socket, const void *buf, uint32_t len);
    int32_t (*SocketSendTo)(int32_t socket, const void *buf, uint32_t len, const uint8_t *ip, uint32_t ip_len,
                            uint16_t port);
    int32_t (*SocketGetSockName)(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);
    int32_t (*SocketGetPeerName)(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);
    int32_t (*SocketGetOpt)(int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len);
    int32_t (*SocketSetOpt)(int32_t socket, int32_t opt_id, const void *opt_val, uint32_t opt_len);
    int32_t (*SocketClose)(int32_t socket);
    int32_t (*SocketGetHostByName)(const char *name, int32_t af, uint8_t *ip, uint32_t *ip_len);
} iotSocketApi_t;

/// New sockets and name lookups go to `api`, which must stay valid. An open socket stays with the implementation that made
/// it; numbers are the multiplexer's own. After NULL, Create gives IOT_SOCKET_ERROR. Returns 0, or IOT_SOCKET_ENOMEM for the
/// 17th implementation.
extern int32_t iotSocketRegisterApi(const iotSocketApi_t *api);

#ifdef __cplusplus
}
#endif

#endif

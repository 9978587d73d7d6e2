// iot_socket.h with the implementation chosen at run time: each function goes to the table registered last.
#include "iot_socket.h"

#include <stdatomic.h>
#include <stddef.h>

#include "iot_socket_mux.h"

static _Atomic(const iotSocketApi_t *) registered;

int32_t iotSocketRegisterApi(const iotSocketApi_t *api) {
    atomic_store(&registered, api);
    return 0;
}

// Calls a function of the table, or gives an error while there is none.
#define CALL(function, ...)                                              \
    do {                                                                 \
        const iotSocketApi_t *api = atomic_load(&registered);            \
        return api != NULL ? api->function(__VA_ARGS__) : IOT_SOCKET_ERROR; \
    } while (0)

int32_t iotSocketCreate(int32_t af, int32_t type, int32_t protocol) { CALL(SocketCreate, af, type, protocol); }

int32_t iotSocketBind(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port) {
    CALL(SocketBind, socket, ip, ip_len, port);
}

int32_t iotSocketListen(int32_t socket, int32_t backlog) { CALL(SocketListen, socket, backlog); }

int32_t iotSocketAccept(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    CALL(SocketAccept, socket, ip, ip_len, port);
}

int32_t iotSocketConnect(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port) {
    CALL(SocketConnect, socket, ip, ip_len, port);
}

int32_t iotSocketRecv(int32_t socket, void *buf, uint32_t len) { CALL(SocketRecv, socket, buf, len); }

int32_t iotSocketRecvFrom(int32_t socket, void *buf, uint32_t len, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    CALL(SocketRecvFrom, socket, buf, len, ip, ip_len, port);
}

int32_t iotSocketSend(int32_t socket, const void *buf, uint32_t len) { CALL(SocketSend, socket, buf, len); }

int32_t iotSocketSendTo(int32_t socket, const void *buf, uint32_t len, const uint8_t *ip, uint32_t ip_len,
                        uint16_t port) {
    CALL(SocketSendTo, socket, buf, len, ip, ip_len, port);
}

int32_t iotSocketGetSockName(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    CALL(SocketGetSockName, socket, ip, ip_len, port);
}

int32_t iotSocketGetPeerName(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    CALL(SocketGetPeerName, socket, ip, ip_len, port);
}

int32_t iotSocketGetOpt(int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len) {
    CALL(SocketGetOpt, socket, opt_id, opt_val, opt_len);
}

int32_t iotSocketSetOpt(int32_t socket, int32_t opt_id, const void *opt_val, uint32_t opt_len) {
    CALL(SocketSetOpt, socket, opt_id, opt_val, opt_len);
}

int32_t iotSocketClose(int32_t socket) { CALL(SocketClose, socket); }

int32_t iotSocketGetHostByName(const char *name, int32_t af, uint8_t *ip, uint32_t *ip_len) {
    CALL(SocketGetHostByName, name, af, ip, ip_len);
}

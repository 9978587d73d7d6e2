// iot_socket.h over CMSIS-Driver WiFi: each function is one operation of the driver.
#include "iot_socket.h"
#include "Driver_WiFi.h"

// The number of the driver; a separate build may choose another.
#ifndef DRIVER_WIFI_NUM
#define DRIVER_WIFI_NUM 0
#endif
#define WIFI (&ARM_Driver_WiFi_(DRIVER_WIFI_NUM))

int32_t iotSocketCreate(int32_t af, int32_t type, int32_t protocol) { return WIFI->SocketCreate(af, type, protocol); }

int32_t iotSocketBind(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port) {
    return WIFI->SocketBind(socket, ip, ip_len, port);
}

int32_t iotSocketListen(int32_t socket, int32_t backlog) { return WIFI->SocketListen(socket, backlog); }

int32_t iotSocketAccept(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    return WIFI->SocketAccept(socket, ip, ip_len, port);
}

int32_t iotSocketConnect(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port) {
    return WIFI->SocketConnect(socket, ip, ip_len, port);
}

int32_t iotSocketRecv(int32_t socket, void *buf, uint32_t len) { return WIFI->SocketRecv(socket, buf, len); }

int32_t iotSocketRecvFrom(int32_t socket, void *buf, uint32_t len, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    return WIFI->SocketRecvFrom(socket, buf, len, ip, ip_len, port);
}

int32_t iotSocketSend(int32_t socket, const void *buf, uint32_t len) { return WIFI->SocketSend(socket, buf, len); }

int32_t iotSocketSendTo(int32_t socket, const void *buf, uint32_t len, const uint8_t *ip, uint32_t ip_len,
                        uint16_t port) {
    return WIFI->SocketSendTo(socket, buf, len, ip, ip_len, port);
}

int32_t iotSocketGetSockName(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    return WIFI->SocketGetSockName(socket, ip, ip_len, port);
}

int32_t iotSocketGetPeerName(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    return WIFI->SocketGetPeerName(socket, ip, ip_len, port);
}

int32_t iotSocketGetOpt(int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len) {
    return WIFI->SocketGetOpt(socket, opt_id, opt_val, opt_len);
}

int32_t iotSocketSetOpt(int32_t socket, int32_t opt_id, const void *opt_val, uint32_t opt_len) {
    return WIFI->SocketSetOpt(socket, opt_id, opt_val, opt_len);
}

int32_t iotSocketClose(int32_t socket) { return WIFI->SocketClose(socket); }

int32_t iotSocketGetHostByName(const char *name, int32_t af, uint8_t *ip, uint32_t *ip_len) {
    return WIFI->SocketGetHostByName(name, af, ip, ip_len);
}

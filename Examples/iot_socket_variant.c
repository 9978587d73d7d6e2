// A template for your own implementation of IoT Socket, for use with IoTSocketMux.
//
// Copy it, rename `variant`, fill in the functions, and register the table:
//
//     iotSocketRegisterApi(&iotSocketApiVariant);
//
// Each function has the checks that the specification demands, and lists the codes that it may return. The operation
// itself is missing and gives IOT_SOCKET_ERROR. Sources/IoTSocketMux/table_host.c is complete, on POSIX sockets.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "iot_socket.h"
#include "iot_socket_mux.h"

// The sockets, by number. Applications see the numbers 0 to VARIANT_SOCKETS - 1.
enum { VARIANT_SOCKETS = 8 };
static struct {
    int used;
    int32_t family, type;
    int nonblocking;
    uint32_t receive_timeout, send_timeout; // ms; 0: no limit
    // … your stack's handle
} sockets[VARIANT_SOCKETS];

static int exists(int32_t socket) { return socket >= 0 && socket < VARIANT_SOCKETS && sockets[socket].used; }

// Creates a socket. Protocol 0 selects the one that fits the type. ENOMEM when no socket is left.
static int32_t variant_create(int32_t af, int32_t type, int32_t protocol) {
    if (af != IOT_SOCKET_AF_INET) return af == IOT_SOCKET_AF_INET6 ? IOT_SOCKET_ENOTSUP : IOT_SOCKET_EINVAL;
    if (type != IOT_SOCKET_SOCK_STREAM && type != IOT_SOCKET_SOCK_DGRAM) return IOT_SOCKET_EINVAL;
    if (protocol != 0 && protocol != (type == IOT_SOCKET_SOCK_STREAM ? IOT_SOCKET_IPPROTO_TCP : IOT_SOCKET_IPPROTO_UDP))
        return IOT_SOCKET_EINVAL;
    for (int32_t number = 0; number < VARIANT_SOCKETS; number++) {
        if (sockets[number].used) continue;
        memset(&sockets[number], 0, sizeof sockets[number]);
        sockets[number].used = 1;
        sockets[number].family = af;
        sockets[number].type = type;
        return number;
    }
    return IOT_SOCKET_ENOMEM;
}

// EADDRINUSE if another socket of the same type has the port; EINVAL if already bound; EISCONN if connected.
static int32_t variant_bind(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port) {
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (ip == NULL || ip_len != 4 || port == 0) return IOT_SOCKET_EINVAL;
    return IOT_SOCKET_ERROR;
}

// EINVAL unless bound; EISCONN if connected; ENOTSUP for datagrams.
static int32_t variant_listen(int32_t socket, int32_t backlog) {
    (void)backlog;
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (sockets[socket].type != IOT_SOCKET_SOCK_STREAM) return IOT_SOCKET_ENOTSUP;
    return IOT_SOCKET_ERROR;
}

// Waits up to receive_timeout, then gives EAGAIN; a non-blocking socket gives it at once. ip, ip_len and port may be
// NULL. The new socket is blocking.
static int32_t variant_accept(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    (void)port;
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (sockets[socket].type != IOT_SOCKET_SOCK_STREAM) return IOT_SOCKET_ENOTSUP;
    if (ip != NULL && (ip_len == NULL || *ip_len < 4)) return IOT_SOCKET_EINVAL;
    return IOT_SOCKET_ERROR;
}

// Non-blocking: EINPROGRESS first, EALREADY while in progress, EISCONN once connected. A datagram socket only stores
// its peer; 0.0.0.0 removes it.
static int32_t variant_connect(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port) {
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (ip == NULL || ip_len != 4 || port == 0) return IOT_SOCKET_EINVAL;
    return IOT_SOCKET_ERROR;
}

// Returns 1 to len bytes. A closed peer gives ECONNRESET after all received bytes, never 0. With len 0: 0 if
// something can be read, else EAGAIN. ENOTCONN if not connected. A datagram longer than the buffer is cut.
static int32_t variant_recv_from(int32_t socket, void *buf, uint32_t len, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    (void)port;
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (buf == NULL && len != 0) return IOT_SOCKET_EINVAL;
    if (ip != NULL && (ip_len == NULL || *ip_len < 4)) return IOT_SOCKET_EINVAL;
    return IOT_SOCKET_ERROR;
}

static int32_t variant_recv(int32_t socket, void *buf, uint32_t len) {
    return variant_recv_from(socket, buf, len, NULL, NULL, NULL);
}

// A blocking stream socket sends all bytes. With len 0: 0 if sending would not block.
static int32_t variant_send_to(int32_t socket, const void *buf, uint32_t len, const uint8_t *ip, uint32_t ip_len,
                               uint16_t port) {
    (void)port;
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (buf == NULL && len != 0) return IOT_SOCKET_EINVAL;
    if (ip != NULL && ip_len != 4) return IOT_SOCKET_EINVAL;
    return IOT_SOCKET_ERROR;
}

static int32_t variant_send(int32_t socket, const void *buf, uint32_t len) {
    return variant_send_to(socket, buf, len, NULL, 0, 0);
}

// EINVAL unless bound or connected.
static int32_t variant_get_sock_name(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    (void)port;
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (ip != NULL && (ip_len == NULL || *ip_len < 4)) return IOT_SOCKET_EINVAL;
    return IOT_SOCKET_ERROR;
}

// ENOTCONN unless connected.
static int32_t variant_get_peer_name(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    (void)port;
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (ip != NULL && (ip_len == NULL || *ip_len < 4)) return IOT_SOCKET_EINVAL;
    return IOT_SOCKET_ERROR;
}

static int32_t variant_get_opt(int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len) {
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (opt_val == NULL || opt_len == NULL || *opt_len < 4) return IOT_SOCKET_EINVAL;
    uint32_t value;
    switch (opt_id) {
    case IOT_SOCKET_SO_RCVTIMEO: value = sockets[socket].receive_timeout; break;
    case IOT_SOCKET_SO_SNDTIMEO: value = sockets[socket].send_timeout; break;
    case IOT_SOCKET_SO_TYPE: value = (uint32_t)sockets[socket].type; break;
    default: return IOT_SOCKET_EINVAL; // FIONBIO can only be set
    }
    memcpy(opt_val, &value, 4);
    *opt_len = 4;
    return 0;
}

static int32_t variant_set_opt(int32_t socket, int32_t opt_id, const void *opt_val, uint32_t opt_len) {
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    if (opt_val == NULL || opt_len < 4) return IOT_SOCKET_EINVAL;
    uint32_t value;
    memcpy(&value, opt_val, 4);
    switch (opt_id) {
    case IOT_SOCKET_IO_FIONBIO: sockets[socket].nonblocking = value != 0; return 0;
    case IOT_SOCKET_SO_RCVTIMEO: sockets[socket].receive_timeout = value; return 0;
    case IOT_SOCKET_SO_SNDTIMEO: sockets[socket].send_timeout = value; return 0;
    default: return IOT_SOCKET_EINVAL; // TYPE can only be read
    }
}

// Wakes the calls that are blocked on the socket. A second Close gives ESOCK.
static int32_t variant_close(int32_t socket) {
    if (!exists(socket)) return IOT_SOCKET_ESOCK;
    sockets[socket].used = 0;
    return 0;
}

static int32_t variant_get_host_by_name(const char *name, int32_t af, uint8_t *ip, uint32_t *ip_len) {
    if (name == NULL || ip == NULL || ip_len == NULL || *ip_len < 4) return IOT_SOCKET_EINVAL;
    if (af != IOT_SOCKET_AF_INET) return af == IOT_SOCKET_AF_INET6 ? IOT_SOCKET_ENOTSUP : IOT_SOCKET_EINVAL;
    return IOT_SOCKET_EHOSTNOTFOUND;
}

const iotSocketApi_t iotSocketApiVariant = {
    variant_create,        variant_bind, variant_listen,    variant_accept, variant_connect,
    variant_recv,          variant_recv_from, variant_send, variant_send_to, variant_get_sock_name,
    variant_get_peer_name, variant_get_opt, variant_set_opt, variant_close, variant_get_host_by_name};

// iot_socket.h with the implementation chosen at run time. A new socket is created by the table registered last, and
// keeps that table. Socket numbers are the multiplexer's own, so that each call reaches the stack that created the
// socket.
#include "iot_socket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "iot_socket_mux.h"

enum { SOCKETS = 128, TABLES = 16 };

// Tables are never removed, so that a socket can refer to its table by its index here.
static const iotSocketApi_t *tables[TABLES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int registered; // place + 1, 0 = none

// For each socket number: the table's index + 1 and the number in that stack. Both are in one word, because a socket
// may be closed while another thread calls.
static _Atomic uint64_t sockets[SOCKETS];
enum { FREE = 0, CLOSING = 1 };

static uint64_t word(int table, int32_t socket) { return (uint64_t)(table + 1) << 32 | (uint32_t)socket; }
static const iotSocketApi_t *table_of(uint64_t word) { return tables[(word >> 32) - 1]; }
static int32_t socket_of(uint64_t word) { return (int32_t)(uint32_t)word; }

int32_t iotSocketRegisterApi(const iotSocketApi_t *api) {
    if (api == NULL) {
        atomic_store(&registered, 0);
        return 0;
    }
    pthread_mutex_lock(&lock);
    int place = 0;
    while (place < TABLES && tables[place] != NULL && tables[place] != api) place++;
    if (place < TABLES) {
        tables[place] = api;
        atomic_store(&registered, place + 1);
    }
    pthread_mutex_unlock(&lock);
    return place < TABLES ? 0 : IOT_SOCKET_ENOMEM;
}

// Assigns a number to a socket that a table has created, or closes the socket if no number is free.
static int32_t number(int table, int32_t socket) {
    if (socket < 0) return socket;
    const uint64_t made = word(table, socket);
    for (int32_t i = 0; i < SOCKETS; i++) {
        // A stale entry: its stack has ended that socket, for example when it was powered off, and has reused the
        // number.
        uint64_t stale = made;
        atomic_compare_exchange_strong(&sockets[i], &stale, FREE);
    }
    for (int32_t i = 0; i < SOCKETS; i++) {
        uint64_t unused = FREE;
        if (atomic_compare_exchange_strong(&sockets[i], &unused, made)) return i;
    }
    tables[table]->SocketClose(socket);
    return IOT_SOCKET_ENOMEM;
}

// The word of a socket number; FREE if there is no such socket.
static uint64_t find(int32_t socket) {
    if (socket < 0 || socket >= SOCKETS) return FREE;
    uint64_t found = atomic_load(&sockets[socket]);
    return found == CLOSING ? FREE : found;
}

// The result of a call on a socket that does not exist.
static int32_t nowhere(void) { return atomic_load(&registered) ? IOT_SOCKET_ESOCK : IOT_SOCKET_ERROR; }

// Calls the function in the socket's table.
#define CALL(function, socket, ...)                                                                  \
    do {                                                                                             \
        const uint64_t found = find(socket);                                                         \
        return found ? table_of(found)->function(socket_of(found) __VA_OPT__(, ) __VA_ARGS__) : nowhere(); \
    } while (0)

int32_t iotSocketCreate(int32_t af, int32_t type, int32_t protocol) {
    const int table = atomic_load(&registered) - 1;
    return table >= 0 ? number(table, tables[table]->SocketCreate(af, type, protocol)) : IOT_SOCKET_ERROR;
}

int32_t iotSocketBind(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port) {
    CALL(SocketBind, socket, ip, ip_len, port);
}

int32_t iotSocketListen(int32_t socket, int32_t backlog) { CALL(SocketListen, socket, backlog); }

int32_t iotSocketAccept(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    const uint64_t found = find(socket);
    if (!found) return nowhere();
    return number((int)(found >> 32) - 1, table_of(found)->SocketAccept(socket_of(found), ip, ip_len, port));
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

int32_t iotSocketClose(int32_t socket) {
    uint64_t found = find(socket);
    // Of two calls, the first closes the socket. Afterwards the number may belong to another socket of the stack.
    if (!found || !atomic_compare_exchange_strong(&sockets[socket], &found, CLOSING)) return nowhere();
    const int32_t code = table_of(found)->SocketClose(socket_of(found));
    // The socket stays open if the stack reports an error other than ESOCK.
    atomic_store(&sockets[socket], code == 0 || code == IOT_SOCKET_ESOCK ? FREE : found);
    return code;
}

int32_t iotSocketGetHostByName(const char *name, int32_t af, uint8_t *ip, uint32_t *ip_len) {
    const int table = atomic_load(&registered) - 1;
    return table >= 0 ? tables[table]->SocketGetHostByName(name, af, ip, ip_len) : IOT_SOCKET_ERROR;
}

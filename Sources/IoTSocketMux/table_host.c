// The computer's own sockets behind the IoT Socket API. They stand for a wired interface of the target.
//
// A socket number is the index of a slot, not the descriptor, because the API's options are per socket. A blocking
// socket waits in poll(), so that RCVTIMEO and SNDTIMEO apply to every call and Close can wake it.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "iot_socket.h"
#include "iot_socket_tables.h"

enum { SLOTS = 64 };

// A failed connection stays FAILED until a Connect has returned its error.
enum progress { IDLE, CONNECTING, CONNECTED, FAILED };

struct slot {
    int fd; // non-blocking; 0 = free slot, else the descriptor + 1
    int32_t family, type;
    // Read and written by calls of several threads.
    _Atomic bool nonblocking, bound, listening, closing;
    _Atomic uint32_t receive_timeout, send_timeout;
    _Atomic enum progress progress; // set with the lock
    // Guarded by the lock.
    int32_t failure; // the error of a FAILED connection
    bool connect_waits; // a blocking Connect will return the result
    int users;          // calls in progress
};

static struct slot slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;

// ---- Fork: a child has the sockets and a free lock, but not the calls that other threads had in progress ------------

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void in_parent(void) { pthread_mutex_unlock(&lock); }

static void in_child(void) {
    left = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    for (int i = 0; i < SLOTS; i++) {
        struct slot *slot = &slots[i];
        slot->users = 0;
        slot->connect_waits = false;
        if (!slot->closing) continue;
        // The Close that was in progress does not continue in the child.
        close(slot->fd - 1);
        *slot = (struct slot){0};
    }
    pthread_mutex_unlock(&lock);
}

static void watch_forks(void) { pthread_atfork(before_fork, in_parent, in_child); }

// ---- The largest datagram, if the environment sets one: a WiFi module's is 1460 bytes -------------------------------

static uint32_t datagram_limit = INT32_MAX;

static void read_datagram_limit(void) {
    const char *text = getenv("WIFISIM_HOST_DATAGRAM_LIMIT");
    if (!text || !*text) return;
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (*end || errno || value < 1 || value > 65507)
        fprintf(stderr, "WIFISIM_HOST_DATAGRAM_LIMIT=%s: not a length between 1 and 65507 bytes; none is set\n", text);
    else
        datagram_limit = (uint32_t)value;
}

static void set_up(void) {
    watch_forks();
    read_datagram_limit();
}

// ---- Slots ----------------------------------------------------------------------------------------------------------

// Every call enters its socket and leaves it, so that Close can wait until no call uses the descriptor.
static struct slot *enter(int32_t socket) {
    if (socket < 0 || socket >= SLOTS) return NULL;
    pthread_mutex_lock(&lock);
    struct slot *slot = &slots[socket];
    if (slot->fd == 0 || slot->closing) slot = NULL;
    else slot->users++;
    pthread_mutex_unlock(&lock);
    return slot;
}

static int32_t leave(struct slot *slot, int32_t code) {
    pthread_mutex_lock(&lock);
    if (slot->closing && code <= 0) code = IOT_SOCKET_ECONNABORTED;
    if (--slot->users == 0) pthread_cond_broadcast(&left);
    pthread_mutex_unlock(&lock);
    return code;
}

static int descriptor(const struct slot *slot) { return slot->fd - 1; }

static int32_t adopt(int fd, int32_t family, int32_t type, enum progress progress) {
    int on = 1;
    // A small message must not wait for the acknowledgment of the previous one, which the peer delays.
    if (type == IOT_SOCKET_SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    pthread_mutex_lock(&lock);
    int32_t number = 0;
    while (number < SLOTS && slots[number].fd != 0) number++;
    if (number < SLOTS) slots[number] = (struct slot){.fd = fd + 1, .family = family, .type = type, .progress = progress};
    pthread_mutex_unlock(&lock);
    if (number < SLOTS) return number;
    close(fd);
    return IOT_SOCKET_ENOMEM;
}

// ---- Codes, addresses, waiting --------------------------------------------------------------------------------------

static int32_t code_of(int error) {
    switch (error) {
    case EAGAIN: return IOT_SOCKET_EAGAIN;
    case EMSGSIZE:
    case EINVAL: return IOT_SOCKET_EINVAL;
    case EOPNOTSUPP: return IOT_SOCKET_ENOTSUP;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE: return IOT_SOCKET_ENOMEM;
    case EINPROGRESS: return IOT_SOCKET_EINPROGRESS;
    case EALREADY: return IOT_SOCKET_EALREADY;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ETIMEDOUT: return IOT_SOCKET_ETIMEDOUT;
    case EISCONN: return IOT_SOCKET_EISCONN;
    case EDESTADDRREQ:
    case ENOTCONN: return IOT_SOCKET_ENOTCONN;
    case ECONNREFUSED: return IOT_SOCKET_ECONNREFUSED;
    case EPIPE:
    case ECONNRESET: return IOT_SOCKET_ECONNRESET;
    case ECONNABORTED: return IOT_SOCKET_ECONNABORTED;
    case EADDRINUSE: return IOT_SOCKET_EADDRINUSE;
    default: return IOT_SOCKET_ERROR;
    }
}

static uint32_t address_length(int32_t family) { return family == IOT_SOCKET_AF_INET ? 4 : 16; }

static socklen_t to_system(struct sockaddr_storage *address, const struct slot *slot, const uint8_t *ip, uint16_t port) {
    memset(address, 0, sizeof *address);
    if (slot->family == IOT_SOCKET_AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)address;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, ip, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, ip, 16);
    return sizeof *in6;
}

static void from_system(const struct sockaddr_storage *address, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    bool is4 = address->ss_family == AF_INET;
    if (ip) {
        memcpy(ip, is4 ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr, is4 ? 4 : 16);
        *ip_len = is4 ? 4 : 16;
    }
    if (port) *port = ntohs(is4 ? in->sin_port : in6->sin6_port);
}

static bool no_room(const struct slot *slot, const uint8_t *ip, const uint32_t *ip_len) {
    return ip && (!ip_len || *ip_len < address_length(slot->family));
}

static bool unspecified(const struct slot *slot, const uint8_t *ip) {
    for (uint32_t i = 0; i < address_length(slot->family); i++)
        if (ip[i]) return false;
    return true;
}

// Waits for an event on the socket, at most `timeout` ms (0: forever). Returns true if it has occurred; false after the
// time-out or Close.
static bool ready(struct slot *slot, short events, uint32_t timeout) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t end = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + timeout;
    for (;;) {
        int left_ms = -1;
        if (timeout) {
            clock_gettime(CLOCK_MONOTONIC, &now);
            int64_t rest = end - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
            left_ms = rest < 0 ? 0 : rest > 0x7fffffff ? 0x7fffffff : (int)rest;
        }
        struct pollfd entry = {descriptor(slot), events, 0};
        int count = poll(&entry, 1, left_ms);
        if (count < 0 && errno == EINTR) continue;
        return count > 0 && !slot->closing;
    }
}

// ---- The functions of the table -------------------------------------------------------------------------------------

static int32_t host_create(int32_t af, int32_t type, int32_t protocol) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
    if (af != IOT_SOCKET_AF_INET && af != IOT_SOCKET_AF_INET6) return IOT_SOCKET_EINVAL;
    if (type != IOT_SOCKET_SOCK_STREAM && type != IOT_SOCKET_SOCK_DGRAM) return IOT_SOCKET_EINVAL;
    int32_t fitting = type == IOT_SOCKET_SOCK_STREAM ? IOT_SOCKET_IPPROTO_TCP : IOT_SOCKET_IPPROTO_UDP;
    if (protocol != 0 && protocol != fitting) return IOT_SOCKET_EINVAL;
    int fd = socket(af == IOT_SOCKET_AF_INET ? AF_INET : AF_INET6,
                    type == IOT_SOCKET_SOCK_STREAM ? SOCK_STREAM : SOCK_DGRAM, 0);
    if (fd < 0) return code_of(errno);
    return adopt(fd, af, type, IDLE);
}

static void allow_reuse(int fd, int on) { setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); }

// A port whose last connection is still in TIME-WAIT may be bound, as on every embedded stack. A port to which another
// socket is bound may not, whether it listens or not. The system distinguishes the two only by SO_REUSEADDR, which the
// other socket must have too. So a socket has the option from Listen or Connect on, for the connections that come of
// it, but not while it is only bound.
static int bind_port(int fd, const struct sockaddr *address, socklen_t length) {
    if (bind(fd, address, length) == 0) return 0;
    if (errno != EADDRINUSE) return -1;
    allow_reuse(fd, 1);
    int result = bind(fd, address, length);
    int error = errno;
    allow_reuse(fd, 0);
    errno = error;
    return result;
}

static int32_t host_bind(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    if (!ip || ip_len != address_length(slot->family) || port == 0) return leave(slot, IOT_SOCKET_EINVAL);
    if (slot->progress == CONNECTING || slot->progress == CONNECTED) return leave(slot, IOT_SOCKET_EISCONN);
    if (slot->bound || slot->progress == FAILED) return leave(slot, IOT_SOCKET_EINVAL);
    struct sockaddr_storage address;
    socklen_t length = to_system(&address, slot, ip, port);
    bool stream = slot->type == IOT_SOCKET_SOCK_STREAM;
    int result = stream ? bind_port(descriptor(slot), (struct sockaddr *)&address, length)
                        : bind(descriptor(slot), (struct sockaddr *)&address, length);
    if (result != 0) return leave(slot, code_of(errno));
    slot->bound = true;
    return leave(slot, 0);
}

static int32_t host_listen(int32_t socket, int32_t backlog) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    if (slot->type != IOT_SOCKET_SOCK_STREAM) return leave(slot, IOT_SOCKET_ENOTSUP);
    if (slot->progress == CONNECTING || slot->progress == CONNECTED) return leave(slot, IOT_SOCKET_EISCONN);
    if (!slot->bound || slot->listening || slot->progress == FAILED) return leave(slot, IOT_SOCKET_EINVAL);
    allow_reuse(descriptor(slot), 1);
    if (listen(descriptor(slot), backlog) != 0) return leave(slot, code_of(errno));
    slot->listening = true;
    return leave(slot, 0);
}

static int32_t host_accept(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    if (slot->type != IOT_SOCKET_SOCK_STREAM) return leave(slot, IOT_SOCKET_ENOTSUP);
    if (!slot->listening || no_room(slot, ip, ip_len)) return leave(slot, IOT_SOCKET_EINVAL);
    for (;;) {
        struct sockaddr_storage address;
        socklen_t length = sizeof address;
        int fd = accept(descriptor(slot), (struct sockaddr *)&address, &length);
        if (fd >= 0) {
            from_system(&address, ip, ip_len, port);
            return leave(slot, adopt(fd, slot->family, slot->type, CONNECTED));
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN || slot->nonblocking) return leave(slot, code_of(errno));
        if (!ready(slot, POLLIN, slot->receive_timeout)) return leave(slot, IOT_SOCKET_EAGAIN);
    }
}

static void disconnect(struct slot *slot) {
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    (void)connect(descriptor(slot), &none, sizeof none);
}

// Checks the state of a connection; called with the lock held. The system reports an error once, so it is stored.
static enum progress look(struct slot *slot) {
    struct pollfd entry = {descriptor(slot), POLLOUT, 0};
    if (slot->progress != CONNECTING || poll(&entry, 1, 0) <= 0) return slot->progress;
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(descriptor(slot), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error) {
        slot->failure = code_of(error);
        // Otherwise the system's next connect would report this error.
        disconnect(slot);
    }
    slot->progress = error ? FAILED : CONNECTED;
    return slot->progress;
}

static bool is_connected(struct slot *slot) {
    if (slot->progress == CONNECTED) return true;
    pthread_mutex_lock(&lock);
    enum progress progress = look(slot);
    pthread_mutex_unlock(&lock);
    return progress == CONNECTED;
}

// Returns the error of a failed connection to Connect, once; the next Connect starts again. Called with the lock held.
static int32_t told(struct slot *slot) {
    slot->progress = IDLE;
    return slot->failure;
}

// Begins a connection, or returns the result of the one in progress. Called with the lock held.
static int32_t begin_connect(struct slot *slot, const struct sockaddr *address, socklen_t length) {
    switch (look(slot)) {
    case CONNECTED: return IOT_SOCKET_EISCONN;
    case CONNECTING: return IOT_SOCKET_EALREADY;
    case FAILED: return slot->connect_waits ? IOT_SOCKET_EALREADY : told(slot);
    case IDLE: break;
    }
    allow_reuse(descriptor(slot), 1);
    if (connect(descriptor(slot), address, length) == 0) {
        slot->progress = CONNECTED;
        return 0;
    }
    if (errno != EINPROGRESS) return code_of(errno);
    slot->progress = CONNECTING;
    slot->connect_waits = !slot->nonblocking;
    return IOT_SOCKET_EINPROGRESS;
}

static int32_t connect_stream(struct slot *slot, const struct sockaddr *address, socklen_t length) {
    pthread_mutex_lock(&lock);
    int32_t code = begin_connect(slot, address, length);
    if (code == IOT_SOCKET_EINPROGRESS && slot->connect_waits) {
        do {
            pthread_mutex_unlock(&lock);
            bool is_open = ready(slot, POLLOUT, 0);
            pthread_mutex_lock(&lock);
            code = !is_open ? IOT_SOCKET_ECONNABORTED : look(slot) == FAILED ? told(slot) : 0;
        } while (code == 0 && slot->progress == CONNECTING);
        slot->connect_waits = false;
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static int32_t set_peer(struct slot *slot, const struct sockaddr *address, socklen_t length) {
    if (connect(descriptor(slot), address, length) != 0) return code_of(errno);
    pthread_mutex_lock(&lock);
    slot->progress = CONNECTED;
    pthread_mutex_unlock(&lock);
    return 0;
}

static int32_t drop_peer(struct slot *slot) {
    disconnect(slot);
    pthread_mutex_lock(&lock);
    slot->progress = IDLE;
    pthread_mutex_unlock(&lock);
    return 0;
}

static int32_t host_connect(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    if (!ip || ip_len != address_length(slot->family)) return leave(slot, IOT_SOCKET_EINVAL);
    bool stream = slot->type == IOT_SOCKET_SOCK_STREAM;
    if (!stream && unspecified(slot, ip)) return leave(slot, drop_peer(slot));
    if (port == 0 || unspecified(slot, ip) || slot->listening) return leave(slot, IOT_SOCKET_EINVAL);
    struct sockaddr_storage address;
    socklen_t length = to_system(&address, slot, ip, port);
    const struct sockaddr *peer = (struct sockaddr *)&address;
    return leave(slot, stream ? connect_stream(slot, peer, length) : set_peer(slot, peer, length));
}

static int32_t host_recv_from(int32_t socket, void *buf, uint32_t len, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    if ((!buf && len > 0) || no_room(slot, ip, ip_len)) return leave(slot, IOT_SOCKET_EINVAL);
    bool stream = slot->type == IOT_SOCKET_SOCK_STREAM;
    if (stream ? !is_connected(slot) : !slot->bound && slot->progress != CONNECTED)
        return leave(slot, IOT_SOCKET_ENOTCONN);
    if (len > INT32_MAX) len = INT32_MAX;
    char probe;
    for (;;) {
        struct sockaddr_storage address;
        socklen_t length = sizeof address;
        ssize_t count = recvfrom(descriptor(slot), len ? buf : &probe, len ? len : 1, len ? 0 : MSG_PEEK,
                                 (struct sockaddr *)&address, &length);
        if (count == 0 && stream) return leave(slot, IOT_SOCKET_ECONNRESET);
        if (count >= 0) {
            if (len == 0) return leave(slot, 0);
            if (stream) {
                length = sizeof address;
                if (getpeername(descriptor(slot), (struct sockaddr *)&address, &length) != 0) return leave(slot, (int32_t)count);
            }
            from_system(&address, ip, ip_len, port);
            return leave(slot, (int32_t)count);
        }
        if (errno == EINTR) continue;
        // An earlier datagram was refused. That does not concern receiving.
        if (errno == ECONNREFUSED && !stream) continue;
        if (errno != EAGAIN || slot->nonblocking) return leave(slot, code_of(errno));
        if (!ready(slot, POLLIN, slot->receive_timeout)) return leave(slot, IOT_SOCKET_EAGAIN);
    }
}

static int32_t host_recv(int32_t socket, void *buf, uint32_t len) {
    return host_recv_from(socket, buf, len, NULL, NULL, NULL);
}

static int32_t host_send_to(int32_t socket, const void *buf, uint32_t len, const uint8_t *ip, uint32_t ip_len,
                            uint16_t port) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    bool stream = slot->type == IOT_SOCKET_SOCK_STREAM;
    if (!buf && len > 0) return leave(slot, IOT_SOCKET_EINVAL);
    if (stream ? !is_connected(slot) : !ip && slot->progress != CONNECTED) return leave(slot, IOT_SOCKET_ENOTCONN);
    struct sockaddr_storage address;
    socklen_t length = 0;
    if (!stream && ip) {
        if (ip_len != address_length(slot->family) || port == 0) return leave(slot, IOT_SOCKET_EINVAL);
        length = to_system(&address, slot, ip, port);
    }
    if (len > INT32_MAX) len = INT32_MAX;
    if (!stream && len > datagram_limit) return leave(slot, IOT_SOCKET_EINVAL);
    if (len == 0) {
        if (slot->nonblocking) {
            struct pollfd entry = {descriptor(slot), POLLOUT, 0};
            return leave(slot, poll(&entry, 1, 0) > 0 ? 0 : IOT_SOCKET_EAGAIN);
        }
        return leave(slot, ready(slot, POLLOUT, slot->send_timeout) ? 0 : IOT_SOCKET_EAGAIN);
    }
    uint32_t sent = 0;
    while (sent < len) {
        ssize_t count = sendto(descriptor(slot), (const char *)buf + sent, len - sent, MSG_NOSIGNAL,
                               length ? (struct sockaddr *)&address : NULL, length);
        if (count >= 0) {
            sent += (uint32_t)count;
            if (!stream) break;
            // A datagram socket that has sent is bound to a port from now on.
            continue;
        }
        if (errno == EINTR || (errno == ECONNREFUSED && !stream)) continue;
        int32_t code = code_of(errno);
        if (errno == EAGAIN && !slot->nonblocking && ready(slot, POLLOUT, slot->send_timeout)) continue;
        return leave(slot, sent ? (int32_t)sent : code);
    }
    if (!stream) slot->bound = true;
    return leave(slot, (int32_t)sent);
}

static int32_t host_send(int32_t socket, const void *buf, uint32_t len) {
    return host_send_to(socket, buf, len, NULL, 0, 0);
}

static int32_t name(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port, bool peer) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    if (no_room(slot, ip, ip_len)) return leave(slot, IOT_SOCKET_EINVAL);
    if (peer ? !is_connected(slot) : !slot->bound && !is_connected(slot))
        return leave(slot, peer ? IOT_SOCKET_ENOTCONN : IOT_SOCKET_EINVAL);
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int result = peer ? getpeername(descriptor(slot), (struct sockaddr *)&address, &length)
                      : getsockname(descriptor(slot), (struct sockaddr *)&address, &length);
    if (result != 0) return leave(slot, code_of(errno));
    from_system(&address, ip, ip_len, port);
    return leave(slot, 0);
}

static int32_t host_get_sock_name(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    return name(socket, ip, ip_len, port, false);
}

static int32_t host_get_peer_name(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port) {
    return name(socket, ip, ip_len, port, true);
}

static int32_t host_get_opt(int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    if (!opt_val || !opt_len || *opt_len < 4) return leave(slot, IOT_SOCKET_EINVAL);
    uint32_t value = 0;
    socklen_t length = sizeof value;
    switch (opt_id) {
    case IOT_SOCKET_SO_RCVTIMEO: value = slot->receive_timeout; break;
    case IOT_SOCKET_SO_SNDTIMEO: value = slot->send_timeout; break;
    case IOT_SOCKET_SO_KEEPALIVE: getsockopt(descriptor(slot), SOL_SOCKET, SO_KEEPALIVE, &value, &length); break;
    case IOT_SOCKET_SO_TYPE: value = (uint32_t)slot->type; break;
    default: return leave(slot, IOT_SOCKET_EINVAL);
    }
    memcpy(opt_val, &value, 4);
    *opt_len = 4;
    return leave(slot, 0);
}

static int32_t host_set_opt(int32_t socket, int32_t opt_id, const void *opt_val, uint32_t opt_len) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    if (!opt_val || opt_len < 4) return leave(slot, IOT_SOCKET_EINVAL);
    uint32_t value;
    memcpy(&value, opt_val, 4);
    int on = value != 0;
    switch (opt_id) {
    case IOT_SOCKET_IO_FIONBIO: slot->nonblocking = on; break;
    case IOT_SOCKET_SO_RCVTIMEO: slot->receive_timeout = value; break;
    case IOT_SOCKET_SO_SNDTIMEO: slot->send_timeout = value; break;
    case IOT_SOCKET_SO_KEEPALIVE: setsockopt(descriptor(slot), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on); break;
    default: return leave(slot, IOT_SOCKET_EINVAL);
    }
    return leave(slot, 0);
}

static int32_t host_close(int32_t socket) {
    struct slot *slot = enter(socket);
    if (!slot) return IOT_SOCKET_ESOCK;
    pthread_mutex_lock(&lock);
    slot->closing = true;
    // Wake the calls of other threads that wait in poll(), also on listening and unconnected sockets. Without such a
    // call, do not shut down: a forked process may still use its copy of the socket.
    if (--slot->users > 0) shutdown(descriptor(slot), SHUT_RDWR);
    while (slot->users > 0) pthread_cond_wait(&left, &lock);
    close(descriptor(slot));
    *slot = (struct slot){0};
    pthread_mutex_unlock(&lock);
    return 0;
}

static int32_t host_get_host_by_name(const char *host, int32_t af, uint8_t *ip, uint32_t *ip_len) {
    if (af != IOT_SOCKET_AF_INET && af != IOT_SOCKET_AF_INET6) return IOT_SOCKET_EINVAL;
    if (!host || !ip || !ip_len || *ip_len < address_length(af)) return IOT_SOCKET_EINVAL;
    struct addrinfo hints = {.ai_family = af == IOT_SOCKET_AF_INET ? AF_INET : AF_INET6, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error == EAI_AGAIN) return IOT_SOCKET_ETIMEDOUT;
    if (error != 0 || !found) return IOT_SOCKET_EHOSTNOTFOUND;
    struct sockaddr_storage address;
    memset(&address, 0, sizeof address);
    memcpy(&address, found->ai_addr, found->ai_addrlen);
    from_system(&address, ip, ip_len, NULL);
    freeaddrinfo(found);
    return 0;
}

const iotSocketApi_t iotSocketApiHost = {
    host_create,       host_bind,          host_listen,        host_accept,  host_connect,
    host_recv,         host_recv_from,     host_send,          host_send_to, host_get_sock_name,
    host_get_peer_name, host_get_opt,      host_set_opt,       host_close,   host_get_host_by_name};
